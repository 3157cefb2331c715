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
}

func (d *columns) fail(format string, args ...any) {
	if d.err == nil {
		d.err = &SyntaxError{Offset: int64(d.off), Body: true, Msg: fmt.Sprintf(format, args...)}
	}
}

func (d *columns) exceeds(name string, got uint64, limit int) {
	if d.err == nil {
		d.err = limitError(int64(d.off), name, got, limit)
		d.err.Body = true
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

// index reads a table index; whether it lies in the table is for Validate.
func (d *columns) index(what string) uint32 {
	v := d.uvarint(what)
	if v > math.MaxUint32 {
		d.fail("%s %d is not an index", what, v)
		return 0
	}
	return uint32(v)
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

// column undoes the differences of one column.
func (d *columns) column(prev int64) *column { return &column{d, prev} }

type column struct {
	d    *columns
	prev int64
}

func (c *column) next(what string) int64 {
	c.prev += c.d.varint(what)
	return c.prev
}

func (c *column) index(what string) uint32 {
	v := c.next(what)
	if v < 0 || v > math.MaxUint32 {
		c.d.fail("%s %d is not an index", what, v)
		return 0
	}
	return uint32(v)
}
