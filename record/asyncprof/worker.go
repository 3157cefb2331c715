package asyncprof

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"tacho"
	"tacho/record/hotspot"
)

// worker works off the rules of one JVM, one at a time.
type worker struct {
	c      *Collector
	proc   hotspot.Process
	target tacho.Labels
	rules  []Rule
	end    context.CancelFunc

	mu sync.Mutex
	st state
}

// state is how a JVM's schedule goes.
type state struct {
	recording                              bool
	recordings, samples, batches, failures int64
	problems                               map[int]*Problem // by rule, of its last turn; none: it went well
}

// problem is that of the first rule that has one.
func (s *state) problem() *Problem {
	if len(s.problems) == 0 {
		return nil
	}
	return s.problems[slices.Min(slices.Collect(maps.Keys(s.problems)))]
}

func (w *worker) note(f func(*state)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.st)
}

func (w *worker) state() state {
	w.mu.Lock()
	defer w.mu.Unlock()
	st := w.st
	st.problems = maps.Clone(st.problems)
	return st
}

// run records whenever a rule is due. All are due at first; of several the one
// that has waited longest is first.
func (w *worker) run(ctx context.Context) {
	defer w.end()
	due := make([]time.Time, len(w.rules))
	for i := range due {
		due[i] = w.c.o.Now()
	}
	for {
		next := 0
		for i := range due {
			if due[i].Before(due[next]) {
				next = i
			}
		}
		if !sleep(ctx, due[next].Sub(w.c.o.Now())) {
			return
		}
		rule := w.rules[next]
		began, err := w.turn(ctx, rule)
		if errors.Is(err, context.Canceled) {
			return // before it had begun
		}
		w.told(next, err)
		due[next] = began.Add(rule.Every)
		if isAbsent(err) {
			due[next] = began.Add(w.c.o.Recheck)
		}
	}
}

// turn records by a rule, when the host's other recordings leave room for it.
func (w *worker) turn(ctx context.Context, r Rule) (began time.Time, err error) {
	if _, err := Locate(w.proc, r.Library, w.c.o.LibraryHome); err != nil {
		return w.c.o.Now(), err // nobody needs to wait to be told that
	}
	select {
	case w.c.slots <- struct{}{}:
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	defer func() { <-w.c.slots }()
	began = w.c.o.Now()
	return began, w.record(ctx, r)
}

// told keeps what came of a rule's turn, and logs it when it is news.
func (w *worker) told(rule int, err error) {
	var p *Problem
	if err != nil {
		p = asProblem(err)
	}
	news := false
	w.note(func(s *state) {
		switch {
		case p == nil:
			s.recordings++
		case !p.absent:
			s.failures++
		}
		if p == nil {
			delete(s.problems, rule)
			return
		}
		if s.problems == nil {
			s.problems = map[int]*Problem{}
		}
		news = s.problems[rule] == nil || s.problems[rule].Reason != p.Reason
		s.problems[rule] = p
	})
	if news {
		w.c.o.Log.Warn("no recording with async-profiler", "pid", w.proc.PID, "service", w.target.Get(tacho.LabelService), "reason", p.Reason, "remedy", p.Remedy)
	}
}

// sleep waits unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}
