package jfr

import (
	"math"
	"strings"
)

// Event is one event of a wanted type. Decoders reuse it: it, but not what
// Thread and Stack point to, is only valid during the call it is passed to.
type Event struct {
	Type     *Type
	Time     int64   // start, Unix nanoseconds
	Duration int64   // nanoseconds, 0 if the type has none
	Thread   *Thread // eventThread, or sampledThread for samples; nil if none
	Stack    *Stack  // nil if none

	c      *chunk
	body   []byte // fields, to the event's end
	starts []int  // of the fields in body, as far as they were needed
}

// Int returns an integer or boolean field. Time spans are nanoseconds and
// timestamps Unix nanoseconds, whatever unit the recording has them in; the
// extremes of int64, with which a JVM says "none", stay what they are.
func (e *Event) Int(name string) (int64, bool) {
	k, f, ok := e.locate(name)
	if !ok || !f.integer() {
		return 0, false
	}
	v := f.readInt(&k)
	if k.bad {
		return 0, false
	}
	return e.c.convert(f.unit, v), true
}

// Float returns a floating point or integer field.
func (e *Event) Float(name string) (float64, bool) {
	k, f, ok := e.locate(name)
	if !ok || f.array || f.constant {
		return 0, false
	}
	if f.typ.kind == kindFloat || f.typ.kind == kindDouble {
		v := f.readFloat(&k)
		return v, !k.bad
	}
	v, ok := e.Int(name)
	return float64(v), ok
}

// String returns a field as text: strings, numbers, and constants resolved: a
// class to its dotted name, a thread to its name, a structure to its only field
// or the one called name. Not for arrays and stacks.
func (e *Event) String(name string) (string, bool) {
	k, f, ok := e.locate(name)
	if !ok {
		return "", false
	}
	s, ok := e.c.fieldText(&k, f, 0)
	return s, ok && !k.bad
}

// locate finds a field by its dotted path and returns a cursor at its value.
func (e *Event) locate(path string) (cursor, *field, bool) {
	if e.c == nil {
		return cursor{}, nil, false
	}
	name, rest, nested := strings.Cut(path, ".")
	i := e.Type.index(name)
	if i < 0 {
		return cursor{}, nil, false
	}
	k := cursor{b: e.body, fixed: e.c.meta.fixed}
	if len(e.starts) == 0 {
		e.starts = append(e.starts, 0)
	}
	k.p = e.starts[min(i, len(e.starts)-1)]
	for n := len(e.starts); n <= i && !k.bad; n++ {
		k.run(e.Type.fields[n-1].skip)
		e.starts = append(e.starts, k.p)
	}
	f := &e.Type.fields[i]
	for nested && !k.bad {
		if f.array {
			return cursor{}, nil, false
		}
		if f.constant {
			p, entry, ok := e.c.find(f.typ, k.long())
			if !ok {
				return cursor{}, nil, false
			}
			k = e.c.value(p, entry)
		}
		name, rest, nested = strings.Cut(rest, ".")
		t := f.typ
		if i = t.index(name); i < 0 {
			return cursor{}, nil, false
		}
		for n := range i {
			k.run(t.fields[n].skip)
		}
		f = &t.fields[i]
	}
	return k, f, !k.bad
}

// index is the position of a field, -1 if the type does not have it.
func (t *Type) index(name string) int {
	for i := range t.fields {
		if t.fields[i].name == name {
			return i
		}
	}
	return -1
}

// Has reports whether events of the type have a field of that name.
func (t *Type) Has(field string) bool { return t.index(field) >= 0 }

// readFloat reads a field of one of the two floating point kinds.
func (f *field) readFloat(k *cursor) float64 {
	if f.typ.kind == kindFloat {
		return float64(math.Float32frombits(uint32(k.fixedUint(4))))
	}
	return math.Float64frombits(k.fixedUint(8))
}

// convert turns a value into nanoseconds by its field's unit.
func (c *chunk) convert(u unit, v int64) int64 {
	if v == math.MinInt64 || v == math.MaxInt64 {
		return v
	}
	switch u {
	case spanTicks:
		return c.clock.span(v)
	case spanMicros:
		return times(v, 1e3)
	case spanMillis, stampMillis:
		return times(v, 1e6)
	case spanSeconds:
		return times(v, 1e9)
	case stampTicks:
		return c.clock.time(v)
	}
	return v
}

// times multiplies, staying at the extreme instead of overflowing.
func times(v, by int64) int64 {
	switch {
	case v > math.MaxInt64/by:
		return math.MaxInt64
	case v < math.MinInt64/by:
		return math.MinInt64
	}
	return v * by
}
