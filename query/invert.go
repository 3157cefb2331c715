package query

import (
	"cmp"
	"context"
	"slices"

	"tacho"
)

// climber is a stack, or all stacks through one call, on the way from a call to
// the root: node is where it has got to.
type climber struct {
	node        uint32 // of the trie of its part
	part        uint32
	stack       uint32 // its id, when it is one
	value, base int64
}

// tower grows a tree from leaves to roots. Such a tree can have as many nodes as
// all stacks have calls together, so it is made from the top on and only as far
// as it will be shown: memory is what is kept and the climbers, time is what the
// climbers of kept nodes climb.
type tower struct {
	g     *graph
	t     *callTree
	land  [][]uint32 // by part and stack id: the last node of the tree it went through; nil when nobody asks
	depth int
	least float64
	ctx   context.Context
	steps int // climbed since the context was asked
	err   error
}

// inverted is the graph upside down, of whole stacks: the children of the root
// are the methods that were executing.
func (g *graph) inverted(ctx context.Context, scale float64, opt IcicleOptions) (*callTree, error) {
	var es []climber
	land := make([][]uint32, len(g.parts))
	for i := range g.parts {
		p := &g.parts[i]
		land[i] = make([]uint32, len(p.tree.Leaf))
		for id, n := range p.tree.Leaf {
			c := climber{node: n, part: uint32(i), stack: uint32(id), value: valueAt(p.values[0], id), base: valueAt(p.values[1], id)}
			if c.value == 0 && c.base == 0 || p.end[n] == none {
				continue
			}
			if p.site[n] == none {
				g.climb(&c)
			}
			es = append(es, c)
		}
	}
	return g.tower(ctx, "all", es, scale, opt, land)
}

func valueAt(vs []int64, i int) int64 {
	if i < len(vs) {
		return vs[i]
	}
	return 0
}

// callers is the graph upside down above the outermost calls of a function.
func (g *graph) callers(ctx context.Context, function string, opt IcicleOptions) (*callTree, error) {
	var es []climber
	fn := g.find(function)
	var root look
	for i := range g.parts {
		p := &g.parts[i]
		for n := 1; n < len(p.weight) && fn != none; n++ {
			v, node := p.weight[n], p.site[n]
			if v == 0 || node == none || g.fn[node] != fn || !g.first[node] {
				continue
			}
			root.add(&p.tree.Frames[p.tree.Frame[n]], v)
			c := climber{node: uint32(n), part: uint32(i), value: v}
			g.climb(&c)
			es = append(es, c)
		}
	}
	t, err := g.tower(ctx, function, es, 1, opt, nil)
	if err == nil {
		t.looks[0] = root
	}
	return t, err
}

// climb goes to the next call above that narrowing has left, or to the root.
func (g *graph) climb(c *climber) {
	p := &g.parts[c.part]
	for c.node = p.tree.Parent[c.node]; c.node != 0 && p.site[c.node] == none; c.node = p.tree.Parent[c.node] {
	}
}

func (g *graph) tower(ctx context.Context, root string, es []climber, scale float64, opt IcicleOptions, land [][]uint32) (*callTree, error) {
	t := &callTree{root: root, names: g.names, scale: scale, land: land, parent: []uint32{0}, fn: []uint32{0}, looks: make([]look, 1)}
	t.self, t.total = []int64{0}, []int64{0}
	if g.base != nil {
		t.baseSelf, t.baseTotal = []int64{0}, []int64{0}
	}
	for _, e := range es {
		t.total[0] += e.value
		if g.base != nil {
			t.baseTotal[0] += e.base
		}
	}
	w := &tower{g: g, t: t, land: land, depth: opt.Depth, least: opt.MinShare * float64(t.width(0)), ctx: ctx}
	w.grow(0, 1, es)
	return t, w.err
}

// grow adds the children of node at, and theirs. The climbers stand at the
// children.
func (w *tower) grow(at uint32, level int, es []climber) {
	if w.steps += len(es); w.steps > 1<<16 {
		w.steps = 0
		if w.err == nil {
			w.err = w.ctx.Err()
		}
	}
	if w.err != nil {
		return
	}
	g, t := w.g, w.t
	rest := es[:0]
	for _, e := range es {
		if w.land != nil {
			w.land[e.part][e.stack] = at
		}
		if e.node == 0 { // began here
			t.self[at] += e.value
			if g.base != nil {
				t.baseSelf[at] += e.base
			}
			continue
		}
		rest = append(rest, e)
	}
	fn := func(e climber) uint32 { return g.fn[g.parts[e.part].site[e.node]] }
	slices.SortFunc(rest, func(a, b climber) int { return cmp.Compare(fn(a), fn(b)) })
	for len(rest) > 0 {
		f := fn(rest[0])
		n := 0
		var value, base int64
		for n < len(rest) && fn(rest[n]) == f {
			value, base = value+rest[n].value, base+rest[n].base
			n++
		}
		group := rest[:n]
		rest = rest[n:]
		width := value
		if g.base != nil {
			width += scaled(base, t.scale)
		}
		if w.depth > 0 && level > w.depth || float64(width) < w.least {
			t.prunedCount++
			t.prunedSum += width
			continue
		}
		id := uint32(len(t.parent))
		t.parent, t.fn = append(t.parent, at), append(t.fn, f)
		t.self, t.total = append(t.self, 0), append(t.total, value)
		if g.base != nil {
			t.baseSelf, t.baseTotal = append(t.baseSelf, 0), append(t.baseTotal, base)
		}
		var l look
		for i := range group {
			p := &g.parts[group[i].part]
			l.add(&p.tree.Frames[p.tree.Frame[group[i].node]], group[i].value+scaled(group[i].base, t.scale))
			g.climb(&group[i])
		}
		t.looks = append(t.looks, l)
		w.grow(id, level+1, group)
	}
}

// visitSites visits the call sites behind the nodes of the graph and what each
// adds to its node's total.
func (g *graph) visitSites(visit func(node uint32, f *tacho.Frame, v int64)) {
	for i := range g.parts {
		p := &g.parts[i]
		for n := 1; n < len(p.weight); n++ {
			if v := p.weight[n]; v != 0 && p.site[n] != none {
				visit(p.site[n], &p.tree.Frames[p.tree.Frame[n]], v)
			}
		}
	}
}
