package local

import (
	"encoding/binary"
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"

	"tacho"
)

// Loading: dictionaries when the store opens, tries when they are first needed.

// loadAll reads the meta values and the dictionaries of every service. Unlike
// blocks they are small and everything hangs on them: damage here is an error.
func (s *Store) loadAll() error {
	for name, dst := range map[string]*atomic.Int64{metaRawFloor: &s.rawFloor, metaFloor: &s.floor} {
		v, err := s.meta(s.db, name)
		if err != nil {
			return err
		}
		dst.Store(v)
	}
	read := func(kind byte, visit func(svc *service, rest []byte, r *reader)) error {
		return s.each(newKey(kind), func(k, val []byte) error {
			r := &reader{key: k, b: val}
			if len(k) < 5 {
				r.fail("key too short")
				return r.err
			}
			id := binary.BigEndian.Uint32(k[1:])
			svc := s.byID[id]
			if svc == nil && kind != kindService {
				r.fail("no service %d", id)
				return r.err
			}
			if svc == nil {
				svc = newService(id, "", "")
			}
			visit(svc, k[5:], r)
			return r.err
		})
	}
	u32 := func(rest []byte, r *reader) uint32 {
		if len(rest) != 4 {
			r.fail("key of wrong length")
			return 0
		}
		return binary.BigEndian.Uint32(rest)
	}
	steps := []struct {
		kind  byte
		visit func(svc *service, rest []byte, r *reader)
	}{
		{kindService, func(svc *service, _ []byte, r *reader) {
			svc.tenant, svc.name = r.str(), r.str()
			svc.saved = true
			s.register(svc)
		}},
		{kindType, func(svc *service, rest []byte, r *reader) {
			t := tacho.ValueType{Name: r.str(), Unit: r.str()}
			if len(rest) != 2 || int(binary.BigEndian.Uint16(rest)) != len(svc.types) {
				r.fail("type out of order")
				return
			}
			svc.typeIDs[t.Name] = uint16(len(svc.types))
			svc.types = append(svc.types, t)
		}},
		{kindTarget, func(svc *service, rest []byte, r *reader) {
			t := &target{id: u32(rest, r), labels: r.labels()}
			svc.targets[t.id] = t
			svc.byKey[string(r.b)] = t.id
			svc.next.target = max(svc.next.target, t.id+1)
		}},
		{kindSeen, func(svc *service, rest []byte, r *reader) {
			if t := svc.targets[u32(rest, r)]; t != nil {
				t.first, t.last, t.newest = r.varint(), r.varint(), r.varint()
			}
		}},
		{kindSeries, func(svc *service, rest []byte, r *reader) {
			se := &series{id: u32(rest, r), saved: true, typ: uint16(r.u32(uint64(len(svc.types)), "type")), target: r.u32(1<<32, "target")}
			se.group = string(r.bytes(r.left()))
			t := svc.targets[se.target]
			if t == nil {
				r.fail("no target %d", se.target)
				return
			}
			se.labels = t.labels.With(tacho.LabelThreadGroup, se.group)
			svc.addSeries(se)
			svc.next.series = max(svc.next.series, se.id+1)
		}},
		{kindPointDef, func(svc *service, rest []byte, r *reader) {
			if int(u32(rest, r)) != len(svc.defs) {
				r.fail("definition out of order")
				return
			}
			svc.byDef[string(r.b)] = uint32(len(svc.defs))
			svc.defs = append(svc.defs, readPointDef(r))
		}},
		{kindState, func(svc *service, _ []byte, r *reader) {
			svc.batch = r.uvarint()
			svc.next.target = max(svc.next.target, uint32(r.uvarint()))
			svc.next.series = max(svc.next.series, uint32(r.uvarint()))
		}},
		{kindEpoch, func(svc *service, rest []byte, r *reader) {
			if len(rest) != 2 {
				r.fail("key of wrong length")
				return
			}
			e := binary.BigEndian.Uint16(rest)
			svc.epochs[e] = r.u32(1<<32, "day")
			svc.epoch = max(svc.epoch, e)
		}},
		{kindMark, func(_ *service, _ []byte, r *reader) {
			s.token.Store(max(s.token.Load(), r.uvarint()))
		}},
	}
	for _, step := range steps {
		if err := read(step.kind, step.visit); err != nil {
			return err
		}
	}
	return nil
}

