// Package tuning sets the Go runtime for a process that keeps: tacho server,
// tacho up, and the benchmarks that stand for them.
package tuning

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The heap may grow by headroom over what lives in it, or by as much again,
// whichever is more, but not beyond four times. What lives is small (dictionaries,
// caches, what is queued: some 40 MiB), and each profile that comes brings most of
// a megabyte, so that by Go's default, as much again, the collector took a fifth of
// the CPU of ingest. A plain GOGC of 300 would do for that, but it lets a flood of
// large requests take four times what they need.
const (
	headroom   = 128 << 20
	maxPercent = 300
)

// spare is by how much GOMAXPROCS exceeds the cores that may be used. Decoders,
// commits and questions may keep every core busy; with processors to spare the
// kernel, which is fair, decides who runs next, and not the line in front of a
// busy processor (ADR 6).
const spare = 2

// Server applies both; the environment's GOGC and GOMAXPROCS win.
func Server() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(maxPercent)
		afterEachGC(&percent{now: maxPercent})
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spare)
	}
}

// percent is the GC percent in force.
type percent struct {
	now    int
	sample [1]metrics.Sample
}

// afterEachGC keeps to the rule: a finalizer runs after the collection that found
// its object dead, and makes the next such object.
func afterEachGC(p *percent) {
	runtime.SetFinalizer(&struct{ _ [16]byte }{}, func(*struct{ _ [16]byte }) {
		p.follow()
		afterEachGC(p)
	})
}

func (p *percent) follow() {
	p.sample[0].Name = "/gc/heap/live:bytes"
	metrics.Read(p.sample[:])
	// Small changes are not worth stopping the world for.
	if want := percentFor(p.sample[0].Value.Uint64()); want < p.now*9/10 || want > p.now*11/10 {
		p.now = want
		debug.SetGCPercent(want)
	}
}

// percentFor is the GC percent for a heap in which so many bytes live.
func percentFor(live uint64) int {
	return int(min(maxPercent, 100*max(headroom, live)/max(live, 1)))
}
