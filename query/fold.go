package query

import (
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
	child map[uint64]uint32 // folded parent << 32 | function id → folded node
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
		child:  map[uint64]uint32{},
		folded: folded{node: []uint32{0}, parent: []uint32{0}, fn: []uint32{0}, first: []bool{false}},
	}
}

// extend folds what is new in t, and returns a view that covers t.
func (f *fold) extend(t *store.Tree) folded {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := len(f.funcOf); i < len(t.Frames); i++ {
		f.funcOf = append(f.funcOf, f.function(t.Frames[i].Function))
	}
	for n := len(f.node); n < len(t.Parent); n++ {
		f.node = append(f.node, f.step(f.node[t.Parent[n]], f.funcOf[t.Frame[n]]))
	}
	return f.folded
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

// step is the folded node of a call to fn from folded node p.
func (f *fold) step(p, fn uint32) uint32 {
	key := uint64(p)<<32 | uint64(fn)
	id, ok := f.child[key]
	if ok {
		return id
	}
	id = uint32(len(f.parent))
	f.child[key] = id
	f.parent = append(f.parent, p)
	f.fn = append(f.fn, fn)
	first := true
	for a := p; a != 0; a = f.parent[a] {
		if f.fn[a] == fn {
			first = false
			break
		}
	}
	f.first = append(f.first, first)
	return id
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
