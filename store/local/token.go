package local

import (
	"encoding/binary"
	"math/bits"
)

// A token block is sums per stack, the stacks in order of their id:
//
//	version      byte     1
//	at           uvarint  nanoseconds into the minute (blocks of untimed samples), else 0
//	total        uvarint  sum of all values
//	rows         uvarint
//	unit         uvarint  common divisor of all values
//	bits         byte     k, 0…8: how many bits of a token are for the id
//	rows ×       token    low k bits: distance to the id before, less 1
//	                      high 8-k bits: value/unit, less 1
//	             a part of all ones means: uvarint follows, to be added to it
//	             (the distance first)
//
// The first distance is from -1. k is chosen per block so that escapes cost
// least: dense blocks of a day want bits for values, sparse ones of a minute
// for distances. Rows of sum 0 are left out. Sums are modulo 2^64.
const tokenVersion = 1

// tokens collects rows and encodes them; reused between blocks.
type tokens struct {
	ids  []uint32
	vals []uint64
	out  []byte
}

func (t *tokens) reset() { t.ids, t.vals = t.ids[:0], t.vals[:0] }

// add appends a row; ids must come in ascending order.
func (t *tokens) add(id uint32, v uint64) {
	if v != 0 {
		t.ids = append(t.ids, id)
		t.vals = append(t.vals, v)
	}
}

// drain takes the non-zero rows of dense and clears them.
func (t *tokens) drain(dense []int64) {
	t.reset()
	for id, v := range dense {
		if v != 0 {
			t.add(uint32(id), uint64(v))
			dense[id] = 0
		}
	}
}

// encode writes the block. The result is valid until the next encode. Limit:
// three passes over rows in the first-level cache, with one multiplication each
// for the division by unit.
func (t *tokens) encode(at uint64) []byte {
	var total uint64
	unit := newDivisor(0)
	for _, v := range t.vals {
		total += v
		if !unit.divides(v) {
			unit = newDivisor(gcd(unit.d, v))
		}
	}
	if unit.d == 0 {
		unit = newDivisor(1)
	}
	var lenD, lenV [65]int
	prev := uint32(0xffffffff)
	for i, id := range t.ids {
		t.vals[i] = unit.of(t.vals[i])
		lenD[bits.Len32(id-prev)]++
		lenV[bits.Len64(t.vals[i])]++
		prev = id
	}
	k := splitOf(&lenD, &lenV)

	b := append(t.out[:0], tokenVersion)
	b = binary.AppendUvarint(b, at)
	b = binary.AppendUvarint(b, total)
	b = binary.AppendUvarint(b, uint64(len(t.ids)))
	b = binary.AppendUvarint(b, unit.d)
	b = append(b, byte(k))
	maxD, maxV := uint64(1)<<k-1, uint64(1)<<(8-k)-1
	prev = 0xffffffff
	for i, id := range t.ids {
		d := uint64(id-prev) - 1
		v := t.vals[i] - 1
		prev = id
		td, tv := min(d, maxD), min(v, maxV)
		b = append(b, byte(td|tv<<k))
		if td == maxD {
			b = binary.AppendUvarint(b, d-maxD)
		}
		if tv == maxV {
			b = binary.AppendUvarint(b, v-maxV)
		}
	}
	t.out = b
	return b
}

// divisor divides multiples of d by a multiplication: an odd number has an
// inverse modulo 2^64, and a number is a multiple of it exactly if the product
// with the inverse is at most (2^64-1) / odd. (Warren, Hacker's Delight, 10-17.)
type divisor struct {
	d, inverse, most uint64
	shift            int // d = odd << shift
}

func newDivisor(d uint64) divisor {
	if d == 0 {
		return divisor{} // divides zero only
	}
	x := divisor{d: d, shift: bits.TrailingZeros64(d)}
	odd := d >> x.shift
	x.most = ^uint64(0) / odd
	x.inverse = odd // right in its lowest 3 bits; each step doubles them
	for range 5 {
		x.inverse *= 2 - odd*x.inverse
	}
	return x
}

