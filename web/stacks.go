package web

import (
	"context"
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
	if p.text("search") != "" {
		p.fail(badParam("search", "search in /api/v1/top or in the icicle", "the heat map cannot be searched"))
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
	return report.NewHeatmap(counts, report.DemoUntil(svc)), nil
}

func (s *server) top(r *http.Request) (any, error) {
	p := s.params(r)
	sel := p.selection(true)
	opt := query.TopOptions{
		Limit: p.count("limit", 100, 1, maxTop), Sort: p.oneOf("sort", "self", "total"), Search: p.text("search"),
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
	opt.Focus = p.text("focus")
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
	return query.IcicleOptions{Depth: p.count("depth", 0, 0, 1<<20), MinShare: p.share("min_share", 0.0005)}
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
