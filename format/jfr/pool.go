package jfr

import "math/rand/v2"

// pool is the constants of one type in a chunk. A constant is known by where
// its value lies in the chunk's constant bytes and is resolved when an event
// first needs it. Of the resolved forms a pool fills the one of its type.
type pool struct {
	ids table
	at  []uint32 // entry -> offset in chunk.consts

	stacks  []*Stack
	threads []*Thread
	methods []*method
	classes []*class
	texts   []text
}

// text is a constant as text, once it has been asked for.
type text struct {
	s    string
	done bool
}

// grown returns s with an element for every entry of the pool.
func grown[T any](s []T, entries int) []T {
	if len(s) >= entries {
		return s
	}
	if cap(s) >= entries {
		return s[:entries]
	}
	out := make([]T, entries, entries+entries/4)
	copy(out, s)
	return out
}

// forget drops what entry i was resolved to.
func (p *pool) forget(i uint32) {
	if int(i) < len(p.stacks) {
		p.stacks[i] = nil
	}
	if int(i) < len(p.threads) {
		p.threads[i] = nil
	}
	if int(i) < len(p.methods) {
		p.methods[i] = nil
	}
	if int(i) < len(p.classes) {
		p.classes[i] = nil
	}
	if int(i) < len(p.texts) {
		p.texts[i] = text{}
	}
}

// resolved reports whether any form of a constant of this pool was ever made.
func (p *pool) resolved() bool {
	return len(p.stacks)+len(p.threads)+len(p.methods)+len(p.classes)+len(p.texts) > 0
}

// reset empties the pool for the next chunk, keeping its memory.
func (p *pool) reset() {
	p.ids.reset()
	p.at = p.at[:0]
	clear(p.stacks)
	clear(p.threads)
	clear(p.methods)
	clear(p.classes)
	clear(p.texts)
	p.stacks, p.threads, p.methods, p.classes, p.texts = p.stacks[:0], p.threads[:0], p.methods[:0], p.classes[:0], p.texts[:0]
}

// table maps constant ids to entries: open addressing with linear probing. The
// multiplier is random and odd, so that a file cannot choose ids that collide.
type table struct {
	slots []slot
	used  int
	mul   uint64
	shift uint
}

type slot struct {
	id    uint64
	entry uint32 // entry+1, 0 = free
}

const noEntry = ^uint32(0)

func (t *table) get(id uint64) uint32 {
	if len(t.slots) == 0 {
		return noEntry
	}
	mask := uint64(len(t.slots) - 1)
	for i := id * t.mul >> t.shift; ; i++ {
		s := &t.slots[i&mask]
		if s.entry == 0 {
			return noEntry
		}
		if s.id == id {
			return s.entry - 1
		}
	}
}

// put adds an id that is not there yet.
func (t *table) put(id uint64, entry uint32) {
	if 4*(t.used+1) > 3*len(t.slots) {
		t.grow()
	}
	t.used++
	t.place(id, entry+1)
}

func (t *table) place(id uint64, entry uint32) {
	mask := uint64(len(t.slots) - 1)
	i := id * t.mul >> t.shift
	for t.slots[i&mask].entry != 0 {
		i++
	}
	t.slots[i&mask] = slot{id, entry}
}

func (t *table) grow() {
	old := t.slots
	n := max(16, 2*len(old))
	t.slots = make([]slot, n)
	t.mul = rand.Uint64() | 1
	t.shift = 64
	for m := n; m > 1; m >>= 1 {
		t.shift--
	}
	for _, s := range old {
		if s.entry != 0 {
			t.place(s.id, s.entry)
		}
	}
}

func (t *table) reset() {
	clear(t.slots)
	t.used = 0
}
