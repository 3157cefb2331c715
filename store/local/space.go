package local

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tacho/store"
)

// Pebble does not survive a full disk well, so it must not come to that:
//
//  1. Once a second the free space is measured. (Watch)
//  2. Below twice MinFree, or when the store is larger than MaxBytes, the oldest
//     day goes, and then the next; the newest day never does. (drop.go)
//  3. Below MinFree batches are refused and nothing is rolled up.
//  4. When a write finds the disk full all the same, the ballast file is
//     removed, and the write is tried again. The ballast is made anew when there
//     is room. (ballast.go)

// space is what is known of the disk. Appends and Health only read it.
type space struct {
	known   atomic.Bool   // the file system says how full it is
	free    atomic.Uint64 // bytes
	total   atomic.Uint64 // bytes
	used    atomic.Uint64 // bytes the store takes
	tables  atomic.Uint64 // of these the live tables: what dropping days can shrink
	refused atomic.Pointer[error]

	room sync.Mutex // one making of room at a time
	busy sync.WaitGroup
	next time.Time // when a further day may go; guarded by room
	last bool      // it has been said that only the newest day is left; guarded by room
}

// watchLoop watches the disk until the store closes.
func (s *Store) watchLoop(ctx context.Context) {
	defer close(s.watchDone)
	defer s.space.busy.Wait()
	if s.opt.WatchEvery < 0 {
		return
	}
	tick := time.NewTicker(s.opt.WatchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.health.failed:
			return
		case <-tick.C:
		}
		s.measure()
		s.keepBallast()
		if s.wantRoom() == "" || !s.space.room.TryLock() {
			continue
		}
		// Making room waits for the disk; measuring must go on.
		s.space.busy.Go(func() {
			defer s.space.room.Unlock()
			if err := s.makeRoom(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("cannot make room on the disk; it will be tried again", "error", err)
			}
		})
	}
}

// Watch measures the disk, sees to the ballast and makes room if need be. The
// store does it by itself every WatchEvery; tests and tools call it.
func (s *Store) Watch(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	s.measure()
	s.keepBallast()
	if s.wantRoom() == "" {
		return nil
	}
	s.space.room.Lock()
	defer s.space.room.Unlock()
	return s.makeRoom(ctx)
}

// measure looks how full the disk is.
func (s *Store) measure() {
	if s.health.failure() == nil {
		m := s.db.Metrics()
		s.space.used.Store(m.DiskSpaceUsage())
		s.space.tables.Store(m.Table.Local.LiveSize)
	}
	u, err := s.opt.FS.GetDiskUsage(s.opt.Dir)
	var refuse error
	switch {
	case errors.Is(err, vfs.ErrUnsupported):
		s.space.known.Store(false)
	case err != nil:
		refuse = fmt.Errorf("free space of %s: %w", s.opt.Dir, err)
	default:
		s.space.free.Store(u.AvailBytes)
		s.space.total.Store(u.TotalBytes)
		s.space.known.Store(true)
		if u.AvailBytes < s.opt.MinFree {
			refuse = fmt.Errorf("%w: %s free in %s, %s must stay free", store.ErrFull, size(u.AvailBytes), s.opt.Dir, size(s.opt.MinFree))
		}
	}
	was := s.checkSpace()
	s.space.refused.Store(&refuse)
	switch {
	case refuse != nil && was == nil:
		s.log.Error("batches are refused", "error", refuse)
	case refuse == nil && was != nil:
		s.log.Info("batches are taken again", "free", size(u.AvailBytes))
	}
}

// checkSpace says why nothing may be stored now: there is too little space, as
// last measured, or the log cannot be written.
func (s *Store) checkSpace() error {
	if err := s.space.refused.Load(); err != nil && *err != nil {
		return *err
	}
	return s.health.stuckErr()
}

// Why days are dropped, in the metrics and the log.
const (
	DropAge   = "age"   // Retention
	DropSize  = "size"  // MaxBytes
	DropSpace = "space" // twice MinFree
)

// wantRoom says why a day should go, "" when none should.
func (s *Store) wantRoom() string {
	switch {
	case s.space.known.Load() && s.space.free.Load() < 2*s.opt.MinFree:
		return DropSpace
	case s.opt.MaxBytes > 0 && s.space.tables.Load() > s.opt.MaxBytes:
		return DropSize
	}
	return ""
}

// size is a number of bytes as people read it.
func size(n uint64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	case n >= 10<<10:
		return fmt.Sprintf("%d KiB", n>>10)
	}
	return fmt.Sprintf("%d bytes", n)
}
