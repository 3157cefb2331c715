package jvm

import (
	"tacho"
	"tacho/format/jfr"
	"tacho/record"
)

// A timed is a sample waiting for the window it belongs to.
type timed struct {
	typ    tacho.ValueType
	time   int64
	value  int64
	stack  *stackRef
	thread tacho.Thread
}

// A point is one value of a series waiting for its window.
type point struct {
	name, unit string
	labels     tacho.Labels
	time       int64
	value      float64
}

// mapper turns JFR events into what a batch holds. Everything stays pending
// until the session's window covers its time.
type mapper struct {
	clock    *wallClock
	steps    int // of the current chunk
	period   int64
	resume   int64 // events that ended before this are known already
	hostTID  func(nstid int64) int64
	stacks   map[*jfr.Stack]*stackRef
	threads  map[*jfr.Thread]tacho.Thread
	handlers map[string]func(*jfr.Event)

	cpu     []cpuSample
	samples []timed
	events  []tacho.Event
	points  []point
	names   map[int64]tacho.Thread // by nstid: what the JVM calls the kernel's threads
	java    map[int64]bool         // nstids known to run Java code
	carrier map[int64]bool         // nstids known to carry virtual threads
	lost    int64                  // events the JVM says it dropped
	seen    int64
}

func newMapper(clock *wallClock, period, resume int64, hostTID func(int64) int64) *mapper {
	m := &mapper{clock: clock, period: period, resume: resume, hostTID: hostTID,
		names: map[int64]tacho.Thread{}, java: map[int64]bool{}, carrier: map[int64]bool{}}
	m.fresh(0)
	m.handlers = map[string]func(*jfr.Event){
		"jdk.ExecutionSample":    func(e *jfr.Event) { m.execution(e, false, m.period) },
		"jdk.NativeMethodSample": func(e *jfr.Event) { m.execution(e, true, m.period) },
		"jdk.CPUTimeSample":      m.cpuTime,

		"jdk.ThreadPark":       m.park,
		"jdk.JavaMonitorEnter": m.monitorEnter,
		"jdk.JavaMonitorWait":  m.wait,
		"jdk.ThreadSleep":      m.wait,
		"jdk.SocketRead":       m.wait,
		"jdk.SocketWrite":      m.wait,
		"jdk.FileRead":         m.wait,
		"jdk.FileWrite":        m.wait,
		"jdk.FileForce":        m.wait,

		"jdk.ObjectAllocationSample":      m.alloc,
		"jdk.ObjectAllocationInNewTLAB":   m.alloc,
		"jdk.ObjectAllocationOutsideTLAB": m.alloc,
	}
	m.runtimeHandlers()
	return m
}

// fresh starts a chunk: constants of the one before no longer mean anything.
func (m *mapper) fresh(steps int) {
	m.steps = steps
	m.stacks = map[*jfr.Stack]*stackRef{}
	m.threads = map[*jfr.Thread]tacho.Thread{}
}

func (m *mapper) visit(e *jfr.Event) error {
	h := m.handlers[e.Type.Name]
	if h == nil {
		return nil
	}
	e.Time = m.clock.correct(e.Time, m.steps)
	if e.Time+e.Duration < m.resume {
		return nil
	}
	m.seen++
	h(e)
	return nil
}

func (m *mapper) stack(e *jfr.Event) *stackRef {
	if e.Stack == nil || len(e.Stack.Frames) == 0 {
		return nil
	}
	r := m.stacks[e.Stack]
	if r == nil {
		r = &stackRef{frames: make(tacho.Stack, len(e.Stack.Frames))}
		for i := range e.Stack.Frames {
			r.frames[i] = e.Stack.Frames[i].Tacho()
		}
		m.stacks[e.Stack] = r
	}
	return r
}

func (m *mapper) thread(t *jfr.Thread) tacho.Thread {
	if t == nil {
		return tacho.Thread{Name: "(unknown)", Group: "(unknown)"}
	}
	th, ok := m.threads[t]
	if ok {
		return th
	}
	th = tacho.Thread{JavaID: t.JavaID, Name: t.Name()}
	if t.OSID > 0 && !t.Virtual {
		th.ID = m.hostTID(t.OSID)
		if t.JavaID > 0 {
			m.java[t.OSID] = true
		}
		if t.Group == "CarrierThreads" {
			m.carrier[t.OSID] = true
		}
	}
	switch {
	case t.Virtual && th.Name == "":
		th.Group = "virtual threads"
	default:
		th.Group = record.ThreadGroup(th.Name)
	}
	m.threads[t] = th
	if t.OSID > 0 && !t.Virtual {
		m.names[t.OSID] = th
	}
	return th
}

func (m *mapper) execution(e *jfr.Event, native bool, period int64) {
	st := m.stack(e)
	if st == nil {
		return
	}
	s := cpuSample{time: e.Time, stack: st, thread: m.thread(e.Thread), period: period}
	if e.Thread != nil && !e.Thread.Virtual {
		s.tid = e.Thread.OSID
	}
	if native {
		leaf := st.frames[0].Function
		s.idle = jfr.WaitsIn(leaf)
		s.either = jfr.Transfers(leaf)
	}
	m.cpu = append(m.cpu, s)
}

// cpuTime is JDK 25's sample by the kernel's CPU timer: exact, native code
// included, never idle. A failed one has no stack and counts as unsampled.
func (m *mapper) cpuTime(e *jfr.Event) {
	period, ok := e.Int("samplingPeriod")
	if !ok || period <= 0 {
		period = m.period
	}
	if m.stack(e) != nil {
		m.execution(e, false, period)
	}
}

// sample keeps a sample of a duration or an amount, at the event's end.
func (m *mapper) sample(t tacho.ValueType, e *jfr.Event, value int64) {
	if st := m.stack(e); st != nil && value > 0 {
		m.samples = append(m.samples, timed{t, e.Time + e.Duration, value, st, m.thread(e.Thread)})
	}
}

func (m *mapper) wait(e *jfr.Event) { m.sample(tacho.OffCPU, e, e.Duration) }

func (m *mapper) monitorEnter(e *jfr.Event) {
	m.wait(e)
	m.sample(tacho.Lock, e, e.Duration)
}

// park is waiting for a lock when the thread parks in one of
// java.util.concurrent's synchronizers that stand for mutual exclusion.
func (m *mapper) park(e *jfr.Event) {
	m.wait(e)
	if e.ForLock() {
		m.sample(tacho.Lock, e, e.Duration)
	}
}

func (m *mapper) alloc(e *jfr.Event) {
	if n, ok := e.Allocated(); ok {
		m.sample(tacho.Alloc, e, n)
	}
}

// forget drops what is known of threads that are gone.
func (m *mapper) forget(alive map[int64]bool) {
	for tid := range m.names {
		if !alive[tid] {
			delete(m.names, tid)
			delete(m.java, tid)
			delete(m.carrier, tid)
		}
	}
}

// pending is how many things wait for their window: the session's measure of
// when to hurry.
func (m *mapper) pending() int { return len(m.cpu) + len(m.samples) + len(m.events) }
