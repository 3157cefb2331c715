package local

import (
	"cmp"
	"slices"

	"tacho"
)

// What a batch becomes: windows, raw blocks, untimed and late token blocks,
// points and events.

// windows says, hour by hour, when the batch recorded which types.
func (w *writer) windows(profiles []typedProfile) {
	types := make([]uint16, len(profiles))
	for i := range profiles {
		types[i] = profiles[i].typ
	}
	if len(types) == 0 {
		return // points and events alone record no samples
	}
	from, until := w.b.From, max(w.b.Until, w.b.From+1)
	for h := hourOf(from); int64(h)*hourNanos < until; h++ {
		start := int64(h) * hourNanos
		win := window{from: max(from-start, 0), until: min(until-start, hourNanos), types: types}
		w.set(windowKey(h, w.v.id, w.t.id, w.m.batch), win.append(nil))
		w.entry(kindWindow, h, 0)
		w.mark(h*60, false)
	}
}

// profile stages the samples of one type.
func (w *writer) profile(p *typedProfile) {
	if len(p.samples) == 0 {
		return
	}
	w.samples += int64(len(p.samples))
	w.series = resetTo(w.series, len(w.b.Threads))
	w.timed = w.timed[:0]
	untimed := w.untimed()
	sorted, newest := true, int64(0)
	for i := range p.samples {
		s := &p.samples[i]
		if w.series[s.Thread] == unset {
			w.series[s.Thread] = w.v.seriesID(p.typ, w.t, w.b.Threads[s.Thread].Group, w.s.opt.MaxGroups)
		}
		stack := w.in.stacks[s.Stack]
		if stack == unset {
			stack = w.in.stack(s.Stack)
		}
		if s.Time == 0 {
			untimed.add(s.Thread, stack, uint64(s.Value))
			continue
		}
		sorted = sorted && s.Time >= newest
		newest = max(newest, s.Time)
		w.timed = append(w.timed, *s)
	}
	w.newest = max(w.newest, newest)
	w.tokenBlocks(p.typ, minuteOf(w.b.From), srcUntimed, uint64(w.b.From%minuteNanos))

	timed := w.timed
	if !sorted {
		timed = w.byTime()
	}
	for len(timed) > 0 {
		minute := minuteOf(timed[0].Time)
		n := 1
		for n < len(timed) && minuteOf(timed[n].Time) == minute && n < maxColumn {
			n++
		}
		w.minute(p.typ, minute, timed[:n])
		timed = timed[n:]
	}
}

// byTime is the timed samples in order of time, those of one time in the order
// they came. Numbers are sorted, not samples: time and place fit 64 bits, as
// long as the window is below an hour.
func (w *writer) byTime() []tacho.Sample {
	if w.b.Until-w.b.From >= hourNanos || len(w.timed) > maxColumn {
		slices.SortStableFunc(w.timed, func(a, b tacho.Sample) int { return cmp.Compare(a.Time, b.Time) })
		return w.timed
	}
	const placeBits = 22 // maxColumn is 1 << 22; an hour has 2^41.7 nanoseconds
	w.order = w.order[:0]
	for i := range w.timed {
		w.order = append(w.order, uint64(w.timed[i].Time-w.b.From)<<placeBits|uint64(i))
	}
	slices.Sort(w.order)
	w.sorted = resize(w.sorted, len(w.timed))
	for i, o := range w.order {
		w.sorted[i] = w.timed[o&(1<<placeBits-1)]
	}
	return w.sorted
}

// minute stages the timed samples of one minute: as a raw block, or, where raw
// blocks are gone, as sums beside the ones made from them.
func (w *writer) minute(typ uint16, minute uint32, samples []tacho.Sample) {
	if minute >= w.rawFloor {
		start := int64(minute) * minuteNanos
		w.set(rawKey(w.v.id, typ, minute, w.t.id, w.m.batch, w.m.epoch), w.raw.encode(start, samples, w.b.Threads, w.in.stacks, w.series))
		w.entry(kindRaw, uint32(typ), minute)
		w.mark(minute, true)
		return
	}
	late := w.untimed()
	for i := range samples {
		s := &samples[i]
		late.add(s.Thread, w.in.stacks[s.Stack], uint64(s.Value))
	}
	w.tokenBlocks(typ, minute, srcLate, 0)
}

