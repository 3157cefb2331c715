package local

import "encoding/binary"

// A window says from when until when, within the hour of its key, a batch
// recorded a target, and which types:
//
//	version  byte     1
//	from     uvarint  nanoseconds into the hour
//	length   uvarint  nanoseconds; at least 1: an instant counts as one
//	types    uvarint count, then uvarint type id each
const windowVersion = 1

type window struct {
	from, until int64 // nanoseconds into the hour
	types       []uint16
}

func (w *window) append(b []byte) []byte {
	b = append(b, windowVersion)
	b = binary.AppendUvarint(b, uint64(w.from))
	b = binary.AppendUvarint(b, uint64(w.until-w.from))
	b = binary.AppendUvarint(b, uint64(len(w.types)))
	for _, t := range w.types {
		b = binary.AppendUvarint(b, uint64(t))
	}
	return b
}

func readWindow(k, val []byte) (w window, err error) {
	r := reader{key: k, b: val}
	r.version(windowVersion)
	from := r.uvarint()
	length := r.uvarint()
	if r.err == nil && (from >= hourNanos || length > hourNanos-from) {
		r.fail("window leaves its hour")
	}
	w.from, w.until = int64(from), int64(from+length)
	for range r.count(1, "types") {
		w.types = append(w.types, uint16(r.u32(1<<16, "type")))
	}
	return w, r.end()
}

// minutes is a bit for every minute of the hour the window touches.
func (w *window) minutes() uint64 {
	if w.until <= w.from {
		return 0
	}
	a, b := w.from/minuteNanos, (w.until-1)/minuteNanos
	return (1<<(b+1) - 1) &^ (1<<a - 1)
}
