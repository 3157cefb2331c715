package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tacho"
	"tacho/store"
)

// Timeline is series on a common grid of steps.
type Timeline struct {
	From    time.Time
	Step    time.Duration
	Series  []TimelineSeries // sorted by name, then labels
	Missing []string
}

// TimelineSeries is one line. Values[i] is the mean of the points in step i,
// NaN where there is none.
type TimelineSeries struct {
	Name, Unit string
	Labels     tacho.Labels // the series' own; with the instance's unless instances were summed
	Values     []float64
}

// summed reports whether instances are added up: CPU of a service is the CPU
// of its instances together; most other quantities are not additive.
func summed(name string) bool { return strings.HasPrefix(name, "cpu.") }

// Timeline means the points of the series whose name has the prefix per step.
// Series named cpu.… are summed over the instances (the mean of each instance
// first); of all others there is one line an instance. Derived series come
// with them. From and Until are rounded as in Heatmap.
func (e *Engine) Timeline(ctx context.Context, sel store.Selection, prefix string, step time.Duration) (*Timeline, error) {
	sel, err := grid(sel, step)
	if err != nil {
		return nil, err
	}
	svc, err := e.service(ctx, sel)
	if err != nil {
		return nil, err
	}
	t := &Timeline{From: sel.From, Step: step, Series: []TimelineSeries{}, Missing: []string{}}
	if err := e.points(ctx, t, sel, prefix); err != nil {
		return nil, err
	}
	if err := e.derive(ctx, t, svc, sel, prefix); err != nil {
		return nil, err
	}
	slices.SortFunc(t.Series, func(a, b TimelineSeries) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(a.Labels.String(), b.Labels.String()), strings.Compare(a.Unit, b.Unit))
	})
	return t, nil
}

// points adds the stored series whose name has the prefix.
func (e *Engine) points(ctx context.Context, t *Timeline, sel store.Selection, prefix string) error {
	step := t.Step
	steps := int(sel.Until.Sub(sel.From) / step)
	acc := map[string]*means{}
	var order []*means
	err := e.st.Points(ctx, sel, prefix, func(target tacho.Labels, s tacho.Series) error {
		key := s.Name + "\x00" + s.Unit + "\x00" + s.Labels.String() + "\x00" + target.String()
		m := acc[key]
		if m == nil {
			if len(order)*steps > maxPointCells {
				return &RequestError{"step", fmt.Sprintf("more than %d series of %d steps; ask for fewer names or longer steps", len(order), steps)}
			}
			m = &means{name: s.Name, unit: s.Unit, labels: s.Labels, target: target, sum: make([]float64, steps), n: make([]int32, steps)}
			acc[key] = m
			order = append(order, m)
		}
		for _, p := range s.Points {
			at := p.Time - sel.From.UnixNano()
			if i := at / int64(step); at >= 0 && i < int64(steps) {
				m.sum[i] += p.Value
				m.n[i]++
			}
		}
		return nil
	})
	var incomplete *store.MissingError
	if errors.As(err, &incomplete) {
		t.Missing = addMissing(t.Missing, incomplete.Missing)
	} else if err != nil {
		return fmt.Errorf("points of %s: %w", sel.Service, err)
	}
	lines := map[string]int{}
	for _, m := range order {
		labels := m.labels
		if !summed(m.name) {
			labels = labels.With(tacho.LabelInstance, m.target.Get(tacho.LabelInstance))
		}
		key := m.name + "\x00" + m.unit + "\x00" + labels.String()
		i, ok := lines[key]
		if !ok {
			i = len(t.Series)
			lines[key] = i
			t.Series = append(t.Series, TimelineSeries{Name: m.name, Unit: m.unit, Labels: labels, Values: nans(steps)})
		}
		m.addTo(t.Series[i].Values)
	}
	return nil
}

// maxPointCells bounds what one timeline holds in memory: 12 bytes a cell.
const maxPointCells = 8 << 20

// means gathers one series of one target.
type means struct {
	name, unit     string
	labels, target tacho.Labels
	sum            []float64
	n              []int32
}

func (m *means) addTo(values []float64) {
	for i, n := range m.n {
		if n == 0 {
			continue
		}
		mean := m.sum[i] / float64(n)
		if math.IsNaN(values[i]) {
			values[i] = mean
		} else {
			values[i] += mean
		}
	}
}

func nans(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}
