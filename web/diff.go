package web

import (
	"net/http"

	"tacho/query"
	"tacho/report"
)

func (s *server) diff(r *http.Request) (any, error) {
	p := s.params(r)
	sel := p.selection(true)
	base := p.base(sel)
	opt := query.DiffOptions{
		IcicleOptions: icicleOptions(p), Norm: query.Norm(p.oneOf("norm", string(query.ByShare), string(query.ByRate))),
		Limit: p.count("limit", 100, 1, maxTop), Sort: p.oneOf("sort", "self", "total"), Significance: p.yes("significance"),
	}
	if p.err != nil {
		return nil, p.err
	}
	d, err := s.Query.Diff(r.Context(), sel, base, opt)
	if err != nil {
		return nil, err
	}
	return report.NewDiff(d), nil
}
