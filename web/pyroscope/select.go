package pyroscope

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"

	"tacho"
	"tacho/query"
	"tacho/store"
)

// selection is what a question about samples selects: sums of these add up.
type selection struct {
	id       string
	typ      tacho.ValueType // as the client calls it
	from     time.Time
	until    time.Time
	services []chosen
}

// chosen is one service with its types and what its series must match.
type chosen struct {
	service store.Service
	typ     tacho.ValueType
	match   []store.Matcher
}

// selections are the questions to the store.
func (s *selection) selections() []store.Selection {
	var out []store.Selection
	for _, c := range s.services {
		for _, t := range storedOf(c.service, c.typ) {
			out = append(out, store.Selection{Service: c.service.Name, Type: t.Name, From: s.from, Until: s.until, Match: c.match})
		}
	}
	return out
}

// choose finds what a type id, a selector and a range select. Nothing is an
// answer: what is empty now may fill.
func (x *querier) choose(ctx context.Context, id, selector string, start, end int64) (*selection, error) {
	t, ok := profileType(id)
	if !ok {
		return nil, bad("profile type %q: want NAME:SAMPLE_TYPE:SAMPLE_UNIT:PERIOD_TYPE:PERIOD_UNIT; ProfileTypes lists what is stored", id)
	}
	ms, err := parseSelector(selector)
	if err != nil {
		return nil, bad("%v", err)
	}
	from, until, err := rangeOf(start, end)
	if err != nil {
		return nil, err
	}
	id = strings.Join([]string{t.Name, t.SampleType, t.SampleUnit, t.PeriodType, t.PeriodUnit}, ":")
	sel := &selection{id: id, typ: tacho.ValueType{Name: t.SampleType, Unit: t.SampleUnit}, from: from, until: until}
	all, err := x.o.Store.Services(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	for _, svc := range all {
		typ, ok := typeOf(svc, id)
		if !ok {
			continue
		}
		if rest, ok := ofService(ms, svc.Name, id); ok {
			sel.services = append(sel.services, chosen{svc, typ, rest})
		}
	}
	return sel, nil
}

// ofService holds conditions on what all series of a service and type share
// against it, and returns the others.
func ofService(ms []store.Matcher, service, id string) (rest []store.Matcher, ok bool) {
	shared := typeLabels(id)
	shared[tacho.LabelService] = service
	for _, m := range ms {
		v, isShared := shared[m.Name]
		switch {
		case !isShared:
			rest = append(rest, m)
		case !m.Matches(tacho.Labels{{Name: m.Name, Value: v}}):
			return nil, false
		}
	}
	return rest, true
}

// rangeOf reads a range in milliseconds.
func rangeOf(start, end int64) (from, until time.Time, err error) {
	from, until = time.UnixMilli(start), time.UnixMilli(end)
	switch {
	case start <= 0 || end <= start || end > 1<<53:
		return from, until, bad("start %d and end %d are not a range of Unix milliseconds", start, end)
	case until.Sub(from) > query.MaxRange:
		return from, until, bad("the range is longer than %d days", int(query.MaxRange/(24*time.Hour)))
	}
	return from, until, nil
}

// identities visits every series that was recorded in [start, end) (0: at any
// time) and matches one of the selectors, with the labels of its type.
func (x *querier) identities(ctx context.Context, selectors []string, start, end int64, visit func(id string, ls tacho.Labels)) error {
	if len(selectors) > maxMatchers {
		return bad("more than %d label selectors", maxMatchers)
	}
	var any [][]store.Matcher
	for _, s := range selectors {
		ms, err := parseSelector(s)
		if err != nil {
			return bad("%v", err)
		}
		any = append(any, ms)
	}
	if len(any) == 0 {
		any = append(any, nil)
	}
	all, err := x.o.Store.Services(ctx, "")
	if err != nil {
		return fmt.Errorf("list services: %w", err)
	}
	for _, svc := range all {
		within := recorded(svc, start, end)
		if len(within) == 0 {
			continue
		}
		for _, t := range offered(svc) {
			if err := x.ofType(ctx, svc, t, any, within, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

// recorded are the targets of a service that were recorded in a range.
func recorded(svc store.Service, start, end int64) map[string]bool {
	out := map[string]bool{}
	for _, i := range svc.Instances {
		if (start <= 0 || i.Last.UnixMilli() >= start) && (end <= 0 || i.First.UnixMilli() < end) {
			out[i.Target.String()] = true
		}
	}
	return out
}

func (x *querier) ofType(ctx context.Context, svc store.Service, t tacho.ValueType, any [][]store.Matcher, within map[string]bool, visit func(string, tacho.Labels)) error {
	id := typeID(t)
	wanted := slices.ContainsFunc(any, func(ms []store.Matcher) bool { _, ok := ofService(ms, svc.Name, id); return ok })
	if !wanted {
		return nil
	}
	seen := map[string]bool{}
	for _, stored := range storedOf(svc, t) {
		series, err := x.o.Store.Series(ctx, "", svc.Name, stored.Name)
		if errors.Is(err, store.ErrUnknownService) {
			return nil // its retention ended between the two questions
		}
		if err != nil {
			return fmt.Errorf("list series of %s: %w", svc.Name, err)
		}
		for _, ls := range series {
			key := ls.String()
			if seen[key] || !within[ls.With(tacho.LabelThreadGroup, "").String()] {
				continue
			}
			seen[key] = true
			m := ls.Map()
			for n, v := range typeLabels(id) {
				m[n] = v
			}
			full := tacho.NewLabels(m)
			if slices.ContainsFunc(any, func(ms []store.Matcher) bool { return store.MatchAll(ms, full) }) {
				visit(id, full)
			}
		}
	}
	return nil
}

// bad is the error of a request that makes no sense.
func bad(format string, args ...any) error {
	return connect.NewError(connect.CodeInvalidArgument, fmt.Errorf(format, args...))
}

func unsupported(format string, args ...any) error {
	return connect.NewError(connect.CodeUnimplemented, fmt.Errorf(format, args...))
}
