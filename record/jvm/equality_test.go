package jvm

import (
	"fmt"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/internal/jvmtest"
	"tacho/store"
	"tacho/store/local"
)

// What Tacho stored of real programs nobody here wrote equals, event by event,
// what the JDK's own `jfr print` shows for a dump of the same recording: time
// within 2 µs, thread, frames, lines.
func TestStoredEqualsJFRPrint(t *testing.T) {
	for version, home := range jvmtest.JDKs(t) {
		for name, start := range map[string]func(testing.TB, string) *jvmtest.Program{"zookeeper": jvmtest.ZooKeeper, "vnu": jvmtest.Validator} {
			t.Run("JDK"+version+"/"+name, func(t *testing.T) {
				t.Parallel() // what is compared does not depend on how busy the machine is
				checkEquality(t, home, start(t, home))
			})
		}
	}
}

// A seen is one event in the form both sides are brought to: the line has
// everything that must be equal, the time may differ by 2 µs.
type seen struct {
	time int64
	line string
}

func checkEquality(t *testing.T, home string, p *jvmtest.Program) {
	sink := newSink(t)
	r := runCollector(t, config(t, sink, p.PID))
	r.recording(t)
	begin := time.Now().UnixNano()
	time.Sleep(62 * time.Second)
	file := dumpRecording(t, p.PID)
	r.stop()

	// Whole batches only: what the dump holds and the store has by its end.
	var from, to int64
	for _, b := range sink.all() {
		if from == 0 && b.From >= begin {
			from = b.From
		}
		if b.Until-begin <= 62e9 {
			to = b.Until
		}
	}
	if to-from < 50e9 {
		t.Fatalf("only %.1f s recorded", sec(to-from))
	}
	want := jvmtest.Printed(t, home, file)
	for typ, events := range map[tacho.ValueType][]string{
		tacho.CPU:    {"jdk.ExecutionSample", "jdk.NativeMethodSample", "jdk.CPUTimeSample"},
		tacho.OffCPU: {"jdk.ThreadPark", "jdk.JavaMonitorEnter", "jdk.JavaMonitorWait", "jdk.ThreadSleep", "jdk.SocketRead", "jdk.SocketWrite", "jdk.FileRead", "jdk.FileWrite", "jdk.FileForce", "jdk.VirtualThreadPinned"},
		tacho.Alloc:  {"jdk.ObjectAllocationSample"},
	} {
		var w []seen
		for _, e := range events {
			for _, x := range want[e] {
				w = append(w, seen{x.Time, line(x.Thread, x.Value, normal(x.Stack))})
			}
		}
		compare(t, typ.Name, between(storedSamples(t, sink.all(), typ), from, to), between(w, from, to))
	}
}

func dumpRecording(t *testing.T, pid int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "dump.jfr")
	vm := attach(t, pid)
	defer vm.Close()
	if err := vm.DumpRecording(t.Context(), RecordingName, file); err != nil {
		t.Fatal(err)
	}
	return file
}

// between keeps [from, to), less the two edges' 2 µs of doubt.
func between(all []seen, from, to int64) []seen {
	var out []seen
	for _, x := range all {
		if x.time >= from+2000 && x.time < to-2000 {
			out = append(out, x)
		}
	}
	sort.Slice(out, func(i, j int) bool {
		if out[i].line != out[j].line {
			return out[i].line < out[j].line
		}
		return out[i].time < out[j].time
	})
	return out
}

func compare(t *testing.T, what string, got, want []seen) {
	t.Helper()
	t.Logf("%s: %d stored, %d printed", what, len(got), len(want))
	if what == "cpu" && len(want) < 50 {
		t.Errorf("%s: only %d events to compare: the load is too light to prove anything", what, len(want))
	}
	i, j, missing, extra := 0, 0, 0, 0
	for i < len(got) || j < len(want) {
		switch {
		case i < len(got) && j < len(want) && got[i].line == want[j].line && near(got[i].time, want[j].time):
			i, j = i+1, j+1
		case j == len(want) || i < len(got) && (got[i].line < want[j].line || got[i].line == want[j].line && got[i].time < want[j].time):
			if extra++; extra <= 3 {
				t.Errorf("%s: stored and not printed at %d: %s", what, got[i].time, got[i].line)
			}
			i++
		default:
			if missing++; missing <= 3 {
				t.Errorf("%s: printed and not stored at %d: %s", what, want[j].time, want[j].line)
			}
			j++
		}
	}
	if missing+extra > 0 {
		t.Errorf("%s: %d of %d printed events are not stored, %d stored ones are not printed", what, missing, len(want), extra)
	}
}

func near(a, b int64) bool { return a-b <= 2000 && b-a <= 2000 }

// storedSamples is the samples of a type, after a trip through the store,
// without those that account for what no sampler saw.
func storedSamples(t *testing.T, batches []*tacho.Batch, typ tacho.ValueType) []seen {
	t.Helper()
	st := storeOf(t, batches)
	var out []seen
	sel := store.Selection{Service: batches[0].Target.Get(tacho.LabelService), Type: typ.Name,
		From: time.Unix(0, batches[0].From), Until: time.Unix(0, batches[len(batches)-1].Until+1)}
	err := st.Samples(t.Context(), sel, func(b *store.SampleBlock) error {
		for _, s := range b.Samples {
			stack := b.Tree.Stack(s.Stack)
			if stack[0].Kind.Synthetic() || stack[0].Function == "[native]" {
				continue
			}
			value := s.Value
			if typ == tacho.CPU {
				value = 0 // what was billed; jfr does not know
			}
			out = append(out, seen{s.Time, line(b.Threads[s.Thread].Name, value, stack)})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// storeOf keeps the batches in an embedded store.
func storeOf(t *testing.T, batches []*tacho.Batch) store.Store {
	t.Helper()
	st, err := local.Open(local.Options{Dir: t.TempDir(), MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if err := st.Append(t.Context(), "", batches); err != nil {
		t.Fatal(err)
	}
	return st
}

// normal is the stack as every store writes it.
func normal(s tacho.Stack) tacho.Stack {
	for i := range s {
		s[i].Function = store.NormalizeFunction(s[i].Function)
	}
	return s
}

func line(thread string, value int64, stack tacho.Stack) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d", thread, value)
	for _, f := range stack {
		fmt.Fprintf(&b, " < %s:%d %s", f.Function, f.Line, f.Kind)
	}
	return b.String()
}
