package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"tacho"
)

// columns reads the body of a foreign batch. The first error sticks: from then
// on every read gives zero, so that the readers above stay free of branches.
// Every length is held against a limit and against the bytes that are left
// before anything is allocated by it.
type columns struct {
	p   []byte
	off int
	lim Limits
	err *SyntaxError
	buf *buffers

	tables bool    // p is the second section
	room   *tables // for what the batch consists of
	// outside: an index points outside its table, or a value is none of its kind.
	outside bool
}

// words and longs are room for a column, until the next call.
func (d *columns) words(n int) []uint32 {
	d.buf.words = resize(d.buf.words, n)
	return d.buf.words
}

func (d *columns) longs(n int) []int64 {
	d.buf.longs = resize(d.buf.longs, n)
	return d.buf.longs
}

func (d *columns) errorf(format string, args ...any) *SyntaxError {
	return &SyntaxError{Offset: int64(d.off), Body: true, Tables: d.tables, Msg: fmt.Sprintf(format, args...)}
}

func (d *columns) fail(format string, args ...any) {
	if d.err == nil {
		d.err = d.errorf(format, args...)
	}
}

func (d *columns) exceeds(name string, got uint64, limit int) {
	if d.err == nil {
		d.err = limitError(int64(d.off), name, got, limit)
		d.err.Body, d.err.Tables = true, d.tables
	}
}

// end makes sure that the section ends here.
func (d *columns) end(last string) {
	if d.err == nil && d.off != len(d.p) {
		d.fail("%d bytes follow the last %s", len(d.p)-d.off, last)
	}
}

func (d *columns) uvarint(what string) uint64 {
	if d.err != nil {
		return 0
	}
	v, n := binary.Uvarint(d.p[d.off:])
	if n <= 0 {
		d.fail("%s is not a varint, or the body ends in it", what)
		return 0
	}
	d.off += n
	return v
}

func (d *columns) varint(what string) int64 {
	u := d.uvarint(what)
	return int64(u>>1) ^ -int64(u&1)
}

// count reads the length of a table whose rows take at least size bytes each.
func (d *columns) count(what, name string, limit, size int) int {
	v := d.uvarint(what)
	if v > uint64(max(limit, 0)) {
		d.exceeds(name, v, limit)
		return 0
	}
	if !d.fits(what, int(v), size) {
		return 0
	}
	return int(v)
}

func (d *columns) fits(what string, n, size int) bool {
	if d.err == nil && n > (len(d.p)-d.off)/size {
		d.fail("%d %s do not fit into the %d bytes left", n, what, len(d.p)-d.off)
	}
	return d.err == nil
}

func (d *columns) length(what string, limit int) int {
	v := d.uvarint(what)
	if v > uint64(max(limit, 0)) {
		d.exceeds("StringLen", v, limit)
		return 0
	}
	if v > uint64(len(d.p)-d.off) {
		d.fail("%s of %d bytes is longer than the %d bytes left", what, v, len(d.p)-d.off)
		return 0
	}
	return int(v)
}

func (d *columns) bytes(what string, n int) []byte {
	if !d.fits(what, n, 1) {
		return nil
	}
	p := d.p[d.off : d.off+n]
	d.off += n
	return p
}

func (d *columns) str(what string) string {
	return string(d.bytes(what, d.length(what, d.lim.StringLen)))
}

func (d *columns) labels(what string) tacho.Labels {
	n := d.count(what+" labels", "Labels", d.lim.Labels, 2)
	if n == 0 {
		return nil
	}
	ls := make(tacho.Labels, n)
	for i := range ls {
		ls[i] = tacho.Label{Name: d.str(what + " label name"), Value: d.str(what + " label value")}
	}
	return ls
}

func (d *columns) floats(pts []tacho.Point) {
	var prev uint64
	for i := range pts {
		prev ^= bits.ReverseBytes64(d.uvarint("point value"))
		pts[i].Value = math.Float64frombits(prev)
	}
}

// planes reads a column of small numbers and returns the largest. After an error
// out holds anything. Limit: a pass at memory speed.
func (d *columns) planes(what string, out []uint32) (top uint32) {
	p, width := d.rawPlanes(what, len(out))
	switch n := len(out); width {
	case 0:
	case 1:
		p = p[:n]
		for i := range out {
			v := uint32(p[i])
			out[i] = v
			top = max(top, v)
		}
	case 2:
		a, b := p[:n], p[n:][:n]
		for i := range out {
			v := uint32(a[i]) | uint32(b[i])<<8
			out[i] = v
			top = max(top, v)
		}
	default:
		for i := range out {
			v := wide(p, i, n)
			out[i] = v
			top = max(top, v)
		}
	}
	return top
}

// steps reads planes of zigzag differences modulo 2^32, and returns the largest
// of the numbers they lead to.
func (d *columns) steps(what string, out []uint32) (top uint32) {
	p, width := d.rawPlanes(what, len(out))
	prev := uint32(0)
	switch n := len(out); width {
	case 0:
	case 1:
		p = p[:n]
		for i := range out {
			u := uint32(p[i])
			prev += u>>1 ^ -(u & 1)
			out[i] = prev
			top = max(top, prev)
		}
	case 2:
		a, b := p[:n], p[n:][:n]
		for i := range out {
			u := uint32(a[i]) | uint32(b[i])<<8
			prev += u>>1 ^ -(u & 1)
			out[i] = prev
			top = max(top, prev)
		}
	default:
		for i := range out {
			u := wide(p, i, n)
			prev += u>>1 ^ -(u & 1)
			out[i] = prev
			top = max(top, prev)
		}
	}
	return top
}

// rawPlanes is the bytes of a column of n numbers and how many planes they are; 0
// after an error, or when there are no numbers.
func (d *columns) rawPlanes(what string, n int) (p []byte, width int) {
	if n == 0 {
		return nil, 0
	}
	if p := d.bytes(what, 1); p != nil {
		width = int(p[0])
	}
	if d.err == nil && (width < 1 || width > 4) {
		d.off--
		d.fail("%s in %d planes, want 1 to 4", what, width)
	}
	p = d.bytes(what, width*n)
	if d.err != nil {
		return nil, 0
	}
	return p, width
}

// wide is number i of n in more than two planes.
func wide(p []byte, i, n int) (v uint32) {
	for shift := 0; i < len(p); i += n {
		v |= uint32(p[i]) << shift
		shift += 8
	}
	return v
}

// deltas reads a column of varints and undoes the differences.
func (d *columns) deltas(what string, prev int64, out []int64) {
	if d.err != nil {
		return
	}
	p, at := d.p, d.off
	for i := range out {
		var u uint64
		if at < len(p) && p[at] < 0x80 {
			u = uint64(p[at])
			at++
		} else {
			v, n := binary.Uvarint(p[min(at, len(p)):])
			if n <= 0 {
				d.off = at
				d.fail("%s is not a varint, or the body ends in it", what)
				return
			}
			u = v
			at += n
		}
		prev += int64(u>>1) ^ -int64(u&1)
		out[i] = prev
	}
	d.off = at
}
