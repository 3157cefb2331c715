package local_test

import (
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tacho/store/local"
)

// TestBrokenDiskAtOpen: whatever of what opening writes cannot be written, Open
// says so and nothing is harmed: the next one finds everything.
func TestBrokenDiskAtOpen(t *testing.T) {
	if !inChild(t) { // Pebble leaves goroutines behind
		return
	}
	options := func(p string) bool { return strings.Contains(p, "OPTIONS-") || strings.HasSuffix(p, ".dbtmp") }
	for _, c := range []struct {
		name  string
		match func(path string) bool
		kinds func(errorfs.OpKind) bool
	}{
		{"options made", options, isMake},
		{"options written", options, isWrite},
		{"options synced", options, isSync},
		{"marker made", contains("marker."), isMake},
		{"manifest made", func(p string) bool { return contains("MANIFEST-")(p) && !contains("marker.")(p) }, isMake},
		{"manifest written", contains("MANIFEST-"), isWrite},
		{"manifest synced", contains("MANIFEST-"), isSync},
		{"table made", suffix(".sst"), isMake},
		{"table written", suffix(".sst"), isWrite},
		{"table synced", suffix(".sst"), isSync},
		{"log made", suffix(".log"), isMake},
		{"directory synced", func(p string) bool { return p == "store" }, isSync},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mem, clk := vfs.NewCrashableMem(), &clock{noon}
			s := open(t, mem, clk.now)
			appendAll(t, s, batchOf(noon.Add(-time.Hour), 1, false, "f", 1, 2, 3))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			var hits atomic.Int64
			fs := errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
				if c.match(op.Path) && c.kinds(op.Kind) {
					hits.Add(1)
					return errors.New("injected: disk is gone")
				}
				return nil
			}))
			err := bounded(t, 10*time.Second, func() error {
				s, err := local.Open(local.Options{Dir: "store", FS: fs, Now: clk.now, RollEvery: -1, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
				if err == nil {
					_ = s.Close()
				}
				return err
			})
			if hits.Load() == 0 {
				t.Fatal("opening has not touched this kind of file: the case says nothing")
			}
			if err == nil || !strings.Contains(err.Error(), "injected") {
				t.Errorf("open: %v, want the injected error", err)
			}
			s = open(t, mem.CrashClone(vfs.CrashCloneCfg{}), clk.now)
			defer func() { _ = s.Close() }()
			if got := total(t, s, noon.Add(-2*time.Hour), noon); got != 6 {
				t.Errorf("afterwards the store sums to %d, want 6", got)
			}
		})
	}
}
