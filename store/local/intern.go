package local

import (
	"slices"

	"tacho"
)

// interner turns stacks of a batch into stack ids of a trie. Where a batch has come
// with the hashes of its stacks, and they lead to the ids of all that have samples,
// that is all (content.go). Otherwise:
//
//  1. hash the strings of the batch.
//  2. find the ids of those that frames name, and hash every frame by them.
//  3. hash every stack by the hashes of its frames.
//  4. find the ids of the stacks.
//  5. intern what a new stack that has samples brings: strings, frames, nodes,
//     and the stack.
//
// The first four are loops of their own, so that the cache misses of many
// elements overlap. Limits: 1 is a cache miss a string and its bytes; 2 two
// multiplications a frame; 3 a gather a frame, see hasher.stack; 4 a cache miss
// a stack. 5 is rare.
type interner struct {
	t      *trie
	b      *tacho.Batch
	names  []hash128 // by string of the batch
	funcs  []uint32  // by string of the batch: its id as a function, or absent
	others []uint32  // … as a file or module; or unset
	frames []uint64  // by frame of the batch: its hash; zero when the trie does not have its strings
	ids    []uint32  // by frame of the batch: frame id; empty until a stack is new
	hashes []hash128 // by stack of the batch; zero when the trie does not have its strings
	stacks []uint32  // by stack of the batch: stack id; unset when it is new
	path   []uint32

	// Of a batch that has come with hashes:
	keys  []hash128 // by stack of the batch: its key in the trie's contents
	fresh []uint32  // stacks that have samples, whose hashes the trie did not know
	check tacho.StackHasher
}

const (
	unset  = ^uint32(0) // not looked up yet
	absent = unset - 1  // looked up and not there
)

// begin takes a batch that is to go to a trie, and finds what is known of it.
// An error means that the batch can never be stored.
func (in *interner) begin(t *trie, b *tacho.Batch) error {
	in.t, in.b = t, b
	in.fresh = in.fresh[:0]
	if b.Tables == nil {
		in.lookUp(t, b)
		return nil
	}
	if in.recall() {
		return nil
	}
	if err := in.load(); err != nil {
		return err
	}
	if in.few() {
		in.lookUpFresh()
	} else {
		in.lookUp(t, b)
	}
	return nil
}

// lookUp finds what is known of the tables of a batch.
func (in *interner) lookUp(t *trie, b *tacho.Batch) {
	in.ids = in.ids[:0]
	in.names = resize(in.names, len(b.Strings))
	for i, s := range b.Strings {
		in.names[i] = t.find.str(s)
	}
	in.funcs = resize(in.funcs, len(b.Strings)) // nearly all strings are functions
	t.funcs.ids.findAll(in.names, in.funcs, absent)
	in.others = resetTo(in.others, len(b.Strings))
	in.frames = resize(in.frames, len(b.Frames))
	funcs, others := in.funcs, in.others
	known := true // all frames
	for i := range b.Frames {
		r := &b.Frames[i]
		f, file, module := funcs[r.Function], others[r.File], others[r.Module]
		if file == unset {
			file = in.other(r.File)
		}
		if module == unset {
			module = in.other(r.Module)
		}
		if f == absent || file == absent || module == absent {
			in.frames[i] = 0
			known = false
			continue
		}
		in.frames[i] = t.find.frame(&frameRef{f, file, module, r.Line, r.Kind})
	}
	in.hashes = resize(in.hashes, len(b.Stacks))
	for i, path := range b.Stacks {
		if known || in.known(path) {
			in.hashes[i] = t.find.stack(path, in.frames)
		} else {
			in.hashes[i] = hash128{}
		}
	}
	in.stacks = resize(in.stacks, len(b.Stacks))
	t.find.stacks.findAll(in.hashes, in.stacks, unset) // no stack has the hash zero
}

// resize is s with n entries, whatever they hold.
func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// known reports whether the trie has the strings of all frames of a stack.
func (in *interner) known(path []uint32) bool {
	for _, f := range path {
		if in.frames[f] == 0 {
			return false
		}
	}
	return true
}

// other finds the id of the name of a file or module.
func (in *interner) other(s uint32) uint32 {
	id, ok := in.t.others.ids.find(in.names[s])
	if !ok {
		id = absent
	}
	in.others[s] = id
	return id
}

// stack is the stack id of a stack of the batch.
func (in *interner) stack(i uint32) uint32 {
	id := in.stacks[i]
	if id == unset {
		id = in.add(in.b.Stacks[i])
		in.stacks[i] = id
	}
	return id
}

// add interns a stack that is new, or has a name that is (which may prove to be
// another spelling of a known one).
func (in *interner) add(frames []uint32) uint32 {
	if len(in.ids) == 0 {
		in.ids = resetTo(in.ids, len(in.b.Frames))
	}
	in.path = in.path[:0]
	for _, f := range frames {
		if in.ids[f] == unset {
			in.addFrame(f)
		}
		in.path = append(in.path, in.ids[f])
	}
	h := in.t.find.stack(frames, in.frames)
	if id, ok := in.t.find.stacks.find(h); ok {
		return id
	}
	return in.t.addStack(in.path, h)
}

func (in *interner) addFrame(i uint32) {
	r := &in.b.Frames[i]
	if in.funcs[r.Function] == absent {
		in.funcs[r.Function] = in.t.function(in.b.Strings[r.Function])
	}
	for _, s := range [...]uint32{r.File, r.Module} {
		if id := in.others[s]; id == unset || id == absent {
			in.others[s] = in.t.other(in.b.Strings[s])
		}
	}
	ref := frameRef{in.funcs[r.Function], in.others[r.File], in.others[r.Module], r.Line, r.Kind}
	in.frames[i] = in.t.find.frame(&ref)
	in.ids[i] = in.t.frame(ref)
}
