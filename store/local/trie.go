package local

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"sync/atomic"

	"tacho"
	"tacho/store"
)

// trie is the calls of one epoch of one service. The reading side is tree: a
// snapshot that is replaced as the trie grows and never changes. The writing
// side belongs to whoever holds the service's writer lock.
type trie struct {
	epoch uint16
	tree  atomic.Pointer[store.Tree]
	used  atomic.Int64 // Unix nanoseconds of the last use, for eviction

	// The writing side.
	all     store.Tree // grows; tree is a prefix view of it
	refs    []frameRef // by frame id
	funcs   table      // normalised names of functions
	others  table      // files and modules
	saved   marksOf    // what chunks on disk cover
	chunk   uint32     // number of the next chunk
	reach   uint32     // newest day of data that refers to it
	broken  bool       // a chunk could not be read: read only, and only its prefix
	frames  map[frameRef]uint32
	child   map[uint64]uint32 // parent << 32 | frame → node
	stacks  map[stackHash]uint32
	pathBuf []uint32
}

// frameRef is a frame by the ids of its strings.
type frameRef struct {
	function, file, module uint32
	line                   int32
	kind                   tacho.FrameKind
}

// function interns the name of a function under its normalised form. What is in
// the table is normalised already.
func (t *trie) function(name string) uint32 {
	if id, ok := t.funcs.ids[name]; ok {
		return id
	}
	return t.funcs.id(store.NormalizeFunction(name))
}

// table gives strings ids from 0 on. Ids is nil until the trie is written to.
type table struct {
	list []string
	ids  map[string]uint32
}

func (t *table) id(s string) uint32 {
	id, ok := t.ids[s]
	if !ok {
		id = uint32(len(t.list))
		s = strings.Clone(s) // do not hold on to the batch it came in
		t.ids[s] = id
		t.list = append(t.list, s)
	}
	return id
}

// marksOf is lengths of the parts of a trie.
type marksOf struct{ funcs, others, frames, nodes, stacks int }

func newTrie(epoch uint16) *trie {
	t := &trie{epoch: epoch}
	t.all = store.Tree{Parent: []uint32{0}, Frame: []uint32{0}}
	t.saved.nodes = 1
	t.publish()
	return t
}

func (t *trie) size() marksOf {
	return marksOf{len(t.funcs.list), len(t.others.list), len(t.all.Frames), len(t.all.Parent), len(t.all.Leaf)}
}

// publish makes what was added visible to readers. It must come before the
// blocks that refer to it.
func (t *trie) publish() {
	if old := t.tree.Load(); old != nil && len(old.Leaf) == len(t.all.Leaf) && len(old.Parent) == len(t.all.Parent) {
		return
	}
	view := t.all
	view.Frames = slices.Clip(view.Frames)
	view.Parent = slices.Clip(view.Parent)
	view.Frame = slices.Clip(view.Frame)
	view.Leaf = slices.Clip(view.Leaf)
	t.tree.Store(&view)
}

// prepareWrite builds the maps that writing needs and reading does not.
func (t *trie) prepareWrite() {
	if t.frames != nil {
		return
	}
	t.frames = make(map[frameRef]uint32, len(t.refs))
	for i, r := range t.refs {
		t.frames[r] = uint32(i)
	}
	for _, tab := range []*table{&t.funcs, &t.others} {
		tab.ids = make(map[string]uint32, len(tab.list))
		for i, s := range tab.list {
			tab.ids[s] = uint32(i)
		}
	}
	t.child = make(map[uint64]uint32, len(t.all.Parent))
	for n := 1; n < len(t.all.Parent); n++ {
		t.child[edge(t.all.Parent[n], t.all.Frame[n])] = uint32(n)
	}
	t.stacks = make(map[stackHash]uint32, len(t.all.Leaf))
	for id, leaf := range t.all.Leaf {
		t.pathBuf = t.pathBuf[:0]
		for n := leaf; n != 0; n = t.all.Parent[n] {
			t.pathBuf = append(t.pathBuf, t.all.Frame[n])
		}
		t.stacks[hashStack(t.pathBuf)] = uint32(id)
	}
}

func edge(parent, frame uint32) uint64 { return uint64(parent)<<32 | uint64(frame) }

// frame interns a frame given by strings of a batch.
func (t *trie) frame(r frameRef) uint32 {
	id, ok := t.frames[r]
	if !ok {
		id = uint32(len(t.refs))
		t.frames[r] = id
		t.refs = append(t.refs, r)
		t.all.Frames = append(t.all.Frames, t.resolve(r))
	}
	return id
}

func (t *trie) resolve(r frameRef) tacho.Frame {
	return tacho.Frame{
		Function: t.funcs.list[r.function], File: t.others.list[r.file], Module: t.others.list[r.module],
		Line: r.line, Kind: r.kind,
	}
}

// stack interns a stack of frame ids, leaf first.
func (t *trie) stack(path []uint32) uint32 {
	h := hashStack(path)
	if id, ok := t.stacks[h]; ok {
		return id
	}
	n := uint32(0)
	for i := len(path) - 1; i >= 0; i-- {
		e := edge(n, path[i])
		c, ok := t.child[e]
		if !ok {
			c = uint32(len(t.all.Parent))
			t.child[e] = c
			t.all.Parent = append(t.all.Parent, n)
			t.all.Frame = append(t.all.Frame, path[i])
		}
		n = c
	}
	id := uint32(len(t.all.Leaf))
	t.all.Leaf = append(t.all.Leaf, n)
	t.stacks[h] = id
	return id
}

