// Package inflate decompresses gzip from memory to memory. Profiles come gzipped
// and small, hundreds a second; a stream decoder spends twice the time of this
// one on them, more than on all that follows.
//
// # The format
//
// RFC 1952 (gzip) around RFC 1951 (deflate): blocks of Huffman codes for
// literals, lengths and distances, read from the low bits of each byte up.
//
// # How
//
//  1. tables.go turns code lengths into look-up tables: the next bits of the
//     input lead to an entry that says what the code means, how many bits it and
//     its extra bits have.
//  2. block.go keeps up to 63 bits of input in a register, filled eight bytes at a
//     time, and needs one look-up a symbol. Near the ends of input and output, where
//     eight bytes at a time would be too many, a slower loop does the same.
//
// The idea of packing everything into one entry is libdeflate's. There are no
// allocations but of the output, and its size is the caller's limit.
package inflate

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
)

// Errors. Who wants to know more reads the input again with compress/gzip.
var (
	ErrCorrupt = errors.New("not gzip, or damaged")
	ErrSize    = errors.New("larger than the limit when decompressed")
)

// Decoder has the tables, which are reused.
type Decoder struct {
	lit  [litSize]uint32
	dist [distSize]uint32
	lens [320]uint8

	in   []byte
	at   int // next byte of in to load
	bits uint64
	n    uint // bits in bits
	out  []byte
	max  int
	zero int // where the member's output begins: distances do not reach before
}

// Gzip appends what src holds, all its members, to dst, at most max bytes.
func (d *Decoder) Gzip(dst, src []byte, max int) ([]byte, error) {
	d.in, d.out, d.max = src, dst, len(dst)+max
	defer func() { d.in, d.out = nil, nil }()
	for first := true; first || len(d.in) > 0; first = false {
		if err := d.member(); err != nil {
			return d.out, err
		}
	}
	return d.out, nil
}

// member decompresses one member and moves behind it.
func (d *Decoder) member() error {
	n, ok := header(d.in)
	if !ok {
		return ErrCorrupt
	}
	d.at, d.bits, d.n, d.zero = n, 0, 0, len(d.out)
	if err := d.blocks(); err != nil {
		return err
	}
	d.at -= int(d.n / 8) // whole bytes that were loaded and not used
	trailer := d.in[min(d.at, len(d.in)):]
	if len(trailer) < 8 {
		return ErrCorrupt
	}
	got := d.out[d.zero:]
	if crc32.ChecksumIEEE(got) != binary.LittleEndian.Uint32(trailer) || uint32(len(got)) != binary.LittleEndian.Uint32(trailer[4:]) {
		return ErrCorrupt
	}
	d.in = trailer[8:]
	return nil
}

// header is how long the header of a member is.
func header(b []byte) (n int, ok bool) {
	if len(b) < 10 || b[0] != 0x1f || b[1] != 0x8b || b[2] != 8 {
		return 0, false
	}
	flags := b[3]
	n = 10
	if flags&4 != 0 { // extra field
		if len(b) < n+2 {
			return 0, false
		}
		n += 2 + int(binary.LittleEndian.Uint16(b[n:]))
	}
	for _, flag := range [...]byte{8, 16} { // name, comment
		if flags&flag == 0 {
			continue
		}
		if n > len(b) {
			return 0, false
		}
		end := slices.Index(b[n:], 0)
		if end < 0 {
			return 0, false
		}
		n += end + 1
	}
	if flags&2 != 0 { // checksum of the header
		n += 2
	}
	return n, n <= len(b)
}