// untimed starts the rows of token blocks.
func (w *writer) untimed() *rows {
	w.rows.reset(len(w.b.Threads))
	return &w.rows
}

// tokenBlocks stages w.rows, one block per series.
func (w *writer) tokenBlocks(typ uint16, minute uint32, src uint8, at uint64) {
	if len(w.rows.list) == 0 {
		return
	}
	w.sums.grow(len(w.trie.all.Leaf))
	w.rows.group(w.series, func(series uint32, list []row) {
		for i := range list {
			w.sums.add(list[i].stack, list[i].v)
		}
		w.sums.drain(&w.tok)
		w.set(minuteKey(w.v.id, typ, minute, series, src, w.m.epoch, w.m.batch), w.tok.encode(at))
		kind := byte(entryUntimed)
		if src == srcLate {
			kind = entryLate
		}
		w.entry(kind, series, minute)
		w.mark(minute, false)
	})
}

// pointBlocks stages the points, hour by hour.
func (w *writer) pointBlocks() {
	type part struct {
		series int
		points []tacho.Point
	}
	hours := map[uint32][]part{}
	for i := range w.b.Series {
		points := w.b.Series[i].Points
		byTime := func(a, b tacho.Point) int { return cmp.Compare(a.Time, b.Time) }
		if !slices.IsSortedFunc(points, byTime) {
			points = slices.Clone(points)
			slices.SortStableFunc(points, byTime)
		}
		for len(points) > 0 {
			h := hourOf(points[0].Time)
			n := 1
			for n < len(points) && hourOf(points[n].Time) == h {
				n++
			}
			w.newest = max(w.newest, points[n-1].Time)
			hours[h] = append(hours[h], part{i, points[:n]})
			points = points[n:]
		}
	}
	for h, parts := range hours {
		b := append([]byte(nil), pointsVersion)
		b = appendUvarint(b, len(parts))
		for _, p := range parts {
			se := &w.b.Series[p.series]
			def := pointDef{se.Name, se.Unit, se.Labels}
			if id, ok := w.v.defID(&def); ok {
				b = appendUvarint(b, int(id)+1)
			} else {
				b = def.append(appendUvarint(b, 0))
			}
			body := w.points.encode(int64(h)*hourNanos, p.points)
			b = append(appendUvarint(b, len(body)), body...)
		}
		w.set(newKey(kindPoints).u32(h).u32(w.v.id).u32(w.t.id).u48(w.m.batch), b)
		w.entry(kindPoints, h, 0)
	}
}

// longEvent is from which duration on an event is kept apart: a question looks
// for short events in its own hours and the one before, for long ones anywhere.
const longEvent = hourNanos

// eventBlocks stages the events, by the hour or day they start in.
func (w *writer) eventBlocks() {
	type place struct {
		kind byte
		unit uint32
	}
	places := map[place][]tacho.Event{}
	for i := range w.b.Events {
		ev := w.b.Events[i]
		p := place{kindEvents, hourOf(ev.Time)}
		if ev.Duration > longEvent {
			p = place{kindLong, dayOf(ev.Time)}
		}
		w.newest = max(w.newest, ev.Time)
		places[p] = append(places[p], ev)
	}
	for p, events := range places {
		start := int64(p.unit) * hourNanos
		if p.kind == kindLong {
			start = int64(p.unit) * dayNanos
		}
		w.set(newKey(p.kind).u32(p.unit).u32(w.v.id).u64(uint64(w.b.From)).u32(w.t.id).u48(w.m.batch), w.events.encode(start, events))
		w.entry(p.kind, p.unit, 0)
	}
}
