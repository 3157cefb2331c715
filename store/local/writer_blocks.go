package local

import (
	"cmp"
	"slices"

	"tacho"
)

// What a batch becomes: windows, raw blocks, untimed and late token blocks,
// points and events.

// row is a value of a stack of a series, before sums are made.
type row struct {
	series, stack uint32
	v             int64
}

// stack is the stack id of a stack of the batch.
func (w *writer) stack(i uint32) uint32 {
	if id := w.stacks[i]; id != unset {
		return id
	}
	w.path = w.path[:0]
	for _, f := range w.b.Stacks[i] {
		w.path = append(w.path, w.frame(f))
	}
	id := w.trie.stack(w.path)
	w.stacks[i] = id
	return id
}

func (w *writer) frame(i uint32) uint32 {
	if id := w.frames[i]; id != unset {
		return id
	}
	r := w.b.Frames[i]
	id := w.trie.frame(frameRef{function: w.function(r.Function), file: w.other(r.File), module: w.other(r.Module), line: r.Line, kind: r.Kind})
	w.frames[i] = id
	return id
}

// function is the id of a function's name. Names seen before are normalised
// already, so that normalising costs nothing most of the time.
func (w *writer) function(i uint32) uint32 {
	id := w.funcs[i]
	if id == unset {
		id = w.trie.function(w.b.Strings[i])
		w.funcs[i] = id
	}
	return id
}

func (w *writer) other(i uint32) uint32 {
	id := w.others[i]
	if id == unset {
		id = w.trie.others.id(w.b.Strings[i])
		w.others[i] = id
	}
	return id
}

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
	series := resetTo(nil, len(w.b.Threads))
	var timed []tacho.Sample
	var untimed []row
	for i := range p.samples {
		s := &p.samples[i]
		w.stack(s.Stack)
		if series[s.Thread] == unset {
			series[s.Thread] = w.v.seriesID(p.typ, w.t, w.b.Threads[s.Thread].Group, w.s.opt.MaxGroups)
		}
		if s.Time == 0 {
			untimed = append(untimed, row{series[s.Thread], w.stack(s.Stack), s.Value})
			continue
		}
		w.newest = max(w.newest, s.Time)
		timed = append(timed, *s)
	}
	w.tokenBlocks(p.typ, minuteOf(w.b.From), srcUntimed, uint64(w.b.From%minuteNanos), untimed)

	byTime := func(a, b tacho.Sample) int { return cmp.Compare(a.Time, b.Time) }
	if !slices.IsSortedFunc(timed, byTime) {
		slices.SortStableFunc(timed, byTime)
	}
	for len(timed) > 0 {
		minute := minuteOf(timed[0].Time)
		n := 1
		for n < len(timed) && minuteOf(timed[n].Time) == minute && n < maxColumn {
			n++
		}
		w.minute(p.typ, minute, timed[:n], series)
		timed = timed[n:]
	}
}

// minute stages the timed samples of one minute: as a raw block, or, where raw
// blocks are gone, as sums beside the ones made from them.
func (w *writer) minute(typ uint16, minute uint32, samples []tacho.Sample, series []uint32) {
	if minute >= w.rawFloor {
		start := int64(minute) * minuteNanos
		w.set(rawKey(w.v.id, typ, minute, w.t.id, w.m.batch, w.m.epoch), w.raw.encode(start, samples, w.b.Threads, w.stacks, series))
		w.entry(kindRaw, uint32(typ), minute)
		w.mark(minute, true)
		return
	}
	rows := make([]row, len(samples))
	for i := range samples {
		rows[i] = row{series[samples[i].Thread], w.stacks[samples[i].Stack], samples[i].Value}
	}
	w.tokenBlocks(typ, minute, srcLate, 0, rows)
}

// tokenBlocks stages one block per series.
func (w *writer) tokenBlocks(typ uint16, minute uint32, src uint8, at uint64, rows []row) {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.series, b.series), cmp.Compare(a.stack, b.stack)) })
	for len(rows) > 0 {
		series := rows[0].series
		w.tok.reset()
		n := 0
		for n < len(rows) && rows[n].series == series {
			stack, v := rows[n].stack, uint64(0)
			for ; n < len(rows) && rows[n].series == series && rows[n].stack == stack; n++ {
				v += uint64(rows[n].v)
			}
			w.tok.add(stack, v)
		}
		rows = rows[n:]
		w.set(minuteKey(w.v.id, typ, minute, series, src, w.m.epoch, w.m.batch), w.tok.encode(at))
		kind := byte(entryUntimed)
		if src == srcLate {
			kind = entryLate
		}
		w.entry(kind, series, minute)
		w.mark(minute, false)
	}
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
