package jfr

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// cursor reads the primitive values of one event or constant. Running over the
// end sets bad and makes every later read return zero, so that callers check
// once, after a group of reads.
type cursor struct {
	b     []byte
	p     int
	fixed bool // integers are big-endian of their full width instead of LEB128
	bad   bool
}

func (c *cursor) fail() {
	c.bad = true
	c.p = len(c.b)
}

// varint reads a compressed integer: seven bits a byte, least significant
// first, and all eight bits of a ninth byte.
func (c *cursor) varint() uint64 {
	if c.p < len(c.b) {
		if v := c.b[c.p]; v < 0x80 {
			c.p++
			return uint64(v)
		}
	}
	return c.longVarint()
}

func (c *cursor) longVarint() uint64 {
	v, p := varintAt(c.b, c.p)
	if p < 0 {
		c.fail()
		return 0
	}
	c.p = p
	return v
}

// varintAt reads a compressed integer at p and returns the position after it,
// -1 when b ends inside it.
func varintAt(b []byte, p int) (uint64, int) {
	if p+8 < len(b) {
		// The usual case: enough bytes for the longest form, no end checks.
		w := b[p : p+9 : p+9]
		v := uint64(w[0]) & 0x7f
		if w[0] < 0x80 {
			return v, p + 1
		}
		v |= uint64(w[1]&0x7f) << 7
		if w[1] < 0x80 {
			return v, p + 2
		}
		v |= uint64(w[2]&0x7f) << 14
		if w[2] < 0x80 {
			return v, p + 3
		}
		v |= uint64(w[3]&0x7f) << 21
		if w[3] < 0x80 {
			return v, p + 4
		}
		for i := 4; i < 8; i++ {
			v |= uint64(w[i]&0x7f) << (7 * i)
			if w[i] < 0x80 {
				return v, p + i + 1
			}
		}
		return v | uint64(w[8])<<56, p + 9
	}
	var v uint64
	for i := 0; i < 9; i++ {
		if p >= len(b) {
			return 0, -1
		}
		x := b[p]
		p++
		if i == 8 {
			return v | uint64(x)<<56, p
		}
		v |= uint64(x&0x7f) << (7 * i)
		if x < 0x80 {
			break
		}
	}
	return v, p
}

const highBits = 0x8080808080808080

// skipVarints moves over n compressed integers. A step takes eight bytes at
// once: every byte without its high bit ends an integer. Each step begins at
// the start of an integer, so a nine-byte one, whose last byte may have the
// high bit set without being continued, shows as eight continued bytes and is
// read the slow way.
func (c *cursor) skipVarints(n int) {
	b, p := c.b, c.p
	for n >= 8 && p+8 <= len(b) {
		ends := ^binary.LittleEndian.Uint64(b[p:]) & highBits
		if ends == 0 {
			if _, p = varintAt(b, p); p < 0 {
				c.fail()
				return
			}
			n--
			continue
		}
		n -= bits.OnesCount64(ends)
		p += 8 - bits.LeadingZeros64(ends)/8
	}
	c.p = p
	for ; n > 0 && !c.bad; n-- {
		c.varint()
	}
}

func (c *cursor) skip(n int) {
	if n < 0 || n > len(c.b)-c.p {
		c.fail()
		return
	}
	c.p += n
}

func (c *cursor) u8() byte {
	if c.p >= len(c.b) {
		c.fail()
		return 0
	}
	v := c.b[c.p]
	c.p++
	return v
}

// uint reads an integer that is width bytes wide when not compressed.
func (c *cursor) uint(width int) uint64 {
	if !c.fixed {
		return c.varint()
	}
	return c.fixedUint(width)
}

func (c *cursor) fixedUint(width int) uint64 {
	if width > len(c.b)-c.p {
		c.fail()
		return 0
	}
	var v uint64
	for _, x := range c.b[c.p : c.p+width] {
		v = v<<8 | uint64(x)
	}
	c.p += width
	return v
}

func (c *cursor) long() uint64 { return c.uint(8) }

// count reads a 32-bit length; a negative one is bad.
func (c *cursor) count() int {
	v := int32(c.uint(4))
	if v < 0 {
		c.fail()
		return 0
	}
	return int(v)
}

// String encodings.
const (
	strNull     = 0
	strEmpty    = 1
	strConstant = 2 // id in the pool of java.lang.String
	strUTF8     = 3
	strChars    = 4 // UTF-16 code units, each as an integer
	strLatin1   = 5
)

func (c *cursor) skipString() {
	switch c.u8() {
	case strNull, strEmpty:
	case strConstant:
		c.long()
	case strUTF8, strLatin1:
		c.skip(c.count())
	case strChars:
		n := c.count()
		if c.fixed {
			c.skip(2 * n)
		} else {
			c.skipVarints(n)
		}
	default:
		c.fail()
	}
}

// appendString appends a string's text as UTF-8, at most limit bytes of it.
// When the string is a constant, ref is its id and ok is false.
func (c *cursor) appendString(dst []byte, limit int) (out []byte, ref uint64, isRef bool) {
	start := len(dst)
	switch c.u8() {
	case strNull, strEmpty:
	case strConstant:
		return dst, c.long(), true
	case strUTF8:
		n := c.count()
		from := c.p
		if c.skip(n); c.bad {
			return dst, 0, false
		}
		dst = appendValid(dst, c.b[from:from+min(n, limit)])
	case strLatin1:
		n := c.count()
		from := c.p
		if c.skip(n); c.bad {
			return dst, 0, false
		}
		for _, x := range c.b[from : from+min(n, limit)] {
			dst = utf8.AppendRune(dst, rune(x))
		}
	case strChars:
		dst = c.appendChars(dst, c.count(), limit)
	default:
		c.fail()
	}
	return cut(dst, start, limit), 0, false
}

func (c *cursor) appendChars(dst []byte, n, limit int) []byte {
	start := len(dst)
	for i := 0; i < n && !c.bad; i++ {
		r := rune(uint16(c.uint(2)))
		if r >= 0xd800 && r < 0xdc00 && i+1 < n {
			save := c.p
			if low := rune(uint16(c.uint(2))); low >= 0xdc00 && low < 0xe000 {
				r = (r-0xd800)<<10 | (low - 0xdc00) + 0x10000
				i++
			} else {
				c.p = save
			}
		}
		if len(dst)-start < limit {
			dst = utf8.AppendRune(dst, r) // a lone surrogate becomes U+FFFD
		}
	}
	return dst
}

// appendValid appends b with bytes that are not UTF-8 replaced by U+FFFD.
func appendValid(dst, b []byte) []byte {
	if utf8.Valid(b) {
		return append(dst, b...)
	}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		dst = utf8.AppendRune(dst, r)
		b = b[n:]
	}
	return dst
}

// cut shortens what was appended since start to limit bytes, at the start of a
// character.
func cut(dst []byte, start, limit int) []byte {
	if len(dst)-start <= limit {
		return dst
	}
	end := start + limit
	for end > start && !utf8.RuneStart(dst[end]) {
		end--
	}
	return dst[:end]
}
