package query

import "strings"

// find is the id of a function, none if it is on no stack.
func (g *graph) find(function string) uint32 {
	for i, name := range g.names {
		if name == function {
			return uint32(i)
		}
	}
	return none
}

// narrow drops the stacks that nar does not select, by setting their values to
// 0.
func (g *graph) narrow(nar *narrowing) {
	g.whole = g.sumOf(0)
	if g.base != nil {
		g.base.whole = g.sumOf(1)
	}
	if !nar.selects() {
		return
	}
	selected := nar.nodes(g.names, g.parent, g.fn)
	for i := range g.parts {
		p := &g.parts[i]
		p.dropped = make([]bool, len(p.tree.Leaf))
		for id, n := range p.tree.Leaf {
			p.dropped[id] = !selected[p.end[n]]
		}
		for side := range p.values {
			for id := range p.values[side] {
				if p.dropped[id] {
					p.values[side][id] = 0
				}
			}
		}
	}
}

// nodes is, for a trie of methods, where selected stacks may end. A matcher is
// asked once per function; what a path has matched goes from parents to children
// in one pass.
func (nar *narrowing) nodes(names []string, parent, fn []uint32) []bool {
	const dropped = 1 << 63
	want := uint64(1)<<len(nar.filters) - 1
	hits := make([]uint64, len(names)) // by function: the filters it matches
	for fn, name := range names {
		for i, match := range nar.filters {
			if match(name) {
				hits[fn] |= 1 << i
			}
		}
		for _, x := range nar.exclude {
			if name == x {
				hits[fn] |= dropped
			}
		}
	}
	path := make([]uint64, len(parent)) // by node: the same of all functions on the way to it
	out := make([]bool, len(parent))
	for n := 1; n < len(parent); n++ {
		path[n] = path[parent[n]] | hits[fn[n]]
		out[n] = path[n] == want
	}
	return out
}

func (g *graph) sumOf(side int) (sum int64) {
	for i := range g.parts {
		for _, v := range g.parts[i].values[side] {
			sum += v
		}
	}
	return sum
}

// reshape makes the graph anew from stacks that focus and collapse have
// changed. Nodes without value are left behind.
func (g *graph) reshape(nar *narrowing) {
	j := newFold()
	to := make([]uint32, len(g.parent)) // node → new node; none outside the focus
	kept := make([]bool, len(g.parent)) // it is a call of its own, not folded into the one above
	focus := none
	if nar.focus != "" {
		to[0] = none
		if focus = g.find(nar.focus); focus != none {
			// The root is a call now: nothing below it is the first of its function.
			j.fn[0], j.first[0] = focus, true
			j.onPath = make([]uint32, len(g.names))
			j.onPath[focus] = 1
		}
	}
	packages := g.packages(nar.packages)
	folds := func(above, fn uint32) bool {
		return nar.recursion && above == fn || packages != nil && packages[above]&packages[fn] != 0
	}
	for n := 1; n < len(g.parent); n++ {
		to[n] = none
		if g.total[n] == 0 && (g.base == nil || g.base.total[n] == 0) {
			continue
		}
		p, fn := to[g.parent[n]], g.fn[n]
		switch {
		case p == none && fn == focus:
			to[n], kept[n] = 0, true
		case p == none:
		case (p != 0 || j.first[0]) && folds(j.fn[p], fn):
			to[n] = p
		default:
			to[n], kept[n] = j.step(p, fn), true
		}
	}
	for i := range g.parts {
		p := &g.parts[i]
		site, end := make([]uint32, len(p.site)), make([]uint32, len(p.site))
		for n, at := range p.site {
			end[n], site[n] = to[at], none
			if kept[at] {
				site[n] = to[at]
			}
		}
		p.site, p.end = site, end
	}
	g.parent, g.fn, g.first = j.parent, j.fn, j.first
	g.addUp()
}

// packages is, by function, the prefixes its name begins with; nil without
// prefixes.
func (g *graph) packages(prefixes []string) []uint64 {
	if len(prefixes) == 0 {
		return nil
	}
	out := make([]uint64, len(g.names))
	for fn, name := range g.names {
		for i, p := range prefixes {
			if strings.HasPrefix(name, p) {
				out[fn] |= 1 << i
			}
		}
	}
	return out
}
