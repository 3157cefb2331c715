package jemalloc

import (
	"bytes"
	"cmp"
	"math"
	"slices"
	"strconv"

	"tacho/format"
)

type decoder struct {
	e     *format.Emitter
	lines *format.Lines
	rate  float64
	addrs []uint64 // of all stacks
	all   []entry
	maps  []mapping
}

// entry is a stack and what it allocated, unscaled.
type entry struct {
	from, to int // in addrs
	counts   [4]int64
}

// mapping is a file in the process's memory.
type mapping struct {
	start, end, offset uint64
	path               string
}

const maxMappings = 1 << 16

func (d *decoder) read() error {
	line, ok := d.lines.Next()
	if !ok {
		if err := d.lines.Err(); err != nil {
			return err
		}
		return d.e.Syntax("line 1", "the input is empty", nil)
	}
	rest, ok := bytes.CutPrefix(line, magic)
	rate, err := strconv.ParseUint(string(rest), 10, 62)
	if !ok || err != nil || rate == 0 {
		return d.e.Syntax("line 1", "heap_v2/ and the sampling interval expected", nil)
	}
	d.rate = float64(rate)
	open := false // a stack whose totals have not come
	for {
		line, ok := d.lines.Next()
		if !ok {
			return d.lines.Err()
		}
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0:
		case line[0] == '@':
			if open {
				d.all = d.all[:len(d.all)-1]
			}
			open = true
			if err := d.stack(line[1:]); err != nil {
				return err
			}
		case line[0] == 't':
			if !bytes.HasPrefix(line, []byte("t*:")) || !open {
				continue // of one thread, or of all stacks
			}
			open = false
			if !counts(line[3:], &d.all[len(d.all)-1].counts) {
				d.all = d.all[:len(d.all)-1]
				d.e.Warn.Add(d.lines.Position(), "counts expected, objects: bytes [objects: bytes]")
			}
		case bytes.Equal(line, []byte("MAPPED_LIBRARIES:")):
			if open {
				d.all = d.all[:len(d.all)-1]
			}
			return d.mappings()
		default:
			return d.e.Syntax(d.lines.Position(), "neither a stack (@), nor counts (t), nor MAPPED_LIBRARIES", nil)
		}
	}
}

// stack reads the addresses of a stack.
func (d *decoder) stack(line []byte) error {
	if len(d.all)*48+len(d.addrs)*8 > int(d.e.Limits.Memory) {
		return d.e.Limit(format.LimitMemory, d.e.Limits.Memory, d.lines.Position())
	}
	e := entry{from: len(d.addrs)}
	for _, w := range bytes.Fields(line) {
		hex, ok := bytes.CutPrefix(w, []byte("0x"))
		a, err := strconv.ParseUint(string(hex), 16, 64)
		if !ok || err != nil {
			return d.e.Syntax(d.lines.Position(), "an address of the stack is not one", err)
		}
		d.addrs = append(d.addrs, a)
	}
	e.to = len(d.addrs)
	d.all = append(d.all, e)
	return nil
}

// counts reads "761: 4895254 [761: 4895254]".
func counts(b []byte, out *[4]int64) bool {
	for i := range out {
		b = bytes.TrimLeft(b, " [:")
		n := 0
		for n < len(b) && b[n] >= '0' && b[n] <= '9' {
			n++
		}
		v, err := strconv.ParseInt(string(b[:n]), 10, 64)
		if err != nil {
			return i == 2 && len(b) == 0 // without the accumulated ones
		}
		out[i], b = v, b[n:]
	}
	return true
}

// mappings reads lines of /proc/PID/maps to the end.
func (d *decoder) mappings() error {
	for {
		line, ok := d.lines.Next()
		if !ok {
			slices.SortStableFunc(d.maps, func(a, b mapping) int { return cmp.Compare(a.start, b.start) })
			return d.lines.Err()
		}
		f := bytes.Fields(line)
		if len(f) < 6 || f[5][0] != '/' && f[5][0] != '[' {
			continue // not of a file
		}
		start, end, ok := bytes.Cut(f[0], []byte("-"))
		m := mapping{path: string(bytes.TrimSuffix(bytes.TrimSpace(line[bytes.Index(line, f[5]):]), []byte(" (deleted)")))}
		var err [3]error
		m.start, err[0] = strconv.ParseUint(string(start), 16, 64)
		m.end, err[1] = strconv.ParseUint(string(end), 16, 64)
		m.offset, err[2] = strconv.ParseUint(string(f[2]), 16, 64)
		if !ok || err != [3]error{} || m.end < m.start {
			d.e.Warn.Add(d.lines.Position(), "not a line of /proc/PID/maps")
			continue
		}
		if len(m.path) > d.e.Limits.StringLen {
			return d.e.Limit(format.LimitStringLen, int64(d.e.Limits.StringLen), d.lines.Position())
		}
		if !bytes.Contains(f[1], []byte("x")) {
			continue // only code is called
		}
		if len(d.maps) < maxMappings {
			d.maps = append(d.maps, m)
		}
	}
}

// scale is what counts of a stack are multiplied by.
func (d *decoder) scale(objects, bytes int64) float64 {
	if objects <= 0 || bytes <= 0 {
		return 1
	}
	p := -math.Expm1(-float64(bytes) / float64(objects) / d.rate)
	if p <= 0 {
		return 1
	}
	return 1 / p
}
