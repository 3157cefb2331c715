package pprof

import (
	"fmt"

	"tacho/format"
)

// Fields of the message Profile, and protobuf's wire types.
const (
	fieldSampleType = 1
	fieldSample     = 2
	fieldMapping    = 3
	fieldLocation   = 4
	fieldFunction   = 5
	fieldString     = 6
	fieldDropFrames = 7
	fieldKeepFrames = 8
	fieldTime       = 9
	fieldDuration   = 10

	wireVarint = 0
	wire64     = 1
	wireBytes  = 2
	wire32     = 5
)

// varint reads the one at i; next is where it ends, -1 when it does not.
func varint(b []byte, i int) (v uint64, next int) {
	if i < len(b) && b[i] < 0x80 {
		return uint64(b[i]), i + 1
	}
	for shift := 0; shift < 70 && i < len(b); shift += 7 {
		c := b[i]
		i++
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			return v, i
		}
	}
	return 0, -1
}

// span is a part of the message.
type span struct{ at, end uint32 }

// field is one field of a message: a number or a part.
type field struct {
	num  int
	wire int
	v    uint64 // of wireVarint
	span
}

// malformed is an input that makes no sense from byte at on.
type malformed struct {
	at     int
	reason string
}

func (m *malformed) Error() string { return m.reason }

func bad(at int, reason string, args ...any) error {
	return &malformed{at, fmt.Sprintf(reason, args...)}
}

// next reads the field at i of a message that ends at end.
func next(b []byte, i, end int) (f field, to int, err error) {
	tag, at := varint(b[:end], i)
	if at < 0 {
		return f, 0, bad(i, "field without an end")
	}
	f.num, f.wire = int(tag>>3), int(tag&7)
	switch f.wire {
	case wireVarint:
		if f.v, to = varint(b[:end], at); to < 0 {
			return f, 0, bad(at, "number without an end")
		}
	case wireBytes:
		n, from := varint(b[:end], at)
		if from < 0 || n > uint64(end-from) {
			return f, 0, bad(at, "field %d is longer than what is left", f.num)
		}
		to = from + int(n)
		f.span = span{uint32(from), uint32(to)}
	case wire64:
		to = at + 8
	case wire32:
		to = at + 4
	default:
		return f, 0, bad(i, "wire type %d", f.wire)
	}
	if to > end {
		return f, 0, bad(at, "field %d is longer than what is left", f.num)
	}
	return f, to, nil
}

// want says that a field has the wire type it must have.
func (f *field) want(wire, at int) error {
	if f.wire != wire {
		return bad(at, "field %d has wire type %d, not %d", f.num, f.wire, wire)
	}
	return nil
}

// flat reads a message of numbers into v, by field. Fields up to most must be
// numbers, others are passed over.
func flat(b []byte, s span, v *[16]uint64, most int) error {
	i, end := int(s.at), int(s.end)
	b = b[:end]
	for i < end {
		if tag := b[i]; tag < 0x80 && tag&7 == wireVarint { // the usual field
			n, to := varint(b, i+1)
			if to < 0 {
				return bad(i, "number without an end")
			}
			v[tag>>3] = n
			i = to
			continue
		}
		f, to, err := next(b, i, end)
		if err != nil {
			return err
		}
		if f.num >= 1 && f.num <= most {
			if err := f.want(wireVarint, i); err != nil {
				return err
			}
			v[f.num] = f.v
		}
		i = to
	}
	return nil
}

// walk notes where the parts of the message lie.
func (d *decoder) walk() error {
	b := d.data
	parts := [...]*[]span{fieldSampleType: &d.sampleTypes, fieldSample: &d.samples, fieldMapping: &d.mappings,
		fieldLocation: &d.locations, fieldFunction: &d.functions, fieldString: &d.strings}
	most := d.e.Limits.Strings
	for i := 0; i < len(b); {
		if tag := b[i]; tag&7 == wireBytes && tag>>3 <= fieldString && tag>>3 != 0 { // the usual field
			n, at := varint(b, i+1)
			if at < 0 || n > uint64(len(b)-at) {
				return bad(i, "field %d is longer than what is left", tag>>3)
			}
			list := parts[tag>>3]
			*list = append(*list, span{uint32(at), uint32(at + int(n))})
			if len(*list) > most && tag>>3 != fieldSample {
				return d.limit(format.LimitStrings, most, i)
			}
			i = at + int(n)
			continue
		}
		f, to, err := next(b, i, len(b))
		if err != nil {
			return err
		}
		if f.num < len(wireOf) && wireOf[f.num] >= 0 {
			if err := f.want(wireOf[f.num], i); err != nil {
				return err
			}
		}
		switch {
		case f.num >= fieldSampleType && f.num <= fieldString: // its tag is longer than it must be
			*parts[f.num] = append(*parts[f.num], f.span)
		case f.num == fieldDropFrames:
			d.drop = f.v
		case f.num == fieldKeepFrames:
			d.keep = f.v
		case f.num == fieldTime:
			if d.time != 0 {
				return bad(i, "two profiles one behind the other")
			}
			d.time = int64(f.v)
		case f.num == fieldDuration:
			d.duration = int64(f.v)
		}
		i = to
	}
	return d.checkStrings()
}

func (d *decoder) checkStrings() error {
	for i, s := range d.strings {
		if int(s.end-s.at) > d.e.Limits.StringLen {
			return d.limit(format.LimitStringLen, d.e.Limits.StringLen, int(s.at))
		}
		if i == 0 && s.end != s.at {
			return bad(int(s.at), "the first string is not the empty one")
		}
	}
	return nil
}

// wireOf is the wire type each field of Profile must have, -1: either.
var wireOf = [...]int{0: -1, 1: wireBytes, 2: wireBytes, 3: wireBytes, 4: wireBytes, 5: wireBytes, 6: wireBytes,
	7: wireVarint, 8: wireVarint, 9: wireVarint, 10: wireVarint, 11: wireBytes, 12: wireVarint, 13: -1, 14: wireVarint, 15: wireVarint}
