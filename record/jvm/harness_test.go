package jvm

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tacho"
	"tacho/internal/jvmtest"
	"tacho/record"
	"tacho/record/hotspot"
	"tacho/record/proc"
)

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
	jvmtest.Until(t, "recording", 60*time.Second, func() bool {
		st := r.Status()
		return len(st) == 1 && st[0].State == record.StateRecording
	})
}
