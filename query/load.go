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
	fn     []uint32
	first  []bool
	self   []int64
	total  []int64
	parts  []part
	notes  []string // what the store could not read
}

// part is one trie behind the graph: the views need its call sites for lines,
// files and kinds.
type part struct {
	tree  *store.Tree
	total []int64  // by trie node
	at    []uint32 // by trie node: node of the graph
}

// load merges the selections into one graph.
func (e *Engine) load(ctx context.Context, sels []store.Selection) (*graph, error) {
	var parts []store.Part
	var notes []string
	for _, sel := range sels {
		m, err := e.st.Merge(ctx, sel)
		if err != nil {
			return nil, fmt.Errorf("merge %s of %s: %w", sel.Type, sel.Service, err)
		}
		notes = addMissing(notes, m.Missing)
		for _, p := range m.Parts {
			parts = addPart(parts, p)
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	g := e.build(parts)
	g.notes = notes
	return g, nil
}

// addPart joins sums over the same trie: both value types of "wall" usually
// come as two snapshots of one.
func addPart(parts []store.Part, p store.Part) []store.Part {
	if len(p.Tree.Parent) == 0 {
		return parts
	}
	for i := range parts {
		have := &parts[i]
		if &have.Tree.Parent[0] != &p.Tree.Parent[0] {
			continue
		}
		a, b := have.Values, p.Values
		if len(a) < len(b) {
			a, b = b, a
		}
		for s, v := range b {
			a[s] += v
		}
		have.Values = a
		if len(p.Tree.Parent) > len(have.Tree.Parent) || len(p.Tree.Leaf) > len(have.Tree.Leaf) {
			have.Tree = p.Tree
		}
		return parts
	}
	return append(parts, p)
}

func (e *Engine) build(parts []store.Part) *graph {
	g := &graph{parent: []uint32{0}, fn: []uint32{0}, first: []bool{false}}
	if len(parts) == 1 {
		f := e.folds.of(parts[0].Tree)
		g.names, g.parent, g.fn, g.first = f.names, f.parent, f.fn, f.first
		g.parts = []part{{tree: parts[0].Tree, total: nodeTotals(parts[0]), at: f.node}}
	} else {
		j := newFold()
		for _, p := range parts {
			f := e.folds.of(p.Tree)
			g.parts = append(g.parts, part{tree: p.Tree, total: nodeTotals(p), at: j.join(f, len(p.Tree.Parent))})
		}
		g.names, g.parent, g.fn, g.first = j.names, j.parent, j.fn, j.first
	}
	g.self = make([]int64, len(g.parent))
	for i, p := range parts {
		leaf, at := p.Tree.Leaf, g.parts[i].at
		for s, v := range p.Values {
			if v != 0 {
				g.self[at[leaf[s]]] += v
			}
		}
	}
	g.total = append([]int64(nil), g.self...)
	addUp(g.total, g.parent)
	return g
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

// nodeTotals is the scatter and the reverse pass over the trie of call sites.
func nodeTotals(p store.Part) []int64 {
	total := make([]int64, len(p.Tree.Parent))
	for s, v := range p.Values {
		if v != 0 {
			total[p.Tree.Leaf[s]] += v
		}
	}
	addUp(total, p.Tree.Parent)
	return total
}

// addUp adds every node to its parent, children before parents.
func addUp(total []int64, parent []uint32) {
	for n := len(total) - 1; n > 0; n-- {
		if v := total[n]; v != 0 {
			total[parent[n]] += v
		}
	}
}
