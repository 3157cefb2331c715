package pyroscope

import (
	"cmp"
	"slices"
	"strings"

	"tacho"
	"tacho/store"
)

// other is what clients call the nodes that max_nodes cut off.
const other = "other"

// tree is stacks folded by method, of one selection or of the two sides of a
// comparison. Node 0 is the root; parents have smaller ids than children.
type tree struct {
	names  []string // by name id
	ids    map[string]uint32
	parent []uint32
	name   []uint32 // by node: index into names
	child  map[uint64]uint32
	self   [2][]int64 // by side and node
	total  [2][]int64 // after sum
}

// Sides of a comparison; a single selection is on the left.
const (
	left  = 0
	right = 1
)

func newTree() *tree {
	t := &tree{ids: map[string]uint32{}, child: map[uint64]uint32{}, parent: []uint32{0}, name: []uint32{0}, self: [2][]int64{{0}, {0}}}
	t.id("total")
	return t
}

// id is that of a name. Messages hold UTF-8 and nothing else.
func (t *tree) id(name string) uint32 {
	id, ok := t.ids[name]
	if !ok {
		id = uint32(len(t.names))
		t.ids[name] = id
		t.names = append(t.names, strings.ToValidUTF8(name, "\uFFFD"))
	}
	return id
}

func (t *tree) step(at, name uint32) uint32 {
	key := uint64(at)<<32 | uint64(name)
	n, ok := t.child[key]
	if !ok {
		n = uint32(len(t.parent))
		t.child[key] = n
		t.parent, t.name = append(t.parent, at), append(t.name, name)
		t.self[left], t.self[right] = append(t.self[left], 0), append(t.self[right], 0)
	}
	return n
}

// addPart adds what the store merged over one trie: one pass over those of its
// nodes that have any share.
func (t *tree) addPart(side int, p store.Part) {
	used := make([]bool, len(p.Tree.Parent))
	for id, v := range p.Values {
		if v != 0 {
			for n := p.Tree.Leaf[id]; n != 0 && !used[n]; n = p.Tree.Parent[n] {
				used[n] = true
			}
		}
	}
	names := make([]uint32, len(p.Tree.Frames)) // id + 1
	at := make([]uint32, len(p.Tree.Parent))
	for n := 1; n < len(at); n++ {
		if !used[n] {
			continue
		}
		f := p.Tree.Frame[n]
		if names[f] == 0 {
			names[f] = t.id(p.Tree.Frames[f].Function) + 1
		}
		at[n] = t.step(at[p.Tree.Parent[n]], names[f]-1)
	}
	for id, v := range p.Values {
		if v != 0 {
			t.self[side][at[p.Tree.Leaf[id]]] += v
		}
	}
}

// addStack adds one stack, leaf first.
func (t *tree) addStack(side int, s tacho.Stack, v int64) {
	at := uint32(0)
	for _, f := range slices.Backward(s) {
		at = t.step(at, t.id(f.Function))
	}
	t.self[side][at] += v
}

// sum makes the totals.
func (t *tree) sum() {
	for side := range t.total {
		total := slices.Clone(t.self[side])
		for n := len(total) - 1; n > 0; n-- {
			total[t.parent[n]] += total[n]
		}
		t.total[side] = total
	}
}

// below drops every stack that does not begin with these calls, root first.
func (t *tree) below(side int, site []string) {
	at, self := uint32(0), t.self[side]
	for _, name := range site {
		id, known := t.ids[name]
		next, ok := t.child[uint64(at)<<32|uint64(id)]
		if !known || !ok {
			clear(self)
			return
		}
		at = next
	}
	in := make([]bool, len(t.parent))
	in[at] = true
	for n := range self {
		in[n] = in[n] || n > 0 && in[t.parent[n]]
		if !in[n] {
			self[n] = 0
		}
	}
}

// weight is what a node counts by when not all can stay.
func (t *tree) weight(n uint32) int64 { return max(t.total[left][n], t.total[right][n]) }

// keep says which nodes stay when at most most of them may, the root not
// counted: the largest, of equally large ones the nearest to the root. 0 keeps
// all that have a share.
func (t *tree) keep(most int64) []bool {
	kept := make([]bool, len(t.parent))
	kept[0] = true
	var order []uint32
	for n := 1; n < len(t.parent); n++ {
		if t.weight(uint32(n)) != 0 {
			order = append(order, uint32(n))
		}
	}
	if most > 0 && int64(len(order)) > most {
		// Parents are no smaller than their children and have smaller ids: no
		// node stays without its parent.
		slices.SortFunc(order, func(a, b uint32) int { return cmp.Or(cmp.Compare(t.weight(b), t.weight(a)), cmp.Compare(a, b)) })
		order = order[:most]
	}
	for _, n := range order {
		kept[n] = true
	}
	return kept
}

// children are, by node, those with any share, sorted by name.
func (t *tree) children() [][]uint32 {
	out := make([][]uint32, len(t.parent))
	for n := 1; n < len(t.parent); n++ {
		if t.weight(uint32(n)) != 0 {
			p := t.parent[n]
			out[p] = append(out[p], uint32(n))
		}
	}
	for _, c := range out {
		slices.SortFunc(c, func(a, b uint32) int { return strings.Compare(t.names[t.name[a]], t.names[t.name[b]]) })
	}
	return out
}
