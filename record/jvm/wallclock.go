package jvm

import (
	"time"

	"tacho/record"
)

// stepTolerance is the change of wall clock against monotonic clock between
// two looks that counts as a step. NTP slews at most 0.5 ms a second; looks are
// a second apart, and a starved agent's may be ten.
const stepTolerance = 200 * time.Millisecond

// A step is a sudden change of the wall clock.
type step struct {
	at    int64 // old wall time at which it was noticed
	delta int64 // new minus old, nanoseconds
}

// wallClock notices steps of the wall clock.
type wallClock struct {
	clock  record.Clock
	offset int64 // wall minus monotonic at the last look
	steps  []step
}

func newWallClock(c record.Clock) *wallClock {
	w := &wallClock{clock: c}
	w.offset = c.Wall().UnixNano() - c.Mono()
	return w
}

// now is the wall clock, with the step that happened since the last look, if
// any.
func (w *wallClock) now() (int64, *step) {
	mono := w.clock.Mono()
	wall := w.clock.Wall().UnixNano()
	offset := wall - mono
	delta := offset - w.offset
	w.offset = offset
	if delta > -int64(stepTolerance) && delta < int64(stepTolerance) {
		return wall, nil
	}
	st := step{at: wall - delta, delta: delta}
	w.steps = append(w.steps, st)
	return wall, &st
}

// correct shifts the time of an event by the steps its chunk's header could not
// know of: those noticed after the chunk began (seen is how many had been
// noticed when it was opened) and before the event happened.
func (w *wallClock) correct(t int64, seen int) int64 {
	for _, s := range w.steps[min(seen, len(w.steps)):] {
		if t < s.at {
			break
		}
		t += s.delta
	}
	return t
}