// each visits all keys with a prefix.
func (s *Store) each(prefix key, visit func(k, val []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: prefix.after()})
	if err != nil {
		return fmt.Errorf("read %s: %w", keyName(prefix), err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		val, err := it.ValueAndErr()
		if err == nil {
			err = visit(it.Key(), val)
		}
		if err != nil {
			_ = it.Close()
			return err
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("read %s: %w", keyName(prefix), err)
	}
	return nil
}

// Names of meta values.
const (
	metaFormat   = "format"   // version of the whole layout
	metaRawFloor = "rawfloor" // first hour (since the Unix epoch) whose raw blocks are kept
	metaFloor    = "floor"    // first day of which anything is kept
	metaRoom     = "room"     // first day that was not dropped for want of room
)

const formatVersion = 1

// meta reads a number; 0 if it was never written.
func (s *Store) meta(from pebble.Reader, name string) (int64, error) {
	k := metaKey(name)
	val, closer, err := from.Get(k)
	if err == pebble.ErrNotFound {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", name, err)
	}
	defer closer.Close()
	r := reader{key: k, b: val}
	v := r.varint()
	if err := r.end(); err != nil {
		return 0, fmt.Errorf("read %s: %w", name, err)
	}
	return v, nil
}

// trie gives the trie of an epoch, reading it from disk when it is not in
// memory. A damaged chunk leaves the part before it readable.
func (s *Store) trie(svc *service, epoch uint16) (*trie, error) {
	svc.trieMu.Lock()
	defer svc.trieMu.Unlock()
	t := svc.tries[epoch]
	if t == nil {
		t = newTrie(epoch)
		t.reach = svc.epochs[epoch]
		prefix := svcKey(kindTrie, svc.id).u16(epoch)
		err := s.each(prefix, func(k, val []byte) error {
			if t.broken {
				return nil
			}
			if len(k) == len(prefix)+4 {
				t.chunk = binary.BigEndian.Uint32(k[len(prefix):]) + 1
			}
			if err := t.addChunk(k, val); err != nil {
				t.broken = true
				s.log.Error("a chunk of the call trie is damaged; stacks that came after it cannot be read",
					"service", svc.name, "epoch", epoch, "error", err)
			}
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("load call trie %d of %s: %w", epoch, svc.name, err)
		}
		t.publish()
		svc.tries[epoch] = t
	}
	t.used.Store(s.now().UnixNano())
	return t, nil
}

// writeTrie is the trie to write to; the caller holds the writer lock. A new
// epoch begins when the current one has outgrown its bound or is damaged.
func (s *Store) writeTrie(svc *service) (*trie, error) {
	t, err := s.trie(svc, svc.epoch)
	if err != nil || t.broken || len(t.all.Parent) >= s.opt.MaxNodes {
		if svc.epoch == 1<<16-1 {
			return nil, fmt.Errorf("service %s has used up its trie epochs", svc.name)
		}
		svc.trieMu.Lock()
		svc.epoch++
		t = newTrie(svc.epoch)
		svc.tries[svc.epoch] = t
		svc.trieMu.Unlock()
	}
	t.prepareWrite()
	return t, nil
}

// evictTries drops tries nobody asked for since before from memory. The caller
// holds the writer lock, so that none is being written to.
func (svc *service) evictTries(before int64) {
	svc.trieMu.Lock()
	defer svc.trieMu.Unlock()
	for e, t := range svc.tries {
		if t.used.Load() < before && t.saved == t.size() {
			delete(svc.tries, e)
		}
	}
}
