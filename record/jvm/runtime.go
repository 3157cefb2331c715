package jvm

import (
	"strings"

	"tacho"
	"tacho/format/jfr"
)

// runtimeHandlers map what the JVM says about itself to events and series.
// Series take OpenTelemetry's names where it has one.
func (m *mapper) runtimeHandlers() {
	event := func(kind string, name func(*jfr.Event) string, attrs ...string) func(*jfr.Event) {
		return func(e *jfr.Event) { m.event(e, kind, name(e), attrs) }
	}
	field := func(f string) func(*jfr.Event) string {
		return func(e *jfr.Event) string { s, _ := e.String(f); return s }
	}
	gauge := func(kv ...string) func(*jfr.Event) { // name, unit, field triples
		return func(e *jfr.Event) {
			for i := 0; i+2 < len(kv); i += 3 {
				m.point(e, kv[i], kv[i+1], kv[i+2], nil)
			}
		}
	}
	m.handlers["jdk.GarbageCollection"] = func(e *jfr.Event) {
		cause, _ := e.String("cause")
		m.event(e, "gc.collection", cause, []string{"name", "cause", "sumOfPauses", "longestPause", "gcId"})
	}
	m.handlers["jdk.GCPhasePause"] = event("gc.pause", field("name"), "gcId")
	m.handlers["jdk.GCHeapSummary"] = m.heapSummary
	m.handlers["jdk.MetaspaceSummary"] = gauge("jvm.metaspace.used", "bytes", "metaspace.used")
	m.handlers["jdk.Compilation"] = event("jit.compilation", func(e *jfr.Event) string {
		s, _ := e.String("method")
		return s
	}, "compiler", "compileLevel", "succeded", "isOsr", "codeSize", "inlinedBytes")
	m.handlers["jdk.CompilerStatistics"] = gauge(
		"jvm.jit.compilations", "count", "compileCount", "jvm.jit.time", "nanoseconds", "totalTimeSpent",
		"jvm.jit.invalidated", "count", "invalidatedCount", "jvm.jit.bailouts", "count", "bailoutCount")
	m.handlers["jdk.Deoptimization"] = event("jit.deoptimization", field("reason"), "action", "compiler")
	m.handlers["jdk.SafepointBegin"] = event("safepoint", func(*jfr.Event) string { return "safepoint" }, "safepointId", "totalThreadCount")
	m.handlers["jdk.ExecuteVMOperation"] = event("vm.operation", field("operation"), "safepoint", "blocking", "safepointId")
	m.handlers["jdk.VirtualThreadPinned"] = func(e *jfr.Event) {
		m.wait(e)
		m.event(e, "thread.pinned", "virtual thread pinned to its carrier", nil)
	}
	m.handlers["jdk.CPULoad"] = gauge(
		"jvm.cpu.user", "1", "jvmUser", "jvm.cpu.system", "1", "jvmSystem", "system.cpu.utilization", "1", "machineTotal")
	m.handlers["jdk.ThreadCPULoad"] = func(e *jfr.Event) { m.thread(e.Thread) } // teaches us the thread's full name
	m.handlers["jdk.ThreadStart"] = func(e *jfr.Event) { m.thread(e.Thread) }
	m.handlers["jdk.ContainerConfiguration"] = event("container.configuration", field("containerType"),
		"containerType", "cpuQuota", "cpuSlicePeriod", "cpuShares", "effectiveCpuCount", "memoryLimit")
	m.handlers["jdk.ContainerCPUThrottling"] = gauge(
		"container.cpu.periods", "count", "cpuElapsedSlices", "container.cpu.throttled", "count", "cpuThrottledSlices",
		"container.cpu.throttled_time", "nanoseconds", "cpuThrottledTime")
	m.handlers["jdk.ContainerCPUUsage"] = gauge("container.cpu.time", "nanoseconds", "cpuTime")
	m.handlers["jdk.ContainerMemoryUsage"] = gauge("container.memory.usage", "bytes", "memoryUsage", "container.memory.failures", "count", "memoryFailCount")
	m.handlers["jdk.ClassLoadingStatistics"] = gauge("jvm.class.loaded", "count", "loadedClassCount", "jvm.class.unloaded", "count", "unloadedClassCount")
	m.handlers["jdk.ExceptionStatistics"] = gauge("jvm.exceptions.thrown", "count", "throwables")
	m.handlers["jdk.JavaThreadStatistics"] = gauge(
		"jvm.thread.count", "count", "activeCount", "jvm.thread.daemon", "count", "daemonCount", "jvm.thread.started", "count", "accumulatedCount")
	m.handlers["jdk.OldObjectSample"] = func(e *jfr.Event) {
		m.event(e, "leak.candidate", "object that survived", []string{"objectAge", "lastKnownHeapUsage", "arrayElements", "objectSize"})
	}
	m.handlers["jdk.DataLoss"] = func(e *jfr.Event) {
		n, _ := e.Int("amount")
		m.lost += n
		m.event(e, "recorder.loss", "the JVM dropped recorded data", []string{"amount", "total"})
	}
	m.handlers["jdk.CPUTimeSamplesLost"] = func(e *jfr.Event) {
		n, _ := e.Int("lostSamples")
		m.lost += n
		m.event(e, "recorder.loss", "the JVM dropped CPU samples", []string{"lostSamples"})
	}
}

func (m *mapper) event(e *jfr.Event, kind, name string, attrs []string) {
	kv := map[string]string{}
	for _, a := range attrs {
		if v, ok := e.String(a); ok {
			kv[a] = v
		}
	}
	ev := tacho.Event{Time: e.Time, Duration: e.Duration, Kind: kind, Name: name, Attrs: tacho.NewLabels(kv)}
	if e.Thread != nil {
		ev.Thread = m.thread(e.Thread).Name
	}
	m.events = append(m.events, ev)
}

func (m *mapper) point(e *jfr.Event, name, unit, field string, ls tacho.Labels) {
	v, ok := e.Float(field)
	if !ok {
		n, isInt := e.Int(field)
		if !isInt {
			return
		}
		v = float64(n)
	}
	m.points = append(m.points, point{name, unit, ls, e.Time, v})
}

// heapSummary is the heap before and after a collection.
func (m *mapper) heapSummary(e *jfr.Event) {
	when, _ := e.String("when")
	ls := tacho.Labels{{Name: "when", Value: strings.ToLower(when)}} // "before gc", "after gc"
	m.point(e, "jvm.memory.used", "bytes", "heapUsed", ls)
	m.point(e, "jvm.memory.committed", "bytes", "heapSpace.committedSize", ls)
	m.point(e, "jvm.memory.reserved", "bytes", "heapSpace.reservedSize", ls)
}
