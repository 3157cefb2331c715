package query

import (
	"math/bits"
	"slices"
	"sync"

	"tacho/store"
)

// fold maps a trie of call sites to a trie of methods: nodes whose paths have
// the same functions become one folded node. Frames of equal Function are the
// same method, whatever their line, file or kind.
//
// A fold belongs to one trie and grows with it. Like the trie it is
// append-only: snapshots of its slices stay valid while it grows.
type fold struct {
	mu sync.Mutex
	folded
	ids   map[string]uint32 // function name → function id
	child []uint32          // folded nodes by hash of parent and function; 0 is a free slot

	// The path to the node stepped to last: nodes of a trie are added as whole
	// paths, so that the next one nearly always goes on from there.
	depth  []uint32 // by folded node
	path   []uint32 // folded nodes from the root on
	onPath []uint32 // by function id: how often it is on path
}

// folded is a read-only prefix view of a fold.
type folded struct {
	funcOf []uint32 // by frame id: function id
	names  []string // by function id
	node   []uint32 // by trie node: folded node
	parent []uint32 // by folded node; smaller than its own id; 0 is the root
	fn     []uint32 // by folded node: function id; meaningless for 0
	first  []bool   // by folded node: no ancestor has the same function
}

func newFold() *fold {
	return &fold{
		ids:    map[string]uint32{},
		child:  make([]uint32, 64),
		depth:  []uint32{0},
		path:   []uint32{0},
		folded: folded{node: []uint32{0}, parent: []uint32{0}, fn: []uint32{0}, first: []bool{false}},
	}
}

// extend folds what is new in t, and returns a view that covers t.
func (f *fold) extend(t *store.Tree) folded {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.parent) == 1 {
		f.reserve(len(t.Parent))
	}
	for i := len(f.funcOf); i < len(t.Frames); i++ {
		f.funcOf = append(f.funcOf, f.function(t.Frames[i].Function))
	}
	for n := len(f.node); n < len(t.Parent); n++ {
		f.node = append(f.node, f.step(f.node[t.Parent[n]], f.funcOf[t.Frame[n]]))
	}
	return f.folded
}

// reserve makes room for n nodes in a fold that has none yet.
func (f *fold) reserve(n int) {
	f.node = slices.Grow(f.node, n)
	f.parent, f.fn = slices.Grow(f.parent, n), slices.Grow(f.fn, n)
	f.first, f.depth = slices.Grow(f.first, n), slices.Grow(f.depth, n)
	if slots := 1 << bits.Len(uint(2*n)); slots > len(f.child) {
		f.child = make([]uint32, slots)
	}
}

func (f *fold) function(name string) uint32 {
	id, ok := f.ids[name]
	if !ok {
		id = uint32(len(f.names))
		f.ids[name] = id
		f.names = append(f.names, name)
	}
	return id
}

// step is the folded node of a call to fn from folded node p. Limit: a cache
// miss in the table of children.
func (f *fold) step(p, fn uint32) uint32 {
	at := f.slot(p, fn)
	if id := f.child[at]; id != 0 {
		return id
	}
	id := uint32(len(f.parent))
	f.child[at] = id
	f.goTo(p)
	for int(fn) >= len(f.onPath) {
		f.onPath = append(f.onPath, 0)
	}
	f.parent = append(f.parent, p)
	f.fn = append(f.fn, fn)
	f.first = append(f.first, f.onPath[fn] == 0)
	f.depth = append(f.depth, uint32(len(f.path)))
	f.path = append(f.path, id)
	f.onPath[fn]++
	if 2*len(f.parent) > len(f.child) {
		f.child = make([]uint32, 2*len(f.child))
		for n := uint32(1); n < uint32(len(f.parent)); n++ {
			f.child[f.slot(f.parent[n], f.fn[n])] = n
		}
	}
	return id
}

// slot is where the child of p that is a call to fn is, or belongs.
func (f *fold) slot(p, fn uint32) uint32 {
	h := (uint64(p)<<32 | uint64(fn)) * 0x9e3779b97f4a7c15
	mask := uint32(len(f.child) - 1)
	for i := uint32((h^h>>29)>>20) & mask; ; i = (i + 1) & mask {
		if n := f.child[i]; n == 0 || f.parent[n] == p && f.fn[n] == fn {
			return i
		}
	}
}

// goTo makes path the one to p.
func (f *fold) goTo(p uint32) {
	keep := p // the lowest node of the way to p that is on path
	for int(f.depth[keep]) >= len(f.path) || f.path[f.depth[keep]] != keep {
		keep = f.parent[keep]
	}
	for len(f.path) > int(f.depth[keep])+1 {
		last := len(f.path) - 1
		f.onPath[f.fn[f.path[last]]]--
		f.path = f.path[:last]
	}
	for len(f.path) <= int(f.depth[p]) {
		f.path = append(f.path, 0)
	}
	for n := p; n != keep; n = f.parent[n] {
		f.path[f.depth[n]] = n
		f.onPath[f.fn[n]]++
	}
}

// maxFolds bounds how many tries stay folded: a few services looked at, plus
// their older epochs.
const maxFolds = 8

// folds keeps the folds of the tries asked about last. Snapshots of one trie
// share their first Parent element (store.Tree is a prefix view), which serves
// as the trie's identity; holding it keeps the address from being reused. When
// a trie outgrows its array its identity changes and it is folded anew, which
// happens at most once per doubling.
type folds struct {
	mu   sync.Mutex
	list []foldEntry // last used first
}

type foldEntry struct {
	tree *uint32
	fold *fold
}

func (c *folds) of(t *store.Tree) folded {
	c.mu.Lock()
	id := &t.Parent[0]
	at := -1
	for i := range c.list {
		if c.list[i].tree == id {
			at = i
			break
		}
	}
	var e foldEntry
	switch {
	case at >= 0:
		e = c.list[at]
		copy(c.list[1:at+1], c.list[:at])
	default:
		e = foldEntry{id, newFold()}
		if len(c.list) < maxFolds {
			c.list = append(c.list, foldEntry{})
		}
		copy(c.list[1:], c.list)
	}
	c.list[0] = e
	c.mu.Unlock()
	return e.fold.extend(t)
}
