package scrape

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tacho/record"
)

// state is how one target does.
type state struct {
	target Target

	mu       sync.Mutex
	problems map[string]*problem // by profile
	heard    bool
	since    time.Time // of the state, not of the target
	last     time.Time
	counters map[string]int64
	shown    record.State
}

// note keeps what came of asking for a profile.
func (s *state) note(name string, err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heard = true
	s.counters["scrapes"]++
	if err == nil {
		delete(s.problems, name)
	} else {
		s.counters["failures"]++
		s.problems[name] = asProblem(err)
	}
	if is := s.is(); is != s.shown {
		s.shown, s.since = is, now
	}
}

func (s *state) delivered(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = now
	s.counters["batches"]++
}

func (s *state) count(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counters[name]++
}

func (s *state) is() record.State {
	switch {
	case !s.heard:
		return record.StateStarting
	case len(s.problems) == 0:
		return record.StateRecording
	case len(s.problems) < len(s.target.Profiles):
		return record.StateLimited
	}
	return record.StateRefused
}

// status is the state as the agents page shows it. Of several problems the
// first by name is shown.
func (s *state) status() record.Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := record.Status{Service: s.target.Service, Instance: s.target.Instance, Runtime: "Go", State: s.is(), Since: s.since, Last: s.last,
		Counters: maps.Clone(s.counters), Labels: map[string]string{"url": s.target.URL}}
	maps.Copy(x.Labels, s.target.Labels)
	if names := slices.Sorted(maps.Keys(s.problems)); len(names) > 0 {
		x.Reason, x.Remedy = s.problems[names[0]].reason, s.problems[names[0]].remedy
		if len(names) > 1 {
			x.Reason += fmt.Sprintf(" (and %d of its other profiles have trouble too)", len(names)-1)
		}
	}
	return x
}
