package jvm

import (
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tacho"
	"tacho/internal/jvmtest"
	"tacho/record"
	"tacho/record/hotspot"
)

// observed visits every sample of CPU a sampler really took.
func observed(bs []*tacho.Batch, visit func(b *tacho.Batch, s tacho.Sample, leaf tacho.Frame)) {
	for _, b := range bs {
		for _, p := range b.Profiles {
			if p.Type != tacho.CPU {
				continue
			}
			for _, s := range p.Samples {
				leaf := b.Frame(b.Stacks[s.Stack][0])
				if !leaf.Kind.Synthetic() && leaf.Function != "[native]" {
					visit(b, s, leaf)
				}
			}
		}
	}
}

// The last second of a JVM that exits is there, although it deletes its
// repository on the way out.
func TestLastSecondOfAnExit(t *testing.T) {
	classes := jvmtest.Compile(t, "testdata/Ends.java")
	for version, home := range jvmtest.JDKs(t) {
		t.Run("JDK"+version, func(t *testing.T) {
			p := jvmtest.Java(t, home, "-cp", classes, "Ends")
			sink := newSink(t)
			r := runCollector(t, config(t, sink, p.PID))
			r.recording(t)
			time.Sleep(3 * time.Second)
			io.WriteString(p.In, "\n")
			<-p.Done
			gone := time.Now().UnixNano()
			jvmtest.Until(t, "the session ends", 10*time.Second, func() bool { return r.Status()[0].State == record.StateGone })
			var n, latest int64
			observed(sink.all(), func(b *tacho.Batch, s tacho.Sample, leaf tacho.Frame) {
				if leaf.Function == "Ends.last" {
					n++
					latest = max(latest, s.Time)
				}
			})
			// 400 ms at a sample each 20 ms are 20; a shared machine may take half.
			if n < 8 {
				t.Errorf("%d samples of the last 400 ms, want at least 8", n)
			}
			t.Logf("%d samples of the last 400 ms, the last one %.0f ms before the end was seen", n, float64(gone-latest)/1e6)
		})
	}
}

// A killed JVM loses at most the second it had not flushed yet.
func TestKilledJVM(t *testing.T) {
	classes := jvmtest.Compile(t, "testdata/Ends.java")
	best := time.Hour
	for range 3 {
		p := jvmtest.Java(t, jvmtest.JDK17, "-cp", classes, "Ends")
		sink := newSink(t)
		r := runCollector(t, config(t, sink, p.PID))
		r.recording(t)
		time.Sleep(3500 * time.Millisecond)
		p.Signal(syscall.SIGKILL)
		killed := time.Now().UnixNano()
		<-p.Done
		jvmtest.Until(t, "the session ends", 10*time.Second, func() bool { return r.Status()[0].State == record.StateGone })
		r.stop()
		var latest int64
		observed(sink.all(), func(_ *tacho.Batch, s tacho.Sample, _ tacho.Frame) { latest = max(latest, s.Time) })
		lost := time.Duration(killed - latest)
		t.Logf("lost the last %v", lost)
		best = min(best, lost)
	}
	// HotSpot flushes once a second when it gets a processor; where others use
	// them too it may be late, but not three times in a row.
	if best > 1050*time.Millisecond {
		t.Errorf("at best the last %v were lost, want at most 1 s", best)
	}
}

// The wall clock steps by an hour, forward and back: the step is an event,
// every sample is stored once, and its time is that of the clock at its moment.
func TestClockStep(t *testing.T) {
	classes := jvmtest.Compile(t, "testdata/Spin.java")
	for name, hour := range map[string]time.Duration{"forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			p := jvmtest.Java(t, jvmtest.JDK17, "-cp", classes, "Spin", "1")
			sink := newSink(t)
			cfg := config(t, sink, p.PID)
			var shift atomic.Int64
			cfg.Clock.Wall = func() time.Time { return time.Now().Add(time.Duration(shift.Load())) }
			r := runCollector(t, cfg)
			r.recording(t)
			begin := time.Now().UnixNano()
			time.Sleep(8 * time.Second)
			shift.Store(int64(hour))
			stepped := time.Now().UnixNano()
			time.Sleep(8 * time.Second)
			// A dump makes the JVM begin a chunk, with a header in its own time
			// that did not step: what comes after it proves nothing.
			dumped := time.Now().UnixNano() - 1e9
			file := dumpRecording(t, p.PID)
			time.Sleep(2 * time.Second)
			r.stop()

			var steps int
			for _, b := range sink.all() {
				for _, e := range b.Events {
					if e.Kind == "clock.step" {
						steps++
					}
				}
			}
			if steps != 1 {
				t.Errorf("%d events clock.step, want 1", steps)
			}
			// The JVM's own clock did not step: what it says is the truth to
			// compare with. Within the second in which the step is noticed,
			// either time is right.
			var got, want []seen
			observed(sink.all(), func(b *tacho.Batch, s tacho.Sample, leaf tacho.Frame) {
				at := s.Time
				if at > begin+int64(hour)/2 && hour > 0 || at < begin && hour < 0 {
					at -= int64(hour)
					if at < stepped-int64(time.Second) {
						t.Errorf("a sample %.1f s before the step has the time after it", sec(stepped-at))
					}
				} else if at > stepped+int64(3*time.Second) && at < dumped {
					t.Errorf("a sample %.1f s after the step has the time before it", sec(at-stepped))
				}
				got = append(got, seen{at, line(b.Threads[s.Thread].Name, 0, normal(b.Stack(s.Stack)))})
			})
			printed := jvmtest.Printed(t, jvmtest.JDK17, file)
			for _, e := range []string{"jdk.ExecutionSample", "jdk.NativeMethodSample"} {
				for _, x := range printed[e] {
					want = append(want, seen{x.Time, line(x.Thread, 0, normal(x.Stack))})
				}
			}
			compare(t, "cpu", between(got, begin, dumped), between(want, begin, dumped))
		})
	}
}

