package web

import (
	"errors"
	"fmt"
	"net/http"

	"tacho"
	"tacho/report"
	"tacho/store"
)

// errEnough ends a visit; it never leaves this file.
var errEnough = errors.New("limit reached")

func (s *server) samples(r *http.Request) (any, error) {
	p := s.params(r)
	sel := p.selection(true)
	limit := p.count("limit", 100_000, 1, maxSamples)
	if p.err != nil {
		return nil, p.err
	}
	ctx := r.Context()
	svc, err := s.lookup(ctx, sel.Service, sel.Type)
	if err != nil {
		return nil, err
	}
	unit := tacho.Wall.Unit
	sels := []store.Selection{sel}
	if sel.Type == tacho.Wall.Name {
		// Not stored: it is both of its halves.
		sels = []store.Selection{sel, sel}
		sels[0].Type, sels[1].Type = tacho.CPU.Name, tacho.OffCPU.Name
	}
	for _, t := range svc.Types {
		if t.Name == sel.Type {
			unit = t.Unit
		}
	}
	b := report.NewSamples(unit)
	var missing []string
	for _, sel := range sels {
		err := s.Store.Samples(ctx, sel, func(block *store.SampleBlock) error {
			if b.Count()+len(block.Samples) > limit {
				return errEnough
			}
			b.Add(block)
			return ctx.Err()
		})
		lost, err := partly(err)
		missing = append(missing, lost...)
		switch {
		case errors.Is(err, errEnough):
			return nil, &Error{Status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("the range has more than %d samples", limit),
				Detail: fmt.Sprintf("ask for a shorter range, or a limit of up to %d", maxSamples), Position: "limit"}
		case err != nil:
			return nil, err
		}
	}
	v := b.Done()
	v.Missing = append(v.Missing, missing...)
	return v, nil
}
