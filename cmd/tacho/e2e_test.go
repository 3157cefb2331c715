package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tacho/internal/jvmtest"
	"tacho/record/hotspot"
	"tacho/record/jvm"
	"tacho/report"
	"tacho/web/client"
)

// built is the real binary, built once for all tests of this package.
func built(t *testing.T) string {
	t.Helper()
	if builtBinary == "" {
		t.Fatal("TestMain did not build the binary")
	}
	return builtBinary
}

var builtBinary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "tacho-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := os.Chmod(dir, 0o755); err != nil { // one test runs it as nobody
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	builtBinary = filepath.Join(dir, "tacho")
	if out, err := exec.Command("go", "build", "-o", builtBinary, ".").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// server starts `tacho server` and waits until it is ready.
func server(t *testing.T, port int, data string) *jvmtest.Program {
	t.Helper()
	return jvmtest.Start(t, exec.Command(built(t), "server", "--listen", jvmtest.Addr(port), "--health-listen", "", "--data", data, "--min-free", "1MiB"), "shows it on")
}

// agent starts `tacho agent` and waits until it has started.
func agent(t *testing.T, port int, data string, more ...string) *jvmtest.Program {
	t.Helper()
	args := append([]string{"agent", "--server", "http://" + jvmtest.Addr(port), "--data", data, "--min-age", "0s"}, more...)
	return jvmtest.Start(t, exec.Command(built(t), args...), "agent started")
}

// recorded waits until the server knows an agent that records the process.
func recorded(t *testing.T, c *client.Client, pid int) {
	t.Helper()
	began := time.Now()
	jvmtest.Until(t, "the agent records the JVM", 90*time.Second, func() bool {
		x, ok := target(c, pid)
		return ok && x.State == "recording" && time.UnixMilli(x.SinceMS).After(began.Add(-30*time.Second))
	})
}

func target(c *client.Client, pid int) (report.Target, bool) {
	as, err := c.Agents(context.Background())
	if err != nil {
		return report.Target{}, false
	}
	for _, a := range as.Agents {
		for _, x := range a.Targets {
			if x.PID == pid {
				return x, true
			}
		}
	}
	return report.Target{}, false
}

func sink(c *client.Client) report.Sink {
	as, err := c.Agents(context.Background())
	if err != nil || len(as.Agents) == 0 {
		return report.Sink{}
	}
	return as.Agents[0].Sink
}

// spin starts the workload: two threads that burn CPU.
func spin(t *testing.T) *jvmtest.Program {
	t.Helper()
	return jvmtest.Java(t, jvmtest.JDK17, "-cp", jvmtest.Compile(t, "../../record/jvm/testdata/Spin.java"), "Spin", "2")
}

func ms(tm time.Time) string { return fmt.Sprint(tm.UnixMilli()) }

