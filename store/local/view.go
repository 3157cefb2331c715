package local

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"tacho"
	"tacho/store"
)

// view is one question's consistent look at a service: a Pebble snapshot, and
// the tries taken after it, which therefore cover all blocks in it.
type view struct {
	s        *Store
	v        *service
	ctx      context.Context
	snap     *pebble.Snapshot
	it       *pebble.Iterator
	rawFloor uint32 // first minute of which raw blocks are kept
	dirty    map[mark]bool
	trees    map[uint16]*store.Tree
	steps    int
	notes    []string
	more     int
}

// maxNotes bounds Missing: what else could not be read is counted.
const maxNotes = 20

// open looks at a service. close must follow.
func (s *Store) open(ctx context.Context, v *service) (*view, error) {
	w := &view{s: s, v: v, ctx: ctx, snap: s.db.NewSnapshot(), dirty: map[mark]bool{}, trees: map[uint16]*store.Tree{}}
	fail := func(err error) (*view, error) {
		w.close()
		return nil, fmt.Errorf("read service %s: %w", v.name, err)
	}
	floor, err := s.meta(w.snap, metaRawFloor)
	if err != nil {
		return fail(err)
	}
	w.rawFloor = uint32(floor * 60)
	if w.it, err = w.snap.NewIter(nil); err != nil {
		return fail(err)
	}
	err = w.scan(svcKey(kindMark, v.id), nil, func(k, _ []byte) error {
		if len(k) == 10 {
			w.dirty[mark{k[5], binary.BigEndian.Uint32(k[6:])}] = true
		}
		return nil
	})
	if err != nil {
		return fail(err)
	}
	return w, nil
}

func (w *view) close() {
	if w.it != nil {
		_ = w.it.Close() // its errors were noted by scan
	}
	w.s.letGo(w.snap)
}

// note records what could not be read.
func (w *view) note(format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	switch {
	case slices.Contains(w.notes, msg):
	case len(w.notes) >= maxNotes:
		w.more++
	default:
		w.notes = append(w.notes, msg)
	}
}

// missing is the notes as the contract wants them.
func (w *view) missing() []string {
	if w.more > 0 {
		return append(w.notes, fmt.Sprintf("and %d more", w.more))
	}
	return w.notes
}

// incomplete is the error of answers that have no place for missing.
func (w *view) incomplete() error {
	if missing := w.missing(); len(missing) > 0 {
		return &store.MissingError{Missing: missing}
	}
	return nil
}

// scan visits the keys of [from, until) in order; until nil means all that
// start with from. Blocks that turn out to be damaged, and files Pebble cannot
// read, are noted and left out; other errors of visit end the scan. Keys and
// values are valid during visit only.
func (w *view) scan(from, until key, visit func(k, val []byte) error) error {
	if until == nil {
		until = from.after()
	}
	for ok := w.it.SeekGE(from); ok; ok = w.it.Next() {
		if w.steps++; w.steps%64 == 0 {
			if err := w.ctx.Err(); err != nil {
				return err
			}
		}
		k := w.it.Key()
		if bytes.Compare(k, until) >= 0 {
			break
		}
		val, err := w.it.ValueAndErr()
		if err != nil {
			w.note("%s cannot be read: %v", keyName(k), err)
			continue
		}
		if err := w.visited(visit(k, val)); err != nil {
			return err
		}
	}
	if err := w.it.Error(); err != nil {
		w.note("keys from %s on cannot be read: %v", keyName(from), err)
	}
	return w.ctx.Err()
}

// visited turns damage into a note.
func (w *view) visited(err error) error {
	var bad *corruptError
	if errors.As(err, &bad) {
		w.note("%v", bad)
		return nil
	}
	return err
}

// badKey is the error for a key that does not have the layout of its kind.
func badKey(k []byte) error {
	return &corruptError{Key: append([]byte(nil), k...), Reason: "key of wrong length"}
}

// tree is the trie of an epoch; nil, with a note, when it cannot be read.
func (w *view) tree(epoch uint16) *store.Tree {
	t, ok := w.trees[epoch]
	if !ok {
		loaded, err := w.s.trie(w.v, epoch)
		if err != nil {
			w.note("%v", err)
		} else {
			t = loaded.tree.Load()
			if loaded.broken {
				w.note("the call trie of epoch %d is damaged", epoch)
			}
		}
		w.trees[epoch] = t
	}
	return t
}

// picked is what the matchers of a selection choose.
type picked struct {
	typ     uint16
	unit    string
	all     bool // every series
	series  map[uint32]bool
	targets map[uint32]*target // whose coverage counts
}

// pick evaluates the matchers once. ok is false when the type was never stored.
// It must be called after open: then the dictionaries cover the snapshot.
func (w *view) pick(sel store.Selection) (p picked, ok bool) {
	v := w.v
	v.mu.RLock()
	defer v.mu.RUnlock()
	if p.typ, ok = v.typeIDs[sel.Type]; !ok {
		return p, false
	}
	p.unit = v.types[p.typ].Unit
	p.all = len(sel.Match) == 0
	p.targets = matchTargets(v, sel.Match)
	if p.all {
		return p, true
	}
	p.series = map[uint32]bool{}
	rest := 0
	for id, se := range v.series {
		if se.typ != p.typ {
			continue
		}
		if store.MatchAll(sel.Match, se.labels) {
			p.series[id] = true
		} else {
			rest++
		}
	}
	// When nothing is left out the sums over all series answer. Series that
	// are gone from the dictionary have no samples left.
	p.all = rest == 0
	return p, true
}

// has reports whether a series is chosen.
func (p *picked) has(series uint32) bool { return p.all || p.series[series] }

// matchTargets is the targets whose own labels satisfy the matchers. Those on
// thread_group say nothing about a target: a group that did not run in a minute
// was recorded as idle when its target was recorded.
func matchTargets(v *service, ms []store.Matcher) map[uint32]*target {
	own := make([]store.Matcher, 0, len(ms))
	for _, m := range ms {
		if m.Name != tacho.LabelThreadGroup {
			own = append(own, m)
		}
	}
	out := map[uint32]*target{}
	for id, t := range v.targets {
		if store.MatchAll(own, t.labels) {
			out[id] = t
		}
	}
	return out
}

// rawMinute visits the raw blocks of one type and minute.
func (w *view) rawMinute(typ uint16, minute uint32, visit func(k, val []byte, target uint32, batch uint64, epoch uint16) error) error {
	return w.scan(rawPrefix(w.v.id, typ, minute), nil, func(k, val []byte) error {
		target, batch, epoch, ok := rawFields(k)
		if !ok {
			return badKey(k)
		}
		return visit(k, val, target, batch, epoch)
	})
}

// minuteBlocks visits the token blocks of the minutes [first, until), which lie
// in one day.
func (w *view) minuteBlocks(typ uint16, first, until uint32, visit func(k, val []byte, f minuteFields) error) error {
	if first >= until {
		return nil
	}
	return w.scan(minutePrefix(w.v.id, typ, first), minutePrefix(w.v.id, typ, until-1).after(), func(k, val []byte) error {
		f, ok := parseMinuteKey(k)
		if !ok {
			return badKey(k)
		}
		return visit(k, val, f)
	})
}
