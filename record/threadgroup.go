package record

import (
	"strings"

	"tacho"
	"tacho/format/jfr"
)

// Runtime thread groups: the threads of a JVM no Java sampler sees. Files have
// them as well as live JVMs, so that what HotSpot calls its threads is written
// down in format/jfr.
const (
	GroupC1       = jfr.GroupC1
	GroupC2       = jfr.GroupC2
	GroupGC       = jfr.GroupGC
	GroupVM       = jfr.GroupVM
	GroupRecorder = jfr.GroupRecorder // the JVM's own recording threads: what being recorded costs it
)

// RuntimeGroup returns the group of a thread of the JVM itself, "" for any
// other thread. Full names and names cut at 15 characters give the same answer.
func RuntimeGroup(name string) string { return jfr.RuntimeGroup(name) }

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
