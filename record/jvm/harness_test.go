package jvm

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tacho"
	"tacho/record"
	"tacho/record/hotspot"
	"tacho/record/proc"
)

const jdk17 = "/usr/lib/jvm/java-17-openjdk-amd64"

// jdks are the JDKs the tests run on: 17, which `make test` installs, and 25
// where the machine has one.
func jdks(t *testing.T) map[string]string {
	t.Helper()
	if _, err := os.Stat(jdk17 + "/bin/javac"); err != nil {
		t.Fatalf("no JDK 17 (%v): run `.ci/deps jdk`", err)
	}
	m := map[string]string{"17": jdk17}
	if dirs, _ := filepath.Glob("/usr/lib/jvm/*25*/bin/java"); len(dirs) > 0 {
		m["25"] = filepath.Dir(filepath.Dir(dirs[0]))
	}
	return m
}

// compiled compiles a program of testdata for every JDK here.
func compiled(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command(jdk17+"/bin/javac", "-d", dir, filepath.Join("testdata", name+".java")).CombinedOutput()
	if err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	return dir
}

// program is a Java program that was started and said "ready".
type program struct {
	cmd  *exec.Cmd
	pid  int
	in   io.WriteCloser
	mu   sync.Mutex
	out  strings.Builder
	done chan struct{}
}

func startJava(t *testing.T, home string, args ...string) *program {
	t.Helper()
	return startProgram(t, exec.Command(home+"/bin/java", args...), "ready")
}

func startProgram(t *testing.T, cmd *exec.Cmd, ready string) *program {
	t.Helper()
	p := &program{cmd: cmd, done: make(chan struct{})}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL}
	p.in, _ = cmd.StdinPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.pid = cmd.Process.Pid
	isReady := make(chan struct{})
	go func() {
		sc := bufio.NewScanner(r)
		once := sync.Once{}
		for sc.Scan() {
			p.mu.Lock()
			p.out.WriteString(sc.Text() + "\n")
			p.mu.Unlock()
			if strings.Contains(sc.Text(), ready) {
				once.Do(func() { close(isReady) })
			}
		}
	}()
	go func() {
		cmd.Wait()
		w.Close()
		close(p.done)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-p.done
	})
	select {
	case <-isReady:
	case <-p.done:
		t.Fatalf("the program ended:\n%s", p.output())
	case <-time.After(time.Minute):
		t.Fatalf("the program does not get ready:\n%s", p.output())
	}
	return p
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// memorySink keeps batches and marks as a spool would.
type memorySink struct {
	mu      sync.Mutex
	batches []*tacho.Batch
	marks   map[string][]byte
	t       *testing.T
}

func newSink(t *testing.T) *memorySink { return &memorySink{t: t, marks: map[string][]byte{}} }

func (s *memorySink) Deliver(_ context.Context, b *tacho.Batch, key string, mark []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := b.Validate(); err != nil {
		s.t.Errorf("invalid batch: %v", err)
	}
	s.batches = append(s.batches, b)
	s.marks[key] = mark
	return nil
}

func (s *memorySink) Marks() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := map[string][]byte{}
	for k, v := range s.marks {
		m[k] = v
	}
	return m
}

func (s *memorySink) Forget(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.marks, key)
}

func (s *memorySink) all() []*tacho.Batch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*tacho.Batch(nil), s.batches...)
}

// until waits for the condition, at most for the given time.
func until(t *testing.T, what string, limit time.Duration, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !cond(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

func mono() int64 {
	var ts unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}

// config records only the given process.
func config(t *testing.T, sink record.Sink, pids ...int) Config {
	only := map[int]bool{}
	for _, p := range pids {
		only[p] = true
	}
	log := slog.New(slog.DiscardHandler)
	if testing.Verbose() {
		log = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	}
	return Config{Host: "testhost", BootID: "boot", Sink: sink, Log: log, Scan: 200 * time.Millisecond,
		Threads: func(pid int) (record.ThreadReader, error) { return proc.Open("/proc", pid) },
		Clock:   record.Clock{Wall: time.Now, Mono: mono}, Dumps: true,
		Only: func(p hotspot.Process) bool { return only[p.PID] }}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	fmt.Fprint(os.Stderr, "    "+string(p))
	return len(p), nil
}

// collector runs a collector until stop is called.
type running struct {
	*Collector
	cancel context.CancelFunc
	done   chan error
}

func runCollector(t *testing.T, cfg Config) *running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Collector: New(cfg), cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- r.Run(ctx) }()
	t.Cleanup(r.stop)
	return r
}

func (r *running) stop() {
	r.cancel()
	if r.done != nil {
		<-r.done
		r.done = nil
	}
}

// recording waits until the one JVM is being recorded.
func (r *running) recording(t *testing.T) {
	t.Helper()
	until(t, "recording", 60*time.Second, func() bool {
		st := r.Status()
		return len(st) == 1 && st[0].State == record.StateRecording
	})
}
