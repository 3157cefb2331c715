package local

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tacho/store"
)

// ballastName is a file of no use but for its size.
const ballastName = "BALLAST"

// maxBallast is the size of the ballast on a large disk: what a flush and the
// log need to end in order.
const maxBallast = 64 << 20

func (s *Store) ballastPath() string { return s.opt.FS.PathJoin(s.opt.Dir, ballastName) }

// ballastSize is what the ballast should have; 0 = there is to be none.
func (s *Store) ballastSize() uint64 {
	if s.opt.Ballast < 0 || !s.space.known.Load() {
		return 0
	}
	if s.opt.Ballast > 0 {
		return uint64(s.opt.Ballast)
	}
	return min(maxBallast, s.opt.MinFree/4, s.space.total.Load()/16)
}

// keepBallast makes the ballast when there is none and room enough for it.
func (s *Store) keepBallast() {
	want := s.ballastSize()
	if want == 0 || s.health.failure() != nil || s.space.free.Load() < 2*s.opt.MinFree+want {
		return
	}
	if _, err := s.opt.FS.Stat(s.ballastPath()); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err := s.makeBallast(want); err != nil {
		s.log.Warn("cannot make the ballast file", "error", err)
		return
	}
	s.log.Debug("ballast made", "size", size(want))
}

// makeBallast writes the file under another name first: under its own it is
// whole. What it holds cannot be compressed.
func (s *Store) makeBallast(want uint64) (err error) {
	disk, tmp := s.opt.FS, s.ballastPath()+".new"
	f, err := disk.Create(tmp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("make ballast: %w", err)
	}
	rng := rand.NewChaCha8([32]byte{})
	for left := want; left > 0 && err == nil; {
		chunk := make([]byte, min(left, 1<<20))
		_, _ = rng.Read(chunk) // never fails
		_, err = f.Write(chunk)
		left -= uint64(len(chunk))
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = disk.Rename(tmp, s.ballastPath())
	}
	if err != nil {
		_ = disk.Remove(tmp) // the first error is the one to report
		return fmt.Errorf("make ballast: %w", err)
	}
	return nil
}

// diskFull is called when a write of Pebble's has found no space, before it is
// tried again. All writes wait for it meanwhile.
func (s *Store) diskFull() {
	full := fmt.Errorf("%w: a write found no space left in %s", store.ErrFull, s.opt.Dir)
	s.space.refused.Store(&full)
	err := s.opt.FS.Remove(s.ballastPath())
	switch {
	case err == nil:
		s.log.Error("the disk is full; the ballast file is removed to get through")
	case errors.Is(err, fs.ErrNotExist):
		time.Sleep(50 * time.Millisecond) // Pebble would try again without a pause
	default:
		s.log.Error("the disk is full, and the ballast file cannot be removed", "error", err)
	}
}
