package local_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tacho"
	"tacho/store"
	"tacho/store/local"
)

func watch(t *testing.T, s *local.Store) {
	t.Helper()
	if err := s.Watch(context.Background()); err != nil {
		t.Fatalf("watch: %v", err)
	}
}

func unwatched(o *local.Options) { o.WatchEvery = -1 }

// fiveDays stores a sample on each of the five days up to noon: 1, 10, 100, ….
func fiveDays(t *testing.T, s *local.Store) {
	t.Helper()
	for i, v := 0, int64(1); i < 5; i, v = i+1, v*10 {
		at := noon.Add(time.Duration(i-4) * 24 * time.Hour)
		appendAll(t, s, batchOf(at, 1, false, fmt.Sprint("f", i), v))
	}
	roll(t, s)
}

func weekSum(t *testing.T, s *local.Store) int64 {
	t.Helper()
	return total(t, s, noon.Add(-7*24*time.Hour), noon.Add(24*time.Hour))
}

// TestOldestDayGoesFirst: below twice MinFree one day goes at a time, oldest
// first, the newest never; below MinFree batches are refused.
func TestOldestDayGoesFirst(t *testing.T) {
	fs, c := vfs.NewMem(), &clock{noon.Add(time.Hour)}
	free := func(n uint64) { fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: n << 20, TotalBytes: 10 << 30}) }
	free(2000)
	s := open(t, fs, c.now, unwatched)
	fiveDays(t, s)
	watch(t, s)
	if got := weekSum(t, s); got != 11111 {
		t.Fatalf("with room enough the week sums to %d, want 11111", got)
	}
	free(1000) // 512 must stay free
	for _, want := range []int64{11110, 11100, 11000, 10000, 10000} {
		watch(t, s)
		watch(t, s) // too soon for another day
		if got := weekSum(t, s); got != want {
			t.Errorf("the week sums to %d, want %d", got, want)
		}
		c.t = c.t.Add(10 * time.Second)
	}
	if err := s.Health(); err != nil {
		t.Errorf("health: %v, want none above the lower mark", err)
	}
	var refused *store.RefusedError
	old := batchOf(noon.Add(-48*time.Hour), 2, false, "f", 1)
	if err := s.Append(context.Background(), "", []*tacho.Batch{old}); !errors.As(err, &refused) {
		t.Errorf("a batch for a dropped day: %v, want a RefusedError", err)
	}
	free(500)
	watch(t, s)
	if err := s.Append(context.Background(), "", []*tacho.Batch{batchOf(noon, 3, false, "f", 1)}); !errors.Is(err, store.ErrFull) {
		t.Errorf("append below the lower mark: %v, want ErrFull", err)
	}
	if err := s.Health(); !errors.Is(err, store.ErrFull) || !strings.Contains(err.Error(), "500 MiB free") {
		t.Errorf("health: %v, want ErrFull with the figure", err)
	}
	st := s.Stats()
	if st.DaysDropped[local.DropSpace] != 4 || st.DaysDropped[local.DropAge] != 0 || st.FreeBytes != 500<<20 {
		t.Errorf("dropped %v, free %d; want 4 for space, 500 MiB", st.DaysDropped, st.FreeBytes)
	}
	if want := noon.Truncate(24 * time.Hour); !st.OldestDay.Equal(want) {
		t.Errorf("oldest day %s, want %s", st.OldestDay, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	free(2000)
	s = open(t, fs, c.now, unwatched)
	defer func() { _ = s.Close() }()
	roll(t, s)
	if err := s.Append(context.Background(), "", []*tacho.Batch{old}); !errors.As(err, &refused) {
		t.Errorf("a batch for a dropped day after a restart: %v, want a RefusedError", err)
	}
	appendAll(t, s, batchOf(noon.Add(time.Second), 3, false, "f", 5))
	if got := weekSum(t, s); got != 10005 {
		t.Errorf("after a restart the week sums to %d, want 10005", got)
	}
}

// TestMaxBytes: a store larger than it may be drops its oldest days until it is
// not, and the space comes back.
func TestMaxBytes(t *testing.T) {
	c := &clock{noon.Add(time.Hour)}
	s := open(t, vfs.NewMem(), c.now, unwatched, func(o *local.Options) { o.MaxBytes = 2 << 20 })
	defer func() { _ = s.Close() }()
	for day := range 5 {
		x := tacho.NewBuilder()
		from := noon.Add(time.Duration(day-4) * 24 * time.Hour)
		th := x.Thread(tacho.Thread{Name: "t"})
		seed := uint64(day)
		for i := range 120_000 { // ~10 bytes each: times and values without a pattern
			seed = seed*6364136223846793005 + 1442695040888963407
			x.Sample(tacho.CPU, tacho.Sample{Time: from.UnixNano() + int64(i)*400_000 + int64(seed>>48), Value: int64(seed >> 40), Stack: x.Stack(tacho.Stack{{Function: "f"}}), Thread: th})
		}
		appendAll(t, s, x.Take(someTarget, "jvm", from.UnixNano(), from.Add(time.Minute).UnixNano(), 1))
	}
	if err := s.Compact(context.Background()); err != nil {
		t.Fatal(err)
	}
	before := s.Stats()
	if before.TableBytes < 3<<20 {
		t.Fatalf("the tables take %d bytes only: nothing to shrink", before.TableBytes)
	}
	for range 5 {
		watch(t, s)
		c.t = c.t.Add(10 * time.Second)
		time.Sleep(20 * time.Millisecond) // Pebble removes files in the background
	}
	after := s.Stats()
	if n := after.DaysDropped[local.DropSize]; n < 1 || n > 4 || after.TableBytes > 2<<20 {
		t.Errorf("%d days were dropped, and the tables take %d bytes, before %d", n, after.TableBytes, before.TableBytes)
	}
	t.Logf("%d bytes, %d days dropped, %d bytes", before.TableBytes, after.DaysDropped[local.DropSize], after.TableBytes)
	if got := samples(t, s, noon, noon.Add(time.Hour)); got != 120_000 {
		t.Errorf("%d samples of the newest day, want 120000", got)
	}
}

// TestBallast: when a write finds the disk full the ballast goes, the write is
// made all the same, and the ballast comes back with the space.
func TestBallast(t *testing.T) {
	var full atomic.Bool
	mem := vfs.NewMem()
	usage := func(free uint64) { mem.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: free, TotalBytes: 100 << 20}) }
	usage(90 << 20)
	there := func() (int64, bool) {
		st, err := mem.Stat("store/BALLAST")
		if err != nil {
			return 0, false
		}
		return st.Size(), true
	}
	fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if _, ok := there(); ok && full.Load() && op.Kind == errorfs.OpFileWrite {
			return syscall.ENOSPC
		}
		return nil
	}))
	c := &clock{noon}
	s := open(t, fs, c.now, unwatched, func(o *local.Options) { o.MinFree = 20 << 20 })
	defer func() { _ = s.Close() }()
	if n, ok := there(); !ok || n != 5<<20 { // a quarter of MinFree is less than a sixteenth of the disk
		t.Fatalf("ballast of %d bytes, %v; want 5 MiB", n, ok)
	}
	full.Store(true)
	appendAll(t, s, batchOf(noon, 1, false, "f", 7))
	if _, ok := there(); ok {
		t.Error("the ballast was kept on a full disk")
	}
	if err := s.Append(context.Background(), "", []*tacho.Batch{batchOf(noon, 2, false, "f", 1)}); !errors.Is(err, store.ErrFull) {
		t.Errorf("append after the disk was full: %v, want ErrFull", err)
	}
	full.Store(false)
	usage(30 << 20) // enough to store, not for the ballast
	watch(t, s)
	if _, ok := there(); ok {
		t.Error("the ballast was made with little space left")
	}
	appendAll(t, s, batchOf(noon, 2, false, "f", 1))
	usage(90 << 20)
	watch(t, s)
	if _, ok := there(); !ok {
		t.Error("the ballast was not made again")
	}
	if got := total(t, s, noon, noon.Add(time.Hour)); got != 8 {
		t.Errorf("sum %d, want 8", got)
	}
}

