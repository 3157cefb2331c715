package query

import (
	"context"
	"fmt"
	"math"

	"tacho/store"
)

// IcicleOptions shapes an icicle. The zero value is the whole tree.
type IcicleOptions struct {
	Narrow
	Depth    int     // levels below the root; 0 = all
	MinShare float64 // nodes below this share of the total are pruned; in [0, 1]
}

func (o IcicleOptions) check() error {
	if o.Depth < 0 {
		return &RequestError{"depth", fmt.Sprintf("%d is negative", o.Depth)}
	}
	if o.MinShare < 0 || o.MinShare > 1 || math.IsNaN(o.MinShare) {
		return &RequestError{"min_share", fmt.Sprintf("%v is not between 0 and 1", o.MinShare)}
	}
	return nil
}

// Icicle sums the selected samples into a tree of methods. With Focus, node 0
// is that function; a function that is not in the selection gives an icicle of
// total 0, for it may have been idle. With Invert node 0 is all, its children
// are the methods that were executing, theirs are their callers, and Self is
// what began at a caller.
func (e *Engine) Icicle(ctx context.Context, sel store.Selection, opt IcicleOptions) (*Icicle, error) {
	return e.icicle(ctx, sel, opt, func(g *graph, nar *narrowing) (*callTree, error) {
		if nar.invert {
			return g.inverted(ctx, 1, opt)
		}
		return g.tree(nar, 1), nil
	})
}

// Callers is the icicle upside down: node 0 is the function, the children of a
// node are its callers with the time they passed on. A stack counts once, from
// the function's outermost call on it. Self is what began at that caller.
func (e *Engine) Callers(ctx context.Context, sel store.Selection, function string, opt IcicleOptions) (*Icicle, error) {
	if function == "" {
		return nil, &RequestError{"function", "is required"}
	}
	return e.icicle(ctx, sel, opt, func(g *graph, _ *narrowing) (*callTree, error) { return g.callers(ctx, function, opt) })
}

func (e *Engine) icicle(ctx context.Context, sel store.Selection, opt IcicleOptions, view func(*graph, *narrowing) (*callTree, error)) (*Icicle, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	nar, err := opt.compile()
	if err != nil {
		return nil, err
	}
	pick, err := e.pick(ctx, sel, opt.Rhythm)
	if err != nil {
		return nil, err
	}
	g, err := e.load(ctx, nar, pick, nil)
	if err != nil {
		return nil, err
	}
	g.weigh(1)
	t, err := view(g, nar)
	if err != nil {
		return nil, err
	}
	ic := t.layout(opt.Depth, opt.MinShare)
	ic.Unit, ic.Whole = pick.unit, g.whole
	ic.Missing = addMissing(ic.Missing, g.notes)
	if ic.Seconds, err = e.seconds(ctx, pick); err != nil {
		return nil, err
	}
	return ic, nil
}

// tree is the whole graph.
func (g *graph) tree(nar *narrowing, scale float64) *callTree {
	t := &callTree{root: "all", names: g.names, parent: g.parent, fn: g.fn, total: g.total, self: g.self, scale: scale, sites: g.visitSites}
	if nar.focus != "" {
		t.root = nar.focus
	}
	if g.base != nil {
		t.baseSelf, t.baseTotal = g.base.self, g.base.total
	}
	return t
}
