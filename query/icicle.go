package query

import (
	"context"
	"fmt"
	"math"

	"tacho"
	"tacho/store"
)

// IcicleOptions shapes an icicle. The zero value is the whole tree.
type IcicleOptions struct {
	Focus    string  // keep stacks that contain this function, re-rooted at its outermost call
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
// total 0, for it may have been idle.
func (e *Engine) Icicle(ctx context.Context, sel store.Selection, opt IcicleOptions) (*Icicle, error) {
	return e.icicle(ctx, sel, opt, func(g *graph) *callTree {
		if opt.Focus != "" {
			return g.focus(opt.Focus)
		}
		return g.tree()
	})
}

// Callers is the icicle upside down: node 0 is the function, the children of a
// node are its callers with the time they passed on. A stack counts once, from
// the function's outermost call on it. Self is what began at that caller.
func (e *Engine) Callers(ctx context.Context, sel store.Selection, function string, opt IcicleOptions) (*Icicle, error) {
	if function == "" {
		return nil, &RequestError{"function", "is required"}
	}
	return e.icicle(ctx, sel, opt, func(g *graph) *callTree { return g.callers(function) })
}

func (e *Engine) icicle(ctx context.Context, sel store.Selection, opt IcicleOptions, view func(*graph) *callTree) (*Icicle, error) {
	if err := opt.check(); err != nil {
		return nil, err
	}
	sels, unit, err := e.resolve(ctx, sel)
	if err != nil {
		return nil, err
	}
	g, err := e.load(ctx, sels)
	if err != nil {
		return nil, err
	}
	ic := view(g).layout(opt.Depth, opt.MinShare)
	ic.Unit = unit
	ic.Missing = addMissing(ic.Missing, g.notes)
	if ic.Seconds, err = e.seconds(ctx, sels); err != nil {
		return nil, err
	}
	return ic, nil
}

// tree is the whole graph.
func (g *graph) tree() *callTree {
	return &callTree{root: "all", names: g.names, parent: g.parent, fn: g.fn, total: g.total, self: g.self, sites: g.sites}
}

func (g *graph) sites(visit func(node uint32, f *tacho.Frame, v int64)) {
	for _, p := range g.parts {
		for n := 1; n < len(p.total); n++ {
			if v := p.total[n]; v != 0 {
				visit(p.at[n], &p.tree.Frames[p.tree.Frame[n]], v)
			}
		}
	}
}
