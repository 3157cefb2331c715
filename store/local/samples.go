package local

import (
	"cmp"
	"context"
	"slices"

	"tacho"
	"tacho/store"
)

// Samples visits raw timed samples minute by minute, within a minute target by
// target, each target's samples in order of time.
func (s *Store) Samples(ctx context.Context, sel store.Selection, visit func(*store.SampleBlock) error) error {
	w, done, err := s.reading(ctx, sel)
	if err != nil {
		return err
	}
	defer done()
	p, ok := w.pick(sel)
	if !ok {
		return nil
	}
	from, until := nanos(sel.From), nanos(sel.Until)
	// Minutes without samples cost a look each: let the iterator jump to the
	// next hour that has any.
	for minute := max(minuteOf(from), w.rawFloor); int64(minute)*minuteNanos < until; {
		hour, ok := w.nextUnit(kindRaw, minute/60)
		if !ok {
			break
		}
		if hour > minute/60 {
			minute = hour * 60
			continue
		}
		m := sampleMinute{view: w, p: p, from: from, until: until, threads: map[tacho.Thread]uint32{}}
		if err := m.read(minute); err != nil {
			return err
		}
		if err := m.emit(visit); err != nil {
			return err
		}
		minute++
	}
	return w.incomplete()
}

// sampleMinute gathers the samples of one minute.
type sampleMinute struct {
	*view
	p           picked
	from, until int64
	raw         rawBlock
	targets     []uint32 // in order
	samples     map[uint32][]minuteSample
	threads     map[tacho.Thread]uint32
	list        []tacho.Thread
}

type minuteSample struct {
	tacho.Sample
	epoch uint16
}

func (m *sampleMinute) read(minute uint32) error {
	m.samples = map[uint32][]minuteSample{}
	start := int64(minute) * minuteNanos
	return m.rawMinute(m.p.typ, minute, func(k, val []byte, target uint32, _ uint64, epoch uint16) error {
		if m.p.targets[target] == nil {
			return nil
		}
		tree := m.tree(epoch)
		if tree == nil {
			return nil
		}
		if err := m.raw.decode(k, val, len(tree.Leaf), wantAll); err != nil {
			return err
		}
		threads, chosen, err := m.threadsOf(k)
		if err != nil {
			return err
		}
		if _, ok := m.samples[target]; !ok {
			m.targets = append(m.targets, target)
			m.samples[target] = nil // known, even if none of this block's samples is in the range
		}
		for i := range m.raw.n {
			at, th := start+int64(m.raw.time[i]), m.raw.thread[i]
			if at < m.from || at >= m.until || !chosen[th] {
				continue
			}
			m.samples[target] = append(m.samples[target], minuteSample{tacho.Sample{
				Time: at, Value: int64(m.raw.value[i]), Stack: m.raw.stacks[m.raw.stack[i]], Thread: threads[th], Span: m.raw.span[i],
			}, epoch})
		}
		return nil
	})
}

// threadsOf gives the threads of the block their place in the minute's table,
// and says whose samples are chosen.
func (m *sampleMinute) threadsOf(k []byte) (ids []uint32, chosen []bool, err error) {
	m.v.mu.RLock()
	defer m.v.mu.RUnlock()
	for _, t := range m.raw.threads {
		id := m.raw.series[t.series]
		se := m.v.series[id]
		if se == nil {
			return nil, nil, &corruptError{Key: append([]byte(nil), k...), Reason: "series is not in the dictionary"}
		}
		t.Thread.Group = se.group
		at, ok := m.threads[t.Thread]
		if !ok {
			at = uint32(len(m.list))
			m.threads[t.Thread] = at
			m.list = append(m.list, t.Thread)
		}
		ids = append(ids, at)
		chosen = append(chosen, m.p.has(id))
	}
	return ids, chosen, nil
}

// emit visits the samples, target by target; where a trie epoch ends in between
// there is more than one block.
func (m *sampleMinute) emit(visit func(*store.SampleBlock) error) error {
	for _, target := range m.targets {
		all := m.samples[target]
		slices.SortStableFunc(all, func(a, b minuteSample) int { return cmp.Compare(a.Time, b.Time) })
		for len(all) > 0 {
			n := 1
			for n < len(all) && all[n].epoch == all[0].epoch {
				n++
			}
			b := &store.SampleBlock{Target: m.p.targets[target].labels, Tree: m.tree(all[0].epoch), Threads: m.list}
			b.Samples = make([]tacho.Sample, n)
			for i := range b.Samples {
				b.Samples[i] = all[i].Sample
			}
			if err := visit(b); err != nil {
				return err
			}
			all = all[n:]
		}
	}
	return nil
}
