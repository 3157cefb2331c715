package local

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"

	"tacho"
	"tacho/store"
)

// service is one service of one tenant: its dictionaries and its tries. The
// dictionaries only grow while data comes in; entries get on disk in the same
// commit as the first block that uses them.
type service struct {
	id           uint32
	tenant, name string

	// lock is the writer lock: one append or roll-up commit at a time. A channel,
	// so that waiting for it can be given up.
	lock chan struct{}

	mu      sync.RWMutex // dictionaries, for readers
	saved   bool         // is on disk, hence visible
	dead    bool         // was removed; look the name up again
	types   []tacho.ValueType
	typeIDs map[string]uint16
	targets map[uint32]*target
	byKey   map[string]uint32 // target labels → target id
	series  map[uint32]*series
	bySer   map[seriesKey]uint32
	groups  map[typeTarget]int // thread groups seen
	defs    []pointDef
	byDef   map[string]uint32
	next    struct{ target, series uint32 }

	// Of the writer.
	unsaved []pair // dictionary entries not yet on disk
	batch   uint64 // number of the next batch

	trieMu sync.Mutex // tries and their loading
	tries  map[uint16]*trie
	epochs map[uint16]uint32 // epoch → newest day of data that refers to it
	epoch  uint16            // the one written to
}

type pair struct{ k, v []byte }

// target is one identity that sends batches.
type target struct {
	id     uint32
	labels tacho.Labels
	first  int64 // earliest From
	last   int64 // latest Until
	newest int64 // latest instant of anything it sent; decides how long it is kept
}

// series is what sums are kept for.
type series struct {
	id     uint32
	typ    uint16
	target uint32
	group  string
	labels tacho.Labels // target's with thread_group
	saved  bool
}

type seriesKey struct {
	typ    uint16
	target uint32
	group  string
}

type typeTarget struct {
	typ    uint16
	target uint32
}

func newService(id uint32, tenant, name string) *service {
	return &service{
		id: id, tenant: tenant, name: name, lock: make(chan struct{}, 1),
		typeIDs: map[string]uint16{}, targets: map[uint32]*target{}, byKey: map[string]uint32{},
		series: map[uint32]*series{}, bySer: map[seriesKey]uint32{}, groups: map[typeTarget]int{},
		byDef: map[string]uint32{}, tries: map[uint16]*trie{}, epochs: map[uint16]uint32{},
	}
}

