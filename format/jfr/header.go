package jfr

import (
	"encoding/binary"
	"fmt"
)

const (
	headerSize = 68

	typeMetadata   = 0
	typeCheckpoint = 1

	stateFinished = 0
	stateUpdating = 255

	flagCompressed = 1 << 0
	flagFinal      = 1 << 1
)

// header is the first 68 bytes of a chunk, big-endian:
//
//	 0  magic "FLR\0"            40  duration, ns
//	 4  major, minor (2+2)       48  start, ticks
//	 8  chunk size               56  ticks per second
//	16  offset of the last       64  state: 0 finished, 1-254 generation of
//	    checkpoint                   the last flush, 255 being updated
//	24  offset of the metadata   65  two bytes unused
//	32  start, Unix ns           67  flags: 1 compressed integers, 2 final
//
// Offsets are from the start of the chunk. While the JVM writes a chunk, size
// and offsets are those of the last flush; 68, 0 and 0 before the first.
type header struct {
	major, minor uint16
	size         int64
	checkpoint   int64
	metadata     int64
	duration     int64
	clock        clock
	state        byte
	flags        byte
}

func isChunk(b []byte) bool {
	return len(b) >= 4 && b[0] == 'F' && b[1] == 'L' && b[2] == 'R' && b[3] == 0
}

// parseHeader reads a header of which b has all bytes. A wrong magic is
// ErrNotJFR, other errors say what is impossible about it.
func parseHeader(b []byte) (header, error) {
	if !isChunk(b) {
		return header{}, ErrNotJFR
	}
	u64 := func(at int) int64 { return int64(binary.BigEndian.Uint64(b[at:])) }
	h := header{
		major: binary.BigEndian.Uint16(b[4:]), minor: binary.BigEndian.Uint16(b[6:]),
		size: u64(8), checkpoint: u64(16), metadata: u64(24), duration: u64(40),
		clock: clock{startNanos: u64(32), startTicks: u64(48), perSecond: u64(56)},
		state: b[64], flags: b[67],
	}
	switch {
	case h.major != 1 && h.major != 2:
		return h, fmt.Errorf("version %d.%d is not supported, only 1.x and 2.x are (JDK 9 and later)", h.major, h.minor)
	case h.clock.perSecond <= 0:
		return h, fmt.Errorf("header says %d ticks per second", h.clock.perSecond)
	case h.size < 0 || h.checkpoint < 0 || h.metadata < 0:
		return h, fmt.Errorf("header has a negative size or offset: size %d, checkpoint %d, metadata %d", h.size, h.checkpoint, h.metadata)
	}
	return h, nil
}

func (h *header) fixed() bool { return h.flags&flagCompressed == 0 }