// stackHash stands for a stack in the map from stacks to ids: 128 bits, so that
// no two stacks of a trie of a few million share one (the chance is below
// 10^-24), and the map need not hold the frames. Made of two multiply-fold
// lanes over pairs of frame ids.
type stackHash [2]uint64

func hashStack(path []uint32) stackHash {
	const k1, k2, k3, k4 = 0x9e3779b97f4a7c15, 0xd6e8feb86659fd93, 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	h1, h2 := uint64(len(path))*k1+k3, uint64(len(path))*k2+k4
	i := 0
	for ; i+1 < len(path); i += 2 {
		v := uint64(path[i])<<32 | uint64(path[i+1])
		h1 = fold(h1^v^k1, h2+k3)
		h2 = fold(h2+v+k2, v^k4) ^ h1
	}
	if i < len(path) {
		v := uint64(path[i]) | 1<<63
		h1 = fold(h1^v^k1, h2+k3)
		h2 = fold(h2+v+k2, v^k4) ^ h1
	}
	return stackHash{fold(h1^k2, h2^k1), fold(h2^k3, h1+k4)}
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// A trie chunk is what one append added to a trie, in columns:
//
//	version  byte     1
//	from     5 × uvarint: how many functions, other strings, frames, nodes and
//	         stacks there were before
//	add      5 × uvarint: how many follow
//	functions, others   uvarint length and bytes each
//	frames   uvarint function, file, module; varint line; byte kind each
//	nodes    uvarint own id - parent, uvarint frame each
//	stacks   uvarint leaf node each
const trieVersion = 1

// chunkBytes encodes what is not yet saved; nil if there is nothing.
func (t *trie) chunkBytes() []byte {
	now, old := t.size(), t.saved
	if now == old {
		return nil
	}
	b := []byte{trieVersion}
	for _, v := range [...]int{
		old.funcs, old.others, old.frames, old.nodes, old.stacks,
		now.funcs - old.funcs, now.others - old.others, now.frames - old.frames, now.nodes - old.nodes, now.stacks - old.stacks,
	} {
		b = binary.AppendUvarint(b, uint64(v))
	}
	for _, s := range t.funcs.list[old.funcs:] {
		b = appendStr(b, s)
	}
	for _, s := range t.others.list[old.others:] {
		b = appendStr(b, s)
	}
	for _, f := range t.refs[old.frames:] {
		b = binary.AppendUvarint(b, uint64(f.function))
		b = binary.AppendUvarint(b, uint64(f.file))
		b = binary.AppendUvarint(b, uint64(f.module))
		b = appendVarint(b, int64(f.line))
		b = append(b, byte(f.kind))
	}
	for n := old.nodes; n < now.nodes; n++ {
		b = binary.AppendUvarint(b, uint64(n)-uint64(t.all.Parent[n]))
		b = binary.AppendUvarint(b, uint64(t.all.Frame[n]))
	}
	for _, leaf := range t.all.Leaf[old.stacks:] {
		b = binary.AppendUvarint(b, uint64(leaf))
	}
	return b
}

// addChunk appends a chunk read from disk. A damaged chunk adds nothing.
func (t *trie) addChunk(k, val []byte) error {
	r := reader{key: k, b: val}
	r.version(trieVersion)
	old := t.size()
	for _, have := range [...]int{old.funcs, old.others, old.frames, old.nodes, old.stacks} {
		if v := r.uvarint(); r.err == nil && v != uint64(have) {
			r.fail("chunk begins at %d, want %d", v, have)
		}
	}
	nf, no := r.count(1, "functions"), r.count(1, "strings")
	nr, nn, ns := r.count(5, "frames"), r.count(2, "nodes"), r.count(1, "stacks")
	funcs, others, refs, all := t.funcs.list, t.others.list, t.refs, t.all
	for range nf {
		funcs = append(funcs, r.str())
	}
	for range no {
		others = append(others, r.str())
	}
	for range nr {
		f := frameRef{
			function: r.u32(uint64(len(funcs)), "function"),
			file:     r.u32(uint64(len(others)), "file"),
			module:   r.u32(uint64(len(others)), "module"),
		}
		line := r.varint()
		f.line, f.kind = int32(line), tacho.FrameKind(r.byte())
		if r.err == nil && int64(f.line) != line {
			r.fail("line %d", line)
		}
		if r.err != nil {
			return r.err
		}
		refs = append(refs, f)
		all.Frames = append(all.Frames, tacho.Frame{
			Function: funcs[f.function], File: others[f.file], Module: others[f.module], Line: f.line, Kind: f.kind,
		})
	}
	for range nn {
		id := uint64(len(all.Parent))
		up := r.uvarint()
		if r.err == nil && (up == 0 || up > id) {
			r.fail("node %d has its parent %d before it", id, up)
		}
		frame := r.u32(uint64(len(all.Frames)), "frame")
		if r.err != nil {
			return r.err
		}
		all.Parent = append(all.Parent, uint32(id-up))
		all.Frame = append(all.Frame, frame)
	}
	for range ns {
		all.Leaf = append(all.Leaf, r.u32(uint64(len(all.Parent)), "leaf"))
	}
	if err := r.end(); err != nil {
		return err
	}
	t.funcs.list, t.others.list, t.refs, t.all = funcs, others, refs, all
	t.saved = t.size()
	return nil
}
