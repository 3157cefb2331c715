package local

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tacho"
)

// writer stages the batches of one service in one append. The caller holds the
// service's writer lock from before newWriter until after committed.
type writer struct {
	s        *Store
	v        *service
	pb       *pebble.Batch
	now      time.Time
	rawFloor uint32 // first minute whose timed samples become raw blocks
	trie     *trie
	tries    []stagedTrie
	marks    map[mark]bool
	seen     map[uint32]target // new first, last and newest of targets
	samples  int64
	batches  int64

	// Of the batch being added.
	b      *tacho.Batch
	t      *target
	m      manifest
	newest int64
	*scratch
}

// scratch is what a writer works with; reused between appends.
type scratch struct {
	in     interner
	series []uint32 // thread of the batch → series id
	timed  []tacho.Sample
	sorted []tacho.Sample
	order  []uint64
	rows   rows
	sums   sums
	raw    rawEncoder
	tok    tokens
	points pointEncoder
	events eventEncoder
}

// maxScratch bounds what a batch of unusual size leaves behind, in stacks and
// samples: about 16 MB.
const maxScratch = 1 << 18

// forget drops what points into the batch, and says whether the rest is worth
// keeping.
func (x *scratch) forget() bool {
	x.in.t, x.in.b = nil, nil
	return cap(x.in.stacks)+cap(x.in.frames)+cap(x.in.names)+cap(x.in.keys)+x.in.check.Cap()+cap(x.timed)+cap(x.rows.list) < maxScratch
}

// mark says that a roll-up must be made anew.
type mark struct {
	level uint8
	unit  uint32
}

func (s *Store) newWriter(v *service, pb *pebble.Batch, now time.Time) *writer {
	work, _ := s.scratch.Get().(*scratch)
	if work == nil {
		work = &scratch{}
	}
	return &writer{
		scratch: work,
		s:       s, v: v, pb: pb, now: now, rawFloor: uint32(s.rawFloor.Load() * 60),
		marks: map[mark]bool{}, seen: map[uint32]target{},
	}
}

// free gives back what the writer worked with. What it has staged stays.
func (w *writer) free() {
	if w.forget() {
		w.s.scratch.Put(w.scratch)
	}
	w.scratch = nil
}

// add stages one batch. On error nothing of the call may be committed. What was
// added to the trie stays and goes with the next commit.
func (w *writer) add(b *tacho.Batch) error {
	profiles, err := w.profiles(b)
	if err != nil {
		return err
	}
	t, err := w.v.targetID(b.Target, w.s.opt.MaxTargets)
	if err != nil {
		return err
	}
	w.b, w.t, w.newest = b, t, b.Until
	mk := manifestKey(w.v.id, t.id, b.From, b.Sequence, b.Collector)
	if keep, err := w.replace(mk); keep || err != nil {
		return err
	}
	if w.trie == nil || len(w.trie.all.Parent) >= w.s.opt.MaxNodes {
		w.saveTrie()
		if w.trie, err = w.s.writeTrie(w.v); err != nil {
			return err
		}
	}
	w.m.epoch = w.trie.epoch
	w.m.entries = w.m.entries[:0]
	if err := w.in.begin(w.trie, b); err != nil {
		return err
	}

	w.windows(profiles)
	for i := range profiles {
		w.profile(&profiles[i])
	}
	w.in.learn()
	w.pointBlocks()
	w.eventBlocks()
	w.set(mk, w.m.append(nil))
	w.touch()
	w.batches++
	return nil
}

// typedProfile is the samples of one type of the batch.
type typedProfile struct {
	typ     uint16
	samples []tacho.Sample
}

// profiles joins profiles of one type and finds their type ids.
func (w *writer) profiles(b *tacho.Batch) ([]typedProfile, error) {
	out := make([]typedProfile, 0, len(b.Profiles))
next:
	for _, p := range b.Profiles {
		id, err := w.v.typeID(p.Type)
		if err != nil {
			return nil, err
		}
		for i := range out {
			if out[i].typ == id {
				out[i].samples = append(slices.Clip(out[i].samples), p.Samples...)
				continue next
			}
		}
		out = append(out, typedProfile{id, p.Samples})
	}
	return out, nil
}

// replace deletes what an earlier delivery of the batch wrote, and keeps its
// number. keep is true when the earlier one must stand: its timed samples live
// on in sums only and cannot be taken out of them again.
func (w *writer) replace(mk key) (keep bool, err error) {
	val, closer, err := w.s.db.Get(mk)
	if err == pebble.ErrNotFound {
		w.m.batch = w.v.batch
		w.v.batch++
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for an earlier delivery: %w", err)
	}
	defer closer.Close()
	old, err := readManifest(mk, val)
	if err != nil {
		return false, fmt.Errorf("look for an earlier delivery: %w", err)
	}
	for _, e := range old.entries {
		if e.kind == kindRaw && e.b < w.rawFloor {
			return true, nil
		}
	}
	for _, e := range old.entries {
		w.del(old.key(e, w.v.id, w.t.id, w.b.From, w.v.typeOf))
		switch e.kind {
		case kindRaw:
			w.mark(e.b, true)
		case entryUntimed, entryLate:
			w.mark(e.b, false)
		case kindWindow:
			w.mark(e.a*60, false)
		}
	}
	w.m.batch = old.batch
	return false, nil
}

