package local

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"
	"unsafe"
)

// The tables a trie is written through. Batches bring their strings, frames and
// stacks under numbers of their own, and nearly all of them are known already:
// finding that out is most of what storing a row costs. So everything is found
// by hash, in flat tables with open addressing and linear probing; per row
// there is no map, no pointer and no allocation.

// hash128 stands for a string or a stack, 64 bits for a frame. The keys of the
// hash are random per trie, so that nobody can make names that collide. Tables
// keep 96 bits of a hash128 and do not compare what it stands for: of a million
// strings or stacks the chance that any two collide is below 10^-16, of a million
// frames below 10^-7.
type hash128 struct{ a, b uint64 }

// hasher holds the keys. The hash is made of folded products of data and keys,
// as wyhash is (Wang Yi, 2019).
type hasher struct {
	k [8]uint64
	m [4]uint64 // odd
}

func newHasher() hasher {
	var h hasher
	for i := range h.k {
		h.k[i] = rand.Uint64()
	}
	for i := range h.m {
		h.m[i] = rand.Uint64() | 1
	}
	return h
}

// str hashes a string in one pass. Limit: the cache misses of its bytes, and two
// multiplications for 16 of them.
func (x *hasher) str(s string) hash128 {
	p, n := unsafe.Slice(unsafe.StringData(s), len(s)), len(s)
	a, b := x.k[0]^uint64(n), x.k[1]
	var u, v uint64
	switch {
	case n > 16:
		last := p[n-16:]
		for len(p) > 16 {
			u, v = binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:])
			a, b = fold(a^u, v^x.k[2]), fold(b^v, u^x.k[3])
			p = p[16:]
		}
		u, v = binary.LittleEndian.Uint64(last), binary.LittleEndian.Uint64(last[8:])
	case n >= 8:
		u, v = binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[n-8:])
	case n >= 4:
		u, v = uint64(binary.LittleEndian.Uint32(p)), uint64(binary.LittleEndian.Uint32(p[n-4:]))
	case n > 0:
		u = uint64(p[0])<<16 | uint64(p[n/2])<<8 | uint64(p[n-1])
	}
	a, b = fold(a^u, v^x.k[4]), fold(b^v, u^x.k[5])
	return hash128{fold(a^x.k[6], b^x.k[7]), fold(b^x.k[2], a^x.k[3])}
}

// frame hashes a frame by the ids of its strings. It is never zero.
func (x *hasher) frame(r *frameRef) uint64 {
	names, place := r.words()
	return fold(names^x.k[0], place^x.k[1]) | 1
}

// frame128 is for the table of frames, which is asked when a stack is new.
func (x *hasher) frame128(r *frameRef) hash128 {
	names, place := r.words()
	return hash128{fold(names^x.k[0], place^x.k[1]), fold(names^x.k[2], place^x.k[3])}
}

func (r *frameRef) words() (names, place uint64) {
	return uint64(r.function) | uint64(r.file)<<32, (uint64(r.module) | uint64(uint32(r.line))<<32) + uint64(r.kind)*0x9e3779b97f4a7c15
}

// stack hashes a stack whose frames have these hashes. Two chains fold the frames
// in pairs, a polynomial modulo 2^64 takes them all, so that the multiplications
// overlap and the halves of the result are independent. Limit: six of them for
// four frames, and a gather of 8 bytes a frame from the first-level cache; about
// half a nanosecond a frame together.
func (x *hasher) stack(path []uint32, frames []uint64) hash128 {
	k4, k5, m0, m1, m2, m3 := x.k[4], x.k[5], x.m[0], x.m[1], x.m[2], x.m[3]
	a, c, b := x.k[6]^uint64(len(path)), x.k[7], uint64(len(path))
	for len(path) >= 4 {
		p, q, r, s := frames[path[0]], frames[path[1]], frames[path[2]], frames[path[3]]
		a, c = fold(a^p, q^k4), fold(c^r, s^k5)
		b = b*m0 + (p*m1 + q*m2) + (r*m3 + s)
		path = path[4:]
	}
	for _, f := range path {
		p := frames[f]
		a = fold(a^p, k4)
		b = b*m0 + p
	}
	return hash128{fold(a^k5, c^x.k[0]), fold(b^x.k[1], a^x.k[2])}
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

// findAll finds the ids of many, absent for those that are not there, and returns
// how many are. Limit: a cache miss each; they overlap, since none waits for
// another.
func (x *index) findAll(hashes []hash128, ids []uint32, absent uint32) (found int) {
	for i, h := range hashes {
		id, ok := x.find(h)
		if ok {
			found++
		} else {
			id = absent
		}
		ids[i] = id
	}
	return found
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
