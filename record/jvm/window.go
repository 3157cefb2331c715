package jvm

import (
	"slices"
	"strings"

	"tacho"
)

// maxGroups bounds the thread groups that get series of their own; the rest is
// summed as "(other)".
const maxGroups = 200

// window collects what goes into the next batch of one JVM.
type window struct {
	from    int64 // start of the window, wall clock
	b       *tacho.Builder
	stacks  map[*stackRef]uint32
	threads map[tacho.Thread]uint32
	low     int64 // earliest and latest instant of anything in it
	high    int64
	series  map[string]*tacho.Series
}

func newWindow(from int64) *window {
	return &window{from: from, b: tacho.NewBuilder(), stacks: map[*stackRef]uint32{}, threads: map[tacho.Thread]uint32{},
		low: from, high: from, series: map[string]*tacho.Series{}}
}

func (w *window) span(t int64) {
	w.low, w.high = min(w.low, t), max(w.high, t)
}

func (w *window) sample(typ tacho.ValueType, t, value int64, ref *stackRef, th tacho.Thread) {
	id, ok := w.stacks[ref]
	if !ok {
		id = w.b.Stack(ref.frames)
		w.stacks[ref] = id
	}
	tid, ok := w.threads[th]
	if !ok {
		tid = w.b.Thread(th)
		w.threads[th] = tid
	}
	w.b.Sample(typ, tacho.Sample{Time: t, Value: value, Stack: id, Thread: tid})
	w.span(t + 1)
	w.span(t)
}

func (w *window) event(e tacho.Event) {
	w.b.Event(e)
	w.span(e.Time)
	w.span(e.Time + 1)
}

func (w *window) point(p point) {
	key := p.name + "\x00" + p.labels.String()
	s := w.series[key]
	if s == nil {
		s = &tacho.Series{Name: p.name, Unit: p.unit, Labels: p.labels}
		w.series[key] = s
	}
	s.Points = append(s.Points, tacho.Point{Time: p.time, Value: p.value})
	w.span(p.time)
	w.span(p.time + 1)
}

// groups adds the CPU and the run-queue wait of each thread group in a tick,
// in cores: 1 is one thread running, or waiting to run, all the time.
func (w *window) groups(t tick) {
	length := float64(t.until - t.from)
	if length <= 0 {
		return
	}
	names := make([]string, 0, len(t.groups))
	for g := range t.groups {
		names = append(names, g)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := t.groups[b].cpu - t.groups[a].cpu; d != 0 {
			return int(max(-1, min(1, d)))
		}
		return strings.Compare(a, b)
	})
	var other groupTime
	put := func(g string, v groupTime) {
		ls := tacho.Labels{{Name: tacho.LabelThreadGroup, Value: g}}
		w.point(point{"cpu.usage", "cores", ls, t.until - 1, float64(v.cpu) / length})
		w.point(point{"cpu.runqueue", "cores", ls, t.until - 1, float64(v.wait) / length})
	}
	for i, g := range names {
		if i >= maxGroups {
			other.cpu += t.groups[g].cpu
			other.wait += t.groups[g].wait
			continue
		}
		put(g, t.groups[g])
	}
	if other != (groupTime{}) {
		put("(other)", other)
	}
}

// take closes the window at until and returns its batch. What came late is
// inside: the batch then begins earlier than the window.
func (w *window) take(target tacho.Labels, until int64, sequence uint64) *tacho.Batch {
	keys := make([]string, 0, len(w.series))
	for k := range w.series {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		w.b.Series(*w.series[k])
	}
	return w.b.Take(target, "jvm", w.low, max(until, w.high), sequence)
}
