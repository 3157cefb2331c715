package web

import (
	"net/http"
	"time"

	"tacho/report"
)

func (s *server) timeline(r *http.Request) (any, error) {
	p := s.params(r)
	sel := p.selection(false)
	step := p.step(sel, time.Second, 24*time.Hour)
	prefix := p.text("name")
	if p.err != nil {
		return nil, p.err
	}
	t, err := s.Query.Timeline(r.Context(), sel, prefix, step)
	if err != nil {
		return nil, err
	}
	return report.NewTimeline(t), nil
}

func (s *server) events(r *http.Request) (any, error) {
	p := s.params(r)
	sel := p.selection(false)
	kind, limit := p.text("kind"), p.count("limit", 1000, 1, maxEvents)
	if p.err != nil {
		return nil, p.err
	}
	evs, truncated, err := s.Query.Events(r.Context(), sel, kind, limit)
	if err != nil {
		return nil, err
	}
	return report.NewEvents(evs, truncated), nil
}
