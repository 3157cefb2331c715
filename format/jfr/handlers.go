package jfr

import (
	"cmp"
	"maps"
	"slices"

	"tacho"
)

// handle says what becomes of which event.
func (a *adapter) handle() {
	a.handlers = map[string]func(*Event) error{
		"jdk.ActiveSetting": func(e *Event) error { a.set.setting(e); return nil },

		"jdk.ExecutionSample":      a.execution,
		"jdk.NativeMethodSample":   a.native,
		"jdk.CPUTimeSample":        a.cpuTime,
		"profiler.WallClockSample": a.wallClock,

		"jdk.ThreadPark":          a.wait,
		"jdk.JavaMonitorEnter":    a.wait,
		"jdk.JavaMonitorWait":     a.wait,
		"jdk.ThreadSleep":         a.wait,
		"jdk.SocketRead":          a.wait,
		"jdk.SocketWrite":         a.wait,
		"jdk.FileRead":            a.wait,
		"jdk.FileWrite":           a.wait,
		"jdk.FileForce":           a.wait,
		"jdk.VirtualThreadPinned": a.wait,

		"jdk.ObjectAllocationSample":      a.amount(tacho.Alloc),
		"jdk.ObjectAllocationInNewTLAB":   a.amount(tacho.Alloc),
		"jdk.ObjectAllocationOutsideTLAB": a.amount(tacho.Alloc),
		"profiler.LiveObject":             a.amount(Live),
		"profiler.Malloc":                 a.malloc,
		"profiler.Free":                   a.free,

		"jdk.GarbageCollection": a.fact("gc.collection", "cause", "name", "cause", "sumOfPauses", "longestPause", "gcId"),
		"jdk.GCPhasePause":      a.fact("gc.pause", "name", "gcId"),
		"jdk.Compilation":       a.fact("jit.compilation", "method", "compiler", "compileLevel", "succeded", "isOsr", "codeSize", "inlinedBytes"),
		"jdk.SafepointBegin":    a.fact("safepoint", "", "safepointId", "totalThreadCount"),
		"jdk.DataLoss":          a.fact("recorder.loss", "", "amount", "total"),
	}
}

func (a *adapter) execution(e *Event) error {
	if e.c.meta.async {
		// In wall mode async-profiler before 3.0 writes these too, with the state in
		// which it found the thread.
		switch state, _ := e.String("state"); state {
		case "STATE_SLEEPING":
			return a.add(e, tacho.OffCPU, func(s *labelSet) *[]tacho.Sample { return &s.wallAsleep }, e.Time, 1)
		case "STATE_RUNNABLE":
			return a.add(e, tacho.CPU, func(s *labelSet) *[]tacho.Sample { return &s.wallRunning }, e.Time, 1)
		}
	}
	return a.add(e, tacho.CPU, func(s *labelSet) *[]tacho.Sample { return &s.execution }, e.Time, 1)
}

func (a *adapter) native(e *Event) error {
	if e.Stack != nil && len(e.Stack.Frames) > 0 {
		if leaf := e.Stack.Frames[0].Tacho().Function; WaitsIn(leaf) || Transfers(leaf) {
			return a.add(e, Native, nil, e.Time, a.set.nativePeriod())
		}
	}
	return a.add(e, tacho.CPU, func(s *labelSet) *[]tacho.Sample { return &s.native }, e.Time, 1)
}

// cpuTime is JDK 25's sample by the kernel's CPU timer. A failed one has no stack.
func (a *adapter) cpuTime(e *Event) error {
	a.exact = true
	period, ok := e.Int("samplingPeriod")
	if !ok || period <= 0 {
		period = defaultPeriod
	}
	return a.add(e, tacho.CPU, nil, e.Time, period)
}

func (a *adapter) wallClock(e *Event) error {
	n, ok := e.Int("samples")
	if !ok {
		n = 1
	}
	if state, _ := e.String("state"); state == "STATE_SLEEPING" {
		return a.add(e, tacho.OffCPU, func(s *labelSet) *[]tacho.Sample { return &s.wallAsleep }, e.Time, n)
	}
	return a.add(e, tacho.CPU, func(s *labelSet) *[]tacho.Sample { return &s.wallRunning }, e.Time, n)
}

// wait is a sample at the end of a wait.
func (a *adapter) wait(e *Event) error {
	end := e.Time + e.Duration
	if e.ForLock() {
		if err := a.add(e, tacho.Lock, nil, end, e.Duration); err != nil {
			return err
		}
	}
	if a.set.wallOn() {
		return nil
	}
	return a.add(e, tacho.OffCPU, nil, end, e.Duration)
}

func (a *adapter) amount(t tacho.ValueType) func(*Event) error {
	return func(e *Event) error {
		n, _ := e.Allocated()
		return a.add(e, t, nil, e.Time, n)
	}
}

// malloc is native memory whose release may follow.
type malloc struct {
	time, size, address int64
	set                 *labelSet
	stack               *Stack
	thread              *Thread
	async               bool
}

func (a *adapter) malloc(e *Event) error {
	size, _ := e.Allocated()
	if at, ok := e.Int("address"); ok && size > 0 && e.Stack != nil && len(e.Stack.Frames) > 0 {
		if len(a.mallocs) < maxMallocs {
			s, _, err := a.labels(e)
			if err != nil {
				return err
			}
			a.mallocs[at] = malloc{e.Time, size, at, s, e.Stack, e.Thread, e.c.meta.async}
		} else {
			a.e.Warn.Once("", "more allocations without a free than can be remembered: nativeleak is not complete")
		}
	}
	return a.add(e, NativeMem, nil, e.Time, size)
}

func (a *adapter) free(e *Event) error {
	if at, ok := e.Int("address"); ok {
		delete(a.mallocs, at)
	}
	return nil
}

// leaks adds what was never freed.
func (a *adapter) leaks() error {
	if len(a.mallocs) == 0 {
		return nil
	}
	all := slices.SortedFunc(maps.Values(a.mallocs), func(x, y malloc) int {
		return cmp.Or(cmp.Compare(x.time, y.time), cmp.Compare(x.address, y.address))
	})
	clear(a.mallocs)
	for _, m := range all {
		s := m.set
		x := tacho.Sample{Time: a.time(m.time), Value: m.size, Thread: a.thread(s, m.thread)}
		var err error
		if x.Stack, err = a.stack(s, m.stack, m.async); err != nil {
			return err
		}
		if err := a.e.Count(1); err != nil {
			return err
		}
		s.b.Sample(Leak, x)
		if err := a.more(s); err != nil {
			return err
		}
	}
	return nil
}

// fact makes an event of the timeline; named is the field it is called after, the
// others become attributes.
func (a *adapter) fact(kind, named string, attrs ...string) func(*Event) error {
	return func(e *Event) error {
		t := a.time(e.Time)
		if t == 0 {
			return nil
		}
		s, _, err := a.labels(e)
		if err != nil {
			return err
		}
		kv := map[string]string{}
		for _, f := range attrs {
			if v, ok := e.String(f); ok {
				kv[f] = v
			}
		}
		ev := tacho.Event{Time: t, Duration: max(e.Duration, 0), Kind: kind, Name: kind, Attrs: tacho.NewLabels(kv)}
		if v, ok := e.String(named); ok && v != "" {
			ev.Name = v
		}
		if e.Thread != nil {
			ev.Thread = e.Thread.Name()
		}
		s.b.Event(ev)
		return a.more(s)
	}
}
