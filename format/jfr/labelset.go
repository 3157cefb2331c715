package jfr

import (
	"fmt"
	"strings"

	"tacho"
	"tacho/format"
)

// labelSet is the samples of one set of labels that have not been handed over.
type labelSet struct {
	target tacho.Labels
	b      *tacho.Builder
	n      int // samples

	stacks  map[*Stack]uint32
	frames  map[callSite]uint32
	threads map[*Thread]uint32

	// Samples whose value is a number of sampling periods, which a recording may
	// give after them.
	execution, native, wallRunning, wallAsleep []tacho.Sample
}

// callSite is what makes two frames of a chunk the same one. Interning its strings
// each time took nine tenths of the time of making batches.
type callSite struct {
	m    *method
	typ  string // Frame.Type
	line int32
}

func (s *labelSet) forget() {
	clear(s.stacks)
	clear(s.frames)
	clear(s.threads)
}

// labelContext is what a context id stands for.
type labelContext struct {
	set  *labelSet
	span uint64
}

// labels finds the set of an event by its context, and the span it was in.
func (a *adapter) labels(e *Event) (*labelSet, uint64, error) {
	id := int64(0)
	if len(a.contexts) > 0 {
		id, _ = e.Int("contextId")
	}
	if _, ok := a.contexts[id]; !ok {
		id = 0 // no memory for ids nobody explains
	}
	if c, ok := a.sets[id]; ok {
		return c.set, c.span, nil
	}
	span, ls := spanOf(a.contexts[id])
	target := format.Join(a.o.Target, ls)
	key := target.String()
	s := a.byLabels[key]
	if s == nil {
		if len(a.byLabels) >= a.e.Limits.Series {
			return nil, 0, a.e.Limit(format.LimitSeries, int64(a.e.Limits.Series), "")
		}
		s = &labelSet{target: target, b: tacho.NewBuilder(), stacks: map[*Stack]uint32{}, frames: map[callSite]uint32{}, threads: map[*Thread]uint32{}}
		a.byLabels[key] = s
		a.order = append(a.order, s)
	}
	a.sets[id] = labelContext{s, span}
	return s, span, nil
}

// add takes one sample. to is nil for a value that is one.
func (a *adapter) add(e *Event, typ tacho.ValueType, to func(*labelSet) *[]tacho.Sample, time, value int64) error {
	if e.Stack == nil || len(e.Stack.Frames) == 0 {
		a.e.Warn.Once("", "events without a stack are left out")
		return nil
	}
	if value <= 0 {
		return nil
	}
	s, span, err := a.labels(e)
	if err != nil {
		return err
	}
	x := tacho.Sample{Time: a.time(time), Value: value, Thread: a.thread(s, e.Thread), Span: span}
	if x.Stack, err = a.stack(s, e.Stack, e.c.meta.async); err != nil {
		return err
	}
	if to != nil {
		l := to(s)
		*l = append(*l, x)
	} else {
		if err := a.e.Count(1); err != nil {
			return err
		}
		s.b.Sample(typ, x)
	}
	return a.more(s)
}

// more notes that a set has one sample more, and hands over what is held when
// that is enough.
func (a *adapter) more(s *labelSet) error {
	s.n++
	a.held++
	if s.n >= a.e.Limits.Samples || a.held >= 4*a.e.Limits.Samples || a.frames >= maxHeldFrames {
		return a.flush()
	}
	return nil
}

func (a *adapter) stack(s *labelSet, st *Stack, async bool) (uint32, error) {
	if id, ok := s.stacks[st]; ok {
		return id, nil
	}
	frames := st.Frames
	if len(frames) > a.e.Limits.Depth {
		a.e.Warn.Once("", fmt.Sprintf("stacks deeper than %d frames are kept without their root end", a.e.Limits.Depth))
		frames = frames[:a.e.Limits.Depth]
	}
	ids := make([]uint32, len(frames))
	for i := range frames {
		at := callSite{frames[i].m, frames[i].Type, frames[i].Line}
		if at.m != nil {
			if id, ok := s.frames[at]; ok {
				ids[i] = id
				continue
			}
		}
		f := frameOf(&frames[i], async)
		if max(len(f.Function), len(f.File), len(f.Module)) > a.e.Limits.StringLen {
			return 0, a.e.Limit(format.LimitStringLen, int64(a.e.Limits.StringLen), "")
		}
		ids[i] = s.b.Frame(f)
		s.frames[at] = ids[i]
	}
	id := s.b.StackOf(ids)
	s.stacks[st] = id
	a.frames += len(ids)
	return id, nil
}

