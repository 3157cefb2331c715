package jfr

import (
	"strconv"
	"strings"
	"time"

	"tacho"
)

// settings are what a recording says about how it was made (jdk.ActiveSetting).
// They are written at the start of a chunk, but by another thread than the
// samples, and so may be read after them.
type settings struct {
	types *metadata

	execution int64 // sampling period of the JDK, ns; 0: not said
	native    int64

	event    string // async-profiler's: cpu, itimer, wall, cache-misses…
	interval int64  // of that event
	wall     int64  // of wall clock samples beside it, ns; -1: none

	declared []tacho.ValueType // recorded, whether samples follow or not
}

// Periods where a recording does not say: JFR's default settings, async-profiler's.
const (
	defaultPeriod     = 20 * int64(time.Millisecond)
	defaultInterval   = 10 * int64(time.Millisecond)
	defaultWallPeriod = 50 * int64(time.Millisecond)
)

// chunk begins the settings of a chunk: those of the one before hold until it
// says otherwise.
func (s *settings) chunk(c *chunk) {
	if s.types == nil {
		s.wall = -1
	}
	s.types = c.meta
}

// setting takes one of them.
func (s *settings) setting(e *Event) {
	id, _ := e.Int("id")
	name, _ := e.String("name")
	value, _ := e.String("value")
	t := s.types.lookup(uint64(id))
	of := ""
	if t != nil {
		of = t.Name
	}
	number, err := strconv.ParseInt(value, 10, 64)
	isNumber := err == nil && number >= 0
	switch {
	case name == "period" && of == "jdk.ExecutionSample":
		s.execution = timespan(value)
	case name == "period" && of == "jdk.NativeMethodSample":
		s.native = timespan(value)
	case name == "enabled" && value == "true":
		s.declare(of, e.c.meta.async)
	case !e.c.meta.async:
	case name == "event":
		s.event = value
	case name == "interval" && isNumber:
		s.interval = number
	case name == "wall" && isNumber:
		s.wall = number
	}
}

func (s *settings) declare(event string, async bool) {
	types := map[string]tacho.ValueType{
		"jdk.CPUTimeSample": tacho.CPU, "jdk.ObjectAllocationSample": tacho.Alloc,
		"jdk.ObjectAllocationInNewTLAB": tacho.Alloc, "jdk.JavaMonitorEnter": tacho.Lock,
	}
	if !async { // there the event may be any counter
		types["jdk.ExecutionSample"] = tacho.CPU
		types["jdk.ThreadPark"] = tacho.OffCPU
	}
	t, ok := types[event]
	if !ok {
		return
	}
	for _, have := range s.declared {
		if have == t {
			return
		}
	}
	s.declared = append(s.declared, t)
}

// samplesCPU reports whether execution samples of async-profiler are of CPU, so
// that threads its wall clock sees running are in the profile already.
func (s *settings) samplesCPU() bool {
	switch s.event {
	case "cpu", "itimer", "ctimer":
		return true
	}
	return false
}

// cpuType is what execution samples measure, and how much each.
func (s *settings) cpuType() (tacho.ValueType, int64) {
	switch {
	case s.event == "" || s.event == "wall":
		if s.execution > 0 {
			return tacho.CPU, s.execution
		}
		if s.interval > 0 {
			return tacho.CPU, s.interval
		}
		return tacho.CPU, defaultPeriod
	case s.samplesCPU():
		if s.interval > 0 {
			return tacho.CPU, s.interval
		}
		return tacho.CPU, defaultInterval
	}
	return tacho.ValueType{Name: strings.ToLower(s.event), Unit: "count"}, max(s.interval, 1)
}

func (s *settings) nativePeriod() int64 {
	if s.native > 0 {
		return s.native
	}
	return defaultPeriod
}

func (s *settings) wallPeriod() int64 {
	switch {
	case s.wall > 0:
		return s.wall
	case s.event == "wall" && s.interval > 0:
		return s.interval
	}
	return defaultWallPeriod
}

// wallOn reports whether waits are sampled, so that their durations, where they
// are recorded too, must not count as time off the CPU once more.
func (s *settings) wallOn() bool { return s.wall >= 0 || s.event == "wall" }

// timespan reads JFR's spelling of a duration: "20 ms". 0 for words (everyChunk).
func timespan(s string) int64 {
	number, unit, _ := strings.Cut(strings.TrimSpace(s), " ")
	if unit == "" {
		number = strings.TrimRight(s, "nusmhd")
		unit = s[len(number):]
	}
	v, err := strconv.ParseInt(number, 10, 64)
	if err != nil || v < 0 {
		return 0
	}
	units := map[string]time.Duration{"ns": 1, "us": time.Microsecond, "ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour}
	return times(v, int64(units[unit]))
}
