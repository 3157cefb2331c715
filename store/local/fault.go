package local

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tacho/store"
)

// health is what went wrong with the disk. Pebble's answer to a failed write of
// its log or manifest is to end the process; here it ends the store: failed is
// closed, every later append is refused, and reading goes on as far as it can.
type health struct {
	mu     sync.Mutex
	err    error
	failed chan struct{} // closed when err is set

	background error     // the last error of a flush or compaction, which Pebble retries
	backAt     time.Time // when it happened
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

func (l pebbleLog) Fatalf(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	l.log.Error("the store stops", "error", err)
	l.h.fail(err)
}

// listener notes what Pebble reports about its background work.
func (s *Store) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			s.health.mu.Lock()
			s.health.background, s.health.backAt = err, s.now()
			s.health.mu.Unlock()
			s.log.Error("flush or compaction failed; it will be tried again", "error", err)
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			s.log.Error("a stored file is damaged", "details", info.String())
		},
	}
}

// Health says why batches cannot be stored now; nil when they can.
func (s *Store) Health() error {
	if err := s.health.errFailed(); err != nil {
		return err
	}
	if s.isClosing() {
		return store.ErrReadOnly
	}
	if since, ok := s.inFlight.oldest(); ok {
		if d := s.now().Sub(since); d > stallAfter {
			return fmt.Errorf("a commit has been waiting for the disk for %s", d.Round(time.Second))
		}
	}
	s.health.mu.Lock()
	err, at := s.health.background, s.health.backAt
	s.health.mu.Unlock()
	if err != nil && s.now().Sub(at) < time.Minute {
		return fmt.Errorf("flush or compaction fails: %w", err)
	}
	return s.checkSpace()
}

// stallAfter is how long a commit may take before Health calls it stuck: a full
// disk makes Pebble wait for ever without an error.
const stallAfter = 10 * time.Second

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

// checkSpace refuses writing while the disk has less than MinFree left. Pebble
// itself does not survive a full disk well, so it must not come to that.
func (s *Store) checkSpace() error {
	s.spaceMu.Lock()
	defer s.spaceMu.Unlock()
	now := s.now()
	if d := now.Sub(s.spaceAt); s.spaceAt.IsZero() || d >= time.Second || d < 0 {
		s.spaceAt = now
		s.spaceErr = nil
		u, err := s.opt.FS.GetDiskUsage(s.opt.Dir)
		switch {
		case errors.Is(err, vfs.ErrUnsupported):
		case err != nil:
			s.spaceErr = fmt.Errorf("free space of %s: %w", s.opt.Dir, err)
		case u.AvailBytes < s.opt.MinFree:
			s.spaceErr = fmt.Errorf("%w: %d MiB free in %s, %d MiB must stay free", store.ErrFull, u.AvailBytes>>20, s.opt.Dir, s.opt.MinFree>>20)
		}
	}
	return s.spaceErr
}
