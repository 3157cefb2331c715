package query

import (
	"context"
	"fmt"
	"time"

	"tacho/store"
)

// MaxRepetitions bounds how often a rhythm may repeat in a range.
const MaxRepetitions = 2000

// Rhythm takes, of a range, the first Keep of every Every from its start on:
// minutes 0-5 of every hour. The zero value takes all of it.
type Rhythm struct {
	Every, Keep time.Duration
}

// span is a half-open piece of time.
type span struct{ from, until time.Time }

// spans are the pieces of a selection's range that r keeps, in order.
func (r Rhythm) spans(sel store.Selection) ([]span, error) {
	whole := []span{{sel.From, sel.Until}}
	switch {
	case r == Rhythm{}:
		return whole, nil
	case r.Every <= 0:
		return nil, &RequestError{"every", "keep needs every, a time longer than nothing"}
	case r.Keep <= 0 || r.Keep > r.Every:
		return nil, &RequestError{"keep", fmt.Sprintf("%s is not between nothing and every %s", r.Keep, r.Every)}
	case r.Keep == r.Every:
		return whole, nil
	}
	if n := (sel.Until.Sub(sel.From)-1)/r.Every + 1; n > MaxRepetitions {
		return nil, &RequestError{"every", fmt.Sprintf("%s fits %d times into the range, at most %d may", r.Every, n, MaxRepetitions)}
	}
	var out []span
	for at := sel.From; at.Before(sel.Until); at = at.Add(r.Every) {
		end := at.Add(r.Keep)
		if end.After(sel.Until) {
			end = sel.Until
		}
		out = append(out, span{at, end})
	}
	return out, nil
}

// picked is selections of stored types, and the pieces of time they are asked
// for.
type picked struct {
	sels  []store.Selection
	spans []span
	unit  string
}

// pick resolves a selection and its rhythm.
func (e *Engine) pick(ctx context.Context, sel store.Selection, r Rhythm) (*picked, error) {
	sels, unit, err := e.resolve(ctx, sel)
	if err != nil {
		return nil, err
	}
	spans, err := r.spans(sel)
	if err != nil {
		return nil, err
	}
	return &picked{sels: sels, spans: spans, unit: unit}, nil
}

// pieces are the selections of one span.
func (p *picked) pieces(s span) []store.Selection {
	out := make([]store.Selection, len(p.sels))
	for i, sel := range p.sels {
		sel.From, sel.Until = s.from, s.until
		out[i] = sel
	}
	return out
}
