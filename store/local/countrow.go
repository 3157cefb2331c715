package local

import (
	"encoding/binary"
	"math/bits"
)

// A count row is the sums of the 60 minutes of an hour:
//
//	version   byte     1
//	covered   8 bytes  bit i: minute i was recorded (rows of the whole service)
//	used      8 bytes  bit i: minute i has a sum
//	unit      uvarint  common divisor
//	sums      uvarint sum/unit of each used minute
//
// A coverage row is the covered bits of one target: version, 8 bytes.
const countVersion = 1

type countRow struct {
	covered uint64
	sums    [60]int64
}

func (c *countRow) append(b []byte) []byte {
	var used, unit uint64
	for i, v := range c.sums {
		if v != 0 {
			used |= 1 << i
			unit = gcd(unit, uint64(v))
		}
	}
	b = append(b, countVersion)
	b = binary.LittleEndian.AppendUint64(b, c.covered)
	b = binary.LittleEndian.AppendUint64(b, used)
	b = binary.AppendUvarint(b, max(unit, 1))
	for _, v := range c.sums {
		if v != 0 {
			b = binary.AppendUvarint(b, uint64(v)/unit)
		}
	}
	return b
}

func readCountRow(k, val []byte) (c countRow, err error) {
	r := reader{key: k, b: val}
	r.version(countVersion)
	c.covered = r.u64()
	used := r.u64()
	unit := r.uvarint()
	if r.err == nil && (used>>60 != 0 || c.covered>>60 != 0) {
		r.fail("more than 60 minutes")
	}
	for ; used != 0 && r.err == nil; used &= used - 1 {
		c.sums[bits.TrailingZeros64(used)] = int64(r.uvarint() * unit)
	}
	return c, r.end()
}

func appendCover(b []byte, covered uint64) []byte {
	return binary.LittleEndian.AppendUint64(append(b, countVersion), covered)
}

func readCover(k, val []byte) (uint64, error) {
	r := reader{key: k, b: val}
	r.version(countVersion)
	c := r.u64()
	if r.err == nil && c>>60 != 0 {
		r.fail("more than 60 minutes")
	}
	return c, r.end()
}
