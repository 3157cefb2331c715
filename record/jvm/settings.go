package jvm

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"
)

// RecordingName begins the name of every recording of Tacho inside a JVM.
const RecordingName = "tacho"

// RecordingNameOf is the name of the recordings of the agent that keeps its state
// in a place: the same one's successor finds them by it, and agents of other
// places (a second `tacho up`, a test) leave them alone.
func RecordingNameOf(home string) string {
	if home == "" {
		return RecordingName
	}
	h := fnv.New32a()
	h.Write([]byte(home))
	return fmt.Sprintf("%s-%08x", RecordingName, h.Sum32())
}

// Settings choose what a JVM records for us.
type Settings struct {
	// CPUPeriod is the sampling period of Java and native stacks (default
	// 20 ms). HotSpot does not go below 10 ms.
	CPUPeriod time.Duration
	// WaitThreshold is the shortest wait (park, monitor, sleep, socket, file)
	// that is recorded with its stack (default 10 ms).
	WaitThreshold time.Duration
	// AllocationsPerSecond bounds allocation samples (default 100).
	AllocationsPerSecond int
	// MaxDisk bounds the finished chunks the JVM keeps for us (default 48 MiB).
	// The chunk being written comes on top, at most 12 MiB by HotSpot's default.
	MaxDisk int64
}

func (s Settings) withDefaults() Settings {
	if s.CPUPeriod <= 0 {
		s.CPUPeriod = 20 * time.Millisecond
	}
	if s.WaitThreshold <= 0 {
		s.WaitThreshold = 10 * time.Millisecond
	}
	if s.AllocationsPerSecond <= 0 {
		s.AllocationsPerSecond = 100
	}
	if s.MaxDisk <= 0 {
		s.MaxDisk = 48 << 20
	}
	return s
}

// An eventSetting enables one JFR event type. since is the first JDK that has
// it, 0 for all; options are JFR's own key=value words.
type eventSetting struct {
	name    string
	since   int
	until   int // last JDK for which we want it, 0 for no limit
	options string
}

// events is what we ask a JVM of the given major version to record.
func (s Settings) events(major int) []eventSetting {
	period := fmt.Sprintf("period=%dms", s.CPUPeriod.Milliseconds())
	wait := fmt.Sprintf("threshold=%dms stackTrace=true", s.WaitThreshold.Milliseconds())
	all := []eventSetting{
		{"jdk.ExecutionSample", 0, 24, period},
		{"jdk.NativeMethodSample", 0, 24, period},
		{"jdk.CPUTimeSample", 25, 0, fmt.Sprintf("throttle=%dms", s.CPUPeriod.Milliseconds())},
		{"jdk.CPUTimeSamplesLost", 25, 0, ""},

		{"jdk.ThreadPark", 0, 0, wait},
		{"jdk.JavaMonitorWait", 0, 0, wait},
		{"jdk.JavaMonitorEnter", 0, 0, wait},
		{"jdk.ThreadSleep", 0, 0, wait},
		{"jdk.SocketRead", 0, 0, wait},
		{"jdk.SocketWrite", 0, 0, wait},
		{"jdk.FileRead", 0, 0, wait},
		{"jdk.FileWrite", 0, 0, wait},
		{"jdk.FileForce", 11, 0, wait},
		{"jdk.VirtualThreadPinned", 21, 0, wait},

		{"jdk.ObjectAllocationSample", 16, 0, fmt.Sprintf("throttle=%d/s stackTrace=true", s.AllocationsPerSecond)},
		{"jdk.ObjectAllocationInNewTLAB", 0, 15, "stackTrace=true"},
		{"jdk.ObjectAllocationOutsideTLAB", 0, 15, "stackTrace=true"},
		{"jdk.OldObjectSample", 0, 0, "cutoff=0ns stackTrace=true"},

		{"jdk.GarbageCollection", 0, 0, "threshold=0ms"},
		{"jdk.GCPhasePause", 0, 0, "threshold=0ms"},
		{"jdk.GCHeapSummary", 0, 0, ""},
		{"jdk.MetaspaceSummary", 0, 0, ""},
		{"jdk.Compilation", 0, 0, "threshold=100ms"},
		{"jdk.CompilerStatistics", 0, 0, "period=1000ms"},
		{"jdk.Deoptimization", 14, 0, "stackTrace=false"},
		{"jdk.SafepointBegin", 0, 0, "threshold=10ms"},
		{"jdk.ExecuteVMOperation", 0, 0, "threshold=10ms"},
		{"jdk.CPULoad", 0, 0, "period=1000ms"},
		{"jdk.ThreadCPULoad", 0, 0, "period=10s"},
		{"jdk.ContainerConfiguration", 15, 0, "period=beginChunk"},
		{"jdk.ContainerCPUThrottling", 15, 0, "period=10s"},
		{"jdk.ContainerCPUUsage", 15, 0, "period=10s"},
		{"jdk.ContainerMemoryUsage", 15, 0, "period=10s"},
		{"jdk.ClassLoadingStatistics", 0, 0, "period=1000ms"},
		{"jdk.ExceptionStatistics", 0, 0, "period=1000ms"},
		{"jdk.JavaThreadStatistics", 0, 0, "period=1000ms"},
		{"jdk.ThreadStart", 0, 0, "stackTrace=false"},
		{"jdk.DataLoss", 0, 0, ""},
	}
	keep := all[:0]
	for _, e := range all {
		if major >= e.since && (e.until == 0 || major <= e.until) {
			keep = append(keep, e)
		}
	}
	return keep
}

// Names lists the event types the decoder has to look at.
func (s Settings) names(major int) []string {
	var out []string
	for _, e := range s.events(major) {
		out = append(out, e.name)
	}
	return out
}

// JFC is the settings in JFR's own configuration format (version 2.0), as
// JFR.start settings=FILE reads it. Event types a JDK does not know are
// ignored by it.
func (s Settings) jfc(major int) []byte {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<configuration version="2.0" label="Tacho" provider="Tacho">` + "\n")
	for _, e := range s.events(major) {
		fmt.Fprintf(&b, "<event name=%q><setting name=\"enabled\">true</setting>", e.name)
		for _, o := range strings.Fields(e.options) {
			k, v, _ := strings.Cut(o, "=")
			fmt.Fprintf(&b, "<setting name=%q>%s</setting>", k, jfcValue(v))
		}
		b.WriteString("</event>\n")
	}
	b.WriteString("</configuration>\n")
	return []byte(b.String())
}

// jfcValue puts the space between number and unit that configuration files
// want: "20ms" is "20 ms".
func jfcValue(v string) string {
	i := 0
	for i < len(v) && v[i] >= '0' && v[i] <= '9' {
		i++
	}
	if i == 0 || i == len(v) || v[i] == '/' {
		return v
	}
	return v[:i] + " " + v[i:]
}
