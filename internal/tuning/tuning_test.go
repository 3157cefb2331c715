package tuning

import (
	"runtime"
	"runtime/debug"
	"testing"
)

func TestPercentFor(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{0, 300}, {10 << 20, 300}, {64 << 20, 200}, {100 << 20, 128}, {128 << 20, 100}, {1 << 30, 100}} {
		if got := percentFor(c.live); got != c.want {
			t.Errorf("%d MiB live: %d, want %d", c.live>>20, got, c.want)
		}
	}
}

// What lives decides, one collection later.
func TestFollowsTheHeap(t *testing.T) {
	before := debug.SetGCPercent(maxPercent)
	defer debug.SetGCPercent(before)
	p := &percent{now: maxPercent}
	held := make([]byte, 256<<20)
	runtime.GC()
	p.follow()
	if p.now != 100 {
		t.Errorf("%d with 256 MiB alive, want 100", p.now)
	}
	runtime.KeepAlive(held)
	runtime.GC()
	p.follow()
	if p.now != maxPercent {
		t.Errorf("%d with nothing alive, want %d", p.now, maxPercent)
	}
}
