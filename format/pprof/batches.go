package pprof

import (
	"slices"

	"tacho"
	"tacho/format"
)

// send makes batches of the rows, one for each label set, and empties them. The
// last one may have the tables, earlier ones need tables of their own.
func (d *decoder) send(last bool) error {
	if len(d.rows) == 0 && !(last && len(d.samples) == 0 && len(d.types) > 0) {
		return nil
	}
	sets := d.bySet()
	for set, rows := range sets {
		if len(rows) == 0 && !(set == 0 && len(d.rows) == 0) {
			continue
		}
		b := &tacho.Batch{}
		if last && len(rows) == len(d.rows) {
			d.whole(b, rows)
		} else {
			d.part(b, rows)
		}
		if err := d.e.Count(d.profiles(b, rows)); err != nil {
			return err
		}
		if set != 0 {
			b.Target = format.Join(d.o.Target, d.labels.sets[set])
		}
		if err := d.e.Send(b); err != nil {
			return err
		}
	}
	d.rows, d.values, d.arena = d.rows[:0], d.values[:0], d.arena[:0]
	d.labels.forget()
	return nil
}

// bySet is the places of rows by label set.
func (d *decoder) bySet() [][]uint32 {
	sets := make([][]uint32, len(d.labels.sets))
	count := make([]int, len(d.labels.sets))
	for i := range d.rows {
		count[d.labels.seen[d.rows[i].labels].set]++
	}
	all := make([]uint32, len(d.rows))
	for set, n := range count {
		sets[set], all = all[:0:n], all[n:]
	}
	for i := range d.rows {
		set := d.labels.seen[d.rows[i].labels].set
		sets[set] = append(sets[set], uint32(i))
	}
	return sets
}

// whole gives the batch all tables. The arena is copied to its exact size: the
// decoder's own is used again.
func (d *decoder) whole(b *tacho.Batch, rows []uint32) {
	b.Strings, b.Frames = d.text, d.frames
	b.Stacks = make([][]uint32, len(rows))
	arena := slices.Clone(d.arena)
	for i := range rows {
		r := &d.rows[i]
		b.Stacks[i] = arena[r.at:r.end:r.end]
	}
}

// part gives the batch tables of what its rows need.
func (d *decoder) part(b *tacho.Batch, rows []uint32) {
	frameOf := make(map[uint32]uint32)
	stringOf := map[uint32]uint32{0: 0}
	b.Strings = []string{""}
	str := func(s uint32) uint32 {
		id, ok := stringOf[s]
		if !ok {
			id = uint32(len(b.Strings))
			stringOf[s] = id
			b.Strings = append(b.Strings, d.text[s])
		}
		return id
	}
	n := 0
	for _, i := range rows {
		n += int(d.rows[i].end - d.rows[i].at)
	}
	arena := make([]uint32, 0, n)
	b.Stacks = make([][]uint32, len(rows))
	for k, i := range rows {
		r := &d.rows[i]
		at := len(arena)
		for _, f := range d.arena[r.at:r.end] {
			id, ok := frameOf[f]
			if !ok {
				id = uint32(len(b.Frames))
				frameOf[f] = id
				ref := d.frames[f]
				ref.Function, ref.File, ref.Module = str(ref.Function), str(ref.File), str(ref.Module)
				b.Frames = append(b.Frames, ref)
			}
			arena = append(arena, id)
		}
		b.Stacks[k] = arena[at:len(arena):len(arena)]
	}
}

// profiles fills in the samples. That of a zero says nothing but that its type
// was recorded, which the profile does. It returns how many there are.
func (d *decoder) profiles(b *tacho.Batch, rows []uint32) (count int) {
	threads := d.threads(b, rows)
	b.Profiles = make([]tacho.Profile, len(d.types))
	for t := range d.types {
		b.Profiles[t].Type = d.types[t].ValueType
		n := 0
		for _, i := range rows {
			if d.values[int(i)*len(d.types)+t] != 0 {
				n++
			}
		}
		samples := make([]tacho.Sample, 0, n)
		for k, i := range rows {
			v := d.values[int(i)*len(d.types)+t]
			if v == 0 {
				continue
			}
			s := tacho.Sample{Value: v, Stack: uint32(k)}
			if threads != nil {
				w := &d.labels.seen[d.rows[i].labels]
				s.Thread, s.Span = threads[k], w.span
				if w.timed() {
					s.Time = d.begin
				}
			}
			samples = append(samples, s)
		}
		b.Profiles[t].Samples = samples
		count += n
	}
	return count
}

// threads fills in the threads; what it returns is the thread of each row, nil
// when all have the same unknown one.
func (d *decoder) threads(b *tacho.Batch, rows []uint32) []uint32 {
	b.Threads = []tacho.Thread{{}}
	if len(d.labels.seen) == 1 {
		return nil
	}
	ids := map[tacho.Thread]uint32{{}: 0}
	out := make([]uint32, len(rows))
	for k, i := range rows {
		th := d.labels.seen[d.rows[i].labels].thread
		id, ok := ids[th]
		if !ok {
			id = uint32(len(b.Threads))
			ids[th] = id
			b.Threads = append(b.Threads, th)
		}
		out[k] = id
	}
	return out
}
