package record

import (
	"strings"

	"tacho"
)

// Runtime thread groups: the threads of a JVM no Java sampler sees.
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

// ThreadGroup folds a thread's name to its pool: every run of digits becomes
// "#", threads of the JVM itself get their runtime group.
func ThreadGroup(name string) string {
	if g := RuntimeGroup(name); g != "" {
		return g
	}
	var b strings.Builder
	digit := false
	for _, r := range name {
		if r >= '0' && r <= '9' {
			if !digit {
				b.WriteByte('#')
			}
			digit = true
			continue
		}
		digit = false
		b.WriteRune(r)
	}
	if b.Len() == 0 {
		return "(unnamed)"
	}
	return b.String()
}

// RuntimeFrame is the explicit frame under which CPU of a runtime group is
// accounted: what no sampler of Java stacks can see.
func RuntimeFrame(group string) tacho.Frame {
	switch group {
	case GroupC1, GroupC2:
		return tacho.Frame{Function: "[" + group + "]", Kind: tacho.KindCompiler}
	case GroupGC:
		return tacho.Frame{Function: "[GC]", Kind: tacho.KindGC}
	case GroupVM, GroupRecorder:
		return tacho.Frame{Function: "[" + group + "]", Kind: tacho.KindVM}
	}
	return tacho.Frame{Function: "[unsampled]", Kind: tacho.KindUnsampled}
}
