package hotspot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	perfHeader = 32
	perfEntry  = 20
	maxPerf    = 16 << 20 // -XX:PerfDataMemorySize is 32 KiB by default
)

// errStarting: the JVM has not finished filling its counters.
var errStarting = errors.New("the JVM is still starting")

// perfIndex is where the counters lie. The JVM only ever appends, and says so
// in its modification stamp.
type perfIndex struct {
	order   binary.ByteOrder
	entries int32
	stamp   int64
	ints    map[string]int    // offset of 8 bytes
	texts   map[string][2]int // offset and length
}

// Counters is one snapshot: numbers and texts by name, as `jcmd PerfCounter.print`
// shows them ("sun.gc.collector.0.invocations").
type Counters struct {
	index *perfIndex
	data  []byte
}

// Int returns a number; false when the JVM has no such counter. Times are in
// ticks of "sun.os.hrt.frequency" a second.
func (c *Counters) Int(name string) (int64, bool) {
	off, ok := c.index.ints[name]
	if !ok {
		return 0, false
	}
	return int64(c.index.order.Uint64(c.data[off:])), true
}

// String returns a text; false when the JVM has no such counter.
func (c *Counters) String(name string) (string, bool) {
	at, ok := c.index.texts[name]
	if !ok {
		return "", false
	}
	b := c.data[at[0] : at[0]+at[1]]
	if end := bytes.IndexByte(b, 0); end >= 0 {
		b = b[:end]
	}
	return string(b), true
}

// Names returns the names of all numbers and of all texts, unsorted.
func (c *Counters) Names() (ints, texts []string) {
	for n := range c.index.ints {
		ints = append(ints, n)
	}
	for n := range c.index.texts {
		texts = append(texts, n)
	}
	return ints, texts
}

func perfError(off int, format string, args ...any) error {
	return fmt.Errorf("performance data at offset %d: %s", off, fmt.Sprintf(format, args...))
}

// parsePerf reads version 2 of the layout (perfMemory.hpp, perfData.hpp):
//
//	0  magic CAFEC0C0, always big-endian
//	4  byte order of the rest: 0 big, 1 little
//	5  major, 6 minor version, 7 accessible: 0 while the JVM starts
//	8  int32 used          12 int32 overflow
//	16 int64 modified      24 int32 offset of the first entry   28 int32 entries
//
//	entry:
//	0  int32 length        4  int32 offset of the name
//	8  int32 vector length (0: a scalar)
//	12 type ('J' int64, 'B' byte), 13 flags, 14 units, 15 variability
//	16 int32 offset of the data
//
// It keeps a copy of b. known is the index of an earlier call, used again while
// the JVM has added nothing.
func parsePerf(b []byte, known *perfIndex) (*Counters, *perfIndex, error) {
	if len(b) < perfHeader {
		return nil, nil, perfError(len(b), "header of %d bytes is cut short", perfHeader)
	}
	if binary.BigEndian.Uint32(b) != 0xcafec0c0 {
		return nil, nil, perfError(0, "magic %08x, want cafec0c0", b[:4])
	}
	var order binary.ByteOrder = binary.BigEndian
	switch b[4] {
	case 0:
	case 1:
		order = binary.LittleEndian
	default:
		return nil, nil, perfError(4, "byte order %d", b[4])
	}
	if b[5] != 2 {
		return nil, nil, perfError(5, "version %d.%d, want 2", b[5], b[6])
	}
	if b[7] == 0 {
		return nil, known, errStarting
	}
	entries, stamp := int32(order.Uint32(b[28:])), int64(order.Uint64(b[16:]))
	data := bytes.Clone(b)
	if known != nil && known.order == order && known.entries == entries && known.stamp == stamp && known.fits(len(b)) {
		return &Counters{known, data}, known, nil
	}
	x, err := indexPerf(b, order, int(int32(order.Uint32(b[24:]))), int(entries))
	if err != nil {
		return nil, nil, err
	}
	x.entries, x.stamp = entries, stamp
	return &Counters{x, data}, x, nil
}

// fits says whether every offset lies within n bytes.
func (x *perfIndex) fits(n int) bool {
	for _, off := range x.ints {
		if off+8 > n {
			return false
		}
	}
	for _, at := range x.texts {
		if at[0]+at[1] > n {
			return false
		}
	}
	return true
}

func indexPerf(b []byte, order binary.ByteOrder, off, entries int) (*perfIndex, error) {
	if entries < 0 || entries > len(b)/perfEntry {
		return nil, perfError(28, "%d entries in %d bytes", entries, len(b))
	}
	x := &perfIndex{order: order, ints: make(map[string]int, entries), texts: map[string][2]int{}}
	for i := range entries {
		if off < perfHeader || off > len(b)-perfEntry {
			return nil, perfError(off, "entry %d of %d lies outside of %d bytes", i, entries, len(b))
		}
		e := b[off:]
		length, name := int(int32(order.Uint32(e))), int(int32(order.Uint32(e[4:])))
		vector, at := int(int32(order.Uint32(e[8:]))), int(int32(order.Uint32(e[16:])))
		if length < perfEntry || length > len(e) {
			return nil, perfError(off, "entry %d has %d bytes", i, length)
		}
		e = e[:length]
		if name < perfEntry || name >= length {
			return nil, perfError(off+4, "name at %d of an entry of %d bytes", name, length)
		}
		end := bytes.IndexByte(e[name:], 0)
		if end < 0 {
			return nil, perfError(off+name, "name without an end")
		}
		switch {
		case e[12] == 'J' && vector == 0:
			if at < perfEntry || at > length-8 {
				return nil, perfError(off+16, "number at %d of an entry of %d bytes", at, length)
			}
			x.ints[string(e[name:name+end])] = off + at
		case e[12] == 'B' && vector > 0:
			if at < perfEntry || vector > length || at > length-vector {
				return nil, perfError(off+16, "%d bytes at %d of an entry of %d bytes", vector, at, length)
			}
			x.texts[string(e[name:name+end])] = [2]int{off + at, vector}
		}
		off += length
	}
	return x, nil
}