// TestBrokenDisk: whatever kind of file cannot be written or synced, nothing
// hangs, the process lives, Health says why, and what was acknowledged is there
// when the disk is well again.
func TestBrokenDisk(t *testing.T) {
	if !inChild(t) {
		return
	}
	for _, c := range []struct {
		name  string
		match func(path string) bool
		kinds func(errorfs.OpKind) bool
		final bool // the store stays stopped
	}{
		{"log written", suffix(".log"), isWrite, false},
		{"log synced", suffix(".log"), isSync, true},
		{"log made", suffix(".log"), isMake, false},
		{"table written", suffix(".sst"), isWrite, false},
		{"table synced", suffix(".sst"), isSync, false},
		{"table made", suffix(".sst"), isMake, false},
		{"manifest written", contains("MANIFEST-"), isWrite, false},
		{"manifest synced", contains("MANIFEST-"), isSync, true},
		{"manifest marked", contains("marker.manifest"), isMake, true},
		{"directory synced", func(p string) bool { return p == "store" }, isSync, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var broken atomic.Bool
			mem := vfs.NewCrashableMem()
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if broken.Load() && c.match(op.Path) && c.kinds(op.Kind) {
					return errors.New("injected: disk is gone")
				}
				return nil
			}))
			open := func(fs vfs.FS) *local.Store {
				return open(t, fs, time.Now, func(o *local.Options) {
					o.StallAfter = 300 * time.Millisecond
					if c.name == "manifest marked" {
						local.SmallManifests(o)
					}
				})
			}
			s := open(fs)
			day := time.Now().UTC().Truncate(time.Hour)
			acked := int64(0)
			put := func(seq uint64) error {
				err := bounded(t, 5*time.Second, func() error {
					return s.Append(context.Background(), "", []*tacho.Batch{batchOf(day, seq, false, "f", 1)})
				})
				if err == nil {
					acked++
				}
				return err
			}
			for seq := range uint64(20) {
				if err := put(seq); err != nil {
					t.Fatal(err)
				}
			}
			broken.Store(true)
			seq := uint64(20)
			// A flush is what touches everything but the log.
			go func() { _ = s.Flush(context.Background()) }()
			deadline := time.Now().Add(20 * time.Second)
			for s.Health() == nil {
				_ = put(seq)
				seq++
				if time.Now().After(deadline) {
					t.Fatal("health stays green")
				}
				time.Sleep(5 * time.Millisecond)
			}
			if err := s.Health(); !strings.Contains(err.Error(), "injected") {
				t.Errorf("health: %v, want the injected error", err)
			}
			t.Log(s.Health())
			for range 3 {
				_ = put(seq)
				seq++
			}
			err := bounded(t, 5*time.Second, func() error {
				_, err := s.Merge(context.Background(), store.Selection{Service: "orders", Type: "cpu", From: day, Until: day.Add(time.Hour)})
				return err
			})
			if err != nil && !strings.Contains(err.Error(), "injected") {
				t.Errorf("a question: %v", err)
			}
			_ = bounded(t, 5*time.Second, func() error { return s.Roll(context.Background()) })
			_ = s.Stats()
			broken.Store(false)
			if !c.final {
				eventually(t, "health is green again", func() bool { return s.Health() == nil })
				if err := put(seq); err != nil {
					t.Errorf("append on the repaired disk: %v", err)
				}
			} else if s.Health() == nil {
				t.Error("health is green after a failure that is final")
			}
			_ = bounded(t, 10*time.Second, s.Close)
			s = open(mem.CrashClone(vfs.CrashCloneCfg{}))
			defer func() { _ = s.Close() }()
			if got := total(t, s, day, day.Add(time.Hour)); got < acked {
				t.Errorf("%d batches are there, %d were acknowledged", got, acked)
			}
		})
	}
}

func suffix(s string) func(string) bool {
	return func(p string) bool { return strings.HasSuffix(p, s) }
}
func contains(s string) func(string) bool {
	return func(p string) bool { return strings.Contains(p, s) }
}

func isWrite(k errorfs.OpKind) bool { return k == errorfs.OpFileWrite }
func isMake(k errorfs.OpKind) bool {
	return k == errorfs.OpCreate || k == errorfs.OpReuseForWrite || k == errorfs.OpRename
}
func isSync(k errorfs.OpKind) bool {
	return k == errorfs.OpFileSync || k == errorfs.OpFileSyncData || k == errorfs.OpFileSyncTo
}

// bounded fails the test when f does not come back.
func bounded(t *testing.T, d time.Duration, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(d):
		t.Fatalf("hangs for more than %s", d)
		return nil
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within 20 s", what)
		}
	}
}