// stored is the times of the stored samples that a sampler took of a process,
// in microseconds, each as often as it is stored.
func stored(t *testing.T, c *client.Client, pid int, from, until time.Time) []int64 {
	t.Helper()
	s, err := c.Samples(t.Context(), client.Query{Service: "Spin", Type: "cpu", From: ms(from), Until: ms(until),
		Match: []string{fmt.Sprintf(`pid="%d"`, pid)}}, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	kinds := report.Kinds()
	var out []int64
	for i, at := range s.Samples.Time {
		leaf := s.Stacks[s.Samples.Stack[i]][0]
		kind := kinds[s.Frames.Kind[leaf]]
		if kind == "interpreted" || kind == "jit" || kind == "inlined" || kind == "native" && s.Strings[s.Frames.Function[leaf]] != "[native]" {
			out = append(out, int64(at)/1000)
		}
	}
	slices.Sort(out)
	return out
}

// dump is the times of the samples in a dump of the JVM's recording, as
// `jfr print` shows them, in microseconds; and how many recordings run.
func dump(t *testing.T, pid int, data string) (times []int64, recordings int) {
	t.Helper()
	ps, err := (&hotspot.Finder{}).Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(ps, func(p hotspot.Process) bool { return p.PID == pid })
	if i < 0 {
		t.Fatalf("JVM %d is gone", pid)
	}
	ours := jvm.RecordingNameOf(filepath.Join(data, "spool"))
	vm, err := hotspot.Attach(t.Context(), ps[i], hotspot.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer vm.Close()
	rs, err := vm.Recordings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Another agent may record the same JVM; it is none of ours.
	rs = slices.DeleteFunc(rs, func(r hotspot.RecordingInfo) bool { return r.Name != ours })
	file := filepath.Join(t.TempDir(), "dump.jfr")
	if err := vm.DumpRecording(t.Context(), ours, file); err != nil {
		t.Fatal(err)
	}
	printed := jvmtest.Printed(t, jvmtest.JDK17, file)
	for _, e := range []string{"jdk.ExecutionSample", "jdk.NativeMethodSample"} {
		for _, x := range printed[e] {
			times = append(times, x.Time/1000)
		}
	}
	slices.Sort(times)
	return times, len(rs)
}

// same compares times within [from, until), allowing the 2 µs by which
// `jfr print` may be off.
func same(t *testing.T, got, want []int64, from, until time.Time) {
	t.Helper()
	cut := func(v []int64) []int64 {
		return slices.DeleteFunc(slices.Clone(v), func(x int64) bool { return x < from.UnixMicro()+3 || x > until.UnixMicro()-3 })
	}
	got, want = cut(got), cut(want)
	if len(got) != len(want) {
		t.Errorf("%d samples stored, %d recorded", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if d := got[i] - want[i]; d < -3 || d > 3 {
			t.Errorf("sample %d of %d: stored at %d µs, recorded at %d", i, len(want), got[i], want[i])
			break
		}
	}
	if len(want) < 50 {
		t.Errorf("only %d samples to compare: that proves nothing", len(want))
	}
	t.Logf("%d stored, %d recorded", len(got), len(want))
}

// An agent killed with -9 and started again: no second recording, nothing
// doubled, nothing missing.
func TestAgentKilledAndRestarted(t *testing.T) {
	port := jvmtest.FreePort(t)
	server(t, port, t.TempDir())
	c := &client.Client{URL: "http://" + jvmtest.Addr(port)}
	p := spin(t)
	data := t.TempDir()
	a := agent(t, port, data)
	recorded(t, c, p.PID)
	begin := time.Now()
	for range 3 {
		time.Sleep(6300 * time.Millisecond)
		a.Signal(syscall.SIGKILL)
		<-a.Done
		a = agent(t, port, data)
		recorded(t, c, p.PID)
	}
	time.Sleep(12 * time.Second)
	end := time.Now()
	want, recordings := dump(t, p.PID, data)
	if recordings != 1 {
		t.Errorf("%d recordings in the JVM, want 1", recordings)
	}
	a.Signal(syscall.SIGTERM)
	<-a.Done
	time.Sleep(time.Second)
	got := stored(t, c, p.PID, begin.Add(-time.Minute), end.Add(time.Minute))
	same(t, got, want, begin, end)
	var gap int64
	for i := 1; i < len(got); i++ {
		gap = max(gap, got[i]-got[i-1])
	}
	t.Logf("longest time without a sample: %d ms", gap/1000)
}

// A server that is away loses nothing: batches wait on the agent's disk. The
// ten minutes of the issue are in `make soak`, and simulated in package wire.
func TestServerAway(t *testing.T) { serverAway(t, 20*time.Second) }

func serverAway(t *testing.T, away time.Duration) {
	t.Helper()
	port := jvmtest.FreePort(t)
	keep := t.TempDir()
	s := server(t, port, keep)
	c := &client.Client{URL: "http://" + jvmtest.Addr(port)}
	p := spin(t)
	data := t.TempDir()
	agent(t, port, data)
	recorded(t, c, p.PID)
	begin := time.Now()
	time.Sleep(5 * time.Second)
	s.Signal(syscall.SIGKILL)
	<-s.Done
	time.Sleep(away)
	server(t, port, keep)
	jvmtest.Until(t, "the spool is empty again", 60*time.Second, func() bool {
		x := sink(c)
		return x.State == "ok" && x.SpoolBatches == 0
	})
	time.Sleep(7 * time.Second)
	end := time.Now()
	want, _ := dump(t, p.PID, data)
	time.Sleep(8 * time.Second)
	same(t, stored(t, c, p.PID, begin.Add(-time.Minute), end.Add(time.Minute)), want, begin, end)
}

// A full disk on the agent's side: it says so, and records on in memory.
func TestAgentsDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root to mount a small file system")
	}
	small := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatalf("mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(small, unix.MNT_DETACH) })
	port := jvmtest.FreePort(t)
	server(t, port, t.TempDir())
	c := &client.Client{URL: "http://" + jvmtest.Addr(port)}
	p := spin(t)
	data := small
	agent(t, port, data)
	recorded(t, c, p.PID)
	begin := time.Now()
	filler := filepath.Join(small, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); ; {
		if _, err := f.Write(block); err != nil {
			break
		}
	}
	f.Close()
	jvmtest.Until(t, "the agent says that its disk is full", 60*time.Second, func() bool {
		x := sink(c)
		return x.State == "memory" && strings.Contains(x.Reason, "no space left")
	})
	time.Sleep(10 * time.Second)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	jvmtest.Until(t, "the agent is back on its disk", 90*time.Second, func() bool { return sink(c).State == "ok" })
	end := time.Now()
	want, _ := dump(t, p.PID, data)
	time.Sleep(10 * time.Second)
	same(t, stored(t, c, p.PID, begin.Add(-time.Minute), end.Add(time.Minute)), want, begin, end)
}

// Doctor and the agents page say in one sentence what is wrong with a JVM that
// cannot be recorded, and nothing reaches its output.
func TestRefusalIsExplained(t *testing.T) {
	port := jvmtest.FreePort(t)
	server(t, port, t.TempDir())
	c := &client.Client{URL: "http://" + jvmtest.Addr(port)}
	p := jvmtest.Java(t, jvmtest.JDK17, "-XX:+DisableAttachMechanism", "-cp", jvmtest.Compile(t, "../../record/jvm/testdata/Spin.java"), "Spin", "1")
	agent(t, port, t.TempDir())
	jvmtest.Until(t, "refused", 30*time.Second, func() bool {
		x, ok := target(c, p.PID)
		return ok && x.State == "refused" && strings.Contains(x.Reason, "DisableAttachMechanism") && x.Remedy != ""
	})
	out, err := exec.Command(built(t), "doctor", "--data", t.TempDir()).CombinedOutput()
	if e, ok := err.(*exec.ExitError); !ok || e.ExitCode() != exitNo {
		t.Errorf("doctor: %v, want exit code %d\n%s", err, exitNo, out)
	}
	if !strings.Contains(string(out), "DisableAttachMechanism") || !strings.Contains(string(out), "→") {
		t.Errorf("doctor does not say what is wrong and what to do:\n%s", out)
	}
	// What the kernel knows is recorded all the same.
	jvmtest.Until(t, "CPU of the refused JVM by thread group", 60*time.Second, func() bool {
		top, err := c.Top(context.Background(), client.Query{Service: "Spin", Type: "cpu", From: "now-5m", Until: "now"}, client.TopOptions{})
		return err == nil && len(top.Rows) > 0 && top.Total > 1e9
	})
	if got := p.Output(); got != "ready\n" {
		t.Errorf("the JVM's output is not its own alone:\n%s", got)
	}
}

// Another user without rights is told so, in a sentence with a way out, and
// the JVM notices nothing.
func TestDoctorOfAnotherUser(t *testing.T) {
	p := spin(t)
	cmd := exec.Command(built(t), "doctor", "--data", "/tmp")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if e, ok := err.(*exec.ExitError); !ok || e.ExitCode() != exitNo {
		t.Errorf("doctor: %v, want exit code %d\n%s", err, exitNo, out)
	}
	i := strings.Index(string(out), fmt.Sprintf("JVM %d ", p.PID))
	if i < 0 {
		t.Fatalf("doctor does not name the JVM:\n%s", out)
	}
	lines := strings.SplitN(string(out)[i:], "\n", 3)
	if !strings.Contains(lines[0], "belongs to uid 0") || !strings.Contains(lines[1], "→ Run") {
		t.Errorf("doctor does not say whose JVM it is and what to do:\n%s", out)
	}
	if got := p.Output(); got != "ready\n" {
		t.Errorf("the JVM's output is not its own alone:\n%s", got)
	}
}

func TestHealthEndpoints(t *testing.T) {
	port := jvmtest.FreePort(t)
	server(t, port, t.TempDir())
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 200, "/api/v1/services": 200, "/api/v1/heatmap?service=none&type=cpu&from=now-1h": 404} {
		res, err := http.Get("http://" + jvmtest.Addr(port) + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, res.StatusCode, want)
		}
	}
}
