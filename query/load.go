package query

import (
	"context"
	"fmt"

	"tacho/store"
)

// graph is the selected samples as a trie of methods. Node 0 is the root;
// parents have smaller ids than children.
type graph struct {
	names  []string // by function id
	parent []uint32
	fn     []uint32 // fn[0] has a meaning only where first[0] is true: after a focus
	first  []bool   // no ancestor has the same function
	sums            // of the selection
	base   *sums    // of what it is compared with; nil without comparison
	parts  []part
	notes  []string // what the store could not read
}

// sums are by node of the graph.
type sums struct {
	self, total []int64
	whole       int64 // of all stacks, before narrowing
}

// part is one trie behind the graph: the views need its call sites for lines,
// files and kinds.
type part struct {
	tree    *store.Tree
	values  [2][]int64 // by stack id: of the selection, and of the base; 0 where narrowing dropped the stack
	dropped []bool     // by stack id: narrowing dropped it; nil = none of them
	weight  []int64    // by trie node: what its calls add up to, of both selections at one scale
	site    []uint32   // by trie node: the node of the graph it is a call site of; none where narrowing took it out
	end     []uint32   // by trie node: where a stack ends whose leaf it is; none where narrowing took it out
}

// none marks nodes that are not part of a view.
const none = ^uint32(0)

// load merges what was picked into one graph. base, when not nil, is what it is
// compared with.
func (e *Engine) load(ctx context.Context, nar *narrowing, sel, base *picked) (*graph, error) {
	g := &graph{}
	for side, pick := range [2]*picked{sel, base} {
		if pick == nil {
			continue
		}
		for _, s := range pick.spans {
			err := e.merge(ctx, pick.pieces(s), func(p store.Part) { g.parts = addPart(g.parts, p, side) }, &g.notes)
			if err != nil {
				return nil, err
			}
		}
	}
	if base != nil {
		g.base = &sums{}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.fold(g)
	g.narrow(nar)
	g.addUp()
	if nar.reshapes() {
		g.reshape(nar)
	}
	return g, nil
}

// merge visits the parts of all selections.
func (e *Engine) merge(ctx context.Context, sels []store.Selection, visit func(store.Part), notes *[]string) error {
	for _, sel := range sels {
		m, err := e.st.Merge(ctx, sel)
		if err != nil {
			return fmt.Errorf("merge %s of %s from %s: %w", sel.Type, sel.Service, stamp(sel.From), err)
		}
		*notes = addMissing(*notes, m.Missing)
		for _, p := range m.Parts {
			visit(p)
		}
	}
	return nil
}

// addPart joins sums over the same trie: both value types of "wall", and both
// sides of a comparison, usually come as snapshots of one.
func addPart(parts []part, p store.Part, side int) []part {
	if len(p.Tree.Parent) == 0 {
		return parts
	}
	for i := range parts {
		have := &parts[i]
		if &have.tree.Parent[0] != &p.Tree.Parent[0] {
			continue
		}
		a, b := have.values[side], p.Values
		if len(a) < len(b) {
			a, b = b, a
		}
		for s, v := range b {
			a[s] += v
		}
		have.values[side] = a
		if len(p.Tree.Parent) > len(have.tree.Parent) || len(p.Tree.Leaf) > len(have.tree.Leaf) {
			have.tree = p.Tree
		}
		return parts
	}
	x := part{tree: p.Tree}
	x.values[side] = p.Values
	return append(parts, x)
}

// fold makes the trie of methods over the parts' tries of call sites.
func (e *Engine) fold(g *graph) {
	g.parent, g.fn, g.first = []uint32{0}, []uint32{0}, []bool{false}
	if len(g.parts) == 1 {
		p := &g.parts[0]
		f := e.folds.of(p.tree)
		g.names, g.parent, g.fn, g.first = f.names, f.parent, f.fn, f.first
		p.site, p.end = f.node, f.node
	} else {
		j := newFold()
		for i := range g.parts {
			p := &g.parts[i]
			p.site = j.join(e.folds.of(p.tree), len(p.tree.Parent))
			p.end = p.site
		}
		g.names, g.parent, g.fn, g.first = j.names, j.parent, j.fn, j.first
	}
}

// join adds another trie's folded nodes to f, and returns where its first n
// trie nodes landed.
func (f *fold) join(o folded, n int) []uint32 {
	fn := make([]uint32, len(o.names))
	for i, name := range o.names {
		fn[i] = f.function(name)
	}
	to := make([]uint32, len(o.parent))
	for i := 1; i < len(o.parent); i++ {
		to[i] = f.step(to[o.parent[i]], fn[o.fn[i]])
	}
	at := make([]uint32, n)
	for i := range at {
		at[i] = to[o.node[i]]
	}
	return at
}

// addUp makes the sums of the graph from the values of its parts.
func (g *graph) addUp() {
	g.sums.add(g, 0)
	if g.base != nil {
		g.base.add(g, 1)
	}
}

// add makes the sums of one side, but for whole.
func (s *sums) add(g *graph, side int) {
	s.self = make([]int64, len(g.parent))
	for i := range g.parts {
		p := &g.parts[i]
		leaf, end := p.tree.Leaf, p.end
		for id, v := range p.values[side] {
			if v == 0 {
				continue
			}
			if n := end[leaf[id]]; n != none {
				s.self[n] += v
			}
		}
	}
	s.total = append([]int64(nil), s.self...)
	addUp(s.total, g.parent)
}

// weigh is the scatter and the reverse pass over the tries of call sites: what
// lines, files and kinds are chosen by. Values of the base count at its scale.
func (g *graph) weigh(scale float64) {
	for i := range g.parts {
		p := &g.parts[i]
		p.weight = make([]int64, len(p.tree.Parent))
		for id, v := range p.values[0] {
			if v != 0 {
				p.weight[p.tree.Leaf[id]] += v
			}
		}
		for id, v := range p.values[1] {
			if v != 0 {
				p.weight[p.tree.Leaf[id]] += scaled(v, scale)
			}
		}
		addUp(p.weight, p.tree.Parent)
	}
}

// addUp adds every node to its parent, children before parents.
func addUp(total []int64, parent []uint32) {
	for n := len(total) - 1; n > 0; n-- {
		if v := total[n]; v != 0 {
			total[parent[n]] += v
		}
	}
}
