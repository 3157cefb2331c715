package local

import (
	"encoding/binary"
	"math/bits"
)

// A column is a list of numbers whose length the reader knows, in the shortest
// of these forms:
//
//	length  uvarint  of what follows, so that a reader may skip it
//	mode    byte
//	  0 same      uvarint value
//	  1 scaled    uvarint divisor, then uvarint value/divisor each
//	  2 palette   uvarint n (up to 256), n × uvarint value, then one byte each
//	  3 plain     8 bytes each, little endian
const (
	colSame    = 0
	colScaled  = 1
	colPalette = 2
	colPlain   = 3
)

// maxColumn bounds what a damaged count can make a reader allocate.
const maxColumn = 1 << 22

// columns encodes columns; reused.
type columns struct {
	palette map[uint64]byte
	order   []uint64
	body    []byte
}

func (c *columns) append(dst []byte, vals []uint64) []byte {
	c.body = c.encode(c.body[:0], vals)
	dst = binary.AppendUvarint(dst, uint64(len(c.body)))
	return append(dst, c.body...)
}

func (c *columns) encode(b []byte, vals []uint64) []byte {
	if len(vals) == 0 {
		return append(b, colSame, 0)
	}
	same, div := true, uint64(0)
	for _, v := range vals {
		same = same && v == vals[0]
		div = gcd(div, v)
	}
	if same {
		return binary.AppendUvarint(append(b, colSame), vals[0])
	}
	scaled := uvarintLen(div)
	for _, v := range vals {
		scaled += uvarintLen(v / div)
	}
	least, mode := scaled, byte(colScaled)
	if n := 8 * len(vals); n < least {
		least, mode = n, colPlain
	}
	if n, ok := c.build(vals); ok && n < least {
		mode = colPalette
	}
	b = append(b, mode)
	switch mode {
	case colScaled:
		b = binary.AppendUvarint(b, div)
		for _, v := range vals {
			b = binary.AppendUvarint(b, v/div)
		}
	case colPlain:
		for _, v := range vals {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	case colPalette:
		b = binary.AppendUvarint(b, uint64(len(c.order)))
		for _, v := range c.order {
			b = binary.AppendUvarint(b, v)
		}
		for _, v := range vals {
			b = append(b, c.palette[v])
		}
	}
	return b
}

// build makes the palette and says how many bytes the column takes with it.
func (c *columns) build(vals []uint64) (size int, ok bool) {
	if c.palette == nil {
		c.palette = map[uint64]byte{}
	}
	clear(c.palette)
	c.order = c.order[:0]
	size = 2 + len(vals)
	for _, v := range vals {
		if _, ok := c.palette[v]; ok {
			continue
		}
		if len(c.order) == 256 {
			return 0, false
		}
		c.palette[v] = byte(len(c.order))
		c.order = append(c.order, v)
		size += uvarintLen(v)
	}
	return size, true
}

func uvarintLen(v uint64) int { return (bits.Len64(v|1) + 6) / 7 }

// skipColumn steps over a column.
func skipColumn(r *reader) { r.bytes(r.count(1, "bytes of a column")) }

// readColumn decodes a column of n numbers into dst, whose storage it reuses.
func readColumn(r *reader, dst []uint64, n int) []uint64 {
	size := r.count(1, "bytes of a column")
	if r.err != nil {
		return dst[:0]
	}
	if n > maxColumn {
		r.fail("column of %d numbers", n)
		return dst[:0]
	}
	c := reader{key: r.key, b: r.b[:r.at+size], at: r.at}
	r.at += size
	mode := c.byte()
	least := map[byte]int{colSame: 0, colScaled: 1, colPalette: 1, colPlain: 8}
	if c.err == nil && n > 0 && least[mode]*n > c.left() {
		c.fail("column of %d numbers in %d bytes", n, c.left())
	}
	if c.err != nil {
		r.err = c.err
		return dst[:0]
	}
	if cap(dst) < n {
		dst = make([]uint64, n)
	}
	dst = dst[:n]
	switch mode {
	case colSame:
		v := c.uvarint()
		for i := range dst {
			dst[i] = v
		}
	case colScaled:
		div := c.uvarint()
		for i := range dst {
			dst[i] = c.uvarint() * div
		}
	case colPalette:
		k := c.count(1, "palette entries")
		if c.err == nil && k > 256 {
			c.fail("palette of %d entries", k)
			k = 0
		}
		palette := make([]uint64, k)
		for i := range palette {
			palette[i] = c.uvarint()
		}
		for i, p := range c.bytes(n) {
			if int(p) >= k {
				c.fail("palette entry %d out of %d", p, k)
				break
			}
			dst[i] = palette[p]
		}
	case colPlain:
		for i := range dst {
			dst[i] = c.u64()
		}
	default:
		c.fail("column of unknown mode %d", mode)
	}
	if err := c.end(); err != nil {
		r.err = err
		return dst[:0]
	}
	return dst
}