func (w *writer) set(k key, val []byte) {
	_ = w.pb.Set(k, val, nil) // fails only for committed batches
}

func (w *writer) del(k key) {
	_ = w.pb.Delete(k, nil)
}

// entry notes a key in the manifest.
func (w *writer) entry(kind byte, a, b uint32) {
	w.m.entries = append(w.m.entries, entry{kind, a, b})
}

// mark says that sums over a minute have changed. Only timed samples are summed
// up per minute; the hour and the day sum up all.
func (w *writer) mark(minute uint32, timed bool) {
	if timed {
		w.marks[mark{levelMinute, minute}] = true
	}
	w.marks[mark{levelHour, minute / 60}] = true
	w.marks[mark{levelDay, minute / 1440}] = true
}

// touch updates when the target was seen.
func (w *writer) touch() {
	t, ok := w.seen[w.t.id]
	if !ok {
		t = *w.t
	}
	if t.first == 0 || w.b.From < t.first {
		t.first = w.b.From
	}
	t.last = max(t.last, w.b.Until)
	t.newest = max(t.newest, w.newest)
	w.seen[w.t.id] = t
	w.trie.reach = max(w.trie.reach, dayOf(w.newest))
}

// finish stages what goes with all batches: dictionaries, trie, marks.
func (w *writer) finish() {
	v := w.v
	if !v.saved {
		w.set(svcKey(kindService, v.id), appendStr(appendStr(nil, v.tenant), v.name))
	}
	for _, p := range v.unsaved {
		w.set(p.k, p.v)
	}
	w.saveTrie()
	for id, t := range w.seen {
		b := appendVarint(appendVarint(appendVarint(nil, t.first), t.last), t.newest)
		w.set(svcKey(kindSeen, v.id).u32(id), b)
	}
	w.set(svcKey(kindState, v.id), u64Bytes(v.batch, uint64(v.next.target), uint64(v.next.series)))
	order := make([]mark, 0, len(w.marks))
	for m := range w.marks {
		order = append(order, m)
	}
	slices.SortFunc(order, func(a, b mark) int { return cmp.Or(cmp.Compare(a.level, b.level), cmp.Compare(a.unit, b.unit)) })
	for _, m := range order {
		w.set(markKey(v.id, m.level, m.unit), markValue(w.s.token.Add(1), w.now))
	}
}

// saveTrie stages what the trie has grown by. That it is on disk becomes true
// with the commit.
func (w *writer) saveTrie() {
	t := w.trie
	if t == nil {
		return
	}
	t.publish()
	st := stagedTrie{t: t, saved: t.size(), chunk: t.chunk}
	if b := t.chunkBytes(); b != nil {
		w.set(svcKey(kindTrie, w.v.id).u16(t.epoch).u32(t.chunk), b)
		st.chunk++
	}
	w.set(svcKey(kindEpoch, w.v.id).u16(t.epoch), u64Bytes(uint64(t.reach)))
	w.tries = append(w.tries, st)
}

// stagedTrie is what becomes true of a trie with the commit.
type stagedTrie struct {
	t     *trie
	saved marksOf
	chunk uint32
}

// committed makes the batches visible to those who read the dictionaries.
func (w *writer) committed() {
	v := w.v
	v.mu.Lock()
	v.saved = true
	for id, t := range w.seen {
		have := v.targets[id]
		have.first, have.last, have.newest = t.first, t.last, t.newest
	}
	for _, p := range v.unsaved {
		if p.k[0] == kindSeries {
			if se := v.series[binary.BigEndian.Uint32(p.k[len(p.k)-4:])]; se != nil {
				se.saved = true
			}
		}
	}
	v.mu.Unlock()
	v.unsaved = nil
	v.trieMu.Lock()
	for _, st := range w.tries {
		st.t.saved, st.t.chunk = st.saved, st.chunk
		v.epochs[st.t.epoch] = max(v.epochs[st.t.epoch], st.t.reach)
	}
	v.trieMu.Unlock()
	w.s.stats.batches.Add(w.batches)
	w.s.stats.samples.Add(w.samples)
}

// resetTo is s with n entries, all unset.
func resetTo(s []uint32, n int) []uint32 {
	s = slices.Grow(s[:0], n)[:n]
	for i := range s {
		s[i] = unset
	}
	return s
}

func dayOf(ns int64) uint32    { return uint32(ns / dayNanos) }
func hourOf(ns int64) uint32   { return uint32(ns / hourNanos) }
func minuteOf(ns int64) uint32 { return uint32(ns / minuteNanos) }

// equalValue reports whether a key's value is still want.
func (s *Store) equalValue(k key, want []byte) (bool, error) {
	val, closer, err := s.db.Get(k)
	if err == pebble.ErrNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer closer.Close()
	return bytes.Equal(val, want), nil
}
