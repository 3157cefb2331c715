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
