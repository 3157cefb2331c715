package query

import "tacho"

// none marks nodes that are not part of a view.
const none = ^uint32(0)

// find is the id of a function, none if it is on no stack.
func (g *graph) find(function string) uint32 {
	for i, name := range g.names {
		if name == function {
			return uint32(i)
		}
	}
	return none
}

// focus keeps what runs below the outermost calls of a function and puts these
// calls on top of each other: their subtrees become one tree.
func (g *graph) focus(function string) *callTree {
	j := newFold()
	fn := g.find(function)
	to := make([]uint32, len(g.parent)) // node of the graph → node of the view
	for n := range to {
		to[n] = none
	}
	t := &callTree{root: function, names: g.names, self: []int64{0}}
	if fn != none {
		for n := 1; n < len(g.parent); n++ {
			if g.total[n] == 0 {
				continue
			}
			switch p := to[g.parent[n]]; {
			case p != none:
				to[n] = j.step(p, g.fn[n])
			case g.fn[n] == fn:
				to[n] = 0
			default:
				continue
			}
			if int(to[n]) == len(t.self) {
				t.self = append(t.self, 0)
			}
			t.self[to[n]] += g.self[n]
		}
	}
	t.parent, t.fn = j.parent, j.fn
	t.total = append([]int64(nil), t.self...)
	addUp(t.total, t.parent)
	t.sites = func(visit func(uint32, *tacho.Frame, int64)) {
		g.sites(func(n uint32, f *tacho.Frame, v int64) {
			if to[n] != none {
				visit(to[n], f, v)
			}
		})
	}
	return t
}

// callers turns the paths above the outermost calls of a function upside down.
func (g *graph) callers(function string) *callTree {
	type site struct {
		node uint32
		f    *tacho.Frame
		v    int64
	}
	var sites []site
	j := newFold()
	t := &callTree{root: function, names: g.names, self: []int64{0}}
	fn := g.find(function)
	for _, p := range g.parts {
		for n := 1; n < len(p.total) && fn != none; n++ {
			v := p.total[n]
			if v == 0 || g.fn[p.at[n]] != fn || !g.first[p.at[n]] {
				continue
			}
			at := uint32(0)
			sites = append(sites, site{0, &p.tree.Frames[p.tree.Frame[n]], v})
			for a := p.tree.Parent[n]; a != 0; a = p.tree.Parent[a] {
				at = j.step(at, g.fn[p.at[a]])
				if int(at) == len(t.self) {
					t.self = append(t.self, 0)
				}
				sites = append(sites, site{at, &p.tree.Frames[p.tree.Frame[a]], v})
			}
			t.self[at] += v
		}
	}
	t.parent, t.fn = j.parent, j.fn
	t.total = append([]int64(nil), t.self...)
	addUp(t.total, t.parent)
	t.sites = func(visit func(uint32, *tacho.Frame, int64)) {
		for _, s := range sites {
			visit(s.node, s.f, s.v)
		}
	}
	return t
}
