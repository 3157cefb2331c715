package pyroscope

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"connectrpc.com/connect"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"

	"tacho"
	"tacho/query"
	"tacho/store"
)

// Limits of a question about series.
const (
	maxGroups = 1_000 // each is a question to the store
	maxPoints = 20_000
	// exactRange is up to where points are made of single samples, so that a
	// sample at exactly t is in the point t. Longer ranges are made of minutes,
	// which costs a thousandth.
	exactRange = 6 * time.Hour
)

// SelectSeries sums what is selected per step. The point t is the sum of
// (t−step, t], for t = start, start+step, … up to end. In ranges beyond
// exactRange, or older than a day, start is rounded down to a minute and the
// point is the sum of [t−step, t): the same but for a sample at exactly t. A
// step in which nothing was recorded has no point, an idle one the point 0.
func (x *querier) SelectSeries(ctx context.Context, r *connect.Request[querierv1.SelectSeriesRequest]) (*connect.Response[querierv1.SelectSeriesResponse], error) {
	m := r.Msg
	switch {
	case m.GetAggregation() == typesv1.TimeSeriesAggregationType_TIME_SERIES_AGGREGATION_TYPE_AVERAGE:
		return nil, unsupported("the average of single profiles is not kept: ask for the sum")
	case m.StackTraceSelector != nil:
		return nil, unsupported("series of some stacks only are answered by /api/v1/heatmap?search=, not here")
	}
	end := m.End
	if end == m.Start {
		end++ // one point is a question, too
	}
	sel, err := x.choose(ctx, m.ProfileTypeID, m.LabelSelector, m.Start, end)
	if err != nil {
		return nil, err
	}
	g, err := x.newGrid(m.Start, m.End, m.Step)
	if err != nil {
		return nil, err
	}
	groups, err := x.groups(ctx, sel, m.GroupBy)
	if err != nil {
		return nil, err
	}
	res := connect.NewResponse(&querierv1.SelectSeriesResponse{})
	for _, gr := range groups {
		missing, err := x.count(ctx, g, gr)
		if err != nil {
			return nil, err
		}
		note(res.Header(), missing)
	}
	if n := int(m.GetLimit()); n > 0 && n < len(groups) {
		slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(b.total(), a.total()) })
		groups = groups[:n]
	}
	slices.SortFunc(groups, func(a, b *group) int { return strings.Compare(a.labels.String(), b.labels.String()) })
	for _, gr := range groups {
		if s := gr.series(g); len(s.Points) > 0 {
			res.Msg.Series = append(res.Msg.Series, s)
		}
	}
	return res, nil
}

// grid is the points of an answer: the i-th is the sum of [from+i·step,
// from+(i+1)·step) and is stamped first+i·step.
type grid struct {
	from, first time.Time
	step        time.Duration
	n           int
}

func (x *querier) newGrid(start, end int64, seconds float64) (grid, error) {
	if !(seconds >= query.MinStep.Seconds() && seconds <= query.MaxRange.Seconds()) { // NaN is neither
		return grid{}, bad("step %v: want seconds, at least %v", seconds, query.MinStep.Seconds())
	}
	g := grid{first: time.UnixMilli(start), step: time.Duration(math.Round(seconds*1000)) * time.Millisecond}
	until := time.UnixMilli(end)
	if exact := until.Sub(g.first) <= exactRange && x.o.Now().Sub(g.first) <= 24*time.Hour; exact {
		g.from = g.first.Add(-g.step + 1)
	} else {
		g.first = g.first.Truncate(time.Minute)
		g.from = g.first.Add(-g.step)
	}
	g.n = int(until.Sub(g.first)/g.step) + 1
	if g.n > maxPoints {
		return grid{}, bad("step %v: the range has %d steps, at most %d fit one answer", seconds, g.n, maxPoints)
	}
	return g, nil
}

// group is a set of series that are summed.
type group struct {
	labels   tacho.Labels
	ask      []store.Selection
	values   []int64
	recorded []bool
}

func (g *group) total() (sum int64) {
	for _, v := range g.values {
		sum += v
	}
	return sum
}

func (g *group) series(at grid) *typesv1.Series {
	s := &typesv1.Series{Labels: pairs(g.labels)}
	for i, v := range g.values {
		if g.recorded[i] {
			t := at.first.Add(time.Duration(i) * at.step).UnixMilli()
			s.Points = append(s.Points, &typesv1.Point{Value: float64(v), Timestamp: t})
		}
	}
	return s
}

// groups parts what is selected by the labels of group_by: every combination of
// their values is a group, found by its own matchers.
func (x *querier) groups(ctx context.Context, sel *selection, by []string) ([]*group, error) {
	if len(by) > maxMatchers {
		return nil, bad("group_by: more than %d labels", maxMatchers)
	}
	found := map[string]*group{}
	var out []*group
	add := func(labels tacho.Labels, s store.Selection) error {
		key := labels.String()
		g := found[key]
		if g == nil {
			if len(out) == maxGroups {
				return connect.NewError(connect.CodeResourceExhausted, fmt.Errorf("group_by makes more than %d groups: select less", maxGroups))
			}
			g = &group{labels: labels}
			found[key] = g
			out = append(out, g)
		}
		g.ask = append(g.ask, s)
		return nil
	}
	for _, s := range sel.selections() {
		if len(by) == 0 {
			if err := add(nil, s); err != nil {
				return nil, err
			}
			continue
		}
		series, err := x.o.Store.Series(ctx, "", s.Service, s.Type)
		if err != nil && !errors.Is(err, store.ErrUnknownService) {
			return nil, fmt.Errorf("list series of %s: %w", s.Service, err)
		}
		shared := typeLabels(sel.id)
		seen := map[string]bool{}
		for _, ls := range series {
			if !store.MatchAll(s.Match, ls) {
				continue
			}
			one := s
			one.Match = slices.Clone(s.Match)
			values := map[string]string{}
			for _, name := range by {
				if v, ok := shared[name]; ok {
					values[name] = v
					continue
				}
				values[name] = ls.Get(name)
				eq, err := store.NewMatcher(name, store.Equal, ls.Get(name))
				if err != nil {
					return nil, err
				}
				one.Match = append(one.Match, eq)
			}
			labels := tacho.NewLabels(values)
			if key := labels.String(); !seen[key] {
				seen[key] = true
				if err := add(labels, one); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// count asks for the sums of a group.
func (x *querier) count(ctx context.Context, at grid, g *group) (missing []string, err error) {
	g.values, g.recorded = make([]int64, at.n), make([]bool, at.n)
	for _, s := range g.ask {
		s.From, s.Until = at.from, at.from.Add(time.Duration(at.n)*at.step)
		c, err := x.o.Store.Counts(ctx, s, at.step)
		if errors.Is(err, store.ErrUnknownService) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("count %s of %s: %w", s.Type, s.Service, err)
		}
		missing = append(missing, c.Missing...)
		for i := range min(at.n, len(c.Values)) {
			g.values[i] += c.Values[i]
			g.recorded[i] = g.recorded[i] || c.Recorded[i]
		}
	}
	return missing, nil
}
