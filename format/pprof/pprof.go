package pprof

import (
	"bytes"
	"context"
	"io"
	"sync"

	"tacho"
	"tacho/format"
)

// name of the format, as in URLs.
const name = "pprof"

// Decoder reads pprof profiles.
func Decoder() format.Decoder {
	return format.Decoder{Name: name, Title: "pprof profile (profile.proto, or the older text formats)", Sniff: Sniff, Decode: Decode}
}

// Sniff recognises profile.proto by its first fields, and the older formats by
// their first line.
func Sniff(head []byte) bool { return sniffProto(head) || legacy(head) }

// decoders keep their tables from one profile to the next.
var decoders = sync.Pool{New: func() any { return new(decoder) }}

// Decode reads one profile. Of a profile that is cut off nothing can be kept,
// since its names come last.
func Decode(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
	e := format.NewEmitter(ctx, name, o, emit)
	in, err := format.ReadWhole(name, r, e.Limits)
	defer in.Free()
	if err != nil {
		return e.Finish(err)
	}
	if legacy(in.Data[:min(len(in.Data), format.SniffLen)]) {
		return e.Finish(decodeLegacy(in.Data, o, e))
	}
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)
	d.reset(in.Data, o, e)
	err = d.decode(ctx)
	d.forget()
	return e.Finish(err)
}

// sniffProto goes over the fields that fit into head. A profile begins with its
// sample types, nearly always, or else with its string table.
func sniffProto(head []byte) bool {
	known := false
	for i := 0; i < len(head); {
		tag, at := varint(head, i)
		if at < 0 {
			return known && len(head)-i < 10
		}
		field, wire := tag>>3, tag&7
		switch {
		case field == fieldSampleType && wire == wireBytes:
			body, next, ok := block(head, at)
			if !ok {
				return known
			}
			if !sniffType(body) {
				return false
			}
			known, i = true, next
		case field == fieldString && wire == wireBytes && (known || i == 0):
			body, next, ok := block(head, at)
			if !known && len(body) != 0 {
				return false // the first string is the empty one
			}
			if !ok {
				return known
			}
			known, i = true, next
		case field >= fieldSample && field <= fieldFunction && wire == wireBytes, field == 11 && wire == wireBytes, field == 13 && wire == wireBytes:
			_, next, ok := block(head, at)
			if !ok {
				return known && len(head) == format.SniffLen
			}
			i = next
		case field >= fieldDropFrames && field <= 15 && wire == wireVarint:
			if _, i = varint(head, at); i < 0 {
				return known
			}
		default:
			return false
		}
	}
	return known
}

// sniffType says whether a message is a ValueType: two indexes.
func sniffType(body []byte) bool {
	for i := 0; i < len(body); {
		tag, at := varint(body, i)
		if at < 0 || tag != 1<<3 && tag != 2<<3 {
			return false
		}
		if _, i = varint(body, at); i < 0 {
			return false
		}
	}
	return len(body) > 0
}

// block is a length-delimited field at i.
func block(b []byte, i int) (body []byte, next int, ok bool) {
	n, i := varint(b, i)
	if i < 0 || n > uint64(len(b)-i) {
		return nil, 0, false
	}
	return b[i : i+int(n)], i + int(n), true
}

// line is the first line of head.
func line(head []byte) []byte {
	first, _, _ := bytes.Cut(head, []byte("\n"))
	return bytes.TrimSpace(first)
}
