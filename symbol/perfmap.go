package symbol

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// PerfMap is the names of code a JIT compiler made, from /tmp/perf-PID.map
// (tools/perf/Documentation/jit-interface.txt):
//
//	START SIZE name      both hexadecimal, the name to the end of the line
type PerfMap struct {
	entries []perfEntry // sorted by start; of overlapping ones the later line wins
	names   []byte
	Bad     int // lines that made no sense
}

type perfEntry struct {
	start, end uint64
	name, size uint32 // in names
	line       uint32
}

// maxPerfEntries and maxPerfNames bound a map; what is beyond is left out.
const (
	maxPerfEntries = 1 << 20
	maxPerfNames   = 256 << 20
)

// ReadPerfMap reads a map. A last line that is cut off, as in a file that is being
// written, is not counted as bad.
func ReadPerfMap(r io.Reader) (*PerfMap, error) {
	m := &PerfMap{}
	in := bufio.NewReaderSize(r, 64<<10)
	for len(m.entries) < maxPerfEntries && len(m.names) < maxPerfNames {
		line, err := in.ReadSlice('\n')
		switch err {
		case nil:
			m.add(bytes.TrimSpace(line))
		case bufio.ErrBufferFull: // no name is that long
			m.Bad++
			for err == bufio.ErrBufferFull {
				_, err = in.ReadSlice('\n')
			}
		case io.EOF:
			m.sort()
			return m, nil
		}
		if err != nil && err != io.EOF {
			m.sort()
			return m, fmt.Errorf("reading a perf map: %w", err)
		}
	}
	m.sort()
	return m, nil
}

func (m *PerfMap) add(line []byte) {
	f := bytes.SplitN(line, []byte(" "), 3)
	if len(f) != 3 || len(f[2]) == 0 {
		if len(line) > 0 {
			m.Bad++
		}
		return
	}
	start, err1 := strconv.ParseUint(string(bytes.TrimPrefix(f[0], []byte("0x"))), 16, 64)
	size, err2 := strconv.ParseUint(string(bytes.TrimPrefix(f[1], []byte("0x"))), 16, 64)
	if err1 != nil || err2 != nil || start+size < start {
		m.Bad++
		return
	}
	m.entries = append(m.entries, perfEntry{start, start + size, uint32(len(m.names)), uint32(len(f[2])), uint32(len(m.entries))})
	m.names = append(m.names, f[2]...)
}

// sort orders the entries and cuts those that a later line lies over: compilers
// use memory again.
func (m *PerfMap) sort() {
	slices.SortFunc(m.entries, func(a, b perfEntry) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.line, b.line))
	})
	out := m.entries[:0]
	for _, e := range m.entries {
		for len(out) > 0 && out[len(out)-1].end > e.start {
			last := &out[len(out)-1]
			if last.line > e.line { // the newer one goes on
				e.start = min(max(e.start, last.end), e.end)
				break
			}
			last.end = e.start
			if last.end > last.start {
				break
			}
			out = out[:len(out)-1]
		}
		if e.end > e.start {
			out = append(out, e)
		}
	}
	m.entries = out
}

// Lookup is the name of the code at an address.
func (m *PerfMap) Lookup(addr uint64) (string, bool) {
	i, found := slices.BinarySearchFunc(m.entries, addr, func(e perfEntry, a uint64) int { return cmp.Compare(e.start, a) })
	if !found {
		i--
	}
	if i < 0 || addr >= m.entries[i].end {
		return "", false
	}
	e := m.entries[i]
	return string(m.names[e.name : e.name+e.size]), true
}

// Len is how many pieces of code have a name.
func (m *PerfMap) Len() int { return len(m.entries) }
