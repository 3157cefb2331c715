package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tacho"
	"tacho/query"
	"tacho/report"
	"tacho/store"
)

func (s *server) heatmap(r *http.Request) (any, error) {
	p := s.params(r)
	sel := p.selection(true)
	step := p.step(sel, time.Minute, time.Hour)
	n := query.Narrow{Filter: p.texts("filter"), Exclude: p.texts("exclude")}
	search := p.text("search")
	if search != "" {
		n.Filter = append(n.Filter, search)
	}
	if p.err != nil {
		return nil, p.err
	}
	// Asked first in any case: the answer says until when the data is made up.
	svc, err := s.lookup(r.Context(), sel.Service, sel.Type)
	if err != nil {
		return nil, err
	}
	counts, err := s.Query.Heatmap(r.Context(), sel, step)
	if err != nil {
		return nil, err
	}
	h := report.NewHeatmap(counts, report.DemoUntil(svc))
	if len(n.Filter)+len(n.Exclude) > 0 {
		matched, err := s.Query.Matched(r.Context(), sel, step, n)
		if err != nil {
			return nil, ofSearch(err, search != "" && len(n.Filter) == 1)
		}
		h.Match(matched)
	}
	return h, nil
}

// ofSearch names the parameter as this endpoint calls it.
func ofSearch(err error, search bool) error {
	var bad *query.RequestError
	if errors.As(err, &bad) && bad.Param == "filter" && search {
		return &query.RequestError{Param: "search", Reason: bad.Reason}
	}
	return err
}

func (s *server) top(r *http.Request) (any, error) {
	p := s.params(r)
	sel := p.selection(true)
	opt := query.TopOptions{
		Narrow: p.narrow(), Limit: p.count("limit", 100, 1, maxTop), Sort: p.oneOf("sort", "self", "total"), Search: p.text("search"),
	}
	if p.err != nil {
		return nil, p.err
	}
	t, err := s.Query.Top(r.Context(), sel, opt)
	if err != nil {
		return nil, err
	}
	return report.NewTop(t), nil
}

func (s *server) icicle(r *http.Request) (any, error) {
	p := s.params(r)
	sel := p.selection(true)
	opt := icicleOptions(p)
	if p.err != nil {
		return nil, p.err
	}
	t, err := s.Query.Icicle(r.Context(), sel, opt)
	if err != nil {
		return nil, err
	}
	return report.NewIcicle(t), nil
}

func (s *server) callers(r *http.Request) (any, error) {
	p := s.params(r)
	sel := p.selection(true)
	function := p.required("function", "the name of a method, as /api/v1/top writes it")
	opt := icicleOptions(p)
	if p.err != nil {
		return nil, p.err
	}
	t, err := s.Query.Callers(r.Context(), sel, function, opt)
	if err != nil {
		return nil, err
	}
	return report.NewIcicle(t), nil
}

func icicleOptions(p *params) query.IcicleOptions {
	return query.IcicleOptions{Narrow: p.narrow(), Depth: p.count("depth", 0, 0, 1<<20), MinShare: p.share("min_share", 0.0005)}
}

// lookup finds a service that has something of the type ("" = of any type), for
// what is asked of the store directly; package query looks for itself. A range
// with nothing in it is an answer, a service nobody ever recorded is a mistake.
func (s *server) lookup(ctx context.Context, service, typ string) (store.Service, error) {
	all, err := s.Store.Services(ctx, "")
	if err != nil {
		return store.Service{}, err
	}
	for _, svc := range all {
		if svc.Name != service {
			continue
		}
		if typ == "" {
			return svc, nil
		}
		for _, t := range svc.Types {
			if t.Name == typ || typ == tacho.Wall.Name && (t.Name == tacho.CPU.Name || t.Name == tacho.OffCPU.Name) {
				return svc, nil
			}
		}
		return svc, &Error{Status: http.StatusNotFound, Message: "service " + quote(service) + " has no " + quote(typ) + " recorded", Position: "type",
			Detail: seeTypes}
	}
	return store.Service{}, &Error{Status: http.StatusNotFound, Message: "nothing is stored of a service " + quote(service), Position: "service",
		Detail: seeServices}
}
