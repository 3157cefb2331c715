package web

import (
	"errors"
	"net/http"
	"strconv"

	"tacho"
	"tacho/report"
	"tacho/store"
)

func (s *server) services(r *http.Request) (any, error) {
	ctx := r.Context()
	all, err := s.Store.Services(ctx, "")
	if err != nil {
		return nil, err
	}
	now := s.Now()
	from, until := report.StripRange(now)
	v := &report.Services{Services: make([]report.Service, 0, len(all)), Missing: []string{}}
	for _, svc := range all {
		var strip *store.Counts
		if has(svc, tacho.CPU.Name) {
			sel := store.Selection{Service: svc.Name, Type: tacho.CPU.Name, From: from, Until: until}
			// Not through query: it would list all services again for each.
			strip, err = s.Store.Counts(ctx, sel, hour)
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case errors.Is(err, store.ErrUnknownService):
				strip = nil // its retention ended between the two questions
			case err != nil:
				// The list is worth having without one strip.
				strip = nil
				v.Missing = append(v.Missing, "the last day of "+quote(svc.Name)+": "+err.Error())
			default:
				v.Missing = append(v.Missing, strip.Missing...)
			}
		}
		v.Services = append(v.Services, report.NewService(svc, strip, now))
	}
	return v, nil
}

func has(svc store.Service, typ string) bool {
	for _, t := range svc.Types {
		if t.Name == typ {
			return true
		}
	}
	return false
}

func (s *server) types(r *http.Request) (any, error) {
	p := s.params(r)
	name := p.service()
	if p.err != nil {
		return nil, p.err
	}
	svc, err := s.lookup(r.Context(), name, "")
	if err != nil {
		return nil, err
	}
	return &report.Types{Types: report.NewTypes(svc.Types)}, nil
}

func (s *server) labels(r *http.Request) (any, error) {
	p := s.params(r)
	name, typ := p.service(), p.text("type")
	if p.err != nil {
		return nil, p.err
	}
	series, err := s.Store.Series(r.Context(), "", name, typ)
	if err != nil {
		return nil, err
	}
	if len(series) == 0 {
		if _, err := s.lookup(r.Context(), name, typ); err != nil {
			return nil, err
		}
	}
	return report.NewLabels(series), nil
}

// quote shows a name from outside in a sentence; control characters come out
// as escapes.
func quote(name string) string { return strconv.Quote(clip(name)) }