func (v *service) acquire(ctx context.Context) error {
	select {
	case v.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (v *service) release() { <-v.lock }

// keep remembers a dictionary entry for the next commit.
func (v *service) keep(k, val []byte) { v.unsaved = append(v.unsaved, pair{k, val}) }

// typeID finds or makes a type. The unit of a type never changes.
func (v *service) typeID(t tacho.ValueType) (uint16, error) {
	id, ok := v.typeIDs[t.Name]
	if ok {
		if have := v.types[id].Unit; have != t.Unit {
			return 0, fmt.Errorf("type %s is in %s, the batch has it in %s", t.Name, have, t.Unit)
		}
		return id, nil
	}
	if len(v.types) >= maxTypes {
		return 0, fmt.Errorf("service %s has %d value types already", v.name, len(v.types))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	id = uint16(len(v.types))
	v.types = append(v.types, t)
	v.typeIDs[t.Name] = id
	v.keep(svcKey(kindType, v.id).u16(id), appendStr(appendStr(nil, t.Name), t.Unit))
	return id, nil
}

const maxTypes = 256

// targetID finds or makes a target.
func (v *service) targetID(ls tacho.Labels, limit int) (*target, error) {
	k := string(appendLabels(nil, ls))
	if id, ok := v.byKey[k]; ok {
		return v.targets[id], nil
	}
	if len(v.targets) >= limit {
		return nil, fmt.Errorf("service %s has %d targets already", v.name, len(v.targets))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	t := &target{id: v.next.target, labels: append(tacho.Labels(nil), ls...)}
	v.next.target++
	v.targets[t.id] = t
	v.byKey[k] = t.id
	v.keep(svcKey(kindTarget, v.id).u32(t.id), []byte(k))
	return t, nil
}

// seriesID finds or makes a series.
func (v *service) seriesID(typ uint16, t *target, group string, maxGroups int) uint32 {
	k := seriesKey{typ, t.id, group}
	if id, ok := v.bySer[k]; ok {
		return id
	}
	tt := typeTarget{typ, t.id}
	if v.groups[tt] >= maxGroups && group != OverflowGroup {
		return v.seriesID(typ, t, OverflowGroup, maxGroups)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s := &series{id: v.next.series, typ: typ, target: t.id, group: group, labels: t.labels.With(tacho.LabelThreadGroup, group)}
	v.next.series++
	v.addSeries(s)
	b := binary.AppendUvarint(nil, uint64(typ))
	b = binary.AppendUvarint(b, uint64(t.id))
	v.keep(svcKey(kindSeries, v.id).u32(s.id), append(b, group...))
	return s.id
}

func (v *service) addSeries(s *series) {
	v.series[s.id] = s
	v.bySer[seriesKey{s.typ, s.target, s.group}] = s.id
	v.groups[typeTarget{s.typ, s.target}]++
}

// defID finds or makes the definition of a points series; ok is false when the
// dictionary is full and the definition must go into the block.
func (v *service) defID(d *pointDef) (id uint32, ok bool) {
	k := string(d.append(nil))
	if id, ok = v.byDef[k]; ok {
		return id, true
	}
	if len(v.defs) >= maxDefs {
		return 0, false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	id = uint32(len(v.defs))
	v.defs = append(v.defs, pointDef{d.name, d.unit, append(tacho.Labels(nil), d.labels...)})
	v.byDef[k] = id
	v.keep(svcKey(kindPointDef, v.id).u32(id), []byte(k))
	return id, true
}

const maxDefs = 20_000

// typeOf is the type of a series, for keys of old manifests.
func (v *service) typeOf(id uint32) uint16 {
	if s := v.series[id]; s != nil {
		return s.typ
	}
	return 0
}

// rollback takes back the dictionary entries of a call that is not committed.
func (v *service) rollback() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := len(v.unsaved) - 1; i >= 0; i-- {
		p := v.unsaved[i]
		switch tail := p.k[5:]; p.k[0] {
		case kindType:
			last := len(v.types) - 1
			delete(v.typeIDs, v.types[last].Name)
			v.types = v.types[:last]
		case kindTarget:
			delete(v.targets, binary.BigEndian.Uint32(tail))
			delete(v.byKey, string(p.v))
		case kindSeries:
			se := v.series[binary.BigEndian.Uint32(tail)]
			delete(v.series, se.id)
			delete(v.bySer, seriesKey{se.typ, se.target, se.group})
			v.groups[typeTarget{se.typ, se.target}]--
		case kindPointDef:
			delete(v.byDef, string(p.v))
			v.defs = v.defs[:len(v.defs)-1]
		}
	}
	v.unsaved = nil
}

// removeTargets forgets targets whose newest data is before the instant, and
// returns the keys to delete.
func (v *service) removeTargets(before int64) (keys []key) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for id, t := range v.targets {
		if t.newest >= before {
			continue
		}
		delete(v.targets, id)
		delete(v.byKey, string(appendLabels(nil, t.labels)))
		keys = append(keys, svcKey(kindTarget, v.id).u32(id), svcKey(kindSeen, v.id).u32(id))
	}
	for id, s := range v.series {
		if v.targets[s.target] != nil {
			continue
		}
		delete(v.series, id)
		delete(v.bySer, seriesKey{s.typ, s.target, s.group})
		delete(v.groups, typeTarget{s.typ, s.target})
		keys = append(keys, svcKey(kindSeries, v.id).u32(id))
	}
	return keys
}

// list is the service as the contract shows it; ok is false while nothing of
// it is stored. Nothing before floor is there any more.
func (v *service) list(floor int64) (out store.Service, ok bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if !v.saved || v.dead {
		return out, false
	}
	out.Name = v.name
	out.Types = append([]tacho.ValueType{}, v.types...)
	for _, t := range v.targets {
		if t.last == 0 || t.newest < floor {
			continue
		}
		out.Instances = append(out.Instances, store.Instance{
			Target: append(tacho.Labels(nil), t.labels...),
			First:  nanoTime(max(t.first, floor)), Last: nanoTime(max(t.last, floor)),
		})
	}
	return out, len(out.Instances) > 0
}
