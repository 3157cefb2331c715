package local

import (
	"encoding/binary"
	"fmt"

	"tacho"
)

// Known contents: which stack id the hash of a stack (tacho.StackHash) leads to, so
// that of a batch whose stacks the trie has had before, nobody reads the tables.
//
// The index is in memory only, empty after a start, and filled as batches come.
// Nothing gets into it by a sender's word: a hash is registered when the store has
// made it itself from the tables it came with. So whoever lies with a hash that is
// known has samples counted under another stack of the service they send them to,
// which they could have said plainly; and whoever lies with one that is not is
// refused.

// maxContents bounds the index, beside four for each stack of the trie: programs
// that generate names without end have many contents for few stacks.
const maxContents = 1 << 16

// content is the key of a hash. It is keyed as all of the trie's are: nobody can
// make hashes that meet in the index.
func (x *hasher) content(h *tacho.StackHash) hash128 {
	u, v := binary.LittleEndian.Uint64(h[:]), binary.LittleEndian.Uint64(h[8:])
	return hash128{fold(u^x.k[0], v^x.k[1]), fold(v^x.k[2], u^x.k[3])}
}

// recall finds the stacks of the batch by their hashes, and reports whether those
// are all that samples refer to. Limit: a cache miss a stack; they overlap.
func (in *interner) recall() bool {
	x := in.t.find
	hashes := in.b.StackHashes
	in.keys = resize(in.keys, len(hashes))
	for i := range hashes {
		in.keys[i] = x.content(&hashes[i])
	}
	in.stacks = resize(in.stacks, len(hashes))
	if x.contents.findAll(in.keys, in.stacks, unset) == len(hashes) {
		return true
	}
	for _, p := range in.b.Profiles {
		for i := range p.Samples {
			if s := p.Samples[i].Stack; in.stacks[s] == unset {
				in.stacks[s] = absent // noted
				in.fresh = append(in.fresh, s)
			}
		}
	}
	return len(in.fresh) == 0
}

// load loads the tables, and holds the hashes that are new against them.
func (in *interner) load() error {
	if err := in.b.Load(); err != nil {
		return fmt.Errorf("read the tables of stacks: %w", err)
	}
	in.check.Begin(in.b)
	defer in.check.Begin(nil)
	for _, s := range in.fresh {
		if in.check.Hash(in.b.Stacks[s]) != in.b.StackHashes[s] {
			return fmt.Errorf("stack %d is not the one of the hash it has come with", s)
		}
	}
	return nil
}

// few reports whether it is worth looking up only what the new stacks consist of.
// Otherwise the passes of lookUp are faster.
func (in *interner) few() bool { return 4*len(in.fresh) < len(in.b.Stacks) }

// lookUpFresh is lookUp for the new stacks alone. Limit: the cache misses of their
// strings, one after another.
func (in *interner) lookUpFresh() {
	x := in.t.find
	in.ids = in.ids[:0]
	in.names = resize(in.names, len(in.b.Strings))
	in.funcs = resetTo(in.funcs, len(in.b.Strings))
	in.others = resetTo(in.others, len(in.b.Strings))
	in.frames = resize(in.frames, len(in.b.Frames))
	clear(in.frames)
	for _, s := range in.fresh {
		in.stacks[s] = unset
		path, known := in.b.Stacks[s], true
		for _, f := range path {
			known = (in.frames[f] != 0 || in.lookUpFrame(f)) && known
		}
		if !known {
			continue
		}
		if id, ok := x.stacks.find(x.stack(path, in.frames)); ok {
			in.stacks[s] = id
		}
	}
}

// lookUpFrame hashes a frame, if the trie has its strings.
func (in *interner) lookUpFrame(i uint32) bool {
	x, r := in.t.find, &in.b.Frames[i]
	f := in.funcs[r.Function]
	if f == unset {
		in.names[r.Function] = x.str(in.b.Strings[r.Function])
		id, ok := in.t.funcs.ids.find(in.names[r.Function])
		if !ok {
			id = absent
		}
		in.funcs[r.Function] = id
		f = id
	}
	for _, s := range [...]uint32{r.File, r.Module} {
		if in.others[s] == unset {
			in.names[s] = x.str(in.b.Strings[s])
			in.other(s)
		}
	}
	file, module := in.others[r.File], in.others[r.Module]
	if f == absent || file == absent || module == absent {
		return false
	}
	in.frames[i] = x.frame(&frameRef{f, file, module, r.Line, r.Kind})
	return true
}

// learn registers the hashes that were new, when their stacks have ids. The batch
// needs its tables no more.
func (in *interner) learn() {
	x := in.t.find
	if len(in.fresh) > 0 && x.contents.n > 4*len(in.t.all.Leaf)+maxContents {
		x.contents = newIndex(0)
	}
	for _, s := range in.fresh {
		if _, ok := x.contents.find(in.keys[s]); !ok { // the batch may have a stack twice
			x.contents.add(in.keys[s], in.stacks[s])
		}
	}
	in.b.Unload()
}
