package local

import (
	"encoding/binary"
	"math"
	"slices"

	"tacho"
)

// A points block is the points of one target in one hour of one batch:
//
//	version  byte     1
//	series   uvarint count, then each:
//	  def    uvarint  id of the definition (name, unit, labels), plus 1; 0 = it
//	                  follows: name, unit, labels
//	  size   uvarint  bytes of what follows, so that a reader may skip it
//	  n      uvarint  points
//	  time   column   nanoseconds into the hour, distance to the point before
//	  value  byte mode, column: 0 = whole numbers (zigzag), 1 = IEEE 754 bits
const pointsVersion = 1

// pointDef is what a series of points is called.
type pointDef struct {
	name, unit string
	labels     tacho.Labels
}

func appendLabels(b []byte, ls tacho.Labels) []byte {
	b = binary.AppendUvarint(b, uint64(len(ls)))
	for _, l := range ls {
		b = appendStr(appendStr(b, l.Name), l.Value)
	}
	return b
}

func (r *reader) labels() tacho.Labels {
	var ls tacho.Labels
	for range r.count(2, "labels") {
		ls = append(ls, tacho.Label{Name: r.str(), Value: r.str()})
	}
	return ls
}

func (d *pointDef) append(b []byte) []byte {
	return appendLabels(appendStr(appendStr(b, d.name), d.unit), d.labels)
}

func readPointDef(r *reader) pointDef {
	return pointDef{name: r.str(), unit: r.str(), labels: r.labels()}
}

// pointEncoder makes the body of one series; reused.
type pointEncoder struct {
	cols columns
	col  []uint64
	body []byte
}

// encode writes n, time and value. points are of one hour, sorted by time.
func (e *pointEncoder) encode(hourStart int64, points []tacho.Point) []byte {
	b := binary.AppendUvarint(e.body[:0], uint64(len(points)))
	e.col = e.col[:0]
	last := hourStart
	for _, p := range points {
		e.col = append(e.col, uint64(p.Time-last))
		last = p.Time
	}
	b = e.cols.append(b, e.col)
	e.col = e.col[:0]
	whole := true
	for _, p := range points {
		whole = whole && isWhole(p.Value)
	}
	for _, p := range points {
		if whole {
			v := int64(p.Value)
			e.col = append(e.col, uint64(v)<<1^uint64(v>>63))
		} else {
			e.col = append(e.col, math.Float64bits(p.Value))
		}
	}
	if whole {
		b = append(b, 0)
	} else {
		b = append(b, 1)
	}
	b = e.cols.append(b, e.col)
	e.body = b
	return b
}

// isWhole reports whether an integer holds v exactly; -0 does not.
func isWhole(v float64) bool {
	return v == math.Trunc(v) && math.Abs(v) < 1<<53 && !(v == 0 && math.Signbit(v))
}

// readPoints visits the series of a block. want is asked before points are
// decoded; visit must not keep the points.
func readPoints(k, val []byte, hourStart int64, defs func(uint32) (pointDef, bool), want func(*pointDef) bool, visit func(*pointDef, []tacho.Point)) error {
	r := reader{key: k, b: val}
	r.version(pointsVersion)
	var col []uint64
	var points []tacho.Point
	for range r.count(2, "series") {
		var def pointDef
		if id := r.uvarint(); id == 0 {
			def = readPointDef(&r)
		} else {
			var ok bool
			if id <= 1<<32 {
				def, ok = defs(uint32(id - 1))
			}
			if !ok {
				r.fail("unknown series definition %d", id-1)
			}
		}
		size := r.count(1, "bytes of points")
		if r.err != nil {
			return r.err
		}
		if !want(&def) {
			r.bytes(size)
			continue
		}
		c := reader{key: k, b: val[:r.at+size], at: r.at}
		r.at += size
		n := c.uvarint()
		if c.err == nil && n > maxColumn {
			c.fail("%d points", n)
			return c.err
		}
		col = readColumn(&c, col, int(n))
		points = slices.Grow(points[:0], len(col))
		at := uint64(0)
		for _, d := range col {
			if at += d; d >= hourNanos || at >= hourNanos {
				c.fail("point outside its hour")
				return c.err
			}
			points = append(points, tacho.Point{Time: hourStart + int64(at)})
		}
		mode := c.byte()
		if c.err == nil && mode > 1 {
			c.fail("points of unknown mode %d", mode)
		}
		col = readColumn(&c, col, int(n))
		if err := c.end(); err != nil {
			return err
		}
		for i, v := range col {
			if mode == 0 {
				points[i].Value = float64(int64(v>>1) ^ -int64(v&1))
			} else {
				points[i].Value = math.Float64frombits(v)
			}
		}
		visit(&def, points)
	}
	return r.end()
}
