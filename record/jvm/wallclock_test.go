package jvm

import (
	"testing"
	"time"

	"tacho/record"
)

type fakeClock struct{ wall, mono int64 }

func (f *fakeClock) clock() record.Clock {
	return record.Clock{Wall: func() time.Time { return time.Unix(0, f.wall) }, Mono: func() int64 { return f.mono }}
}

func (f *fakeClock) pass(d time.Duration) { f.wall += int64(d); f.mono += int64(d) }

func TestWallClockSteps(t *testing.T) {
	hour := int64(time.Hour)
	f := &fakeClock{wall: 1000 * hour, mono: 5}
	w := newWallClock(f.clock())
	f.pass(time.Second)
	f.wall += int64(150 * time.Millisecond)
	if _, st := w.now(); st != nil {
		t.Fatalf("a change of 150 ms counts as a step of %d", st.delta)
	}
	f.pass(time.Second)
	f.wall += hour
	now, st := w.now()
	if st == nil || st.delta != hour || st.at != now-hour {
		t.Fatalf("step forward: %+v at %d", st, now)
	}
	before, after := st.at-int64(2e9), st.at+int64(2e9)
	if got := w.correct(before, 0); got != before {
		t.Errorf("an event before the step moved by %d", got-before)
	}
	if got := w.correct(after, 0); got != after+hour {
		t.Errorf("an event after the step, of a chunk begun before it, moved by %d, want %d", got-after, hour)
	}
	if got := w.correct(after+hour, 1); got != after+hour {
		t.Errorf("an event of a chunk begun after the step moved by %d", got-after-hour)
	}
	f.pass(time.Second)
	f.wall -= hour
	if _, st = w.now(); st == nil || st.delta != -hour {
		t.Fatalf("step back: %+v", st)
	}
	if got := w.correct(after+2e9, 0); got != after+2e9 {
		t.Errorf("forward and back again moved an event by %d, want 0", got-after-2e9)
	}
}