// A JVM without JFR is recorded by thread dumps, and says so.
func TestThreadDumpsWhereThereIsNoJFR(t *testing.T) {
	image := filepath.Join(t.TempDir(), "jre")
	if out, err := exec.Command(jvmtest.JDK17+"/bin/jlink", "--add-modules", "java.base", "--output", image).CombinedOutput(); err != nil {
		t.Fatalf("jlink: %v\n%s", err, out)
	}
	classes := jvmtest.Compile(t, "testdata/Spin.java")
	p := jvmtest.Java(t, image, "-cp", classes, "Spin", "2")
	sink := newSink(t)
	r := runCollector(t, config(t, sink, p.PID))
	jvmtest.Until(t, "limited", 30*time.Second, func() bool {
		st := r.Status()
		return len(st) == 1 && st[0].State == record.StateLimited && st[0].Reason != "" && st[0].Remedy != ""
	})
	time.Sleep(8 * time.Second)
	r.stop()
	var hot, spin int64
	for _, b := range sink.all() {
		for _, pr := range b.Profiles {
			for _, s := range pr.Samples {
				if pr.Type == tacho.CPU && b.Threads[s.Thread].Group == "spin-#" {
					spin += s.Value
					if strings.HasPrefix(b.Frame(b.Stacks[s.Stack][0]).Function, "Spin.") {
						hot += s.Value
					}
				}
			}
		}
	}
	if spin < 1e9 || hot*2 < spin {
		t.Errorf("%.1f s of CPU in the pool, %.1f s of it in its methods", sec(spin), sec(hot))
	}
	if out := p.Output(); out != "ready\n" {
		t.Errorf("the program's output is not its own alone:\n%s", out)
	}
}

// After a clean stop nothing of ours is left in the JVM, and nothing was ever
// printed by it.
func TestCleanStopLeavesNothingBehind(t *testing.T) {
	classes := jvmtest.Compile(t, "testdata/Spin.java")
	for version, home := range jvmtest.JDKs(t) {
		t.Run("JDK"+version, func(t *testing.T) {
			before, _ := filepath.Glob("/tmp/*tacho*.jfc") // of an agent killed at another time
			p := jvmtest.Java(t, home, "-cp", classes, "Spin", "1")
			r := runCollector(t, config(t, newSink(t), p.PID))
			r.recording(t)
			vm := attach(t, p.PID)
			defer vm.Close()
			rs, err := vm.Recordings(t.Context())
			if err != nil || len(rs) != 1 || rs[0].Name != RecordingName || rs[0].MaxSize < 47<<20 || rs[0].MaxSize > 49<<20 {
				t.Errorf("recordings while recording: %+v, %v; want one, capped at 48 MiB", rs, err)
			}
			time.Sleep(2 * time.Second)
			r.stop()
			rs, err = vm.Recordings(t.Context())
			if err != nil || len(rs) != 0 {
				t.Errorf("recordings left: %v, %v", rs, err)
			}
			if left, _ := filepath.Glob("/tmp/*tacho*.jfc"); len(left) > len(before) {
				t.Errorf("files left: %v", left)
			}
			if out := p.Output(); out != "ready\n" {
				t.Errorf("the program's output is not its own alone:\n%s", out)
			}
		})
	}
}

// Somebody stops our recording with jcmd: another one is started.
func TestStoppedBySomebodyElse(t *testing.T) {
	classes := jvmtest.Compile(t, "testdata/Spin.java")
	p := jvmtest.Java(t, jvmtest.JDK17, "-cp", classes, "Spin", "1")
	sink := newSink(t)
	r := runCollector(t, config(t, sink, p.PID))
	r.recording(t)
	time.Sleep(2 * time.Second)
	vm := attach(t, p.PID)
	defer vm.Close()
	if err := vm.StopRecording(t.Context(), RecordingName); err != nil {
		t.Fatal(err)
	}
	stopped := time.Now().UnixNano()
	time.Sleep(12 * time.Second)
	r.stop()
	n := 0
	observed(sink.all(), func(_ *tacho.Batch, s tacho.Sample, _ tacho.Frame) {
		if s.Time > stopped+5e9 {
			n++
		}
	})
	if n < 20 {
		t.Errorf("%d samples after the recording was stopped by somebody else, want it to go on", n)
	}
}

func attach(t *testing.T, pid int) *hotspot.JVM {
	t.Helper()
	ps, err := (&hotspot.Finder{}).Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ps {
		if p.PID == pid {
			vm, err := hotspot.Attach(t.Context(), p, hotspot.Options{})
			if err != nil {
				t.Fatal(err)
			}
			return vm
		}
	}
	t.Fatalf("JVM %d is not found among %d", pid, len(ps))
	return nil
}
