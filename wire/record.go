package wire

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const (
	kindEntry    = 1
	kindSnapshot = 2
	recordHeader = 8
)

// entry is one element of the spool: a batch, marks, or a batch with marks.
type entry struct {
	id    uint64 // numbers batches; marks alone have none
	at    int64  // when it was appended, Unix nanoseconds
	marks []mark
	batch []byte // encoded; nil for marks alone
}

// mark is one change of the resume positions.
type mark struct {
	key    string
	state  []byte
	forget bool
}

func (e *entry) size() int64 {
	n := len(e.batch)
	for _, m := range e.marks {
		n += len(m.key) + len(m.state)
	}
	return int64(n) + recordHeader
}

// set adds a mark, in place of an older one of the same key.
func (e *entry) set(m mark) {
	for i := range e.marks {
		if e.marks[i].key == m.key {
			e.marks[i] = m
			return
		}
	}
	e.marks = append(e.marks, m)
}

// appendRecord writes one record as drawn in the package comment.
func appendRecord(dst []byte, kind byte, e *entry) []byte {
	head := len(dst)
	dst = append(dst, make([]byte, recordHeader)...)
	dst = append(dst, kind)
	dst = binary.AppendVarint(dst, e.at)
	dst = appendCount(dst, len(e.marks))
	for _, m := range e.marks {
		dst = appendString(dst, m.key)
		if m.forget {
			dst = append(dst, 0)
			continue
		}
		dst = appendCount(dst, 1+len(m.state))
		dst = append(dst, m.state...)
	}
	dst = append(dst, e.batch...)
	payload := dst[head+recordHeader:]
	binary.LittleEndian.PutUint32(dst[head:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(dst[head+4:], crc32.Checksum(payload, castagnoli))
	return dst
}

// parseRecord reads the record at the start of p and returns its length. What
// it returns points into p. An error means that the record is torn: what was
// written before it holds.
func parseRecord(p []byte) (e entry, kind byte, n int, err error) {
	if len(p) < recordHeader {
		return e, 0, 0, fmt.Errorf("%d bytes are no record", len(p))
	}
	size := int64(binary.LittleEndian.Uint32(p))
	if size == 0 || size > int64(len(p)-recordHeader) {
		return e, 0, 0, fmt.Errorf("record of %d bytes in the %d left", size, len(p)-recordHeader)
	}
	n = recordHeader + int(size)
	payload := p[recordHeader:n]
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(p[4:]) {
		return e, 0, 0, fmt.Errorf("checksum of a record of %d bytes", size)
	}
	d := &columns{p: payload, lim: Limits{StringLen: len(payload)}}
	kind = d.bytes("kind", 1)[0]
	e.at = d.varint("time")
	marks := d.count("marks", "marks", len(payload), 2)
	for range marks {
		m := mark{key: d.str("key")}
		if l := d.uvarint("state"); l == 0 {
			m.forget = true
		} else if l-1 > uint64(len(payload)) {
			d.fail("state of %d bytes", l-1)
		} else {
			m.state = append([]byte{}, d.bytes("state", int(l-1))...)
		}
		e.marks = append(e.marks, m)
	}
	if d.err != nil {
		return e, 0, 0, d.err
	}
	if d.off < len(payload) {
		e.batch = payload[d.off:len(payload):len(payload)]
	}
	return e, kind, n, nil
}
