// Package tuning sets the Go runtime for a process that keeps: tacho server,
// tacho up, and the benchmarks that stand for them.
package tuning

import (
	"os"
	"runtime"
	"runtime/debug"
)

// GCPercent lets the heap grow to four times what lives in it. What lives is
// small (dictionaries, caches, what is queued: some 40 MiB), and each profile
// that comes brings a megabyte of tables, so that by Go's default of 100 the
// collector took a fifth of the CPU of ingest. Measured with bench/week: resident
// memory while loading 110 MiB with 100, 150 MiB with 300.
const GCPercent = 300

// SparePs is by how much GOMAXPROCS exceeds the cores that may be used. Decoders,
// commits and questions may keep every core busy; with processors to spare the
// kernel, which is fair, decides who runs next, and not the line in front of a
// busy processor (ADR 6).
const SparePs = 2

// Server applies both; the environment's GOGC and GOMAXPROCS win.
func Server() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(GCPercent)
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + SparePs)
	}
}
