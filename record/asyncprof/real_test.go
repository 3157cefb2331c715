package asyncprof

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"tacho/internal/jvmtest"
	"tacho/record"
	"tacho/record/hotspot"
)

var (
	started = regexp.MustCompile(`^start,event=wall,interval=10000000,jfr,file=(/tmp/tacho-async-[0-9a-f]{8}-\d+-\d+-[0-9a-f]{16})/recording\.jfr,log=(/tmp/tacho-async-[^/,]*)/log,timeout=(\d+)$`)
	ended   = regexp.MustCompile(`^stop,file=(/tmp/[^/,]*)/recording\.jfr,log=(/tmp/[^/,]*)/log$`)
)

// The schedule end to end on every JDK: what the library is told, what is
// delivered, and that nothing is left behind.
func TestRecordsOnSchedule(t *testing.T) {
	for version, home := range jvmtest.JDKs(t) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			library, trace := stub(t)
			jvm, p := idle(t, home)
			x := collect(t, jvm.PID, Options{Rules: []Rule{
				{Service: "payments", Length: time.Second},
				{Service: "orders-.*", Event: "wall", Interval: 10 * time.Millisecond, Length: time.Second, Every: 2 * time.Second, Library: library}}})
			end := x.start(t)
			jvmtest.Until(t, "two recordings", time.Minute, func() bool { return x.status().Counters["async_recordings"] >= 2 })
			end()
			commands := trace()
			if len(commands) < 4 || len(commands)%2 != 0 {
				t.Fatalf("commands: %q", commands)
			}
			for i := 0; i < len(commands); i += 2 {
				s, e := started.FindStringSubmatch(commands[i]), ended.FindStringSubmatch(commands[i+1])
				if s == nil || e == nil || s[1] != s[2] || s[1] != e[1] || s[1] != e[2] || s[3] != "31" {
					t.Errorf("commands %q, %q", commands[i], commands[i+1])
				}
			}
			first := x.batches()[0]
			if got := first.Target.String(); got != `{env="prod", instance="host:1", service_name="orders-eu"}` {
				t.Errorf("target %s", got)
			}
			if first.Collector != "async-profiler" || len(first.Events) != 0 || len(first.Series) != 0 {
				t.Errorf("collector %q, %d events, %d series", first.Collector, len(first.Events), len(first.Series))
			}
			sums := map[string]string{}
			for _, p := range first.Profiles {
				var sum int64
				for _, s := range p.Samples {
					sum += s.Value
				}
				sums[p.Type.Name] = fmt.Sprint(len(p.Samples), " ", sum, " ", p.Type.Unit)
			}
			if want := fixtureSums; fmt.Sprint(sums) != fmt.Sprint(want) {
				t.Errorf("delivered %v, want %v", sums, want)
			}
			if st := x.status(); st.State != record.StateRecording || st.Reason != "" || st.Counters["async_failures"] != 0 {
				t.Errorf("status %+v", st)
			}
			if l := left(t, p); len(l) > 0 {
				t.Errorf("left behind: %v", l)
			}
			// JDK 21 and later warn on standard error of any library that is loaded.
			if out := jvm.Output(); out != "ready\n" && !(version == "25" && strings.Contains(out, "WARNING: A JVM TI agent has been loaded dynamically")) {
				t.Errorf("the JVM printed %q", out)
			}
		})
	}
}

// An agent that is told to stop ends the recording and delivers what there is.
func TestAgentStops(t *testing.T) {
	t.Parallel()
	library, trace := stub(t)
	jvm, p := idle(t, jvmtest.JDK17)
	x := collect(t, jvm.PID, Options{Rules: []Rule{{Service: ".*", Length: 10 * time.Minute, Library: library}}})
	end := x.start(t)
	jvmtest.Until(t, "the recording runs", time.Minute, func() bool { return len(trace()) == 1 })
	end()
	if c := trace(); len(c) != 2 || !ended.MatchString(c[1]) {
		t.Errorf("commands %q", c)
	}
	if len(x.batches()) == 0 || len(left(t, p)) > 0 {
		t.Errorf("%d batches, left %v", len(x.batches()), left(t, p))
	}
}

