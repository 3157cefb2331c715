package local

import (
	"encoding/binary"
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
	all    store.Tree // grows; tree is a prefix view of it
	refs   []frameRef // by frame id
	funcs  table      // normalised names of functions
	others table      // files and modules
	saved  marksOf    // what chunks on disk cover
	chunk  uint32     // number of the next chunk
	reach  uint32     // newest day of data that refers to it
	broken bool       // a chunk could not be read: read only, and only its prefix
	find   *finders   // nil until the trie is written to
}

// finders lead from strings, frames and stacks to their ids.
type finders struct {
	hasher
	frames, stacks index
	contents       index // of stacks that came with hashes, see content.go
	child          edges
	aliases        int // names of functions in funcs beside the normalised ones
	pathBuf        []uint32
}

// frameRef is a frame by the ids of its strings.
type frameRef struct {
	function, file, module uint32
	line                   int32
	kind                   tacho.FrameKind
}

// maxAliases bounds how many names a trie remembers beside their normalised
// forms: programs that generate classes without end must not fill the memory.
// Further ones are normalised each time.
const maxAliases = 1 << 16

// function interns the name of a function under its normalised form. Names seen
// before are found as they are, so that normalising is rare.
func (t *trie) function(name string) uint32 {
	h := t.find.str(name)
	if id, ok := t.funcs.ids.find(h); ok {
		return id
	}
	short := store.NormalizeFunction(name)
	if short == name {
		return t.funcs.add(h, name)
	}
	id := t.funcs.id(&t.find.hasher, short)
	if t.find.aliases < maxAliases {
		t.find.aliases++
		t.funcs.ids.add(h, id)
	}
	return id
}

// other interns the name of a file or a module.
func (t *trie) other(name string) uint32 { return t.others.id(&t.find.hasher, name) }

// table gives strings ids from 0 on.
type table struct {
	list []string
	ids  index
}

func (t *table) id(x *hasher, s string) uint32 {
	h := x.str(s)
	if id, ok := t.ids.find(h); ok {
		return id
	}
	return t.add(h, s)
}

func (t *table) add(h hash128, s string) uint32 {
	id := uint32(len(t.list))
	t.list = append(t.list, strings.Clone(s)) // do not hold on to the batch it came in
	t.ids.add(h, id)
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

// prepareWrite builds the tables that writing needs and reading does not.
func (t *trie) prepareWrite() {
	if t.find != nil {
		return
	}
	f := &finders{
		hasher: newHasher(), frames: newIndex(len(t.refs)), stacks: newIndex(len(t.all.Leaf)), child: newEdges(len(t.all.Parent)),
		contents: newIndex(0),
	}
	t.find = f
	for _, tab := range []*table{&t.funcs, &t.others} {
		tab.ids = newIndex(len(tab.list))
		for i, s := range tab.list {
			tab.ids.add(f.str(s), uint32(i))
		}
	}
	hashes := make([]uint64, len(t.refs))
	for i := range t.refs {
		hashes[i] = f.frame(&t.refs[i])
		f.frames.add(f.frame128(&t.refs[i]), uint32(i))
	}
	for n := 1; n < len(t.all.Parent); n++ {
		have, free := f.child.find(t.all.Parent, t.all.Frame, t.all.Parent[n], t.all.Frame[n])
		if have == 0 {
			f.child.add(t.all.Parent, t.all.Frame, uint32(n), free)
		}
	}
	for id, leaf := range t.all.Leaf {
		f.pathBuf = f.pathBuf[:0]
		for n := leaf; n != 0; n = t.all.Parent[n] {
			f.pathBuf = append(f.pathBuf, t.all.Frame[n])
		}
		f.stacks.add(f.stack(f.pathBuf, hashes), uint32(id))
	}
}

// frame interns a frame.
func (t *trie) frame(r frameRef) uint32 {
	h := t.find.frame128(&r)
	id, ok := t.find.frames.find(h)
	if !ok {
		id = uint32(len(t.refs))
		t.find.frames.add(h, id)
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

// addStack adds a stack of frame ids, leaf first, whose hash is not known yet.
func (t *trie) addStack(path []uint32, h hash128) uint32 {
	n := uint32(0)
	for i := len(path) - 1; i >= 0; i-- {
		c, free := t.find.child.find(t.all.Parent, t.all.Frame, n, path[i])
		if c == 0 {
			c = uint32(len(t.all.Parent))
			t.all.Parent = append(t.all.Parent, n)
			t.all.Frame = append(t.all.Frame, path[i])
			t.find.child.add(t.all.Parent, t.all.Frame, c, free)
		}
		n = c
	}
	id := uint32(len(t.all.Leaf))
	t.all.Leaf = append(t.all.Leaf, n)
	t.find.stacks.add(h, id)
	return id
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
