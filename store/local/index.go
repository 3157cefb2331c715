package local

import (
	"hash/maphash"
	"math/bits"
	"math/rand/v2"
)

// The tables a trie is written through. Batches bring their strings, frames and
// stacks under numbers of their own, and nearly all of them are known already:
// finding that out is most of what storing a row costs. So everything is found
// by hash, in flat tables with open addressing and linear probing; per row
// there is no map, no pointer and no allocation.

// hash128 stands for a string, a frame or a stack. The keys of the hash are
// random per trie, so that nobody can make names that collide. Tables keep 96
// bits of it and do not compare what it stands for: of a million entries the
// chance that any two collide is below 10^-16.
type hash128 struct{ a, b uint64 }

// hasher holds the keys.
type hasher struct {
	s1, s2 maphash.Seed
	k      [8]uint64
}

func newHasher() hasher {
	h := hasher{s1: maphash.MakeSeed(), s2: maphash.MakeSeed()}
	for i := range h.k {
		h.k[i] = rand.Uint64()
	}
	return h
}

// str costs one pass over the string's bytes in memory (the second finds them
// in the cache).
func (x *hasher) str(s string) hash128 {
	return hash128{maphash.String(x.s1, s), maphash.String(x.s2, s)}
}

// frame hashes a frame by the ids of its strings. It is never zero.
func (x *hasher) frame(r frameRef) hash128 {
	names := uint64(r.function) | uint64(r.file)<<32
	place := (uint64(r.module) | uint64(uint32(r.line))<<32) + uint64(r.kind)*0x9e3779b97f4a7c15
	return hash128{fold(names^x.k[0], place^x.k[1]) | 1, fold(names^x.k[2], place^x.k[3])}
}

// stack hashes a stack whose frames have these hashes. Of four frames two are
// folded on their own, so that the multiplications overlap. Limit: a gather of
// 16 bytes a frame from the second-level cache, and a multiplication a frame;
// about a nanosecond a frame together.
func (x *hasher) stack(path []uint32, frames []hash128) hash128 {
	k4, k5 := x.k[4], x.k[5]
	a, b := x.k[6]^uint64(len(path)), x.k[7]
	for len(path) >= 4 {
		p, q := &frames[path[0]], &frames[path[1]]
		r, s := &frames[path[2]], &frames[path[3]]
		path = path[4:]
		u, v := fold(p.a^k4, q.b), fold(q.a^k5, p.b)
		a, b = fold(a^r.a^u, s.b^k4), fold(b^s.a^v, r.b^k5)
	}
	for _, f := range path {
		p := &frames[f]
		a, b = fold(a^p.a, k4), fold(b^k5, p.b)
	}
	return hash128{fold(a^k4, b^k5), fold(b^x.k[0], a^x.k[1])}
}

func fold(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// index finds ids by hash.
type index struct {
	slots []slot // a power of two of them, at most two thirds in use
	n     int
}

type slot struct {
	a  uint64
	b  uint32
	id uint32 // 1 + id; 0 is a free slot
}

// newIndex has room for n entries.
func newIndex(n int) index { return index{slots: make([]slot, roomFor(n))} }

// roomFor is a power of two that n entries fill to a half at most.
func roomFor(n int) int { return 1 << bits.Len(uint(max(2*n, 32)-1)) }

func (x *index) find(h hash128) (id uint32, ok bool) {
	mask := uint64(len(x.slots) - 1)
	for i := h.a >> 1 & mask; ; i = (i + 1) & mask {
		switch s := &x.slots[i]; {
		case s.id == 0:
			return 0, false
		case s.a == h.a && s.b == uint32(h.b):
			return s.id - 1, true
		}
	}
}

// add adds what find has not found.
func (x *index) add(h hash128, id uint32) {
	if x.n++; 3*x.n > 2*len(x.slots) {
		old := x.slots
		x.slots = make([]slot, 2*len(old))
		for _, s := range old {
			if s.id != 0 {
				x.put(s)
			}
		}
	}
	x.put(slot{h.a, uint32(h.b), id + 1})
}

func (x *index) put(s slot) {
	mask := uint64(len(x.slots) - 1)
	i := s.a >> 1 & mask
	for x.slots[i].id != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}

// edges finds the child of a node that calls a frame. The slots hold node ids
// only, 0 being free (the root is nobody's child); parent and frame are in the
// trie. It is asked for stacks that are new.
type edges struct {
	slots []uint32
	n     int
}

func newEdges(n int) edges { return edges{slots: make([]uint32, roomFor(n))} }

func (x *edges) start(parent, frame uint32) uint32 {
	h := (uint64(parent)<<32 | uint64(frame)) * 0x9e3779b97f4a7c15
	return uint32((h^h>>29)>>20) & uint32(len(x.slots)-1)
}

// find is the child, or the free slot where it belongs.
func (x *edges) find(parents, frames []uint32, parent, frame uint32) (node uint32, free uint32) {
	mask := uint32(len(x.slots) - 1)
	for i := x.start(parent, frame); ; i = (i + 1) & mask {
		n := x.slots[i]
		if n == 0 || parents[n] == parent && frames[n] == frame {
			return n, i
		}
	}
}

// add adds node n, whose parent and frame are in the trie already.
func (x *edges) add(parents, frames []uint32, n, free uint32) {
	x.slots[free] = n
	if x.n++; 3*x.n > 2*len(x.slots) {
		old := x.slots
		x.slots = make([]uint32, 2*len(old))
		mask := uint32(len(x.slots) - 1)
		for _, n := range old {
			if n == 0 {
				continue
			}
			i := x.start(parents[n], frames[n])
			for x.slots[i] != 0 {
				i = (i + 1) & mask
			}
			x.slots[i] = n
		}
	}
}
