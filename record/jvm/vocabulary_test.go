package jvm

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tacho/internal/jvmtest"
	"tacho/record"
)

// TestVocabulary: the series and events that docs/api.md promises of every
// recorded JVM ("What a recorded JVM has") come from a real one. What only some
// programs, limits or JDKs bring (long compilations, containers, pinned virtual
// threads) is left to tests of the mapper.
func TestVocabulary(t *testing.T) {
	want := []string{
		"cpu.accounted how=estimated", "cpu.accounted how=runtime", "cpu.accounted how=sampled", "cpu.accounted how=unsampled",
		"cpu.runqueue thread_group=main", "cpu.usage thread_group=GC", "cpu.usage thread_group=VM", "cpu.usage thread_group=holder-#", "cpu.usage thread_group=main",
		"jvm.class.loaded", "jvm.class.unloaded", "jvm.cpu.system", "jvm.cpu.user", "jvm.exceptions.thrown",
		"jvm.gc.full.count", "jvm.gc.full.time", "jvm.gc.young.count", "jvm.gc.young.time",
		"jvm.jit.bailouts", "jvm.jit.compilations", "jvm.jit.compile_time", "jvm.jit.invalidated",
		"jvm.memory.committed when=after gc", "jvm.memory.eden.used", "jvm.memory.old.used", "jvm.memory.reserved when=before gc",
		"jvm.memory.used when=after gc", "jvm.memory.used when=before gc", "jvm.metaspace.used",
		"jvm.safepoint.count", "jvm.safepoint.sync_time", "jvm.safepoint.time",
		"jvm.thread.count", "jvm.thread.daemon", "jvm.thread.live", "jvm.thread.started", "system.cpu.utilization",
		"event gc.collection cause,gcId,longestPause,name,sumOfPauses", "event gc.pause gcId",
		"gauge.of.the.test",
		"type alloc", "type cpu", "type lock", "type offcpu",
	}
	classes := jvmtest.Compile(t, "testdata/Facts.java")
	for version, home := range jvmtest.JDKs(t) {
		t.Run("JDK"+version, func(t *testing.T) {
			t.Parallel()
			sink := newSink(t)
			p := jvmtest.Java(t, home, "-Xmx64m", "-cp", classes, "Facts")
			cfg := config(t, sink, p.PID)
			cfg.Gauges = func(int) []record.Gauge { return []record.Gauge{{Name: "gauge.of.the.test", Unit: "1", Value: 7}} }
			r := runCollector(t, cfg)
			var missing []string
			defer func() {
				if len(missing) > 0 {
					t.Errorf("not recorded: %q", missing)
				}
			}()
			jvmtest.Until(t, "everything that is promised", 60*time.Second, func() bool {
				have := vocabulary(sink)
				missing = missing[:0]
				for _, w := range want {
					if !have[w] {
						missing = append(missing, w)
					}
				}
				return len(missing) == 0
			})
			r.stop()
		})
	}
}

// vocabulary is the names of all that was delivered.
func vocabulary(s *memorySink) map[string]bool {
	have := map[string]bool{}
	for _, b := range s.all() {
		for _, x := range b.Series {
			name := x.Name
			for _, l := range x.Labels {
				name += " " + l.Name + "=" + l.Value
			}
			have[name] = len(x.Points) > 0 || have[name]
		}
		for _, e := range b.Events {
			var attrs []string
			for _, a := range e.Attrs {
				attrs = append(attrs, a.Name)
			}
			slices.Sort(attrs)
			have["event "+e.Kind+" "+strings.Join(attrs, ",")] = true
		}
		for _, p := range b.Profiles {
			if len(p.Samples) > 0 {
				have["type "+p.Type.Name] = true
			}
		}
	}
	return have
}
