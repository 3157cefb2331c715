package jvm

import (
	"tacho/record/hotspot"
)

// perfCounters are the counters a JVM publishes without being asked, and the
// series they become. Ticks are of sun.os.hrt.frequency, turned into
// nanoseconds.
var perfCounters = []struct {
	counter, name, unit string
	ticks               bool
}{
	{"sun.rt.safepointTime", "jvm.safepoint.time", "nanoseconds", true},
	{"sun.rt.safepointSyncTime", "jvm.safepoint.sync_time", "nanoseconds", true},
	{"sun.rt.safepoints", "jvm.safepoint.count", "count", false},
	{"java.ci.totalTime", "jvm.jit.compile_time", "nanoseconds", true},
	{"java.threads.live", "jvm.thread.live", "count", false},
	{"sun.gc.collector.0.invocations", "jvm.gc.young.count", "count", false},
	{"sun.gc.collector.0.time", "jvm.gc.young.time", "nanoseconds", true},
	{"sun.gc.collector.1.invocations", "jvm.gc.full.count", "count", false},
	{"sun.gc.collector.1.time", "jvm.gc.full.time", "nanoseconds", true},
	{"sun.gc.generation.0.space.0.used", "jvm.memory.eden.used", "bytes", false},
	{"sun.gc.generation.1.space.0.used", "jvm.memory.old.used", "bytes", false},
	{"sun.gc.metaspace.used", "jvm.metaspace.used", "bytes", false},
}

// perfSeries reads the counters once a tick: no attach, nothing the JVM
// notices.
type perfSeries struct {
	perf *hotspot.Perf
}

func newPerfSeries(p hotspot.Process) *perfSeries {
	f, err := hotspot.OpenPerf(p)
	if err != nil {
		return &perfSeries{} // many JVMs run without; the rest of the session does not need it
	}
	return &perfSeries{perf: f}
}

func (s *perfSeries) read(now int64, m *mapper) {
	if s.perf == nil {
		return
	}
	c, err := s.perf.Read()
	if err != nil {
		return // being rewritten; the next tick reads it again
	}
	freq, ok := c.Int("sun.os.hrt.frequency")
	if !ok || freq <= 0 {
		freq = 1e9
	}
	for _, x := range perfCounters {
		v, ok := c.Int(x.counter)
		if !ok {
			continue
		}
		f := float64(v)
		if x.ticks {
			f *= 1e9 / float64(freq)
		}
		m.points = append(m.points, point{x.name, x.unit, nil, now - 1, f})
	}
}

func (s *perfSeries) close() {
	if s.perf != nil {
		s.perf.Close()
	}
}
