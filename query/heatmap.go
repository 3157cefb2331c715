package query

import (
	"context"
	"fmt"
	"time"

	"tacho/store"
)

// Heatmap sums the selection per step. From is rounded down and Until up to a
// multiple of step since the Unix epoch, so that every view of the same step
// has the same cells.
func (e *Engine) Heatmap(ctx context.Context, sel store.Selection, step time.Duration) (*store.Counts, error) {
	sel, err := grid(sel, step)
	if err != nil {
		return nil, err
	}
	sels, unit, err := e.resolve(ctx, sel)
	if err != nil {
		return nil, err
	}
	c, err := e.counts(ctx, sels, step)
	if err != nil {
		return nil, err
	}
	c.Unit = unit
	return c, nil
}

// Matched sums, per step, the samples of the selection whose stacks nar's Filter
// and Exclude select; the steps are those of Heatmap. Which stacks these are is
// found once per trie, not per sample.
func (e *Engine) Matched(ctx context.Context, sel store.Selection, step time.Duration, n Narrow) (*store.Counts, error) {
	sel, err := grid(sel, step)
	if err != nil {
		return nil, err
	}
	nar, err := n.compile()
	if err != nil {
		return nil, err
	}
	sels, unit, err := e.resolve(ctx, sel)
	if err != nil {
		return nil, err
	}
	keep := func(t *store.Tree) []bool {
		out := make([]bool, len(t.Leaf))
		if len(t.Parent) == 0 {
			return out
		}
		f := e.folds.of(t)
		nodes := nar.nodes(f.names, f.parent, f.fn)
		for id, n := range t.Leaf {
			out[id] = nodes[f.node[n]]
		}
		return out
	}
	var sum *store.Counts
	for _, sel := range sels {
		c, err := e.st.CountsOf(ctx, sel, step, keep)
		if err != nil {
			return nil, fmt.Errorf("count some stacks of %s of %s: %w", sel.Type, sel.Service, err)
		}
		if sum == nil {
			sum = c
			sum.Unit, sum.Missing = unit, addMissing([]string{}, c.Missing)
			continue
		}
		for i := range c.Values {
			sum.Values[i] += c.Values[i]
		}
		sum.Missing = addMissing(sum.Missing, c.Missing)
	}
	return sum, nil
}

// grid rounds the range to whole steps and checks how many there are.
func grid(sel store.Selection, step time.Duration) (store.Selection, error) {
	if step < MinStep {
		return sel, &RequestError{"step", fmt.Sprintf("%s is below %s", step, MinStep)}
	}
	if err := checkRange(sel); err != nil {
		return sel, err
	}
	from, until := sel.From.UnixNano(), sel.Until.UnixNano()
	from -= mod(from, int64(step))
	if r := mod(until, int64(step)); r != 0 {
		until += int64(step) - r
	}
	if n := (until - from) / int64(step); n > MaxCells {
		return sel, &RequestError{"step", fmt.Sprintf("%d steps of %s; at most %d fit one answer", n, step, MaxCells)}
	}
	sel.From, sel.Until = time.Unix(0, from).UTC(), time.Unix(0, until).UTC()
	return sel, nil
}

func mod(a, b int64) int64 {
	m := a % b
	if m < 0 {
		m += b
	}
	return m
}

// counts adds the selections up per step; a step is recorded when any of them is.
func (e *Engine) counts(ctx context.Context, sels []store.Selection, step time.Duration) (*store.Counts, error) {
	var sum *store.Counts
	for _, sel := range sels {
		c, err := e.st.Counts(ctx, sel, step)
		if err != nil {
			return nil, fmt.Errorf("count %s of %s: %w", sel.Type, sel.Service, err)
		}
		if sum == nil {
			sum = c
			sum.Missing = addMissing([]string{}, c.Missing)
			continue
		}
		for i := range c.Values {
			sum.Values[i] += c.Values[i]
			sum.Recorded[i] = sum.Recorded[i] || c.Recorded[i]
		}
		sum.Missing = addMissing(sum.Missing, c.Missing)
	}
	return sum, nil
}

// fineRange is up to where recorded time is measured in seconds, from raw
// samples; beyond, in minutes.
const fineRange = 15 * time.Minute

// coverage says when anything of a selection was recorded.
type coverage struct {
	spans  []span
	counts *store.Counts
}

// seconds is how much of what was picked was recorded.
func (e *Engine) seconds(ctx context.Context, pick *picked) (float64, error) {
	c, err := e.coverage(ctx, pick)
	if err != nil {
		return 0, err
	}
	return c.all(), nil
}

// all is the recorded seconds of all spans.
func (c *coverage) all() (sum float64) {
	for _, s := range c.spans {
		sum += c.seconds(s)
	}
	return sum
}

// coverage asks in seconds for short ranges, else in minutes. Where raw samples
// are gone minutes must do in any case.
func (e *Engine) coverage(ctx context.Context, pick *picked) (*coverage, error) {
	first, last := pick.spans[0].from, pick.spans[len(pick.spans)-1].until
	covered := func(step time.Duration) (*coverage, error) {
		wide := span{first.Truncate(step), last.Add(step - 1).Truncate(step)}
		counts, err := e.counts(ctx, pick.pieces(wide), step)
		return &coverage{spans: pick.spans, counts: counts}, err
	}
	if last.Sub(first) <= fineRange {
		c, err := covered(time.Second)
		if err != nil || len(c.counts.Missing) == 0 {
			return c, err
		}
	}
	return covered(time.Minute)
}

// seconds sums the steps in which anything was recorded, clipped to a span.
func (c *coverage) seconds(s span) float64 {
	from, until := s.from, s.until
	var d time.Duration
	step := c.counts.Step
	first := max(0, int(from.Sub(c.counts.From)/step))
	for i := first; i < len(c.counts.Recorded); i++ {
		a := c.counts.From.Add(time.Duration(i) * step)
		b := a.Add(step)
		if !a.Before(until) {
			break
		}
		if !c.counts.Recorded[i] {
			continue
		}
		if a.Before(from) {
			a = from
		}
		if b.After(until) {
			b = until
		}
		d += b.Sub(a)
	}
	return d.Seconds()
}
