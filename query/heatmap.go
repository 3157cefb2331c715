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

// seconds is how much of the range was recorded, clipped to it. Where raw
// samples are gone it is measured in minutes too.
func (e *Engine) seconds(ctx context.Context, sels []store.Selection) (float64, error) {
	if sels[0].Until.Sub(sels[0].From) <= fineRange {
		s, complete, err := e.recorded(ctx, sels, time.Second)
		if err != nil || complete {
			return s, err
		}
	}
	s, _, err := e.recorded(ctx, sels, time.Minute)
	return s, err
}

// recorded sums the steps in which anything was recorded.
func (e *Engine) recorded(ctx context.Context, sels []store.Selection, step time.Duration) (sec float64, complete bool, err error) {
	from, until := sels[0].From, sels[0].Until
	wide := make([]store.Selection, len(sels))
	for i, s := range sels {
		s.From, s.Until = from.Truncate(step), until.Add(step-1).Truncate(step)
		wide[i] = s
	}
	c, err := e.counts(ctx, wide, step)
	if err != nil {
		return 0, false, err
	}
	var d time.Duration
	for i, rec := range c.Recorded {
		if !rec {
			continue
		}
		a := wide[0].From.Add(time.Duration(i) * step)
		b := a.Add(step)
		if a.Before(from) {
			a = from
		}
		if b.After(until) {
			b = until
		}
		d += b.Sub(a)
	}
	return d.Seconds(), len(c.Missing) == 0, nil
}
