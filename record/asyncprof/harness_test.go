package asyncprof

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tacho"
	"tacho/internal/jvmtest"
	"tacho/record"
	"tacho/record/hotspot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The real library cannot be had where these tests run: testdata/agent.c stands
// in for it, loaded into real JVMs.
func stub(t *testing.T) (library string, trace func() []string) {
	t.Helper()
	dir := t.TempDir()
	recording, err := os.ReadFile("../../format/jfr/testdata/small.jfr")
	if err != nil {
		t.Fatal(err)
	}
	// Not below /tmp, which one of the JVMs has for its own; the checkout may be.
	seen, err := os.MkdirTemp("/var/tmp", "tacho-fixture-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(seen) })
	fixture := seen + "/small.jfr"
	if err := errors.Join(os.Chmod(seen, 0o755), os.WriteFile(fixture, recording, 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	library, commands := dir+"/"+soName, dir+"/commands"
	gcc(t, "testdata/agent.c", library, `-DFIXTURE="`+fixture+`"`, `-DTRACE="`+commands+`"`)
	return library, func() []string {
		b, err := os.ReadFile(commands)
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	}
}

func gcc(t *testing.T, source, to string, defines ...string) {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc on this machine: it compiles the library that stands in for async-profiler")
	}
	args := append([]string{"-shared", "-fPIC", "-Wall", "-Werror", "-o", to, source}, defines...)
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
}

// idle starts a JVM that does nothing, and finds it.
func idle(t *testing.T, home string, options ...string) (*jvmtest.Program, hotspot.Process) {
	t.Helper()
	p := jvmtest.Java(t, home, append(options, "-cp", jvmtest.Compile(t, "testdata/Idle.java"), "Idle")...)
	return p, find(t, p.PID)
}

func find(t *testing.T, pid int) hotspot.Process {
	t.Helper()
	var found hotspot.Process
	jvmtest.Until(t, "the JVM is found", 30*time.Second, func() bool {
		all, err := new(hotspot.Finder).Find(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(all, func(p hotspot.Process) bool { return p.PID == pid })
		if i >= 0 {
			found = all[i]
		}
		return i >= 0 && found.PerfFile != ""
	})
	return found
}

var labels = map[string]string{"service_name": "orders-eu", "instance": "host:1", "env": "prod"}

// collected is a Collector of one JVM and what it has delivered.
type collected struct {
	*Collector
	pid int
	mu  sync.Mutex
	got []*tacho.Batch
}

func collect(t *testing.T, pid int, o Options) *collected {
	t.Helper()
	x := &collected{pid: pid}
	o.Home = t.TempDir()
	if o.Scan == 0 {
		o.Scan = 100 * time.Millisecond
	}
	o.Targets = func() []record.Status { return []record.Status{x.row(record.StateRecording)} }
	o.Deliver = func(_ context.Context, b *tacho.Batch) error {
		if err := b.Validate(); err != nil {
			t.Error(err)
		}
		x.mu.Lock()
		defer x.mu.Unlock()
		x.got = append(x.got, b)
		return nil
	}
	var err error
	if x.Collector, err = New(o); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *collected) row(s record.State) record.Status {
	return record.Status{PID: x.pid, Service: labels["service_name"], Instance: labels["instance"], Labels: labels, State: s}
}

// status is the JVM's row of the agents page.
func (x *collected) status() record.Status {
	rows := []record.Status{x.row(record.StateRecording)}
	x.Annotate(rows)
	return rows[0]
}

func (x *collected) batches() []*tacho.Batch {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Clone(x.got)
}

// worker is one that is told what to do by the test.
func (x *collected) worker(p hotspot.Process) *worker {
	return &worker{c: x.Collector, proc: p, target: tacho.NewLabels(labels), end: func() {}}
}

// start runs the collector; the function returned ends it and waits for it.
func (x *collected) start(t *testing.T) (end func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- x.Run(ctx) }()
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	return end
}

// left are the directories of ours in a JVM's /tmp.
func left(t *testing.T, p hotspot.Process) []string {
	t.Helper()
	names, err := filepath.Glob(fmt.Sprintf("%s/tmp/tacho-async-*-%d-*", p.Root, p.NSPID))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// logTo logs lines without a time.
func logTo(w *strings.Builder) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