func (x *divisor) divides(v uint64) bool {
	q := bits.RotateLeft64(v, -x.shift) // low bits that should be zero become high ones
	return q*x.inverse <= x.most>>x.shift && x.d != 0 || v == 0
}

func (x *divisor) of(v uint64) uint64 { return v >> x.shift * x.inverse }

// splitOf finds the k with the fewest escape bytes. A number of bit length L
// escapes from k bits when L > k.
func splitOf(lenD, lenV *[65]int) (best int) {
	least := -1
	for k := 0; k <= 8; k++ {
		cost := 0
		for l := k + 1; l <= 64; l++ {
			cost += lenD[l] * ((l + 6) / 7)
		}
		for l := 8 - k + 1; l <= 64; l++ {
			cost += lenV[l] * ((l + 6) / 7)
		}
		if least < 0 || cost < least {
			least, best = cost, k
		}
	}
	return best
}

func gcd(a, b uint64) uint64 {
	if a == b || a == 1 {
		return a
	}
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// tokenHead is what stands before the rows.
type tokenHead struct {
	at    uint64
	total uint64
	rows  int
	unit  uint64
	bits  uint
}

func readTokenHead(k, val []byte) (h tokenHead, body reader, err error) {
	r := reader{key: k, b: val}
	r.version(tokenVersion)
	h.at = r.uvarint()
	h.total = r.uvarint()
	rows := r.uvarint()
	h.unit = r.uvarint()
	h.bits = uint(r.byte())
	if r.err == nil && h.bits > 8 {
		r.at--
		r.fail("token split of %d bits", h.bits)
	}
	if r.err == nil && rows > uint64(r.left()) {
		r.fail("%d rows do not fit the %d bytes left", rows, r.left())
	}
	h.rows = int(rows)
	return h, r, r.err
}

// addTokens adds the rows of a block to dst, which is indexed by stack id. A
// damaged block adds nothing: what had been added before the damage was found
// is taken away again.
func addTokens(dst []int64, k, val []byte) error {
	h, r, err := readTokenHead(k, val)
	if err != nil {
		return err
	}
	back := r
	n, err := walkTokens(dst, h, &r)
	if err != nil {
		h.rows, h.total, h.unit = n, 0, -h.unit
		back.b = back.b[:r.at]
		_, _ = walkTokens(dst, h, &back) // the same rows as before; that sum and end do not fit is known
	}
	return err
}

// walkTokens adds h.rows rows, and checks their sum and that nothing follows.
// It says how many rows it added.
func walkTokens(dst []int64, h tokenHead, r *reader) (int, error) {
	b, at := r.b, r.at
	maxD, maxV := uint64(1)<<h.bits-1, uint64(1)<<(8-h.bits)-1
	next := uint64(0) // id before, plus 1
	sum := uint64(0)
	for i := range h.rows {
		if at >= len(b) {
			r.at = at
			r.fail("ends in row %d of %d", i, h.rows)
			return i, r.err
		}
		t := uint64(b[at])
		at++
		d, v := t&maxD, t>>h.bits
		if d == maxD {
			x, n := binary.Uvarint(b[at:])
			if n <= 0 {
				r.at = at
				r.fail("no distance in row %d", i)
				return i, r.err
			}
			at += n
			d += x
		}
		if v == maxV {
			x, n := binary.Uvarint(b[at:])
			if n <= 0 {
				r.at = at
				r.fail("no value in row %d", i)
				return i, r.err
			}
			at += n
			v += x
		}
		id := next + d
		if d >= uint64(len(dst)) || id >= uint64(len(dst)) {
			r.at = at
			r.fail("stack %d out of %d", id, len(dst))
			return i, r.err
		}
		v = (v + 1) * h.unit
		dst[id] += int64(v)
		sum += v
		next = id + 1
	}
	r.at = at
	if sum != h.total {
		r.fail("rows sum to %d, head says %d", sum, h.total)
	}
	return h.rows, r.end()
}
