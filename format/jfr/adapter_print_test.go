package jfr

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/format"
)

// A line is one sample in the form both sides are brought to; the time may differ
// by clockTolerance.
type sampleLine struct {
	text string
	time int64
}

// checkAdapter compares the samples the decoder makes of a recording with the
// events jfr print has of it, one by one: type, value, thread, time, and every
// frame's function, line and kind.
func checkAdapter(t *testing.T, file string, theirs []printedEvent) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	bs, rep := batches(t, Decoder(), f, format.Options{})
	var got []sampleLine
	for _, b := range bs {
		for _, p := range b.Profiles {
			for _, s := range p.Samples {
				got = append(got, sampleLine{sampleText(p.Type, s.Value, b.Threads[s.Thread].Name, b.Stack(s.Stack)), s.Time})
			}
		}
	}
	want := expected(t, theirs)
	order := func(a, b sampleLine) int { return cmp.Or(strings.Compare(a.text, b.text), cmp.Compare(a.time, b.time)) }
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	if len(got) != len(want) || int64(len(got)) != rep.Samples {
		t.Errorf("%d samples (report: %d), jfr print has events for %d", len(got), rep.Samples, len(want))
	}
	wrong := 0
	counts := map[string]int{}
	for i := range min(len(got), len(want)) {
		typ, _, _ := strings.Cut(want[i].text, " ")
		counts[typ]++
		d := time.Duration(got[i].time - want[i].time).Abs()
		if got[i].text != want[i].text || d > clockTolerance {
			t.Errorf("got  %d %s\nwant %d %s", got[i].time, got[i].text, want[i].time, want[i].text)
			if wrong++; wrong > 5 {
				t.FailNow()
			}
		}
	}
	for typ, least := range map[string]int{"cpu": 5, "native": 2, "offcpu": 20, "alloc": 10, "lock": 2} {
		if counts[typ] < least {
			t.Errorf("%d samples of %s compared, want at least %d: the recording proves too little", counts[typ], typ, least)
		}
	}
	t.Logf("samples equal to jfr print's events: %v; warnings %v", counts, rep.Warnings)
}

func sampleText(typ tacho.ValueType, value int64, thread string, st tacho.Stack) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d %q", typ.Name, value, thread)
	for _, f := range st {
		fmt.Fprintf(&b, " < %s:%d %s %s", f.Function, f.Line, f.Module, f.Kind)
	}
	return b.String()
}

// expected is what jfr print's events should become.
func expected(t *testing.T, theirs []printedEvent) (want []sampleLine) {
	t.Helper()
	exact := slices.ContainsFunc(theirs, func(e printedEvent) bool { return e.Type == "jdk.CPUTimeSample" })
	for _, e := range theirs {
		var st *printedStack
		if json.Unmarshal(e.Values["stackTrace"], &st) != nil || st == nil || len(st.Frames) == 0 {
			continue
		}
		var th *printedThread
		for _, field := range []string{"eventThread", "sampledThread"} {
			if raw, ok := e.Values[field]; ok {
				if err := json.Unmarshal(raw, &th); err != nil {
					t.Fatal(err)
				}
			}
		}
		thread := "(unknown)"
		if th != nil {
			thread = cmp.Or(th.JavaName, th.OSName)
		}
		var stack tacho.Stack
		for _, f := range st.Frames {
			fr := tacho.Frame{Function: dotted(f.Method.Type.Name) + "." + f.Method.Name, Line: max(f.LineNumber, 0)}
			if p := f.Method.Type.Package; p != nil && p.Module != nil {
				fr.Module = p.Module.Name
			}
			fr.Kind = map[string]tacho.FrameKind{"Interpreted": tacho.KindInterpreted, "JIT compiled": tacho.KindJIT, "Inlined": tacho.KindInlined, "Native": tacho.KindNative}[f.Type]
			stack = append(stack, fr)
		}
		var start time.Time
		if err := json.Unmarshal(e.Values["startTime"], &start); err != nil {
			t.Fatal(err)
		}
		number := func(field string) (v int64) {
			if err := json.Unmarshal(e.Values[field], &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		add := func(typ tacho.ValueType, value, after int64) {
			if value > 0 {
				want = append(want, sampleLine{sampleText(typ, value, thread, stack), start.UnixNano() + after})
			}
		}
		leaf := stack[0].Function
		switch e.Type {
		case "jdk.CPUTimeSample":
			period, err := isoSpan(strings.Trim(string(e.Values["samplingPeriod"]), `"`))
			if err != nil {
				t.Fatal(err)
			}
			add(tacho.CPU, period, 0)
		case "jdk.ExecutionSample":
			if !exact {
				add(tacho.CPU, 10e6, 0) // load.jfc's period
			}
		case "jdk.NativeMethodSample":
			switch {
			case WaitsIn(leaf) || Transfers(leaf):
				add(Native, 20e6, 0)
			case !exact:
				add(tacho.CPU, 20e6, 0)
			}
		case "jdk.ThreadPark", "jdk.JavaMonitorEnter", "jdk.JavaMonitorWait", "jdk.ThreadSleep", "jdk.FileRead", "jdk.FileWrite", "jdk.SocketRead", "jdk.SocketWrite":
			d, err := isoSpan(strings.Trim(string(e.Values["duration"]), `"`))
			if err != nil {
				t.Fatal(err)
			}
			add(tacho.OffCPU, d, d)
			var parked *printedClass
			if raw, ok := e.Values["parkedClass"]; ok {
				if err := json.Unmarshal(raw, &parked); err != nil {
					t.Fatal(err)
				}
			}
			if e.Type == "jdk.JavaMonitorEnter" || parked != nil && strings.Contains(parked.Name, "java/util/concurrent/locks/Reentrant") || parked != nil && strings.HasPrefix(parked.Name, "java/util/concurrent/Semaphore") {
				add(tacho.Lock, d, d)
			}
		case "jdk.ObjectAllocationSample":
			add(tacho.Alloc, number("weight"), 0)
		}
	}
	return want
}
