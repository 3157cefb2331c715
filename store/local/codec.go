package local

import (
	"encoding/binary"
	"fmt"
)

// corruptError is wrong bytes under a key: found by a decoder of this package,
// below which Pebble's checksums already hold.
type corruptError struct {
	Key    []byte
	Offset int
	Reason string
}

func (e *corruptError) Error() string {
	return fmt.Sprintf("%s is damaged at offset %d: %s", keyName(e.Key), e.Offset, e.Reason)
}

// reader walks the value of one key. The first error sticks; after it every
// read gives zero, so that decoders check once at the end of a section. Counts
// are checked against what is left before anything is allocated.
type reader struct {
	key []byte
	b   []byte
	at  int
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = &corruptError{Key: append([]byte(nil), r.key...), Offset: r.at, Reason: fmt.Sprintf(format, args...)}
	}
}

func (r *reader) left() int { return len(r.b) - r.at }

func (r *reader) byte() byte {
	if r.err != nil || r.at >= len(r.b) {
		r.fail("ends early")
		return 0
	}
	r.at++
	return r.b[r.at-1]
}

func (r *reader) uvarint() uint64 {
	if r.err != nil {
		return 0
	}
	v, n := binary.Uvarint(r.b[r.at:])
	if n <= 0 {
		r.fail("no number here")
		return 0
	}
	r.at += n
	return v
}

func (r *reader) varint() int64 {
	v := r.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// u32 is a number that must be below limit.
func (r *reader) u32(limit uint64, what string) uint32 {
	v := r.uvarint()
	if r.err == nil && v >= limit {
		r.fail("%s %d out of %d", what, v, limit)
	}
	if r.err != nil {
		return 0
	}
	return uint32(v)
}

// count is the length of a list whose elements take at least size bytes each.
func (r *reader) count(size int, what string) int {
	v := r.uvarint()
	if r.err == nil && v > uint64(r.left()/size) {
		r.fail("%d %s do not fit the %d bytes left", v, what, r.left())
	}
	if r.err != nil {
		return 0
	}
	return int(v)
}

func (r *reader) bytes(n int) []byte {
	if r.err != nil || n < 0 || n > r.left() {
		r.fail("%d bytes do not fit the %d left", n, r.left())
		return nil
	}
	r.at += n
	return r.b[r.at-n : r.at]
}

func (r *reader) u64() uint64 {
	b := r.bytes(8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

func (r *reader) str() string { return string(r.bytes(r.count(1, "bytes of text"))) }

// version checks the first byte of a value.
func (r *reader) version(want byte) {
	if v := r.byte(); r.err == nil && v != want {
		r.at--
		r.fail("format %d, want %d", v, want)
	}
}

// end checks that nothing follows.
func (r *reader) end() error {
	if r.err == nil && r.left() != 0 {
		r.fail("%d bytes too many", r.left())
	}
	return r.err
}

func appendStr(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

func appendVarint(b []byte, v int64) []byte {
	return binary.AppendUvarint(b, uint64(v)<<1^uint64(v>>63))
}

func appendUvarint(b []byte, v int) []byte { return binary.AppendUvarint(b, uint64(v)) }
