package jfr

import (
	"strings"

	"tacho/format"
)

// Groups of a JVM's own threads: those no sampler of Java stacks sees.
const (
	GroupC1       = "JIT C1"
	GroupC2       = "JIT C2"
	GroupGC       = "GC"
	GroupVM       = "VM"
	GroupRecorder = "JFR" // the JVM's own recording threads: what being recorded costs it
)

// runtimePrefixes map what HotSpot names its own threads to their group. The
// kernel cuts names at 15 characters, so prefixes are at most that long. From
// the thread classes of OpenJDK 8 to 25 (os::set_native_thread_name callers).
var runtimePrefixes = []struct{ prefix, group string }{
	{"C1 CompilerThre", GroupC1},
	{"C2 CompilerThre", GroupC2},
	{"JVMCI CompilerT", GroupC2},
	{"GC Thread#", GroupGC}, {"G1 ", GroupGC}, {"ParGC Thread#", GroupGC}, {"Gang worker#", GroupGC},
	{"ZWorker", GroupGC}, {"ZDirector", GroupGC}, {"ZDriver", GroupGC}, {"ZStat", GroupGC}, {"ZUncommitter", GroupGC},
	{"XWorker", GroupGC}, {"XDirector", GroupGC}, {"XDriver", GroupGC},
	{"Shenandoah ", GroupGC}, {"Concurrent Mark", GroupGC}, {"CMS Main Thread", GroupGC},
	{"VM Thread", GroupVM}, {"VM Periodic Tas", GroupVM}, {"Signal Dispatch", GroupVM}, {"Service Thread", GroupVM},
	{"Sweeper thread", GroupVM}, {"Monitor Deflati", GroupVM}, {"Notification Th", GroupVM}, {"Attach Listener", GroupVM},
	{"StringDedupProc", GroupVM}, {"Reference Handl", GroupVM}, {"Finalizer", GroupVM}, {"Common-Cleaner", GroupVM},
	{"DestroyJavaVM", GroupVM},
	{"JFR ", GroupRecorder},
}

// RuntimeGroup returns the group of a thread of the JVM itself, "" for any
// other thread. Full names and names cut at 15 characters give the same answer.
func RuntimeGroup(name string) string {
	for _, p := range runtimePrefixes {
		if strings.HasPrefix(name, p.prefix) {
			return p.group
		}
	}
	return ""
}

// threadGroup is RuntimeGroup, and for other threads their pool.
func threadGroup(name string) string {
	if g := RuntimeGroup(name); g != "" {
		return g
	}
	if g := format.ThreadGroup(name); g != "" {
		return g
	}
	return "(unnamed)"
}
