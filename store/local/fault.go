package local

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tacho/store"
)

// health is what is wrong with the disk. What cannot be mended ends the store:
// failed is closed, every later append is refused, and reading goes on as far
// as it can. Nothing ends the process. (disk.go)
type health struct {
	mu     sync.Mutex
	err    error
	failed chan struct{} // closed when err is set

	opened atomic.Bool // from now on the disk must be waited for; see disk.go
	writes error       // why the log or the manifest cannot be written now

	background error     // the last error of a flush or compaction, which Pebble retries
	backAt     time.Time // when it happened
	loggedAt   time.Time // when it was logged: Pebble retries without a pause
}

func newHealth() *health { return &health{failed: make(chan struct{})} }

func (h *health) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err == nil {
		h.err = err
		close(h.failed)
	}
}

func (h *health) failure() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.err
}

// errFailed wraps the first failure in what later calls return.
func (h *health) errFailed() error {
	if err := h.failure(); err != nil {
		return fmt.Errorf("store stopped after a disk failure: %w", err)
	}
	return nil
}

// stuck notes why the log or the manifest cannot be written; nil when it can.
func (h *health) stuck(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.writes = err
}

func (h *health) stuckErr() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.writes
}

// failing notes an error of background work. It is logged once in a while.
func (h *health) failing(err error, now time.Time) (log bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.background, h.backAt = err, now
	if d := now.Sub(h.loggedAt); h.loggedAt.IsZero() || d < 0 || d >= 10*time.Second {
		h.loggedAt = now
		return true
	}
	return false
}

// works notes that background work went well.
func (h *health) works() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.background = nil
}

// retrying reports whether the last background work failed.
func (h *health) retrying() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.background != nil
}

// struggling is the error of background work, if one happened of late.
func (h *health) struggling(now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.background != nil && now.Sub(h.backAt) < time.Minute {
		return fmt.Errorf("flush or compaction fails: %w", h.background)
	}
	return nil
}

// pebbleLog takes Pebble's own messages. Its info lines are about every flush
// and compaction: debug.
type pebbleLog struct {
	log *slog.Logger
	h   *health
}

func (l pebbleLog) Infof(format string, args ...any) {
	l.log.Debug("pebble", "message", fmt.Sprintf(format, args...))
}

func (l pebbleLog) Errorf(format string, args ...any) {
	l.log.Warn("pebble", "message", fmt.Sprintf(format, args...))
}

// Fatalf must not return as far as Pebble is concerned: its goroutine would
// retry on a state it has itself called lost, the manifest above all. A
// goroutine of Pebble's own therefore ends here, giving its locks back; one of
// this package goes on and finds out by errFailed.
func (l pebbleLog) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	l.log.Error("the store stops", "error", err)
	l.h.fail(err)
	if !calledByStore() {
		runtime.Goexit()
	}
}

// calledByStore reports whether this package is further up the stack than the
// log that asks.
func calledByStore() bool {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])]) // above Callers, this and Fatalf
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "tacho/store/local.") && !strings.Contains(f.Function, ".pebbleLog.") && !strings.Contains(f.Function, ".(*pebbleLog).") {
			return true
		}
		if !more {
			return false
		}
	}
}

// listener notes what Pebble reports about its background work.
func (s *Store) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			if !s.health.opened.Load() {
				s.health.fail(err) // Pebble would try again without an end before it has opened
				return
			}
			if s.health.failing(err, s.now()) {
				s.log.Error("flush or compaction failed; it will be tried again", "error", err)
			}
		},
		FlushEnd: func(info pebble.FlushInfo) {
			if info.Err == nil {
				s.health.works()
			}
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			s.log.Error("a stored file is damaged", "details", info.String())
		},
	}
}

// Health says why batches cannot be stored now; nil when they can. It takes no
// lock that is held while waiting for the disk.
func (s *Store) Health() error {
	if err := s.health.errFailed(); err != nil {
		return err
	}
	if s.isClosing() {
		return store.ErrReadOnly
	}
	if err := s.stalled(); err != nil {
		return err
	}
	return s.checkSpace()
}

// stalled says what the store is waiting for that should have come long ago. A
// full disk makes Pebble wait for ever without an error.
func (s *Store) stalled() error {
	if err := s.health.stuckErr(); err != nil {
		return err
	}
	if since, ok := s.inFlight.oldest(); ok {
		if d := s.now().Sub(since); d > s.opt.StallAfter {
			return fmt.Errorf("a commit has been waiting for the disk for %s", d.Round(time.Second))
		}
	}
	return s.health.struggling(s.now())
}

// inFlight is the commits that wait for the disk.
type inFlight struct {
	mu    sync.Mutex
	since map[*pebble.Batch]time.Time
}

func (f *inFlight) add(b *pebble.Batch, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.since == nil {
		f.since = map[*pebble.Batch]time.Time{}
	}
	f.since[b] = now
}

func (f *inFlight) remove(b *pebble.Batch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.since, b)
}

// oldest is when the commit that has waited longest began.
func (f *inFlight) oldest() (t time.Time, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.since {
		if !ok || s.Before(t) {
			t, ok = s, true
		}
	}
	return t, ok
}

// housekeep commits the store's own changes to what it keeps, under the same
// watch as batches, and closes pb. It waits no longer than patience; done, which
// gives back the writer lock, is called when the changes are in order with those
// after them, come what may.
func (s *Store) housekeep(ctx context.Context, pb *pebble.Batch, o *pebble.WriteOptions, done func()) error {
	if err := s.health.errFailed(); err != nil {
		done()
		return err
	}
	ctx, cancel := s.patience(ctx)
	defer cancel()
	ended := make(chan error, 1)
	s.inFlight.add(pb, s.now())
	s.commits.Go(func() { ended <- s.applyOwn(pb, o, done) })
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.health.failed:
		return s.health.errFailed()
	}
}

func (s *Store) applyOwn(pb *pebble.Batch, o *pebble.WriteOptions, done func()) (err error) {
	defer func() {
		if p := recover(); p != nil { // Pebble panics when it has lost its log
			s.health.fail(fmt.Errorf("commit: %v", p))
			err = s.health.errFailed()
		}
		s.inFlight.remove(pb)
		done()
	}()
	if err := s.db.Apply(pb, o); err != nil {
		return err
	}
	if err := s.health.errFailed(); err != nil {
		return err
	}
	return pb.Close()
}

// letGo closes a question's snapshot in the background: Pebble then looks for
// compactions, for which it waits while it cannot write its manifest.
func (s *Store) letGo(snap *pebble.Snapshot) {
	s.commits.Go(func() { _ = snap.Close() })
}

// patience bounds how long an append waits for locks and disk when its caller
// sets no bound: three times what Health calls too long.
func (s *Store) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 3*s.opt.StallAfter)
}

// hold takes the writer lock of a service for housekeeping: an append that waits
// for the disk has it, and may have it for long.
func (s *Store) hold(ctx context.Context, v *service) error {
	ctx, cancel := s.patience(ctx)
	defer cancel()
	return v.acquire(ctx)
}
