package named

import (
	"sync"

	"tacho"
	"tacho/store"
)

// tree is one trie with names. Like the trie it is append-only: snapshots of its
// slices stay valid while it grows.
type tree struct {
	id  *uint32
	gen int

	mu     sync.Mutex
	looked int      // frames of the trie that were looked up
	some   bool     // a name was found; before that nothing below is filled
	node   []uint32 // by node of the trie: where the calls at it end: the innermost
	calls  []span   // by frame of the trie
	ids    []uint32 // frames of out, leaf first
	known  map[tacho.Frame]uint32
	out    store.Tree
}

// span is a part of tree.ids.
type span struct{ from, until uint32 }

// extend takes in what is new in t, and returns a view that covers t.
func (e *tree) extend(t *store.Tree, names Names) *store.Tree {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := e.look(t, names)
	if !e.some {
		if len(found) == 0 {
			return t
		}
		e.some = true
		e.known = map[tacho.Frame]uint32{}
		e.node = make([]uint32, 1, len(t.Parent))
		e.out = store.Tree{Parent: make([]uint32, 1, len(t.Parent)+len(t.Parent)/4), Frame: make([]uint32, 1, len(t.Parent)+len(t.Parent)/4)}
	}
	for i := len(e.calls); i < len(t.Frames); i++ {
		from := uint32(len(e.ids))
		if st := found[i]; len(st) > 0 {
			for _, f := range st {
				e.ids = append(e.ids, e.frame(f))
			}
		} else {
			e.ids = append(e.ids, uint32(len(e.out.Frames)))
			e.out.Frames = append(e.out.Frames, t.Frames[i])
		}
		e.calls = append(e.calls, span{from, uint32(len(e.ids))})
	}
	for n := len(e.node); n < len(t.Parent); n++ {
		at, c := e.node[t.Parent[n]], e.calls[t.Frame[n]]
		for k := c.until; k > c.from; k-- { // callers first
			e.out.Parent = append(e.out.Parent, at)
			e.out.Frame = append(e.out.Frame, e.ids[k-1])
			at = uint32(len(e.out.Parent) - 1)
		}
		e.node = append(e.node, at)
	}
	for s := len(e.out.Leaf); s < len(t.Leaf); s++ {
		e.out.Leaf = append(e.out.Leaf, e.node[t.Leaf[s]])
	}
	view := e.out
	return &view
}

// look asks for the names of frames that were not asked for before, and returns
// those found, by frame.
func (e *tree) look(t *store.Tree, names Names) map[int]tacho.Stack {
	var frames []tacho.Frame
	var at []int
	for i := e.looked; i < len(t.Frames); i++ {
		if _, _, ok := t.Frames[i].Address(); ok {
			frames, at = append(frames, t.Frames[i]), append(at, i)
		}
	}
	e.looked = max(e.looked, len(t.Frames))
	found := map[int]tacho.Stack{}
	if len(frames) == 0 {
		return found
	}
	for i, st := range names.Names(frames) {
		if len(st) > 0 {
			found[at[i]] = st
		}
	}
	return found
}

// frame is the number of a call that was found: many addresses lie on one line.
func (e *tree) frame(f tacho.Frame) uint32 {
	id, ok := e.known[f]
	if !ok {
		id = uint32(len(e.out.Frames))
		e.known[f] = id
		e.out.Frames = append(e.out.Frames, f)
	}
	return id
}
