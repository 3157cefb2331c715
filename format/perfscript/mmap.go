package perfscript

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// mapping is a file in a process's memory.
type mapping struct {
	start, end, offset uint64
	path, buildID      string
}

// mappings are those of all processes, as perf script --show-mmap-events prints
// them before the samples they are for.
type mappings struct {
	byPID map[int64][]mapping // sorted by start
	n     int
}

// maxMappings bounds what is remembered; more are left out.
const maxMappings = 1 << 16

// add reads the end of a line:
//
//	PERF_RECORD_MMAP2 26/27: [0x7f2a(0x1000) @ 0x1000 fe:00 123 0]: r-xp /usr/lib/x.so
//	PERF_RECORD_MMAP2 26/27: [0x7f2a(0x1000) @ 0x1000 <buildid>]: r-xp /usr/lib/x.so
func (m *mappings) add(b []byte) bool {
	_, b, ok := bytes.Cut(b, []byte("PERF_RECORD_MMAP"))
	if !ok || m.n >= maxMappings {
		return ok
	}
	open, at, closing := bytes.IndexByte(b, '['), bytes.Index(b, []byte(") @ ")), bytes.Index(b, []byte("]:"))
	if open < 0 || at < open || closing < at {
		return true
	}
	var h header
	ids := bytes.TrimSuffix(bytes.TrimSpace(b[:open]), []byte(":"))
	if !h.ids(ids[bytes.LastIndexByte(ids, ' ')+1:]) {
		return true
	}
	start, size, ok := bytes.Cut(b[open+1:at], []byte("("))
	if !ok {
		return true
	}
	where := strings.Fields(string(b[at+4 : closing]))
	words := bytes.SplitN(bytes.TrimSpace(b[closing+2:]), []byte(" "), 2)
	if len(where) == 0 || len(words) != 2 || !bytes.Contains(words[0], []byte("x")) {
		return true // data
	}
	x := mapping{path: string(words[1])}
	from, ok1 := hex(bytes.TrimPrefix(start, []byte("0x")))
	length, ok2 := hex(bytes.TrimPrefix(size, []byte("0x")))
	offset, ok3 := hex([]byte(strings.TrimPrefix(where[0], "0x")))
	if !ok1 || !ok2 || !ok3 || from+length < from || !strings.HasPrefix(x.path, "/") || strings.HasSuffix(x.path, ".map") {
		return true
	}
	x.start, x.end, x.offset = from, from+length, offset
	for _, w := range where[1:] {
		if strings.HasPrefix(w, "<") && strings.HasSuffix(w, ">") {
			x.buildID = strings.Trim(w, "<>")
		}
	}
	if m.byPID == nil {
		m.byPID = map[int64][]mapping{}
	}
	all := m.byPID[h.pid]
	i, found := slices.BinarySearchFunc(all, x, func(a, b mapping) int { return cmp.Compare(a.start, b.start) })
	if found {
		all[i] = x
		return true
	}
	m.n++
	m.byPID[h.pid] = slices.Insert(all, i, x)
	return true
}

// find is the mapping an address of a process lies in, nil if unknown.
func (m *mappings) find(pid int64, addr uint64) *mapping {
	if m == nil {
		return nil
	}
	all := m.byPID[pid]
	i, found := slices.BinarySearchFunc(all, addr, func(a mapping, addr uint64) int { return cmp.Compare(a.start, addr) })
	if !found {
		i--
	}
	if i < 0 || addr >= all[i].end {
		return nil
	}
	return &all[i]
}