// frameOf is a frame in the domain's words. async-profiler writes native code as
// methods: of the library as a class, or of none. The JDK calls Java's native
// methods "Native", async-profiler what is not Java at all.
func frameOf(f *Frame, async bool) tacho.Frame {
	if !async {
		return f.Tacho()
	}
	out := tacho.Frame{Function: f.Method, Module: f.Class, Kind: tacho.KindNative}
	switch f.Type {
	case "Kernel":
		out.Function, out.Kind = strings.TrimSuffix(f.Method, "_[k]"), tacho.KindKernel
	case "C++", "Native":
	case "C1 compiled":
		out = f.Tacho()
		out.Kind = tacho.KindJIT
	default:
		return f.Tacho()
	}
	if out.Function == "" {
		out.Function = "[unknown]"
	}
	return out
}

func (a *adapter) thread(s *labelSet, t *Thread) uint32 {
	if id, ok := s.threads[t]; ok {
		return id
	}
	th := tacho.Thread{Name: "(unknown)", Group: "(unknown)"}
	if t != nil {
		th = tacho.Thread{JavaID: t.JavaID, Name: t.Name()}
		th.Name = th.Name[:min(len(th.Name), a.e.Limits.StringLen)]
		if !t.Virtual {
			th.ID = max(t.OSID, 0)
		}
		th.Group = threadGroup(th.Name)
		if t.Virtual && th.Name == "" {
			th.Group = "virtual threads"
		}
	}
	id := s.b.Thread(th)
	s.threads[t] = id
	return id
}

// settle gives the samples counted in periods their values.
func (a *adapter) settle() error {
	cpu, period := a.set.cpuType()
	for _, s := range a.order {
		if a.exact && len(s.execution)+len(s.native) > 0 {
			a.e.Warn.Once("", "jdk.ExecutionSample and jdk.NativeMethodSample are left out where jdk.CPUTimeSample measures the same CPU")
			s.execution, s.native = nil, nil
		}
		for _, l := range []struct {
			samples *[]tacho.Sample
			typ     tacho.ValueType
			period  int64
			keep    bool
		}{
			{&s.execution, cpu, period, true},
			{&s.native, tacho.CPU, a.set.nativePeriod(), true},
			{&s.wallRunning, tacho.CPU, a.set.wallPeriod(), !a.set.samplesCPU()},
			{&s.wallAsleep, tacho.OffCPU, a.set.wallPeriod(), true},
		} {
			if l.keep {
				if err := a.e.Count(len(*l.samples)); err != nil {
					return err
				}
				for _, x := range *l.samples {
					x.Value = times(x.Value, l.period)
					s.b.Sample(l.typ, x)
				}
			}
			*l.samples = (*l.samples)[:0]
		}
	}
	return nil
}

// flush hands over what is held.
func (a *adapter) flush() error {
	if err := a.settle(); err != nil {
		for _, s := range a.order { // what is over the limit
			s.execution, s.native, s.wallRunning, s.wallAsleep = nil, nil, nil, nil
		}
		return err
	}
	if len(a.order) == 0 && len(a.set.declared) > 0 {
		if _, _, err := a.labels(&Event{}); err != nil {
			return err
		}
	}
	for _, s := range a.order {
		if s.n == 0 && (a.sent || len(a.order) > 1) {
			continue // nothing since the last time
		}
		for _, t := range a.set.declared {
			s.b.Declare(t)
		}
		b := s.b.Take(s.target, "", 0, 0, 0)
		s.n = 0
		s.forget()
		if len(b.Profiles)+len(b.Events) == 0 {
			continue
		}
		a.sent = true
		if err := a.e.Send(b); err != nil {
			return err
		}
	}
	a.held, a.frames = 0, 0
	return nil
}
