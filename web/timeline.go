package web

import (
	"errors"
	"net/http"
	"time"

	"tacho/report"
	"tacho/store"
)

func (s *server) timeline(r *http.Request) (any, error) {
	p := s.params(r)
	sel := p.selection(false)
	step := p.step(sel, time.Second, 24*time.Hour)
	prefix, rates := p.text("name"), p.yes("rate")
	if p.err != nil {
		return nil, p.err
	}
	t, err := s.Query.Timeline(r.Context(), sel, prefix, step)
	if err != nil {
		return nil, err
	}
	if rates {
		t.Rates()
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
	missing, err := partly(err)
	if err != nil {
		return nil, err
	}
	v := report.NewEvents(evs, truncated)
	v.Missing = append(v.Missing, missing...)
	return v, nil
}

// partly parts what could not be read, which the answer says, from what keeps
// there from being an answer.
func partly(err error) ([]string, error) {
	var part *store.MissingError
	if errors.As(err, &part) {
		return part.Missing, nil
	}
	return nil, err
}