// What goes wrong is one sentence each; all in one JVM, each with a library of
// its own.
func TestSentences(t *testing.T) {
	t.Parallel()
	jvm, p := idle(t, jvmtest.JDK17)
	x := collect(t, jvm.PID, Options{Rules: nil})
	w := x.worker(p)
	record := func(r Rule) *Problem {
		t.Helper()
		r.Service = ".*"
		r.Length = time.Second
		r, err := r.filled()
		if err != nil {
			t.Fatal(err)
		}
		if err = w.record(t.Context(), r); err == nil {
			t.Fatal("no error")
		}
		if l := left(t, p); len(l) > 0 {
			t.Errorf("left behind: %v", l)
		}
		return asProblem(err)
	}
	says := func(p *Problem, reason, remedy string) {
		t.Helper()
		if !regexp.MustCompile(`^`+reason+`$`).MatchString(p.Reason) || p.Remedy != remedy {
			t.Errorf("reason %q, remedy %q", p.Reason, p.Remedy)
		}
	}
	library, trace := stub(t)
	pid := fmt.Sprint(p.PID)

	says(record(Rule{Library: "/nowhere/libasyncProfiler.so"}),
		`async-profiler is not installed where process `+pid+` sees it: libasyncProfiler\.so is not at /nowhere/libasyncProfiler\.so\.`,
		"Install async-profiler there or name its place with `library`; it is looked for again every minute.")

	says(record(Rule{Library: library, Event: "cpu"}), `async-profiler refuses to record process `+pid+`: No access to perf events\. Try .*perf_event_paranoid=1'\.`,
		"Choose another event (itimer and wall need no perf_events), or see async-profiler's documentation of the message.")

	b, err := os.ReadFile(library)
	if err != nil {
		t.Fatal(err)
	}
	b[18], b[19] = 0xb7, 0 // e_machine: AArch64
	wrong := filepath.Join(filepath.Dir(library), "wrong.so")
	if err := os.WriteFile(wrong, b, 0o755); err != nil {
		t.Fatal(err)
	}
	says(record(Rule{Library: wrong}), `The JVM in process `+pid+` cannot load `+wrong+`: .*AARCH64.*AMD.*\.`,
		"Install the build of async-profiler that is for the JVM's architecture and C library.")

	empty := filepath.Join(filepath.Dir(library), "empty.so")
	source := filepath.Join(filepath.Dir(library), "empty.c")
	if err := os.WriteFile(source, []byte("int nothing;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	gcc(t, source, empty)
	says(record(Rule{Library: empty}), empty+` is loaded in process `+pid+` and is no async-profiler: it has no Agent_OnAttach\.`,
		"Name the path of libasyncProfiler.so with `library`.")

	// Somebody else is at work: he is left alone.
	vm, err := hotspot.Attach(t.Context(), p, hotspot.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	theirs := t.TempDir()
	if _, err := vm.Command(t.Context(), "load", library, "true", "start,event=wall,jfr,file="+theirs+"/x.jfr,log="+theirs+"/log"); err != nil {
		t.Fatal(err)
	}
	says(record(Rule{Library: library}), `Somebody else is recording process `+pid+` with async-profiler\.`, "Nothing: Tacho tries again at its next turn.")
	if c := trace(); strings.HasPrefix(c[len(c)-1], "stop") {
		t.Errorf("somebody else's recording was stopped: %q", c)
	}
}

// A recording that grows too large is ended and delivered.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	library, _ := stub(t)
	jvm, p := idle(t, jvmtest.JDK17)
	x := collect(t, jvm.PID, Options{MaxFile: 100 << 10})
	r, err := Rule{Service: ".*", Length: 10 * time.Minute, Library: library}.filled()
	if err != nil {
		t.Fatal(err)
	}
	err = x.worker(p).record(t.Context(), r)
	if err == nil || !strings.Contains(err.Error(), "was ended early: its file was larger than 0 MiB") || len(x.batches()) == 0 {
		t.Errorf("%v, %d batches", err, len(x.batches()))
	}
}

// A JVM that ends while it is recorded: what it had written is delivered.
func TestJVMEnds(t *testing.T) {
	t.Parallel()
	library, trace := stub(t)
	jvm, p := idle(t, jvmtest.JDK17)
	x := collect(t, jvm.PID, Options{})
	r, err := Rule{Service: ".*", Length: 10 * time.Minute, Library: library}.filled()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- x.worker(p).record(t.Context(), r) }()
	jvmtest.Until(t, "the recording runs", time.Minute, func() bool { return len(trace()) == 1 })
	jvm.Signal(syscall.SIGKILL)
	err = <-done
	if p := asProblem(err); p.Reason != fmt.Sprintf("Process %d ended while async-profiler was recording it.", jvm.PID) {
		t.Errorf("%q (%v)", p.Reason, err)
	}
	if len(x.batches()) == 0 {
		t.Error("nothing of it was delivered")
	}
	if l, _ := filepath.Glob("/tmp/" + prefix(x.o.Home, p) + "*"); len(l) > 0 {
		t.Errorf("left behind: %v", l)
	}
}

// A killed agent's successor ends the recording it has left, and begins its own.
func TestKilledAgent(t *testing.T) {
	t.Parallel()
	library, trace := stub(t)
	jvm, p := idle(t, jvmtest.JDK17)
	x := collect(t, jvm.PID, Options{})
	w := x.worker(p)
	r, err := Rule{Service: ".*", Length: time.Second, Library: library}.filled()
	if err != nil {
		t.Fatal(err)
	}
	vm, err := hotspot.Attach(t.Context(), p, hotspot.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	at, err := makePlace(p, x.o.Home)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.load(t.Context(), vm, library, r.start(at.inside(recordingFile), at.inside(logFile), guard), at); err != nil {
		t.Fatal(err)
	}
	if err := w.record(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	var verbs []string
	for _, c := range trace() {
		verb, _, _ := strings.Cut(c, ",")
		verbs = append(verbs, verb)
	}
	if fmt.Sprint(verbs) != "[start stop start stop]" || len(left(t, p)) > 0 {
		t.Errorf("commands %v, left %v", verbs, left(t, p))
	}
}

func TestDynamicLoadingOff(t *testing.T) {
	t.Parallel()
	library, _ := stub(t)
	jvm, p := idle(t, jvmtest.JDK17, "-XX:-EnableDynamicAgentLoading")
	r, err := Rule{Service: ".*", Length: time.Second, Library: library}.filled()
	if err != nil {
		t.Fatal(err)
	}
	err = collect(t, jvm.PID, Options{}).worker(p).record(t.Context(), r)
	if want := fmt.Sprintf("The JVM in process %d runs with -XX:-EnableDynamicAgentLoading and loads no async-profiler.", jvm.PID); err == nil || asProblem(err).Reason != want {
		t.Errorf("%v", err)
	}
}

// A JVM with a mount namespace of its own that does not see the host's library,
// then one that does and has a /tmp of its own.
func TestOtherMountNamespace(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root: it makes a mount namespace")
	}
	t.Parallel()
	library, _ := stub(t)
	start := func(script string) (*jvmtest.Program, hotspot.Process) {
		classes := jvmtest.Compile(t, "testdata/Idle.java")
		cmd := exec.Command("unshare", "-m", "sh", "-c", script+` && exec "$@"`, "sh", jvmtest.JDK17+"/bin/java", "-cp", "/mnt", "Idle")
		cmd.Env = append(os.Environ(), "CLASSES="+classes, "LIB="+filepath.Dir(library))
		jvm := jvmtest.Start(t, cmd, "ready")
		return jvm, find(t, jvm.PID)
	}
	r, err := Rule{Service: ".*", Length: time.Second, Library: library}.filled()
	if err != nil {
		t.Fatal(err)
	}
	hidden := `mount --bind "$CLASSES" /mnt && mount -t tmpfs none /tmp`
	jvm, p := start(hidden)
	err = collect(t, jvm.PID, Options{}).worker(p).record(t.Context(), r)
	want := fmt.Sprintf("async-profiler is on this host in %s, and process %d does not see it: it has a file system of its own.", filepath.Dir(library), jvm.PID)
	if err == nil || asProblem(err).Reason != want || !isAbsent(err) {
		t.Errorf("got %v\nwant %s", err, want)
	}

	jvm, p = start(`mount --bind "$CLASSES" /mnt && mount --bind "$LIB" /srv && mount -t tmpfs none /tmp`)
	x := collect(t, jvm.PID, Options{})
	r.Library = "/srv/" + soName
	if err := x.worker(p).record(t.Context(), r); err != nil || len(x.batches()) == 0 || len(left(t, p)) > 0 {
		t.Errorf("%v, %d batches, left %v", err, len(x.batches()), left(t, p))
	}
}

// Absent is a state, not a loop of errors: one line in the log, no failures.
func TestAbsentIsQuiet(t *testing.T) {
	t.Parallel()
	jvm, _ := idle(t, jvmtest.JDK17)
	var log strings.Builder
	x := collect(t, jvm.PID, Options{Rules: []Rule{{Service: ".*", Library: "/nowhere/lib.so"}}, Recheck: 10 * time.Millisecond, Log: logTo(&log)})
	end := x.start(t)
	jvmtest.Until(t, "the sentence stands in the status", 30*time.Second, func() bool { return x.status().Reason != "" })
	time.Sleep(300 * time.Millisecond)
	st := x.status()
	end()
	if st.State != record.StateLimited || !strings.HasPrefix(st.Reason, "async-profiler is not installed where process ") || st.Counters["async_failures"] != 0 {
		t.Errorf("%+v", st)
	}
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines in the log:\n%s", n, log.String())
	}
	row := []record.Status{{PID: jvm.PID, State: record.StateLimited, Reason: "No JFR."}}
	if x.Annotate(row); !strings.HasPrefix(row[0].Reason, "No JFR.") {
		t.Errorf("%+v", row[0])
	}
}
