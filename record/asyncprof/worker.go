package asyncprof

import (
	"context"
	"errors"
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
	problem                                *Problem // of the last turn; nil: it went well
}

func (w *worker) note(f func(*state)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(&w.st)
}

func (w *worker) state() state {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.st
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
		select {
		case w.c.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		began := w.c.o.Now()
		err := w.record(ctx, w.rules[next])
		<-w.c.slots
		if errors.Is(err, context.Canceled) {
			return // before it had begun
		}
		w.told(err)
		due[next] = began.Add(w.rules[next].Every)
		if isAbsent(err) {
			due[next] = began.Add(w.c.o.Recheck)
		}
	}
}

// told keeps what came of a turn, and logs it when it is news.
func (w *worker) told(err error) {
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
		news = p != nil && (s.problem == nil || s.problem.Reason != p.Reason)
		s.problem = p
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
