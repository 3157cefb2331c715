package local

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"

	"tacho/store"
)

// merger sums blocks per epoch.
type merger struct {
	*view
	p     picked
	parts map[uint16]*mergePart
	raw   rawBlock
	pick  []bool // by index into raw.series: chosen
}

type mergePart struct {
	tree *store.Tree
	vals []int64
}

// Merge sums the selected samples per stack.
func (s *Store) Merge(ctx context.Context, sel store.Selection) (*store.Merged, error) {
	w, done, err := s.reading(ctx, sel)
	if err != nil {
		return nil, err
	}
	defer done()
	out := &store.Merged{Parts: []store.Part{}}
	p, ok := w.pick(sel)
	if !ok {
		return out, nil
	}
	out.Unit = p.unit
	m := &merger{view: w, p: p, parts: map[uint16]*mergePart{}}
	for _, pc := range w.plan(nanos(sel.From), nanos(sel.Until)) {
		if err := m.piece(pc); err != nil {
			return nil, err
		}
	}
	epochs := make([]uint16, 0, len(m.parts))
	for e := range m.parts {
		epochs = append(epochs, e)
	}
	slices.SortFunc(epochs, cmp.Compare)
	for _, e := range epochs {
		if part := m.parts[e]; part.tree != nil {
			out.Parts = append(out.Parts, store.Part{Tree: part.tree, Values: part.vals})
		}
	}
	out.Missing = w.missing()
	return out, nil
}

// part is the sums of an epoch; nil when its trie cannot be read.
func (m *merger) part(epoch uint16) []int64 {
	pt := m.parts[epoch]
	if pt == nil {
		pt = &mergePart{tree: m.tree(epoch)}
		if pt.tree != nil {
			pt.vals = make([]int64, len(pt.tree.Leaf))
		}
		m.parts[epoch] = pt
	}
	return pt.vals
}

// add adds a token block of an epoch.
func (m *merger) add(epoch uint16, k, val []byte) error {
	dst := m.part(epoch)
	if dst == nil {
		return nil
	}
	return addTokens(dst, k, val)
}

func (m *merger) piece(pc piece) error {
	switch id, typ, last := m.v.id, m.p.typ, pc.first+pc.n-1; pc.kind {
	case byDay:
		if m.p.all {
			return m.rollups(dayPrefix(kindDayAll, id, typ, pc.first), dayPrefix(kindDayAll, id, typ, last).after(), 11, false)
		}
		return m.rollups(dayPrefix(kindDay, id, typ, pc.first), dayPrefix(kindDay, id, typ, last).after(), 11, true)
	case byHour:
		if m.p.all {
			return m.rollups(hourPrefix(kindHourAll, id, typ, pc.first), hourPrefix(kindHourAll, id, typ, last).after(), 12, false)
		}
		return m.rollups(hourPrefix(kindHour, id, typ, pc.first), hourPrefix(kindHour, id, typ, last).after(), 12, true)
	case byMinute:
		return m.minuteBlocks(typ, pc.first, pc.first+pc.n, func(k, val []byte, f minuteFields) error {
			if !m.p.has(f.series) {
				return nil
			}
			return m.add(f.epoch, k, val)
		})
	case byOpen:
		if err := m.rawSamples(pc.first, 0, minuteNanos); err != nil {
			return err
		}
		return m.minuteBlocks(typ, pc.first, pc.first+1, func(k, val []byte, f minuteFields) error {
			if f.src == srcSealed || !m.p.has(f.series) {
				return nil
			}
			return m.add(f.epoch, k, val)
		})
	default:
		return m.partOfMinute(pc)
	}
}

// rollups adds blocks whose key has a head of so many bytes, then the series if
// bySeries, then the epoch.
func (m *merger) rollups(from, until key, head int, bySeries bool) error {
	return m.scan(from, until, func(k, val []byte) error {
		rest := k[min(head, len(k)):]
		if bySeries {
			if len(rest) != 6 {
				return badKey(k)
			}
			if !m.p.has(binary.BigEndian.Uint32(rest)) {
				return nil
			}
			rest = rest[4:]
		}
		if len(rest) != 2 {
			return badKey(k)
		}
		return m.add(binary.BigEndian.Uint16(rest), k, val)
	})
}

// partOfMinute adds what lies in [pc.from, pc.until): raw samples by their time
// while they are kept, else whole minutes by their start; untimed samples by
// the From of their batch.
func (m *merger) partOfMinute(pc piece) error {
	start := int64(pc.first) * minuteNanos
	hasRaw := pc.first >= m.rawFloor
	if hasRaw {
		if err := m.rawSamples(pc.first, pc.from-start, pc.until-start); err != nil {
			return err
		}
	}
	return m.minuteBlocks(m.p.typ, pc.first, pc.first+1, func(k, val []byte, f minuteFields) error {
		if !m.p.has(f.series) {
			return nil
		}
		in, err := inPart(pc, f, hasRaw, k, val)
		if !in || err != nil {
			return err
		}
		return m.add(f.epoch, k, val)
	})
}

// inPart reports whether a block of the minute level counts in part of its
// minute.
func inPart(pc piece, f minuteFields, hasRaw bool, k, val []byte) (bool, error) {
	start := int64(f.minute) * minuteNanos
	switch f.src {
	case srcUntimed:
		h, _, err := readTokenHead(k, val)
		if err != nil {
			return false, err
		}
		at := start + int64(h.at%minuteNanos)
		return at >= pc.from && at < pc.until, nil
	case srcLate:
		return start >= pc.from && start < pc.until, nil
	default:
		return !hasRaw && start >= pc.from && start < pc.until, nil
	}
}

// rawSamples adds timed samples of a minute, from and until in nanoseconds into
// it.
func (m *merger) rawSamples(minute uint32, from, until int64) error {
	whole := from == 0 && until == minuteNanos
	return m.rawMinute(m.p.typ, minute, func(k, val []byte, target uint32, _ uint64, epoch uint16) error {
		if m.p.targets[target] == nil && !m.p.all {
			return nil
		}
		dst := m.part(epoch)
		if dst == nil {
			return nil
		}
		want := wantStack | wantValue
		if !whole {
			want |= wantTime
		}
		if !m.p.all {
			want |= wantThread
		}
		if err := m.raw.decode(k, val, len(dst), want); err != nil {
			return err
		}
		m.choose()
		for i := range m.raw.n {
			if !whole && (int64(m.raw.time[i]) < from || int64(m.raw.time[i]) >= until) {
				continue
			}
			if !m.p.all && !m.pick[m.raw.threads[m.raw.thread[i]].series] {
				continue
			}
			dst[m.raw.stacks[m.raw.stack[i]]] += int64(m.raw.value[i])
		}
		return nil
	})
}

// choose looks up which series of the raw block are chosen.
func (m *merger) choose() {
	m.pick = m.pick[:0]
	for _, id := range m.raw.series {
		m.pick = append(m.pick, m.p.has(id))
	}
}
