package query

import (
	"context"
	"math"
)

// change is values beside base values, and the test's word on each.
type change struct {
	v, base []int64
	scale   float64
	p       []float64 // nil = no test
}

// delta is by how much item i changed.
func (c *change) delta(i int) float64 { return float64(c.v[i]) - float64(c.base[i])*c.scale }

func (c *change) pValue(i int) float64 {
	if c.p == nil {
		return math.NaN()
	}
	return c.p[i]
}

// state of item i. With a test, what it does not call a difference is the same;
// so is what it could not compare.
func (c *change) state(i int) State {
	v, b, d := c.v[i], c.base[i], c.delta(i)
	switch {
	case c.p != nil && !(c.p[i] <= FDR), v == 0 && b == 0:
		return StateSame
	case b == 0:
		return StateNew
	case v == 0:
		return StateRemoved
	case math.Abs(d) < 1 || math.Abs(d) < 1e-12*float64(v):
		return StateSame // rounding
	case d > 0:
		return StateGrew
	}
	return StateShrank
}

// test compares the two sides slice by slice.
type test struct {
	g     *graph
	t     *callTree
	d     *Diff
	m     *methods
	nodes *change
}

func (x *test) run(ctx context.Context, e *Engine, pick, base *picked, cov, baseCov *coverage) error {
	a, err := x.side(ctx, e, pick, cov, func(c *change) []int64 { return c.v }, float64(x.g.total[0]))
	if err != nil {
		return err
	}
	b, err := x.side(ctx, e, base, baseCov, func(c *change) []int64 { return c.base }, float64(x.g.base.total[0]))
	if err != nil {
		return err
	}
	x.d.Slices, x.d.BaseSlices = a[0].n, b[0].n
	if !enough(a[0], b[0]) {
		return nil
	}
	x.d.Tested = true
	for i, c := range x.families() {
		c.p = compare(a[i], b[i])
	}
	return nil
}

// families are what is compared among itself.
func (x *test) families() [3]*change { return [3]*change{x.m.total, x.m.self, x.nodes} }

// side gathers the slices of one side, for each family.
func (x *test) side(ctx context.Context, e *Engine, pick *picked, cov *coverage, of func(*change) []int64, total float64) ([3]*trial, error) {
	whole := total
	if x.d.Norm == ByRate {
		whole = cov.all()
	}
	var trials [3]*trial
	for i, c := range x.families() {
		trials[i] = newTrial(of(c), whole)
	}
	inTree := make([]int64, len(x.t.parent))
	shown := make([]int64, len(x.d.Tree.node))
	err := e.sliceSums(ctx, x.g, pick, cov, func(s *sums, values [][]int64, seconds float64) {
		t := float64(s.total[0])
		if x.d.Norm == ByRate {
			t = seconds
		}
		self, total := x.g.methods(s)
		trials[0].add(total, t)
		trials[1].add(self, t)
		all := s.total
		if x.t.land != nil {
			clear(inTree)
			for k := range values {
				for id, v := range values[k] {
					inTree[x.t.land[k][id]] += v
				}
			}
			addUp(inTree, x.t.parent)
			all = inTree
		}
		for i, n := range x.d.Tree.node {
			shown[i] = all[n]
		}
		trials[2].add(shown, t)
	})
	return trials, err
}
