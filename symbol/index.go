package symbol

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"

	"tacho"
)

const (
	magic      = "tacho-symbols-1"
	sparseStep = 512
	maxHeader  = 64 << 10
)

// header is the first line of an index. At are where the tables begin, in the
// order of the package comment, and where the last one ends.
type header struct {
	Magic     string    `json:"magic"`
	IDs       []string  `json:"ids"`
	Name      string    `json:"name"` // of the uploaded file, "" if unknown
	Lines     bool      `json:"lines"`
	Notes     []string  `json:"notes,omitempty"`
	Segments  []segment `json:"segments"`
	Ranges    int       `json:"ranges"` // entries, gaps included
	Strings   int       `json:"strings"`
	Functions int       `json:"functions"` // different ones
	At        [8]int64  `json:"at"`        // sparse, ranges, locs, calls, frames, strings, text, end; from the end of the line
}

// write writes the index of what was built.
func (b *built) write(w io.Writer, name string) error {
	starts, locs := b.entries()
	t := b.tables
	h := header{Magic: magic, IDs: b.ids, Name: name, Lines: b.lines, Notes: b.notes, Segments: b.segments, Ranges: len(starts), Strings: len(t.strings)}
	calls, text := 0, 0
	for _, l := range t.locs {
		calls += len(l)
	}
	for _, s := range t.strings {
		text += len(s)
	}
	functions := make(map[uint32]struct{}, len(t.calls))
	for _, c := range t.calls {
		functions[c.function] = struct{}{}
	}
	h.Functions = len(functions)
	sizes := [...]int{8 * ((len(starts) + sparseStep - 1) / sparseStep), 12 * len(starts), 4 * (len(t.locs) + 1), 4 * calls, 12 * len(t.calls), 4 * (len(t.strings) + 1), text}
	for i, n := range sizes {
		h.At[i+1] = h.At[i] + int64(n)
	}
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if len(line)+1 > maxHeader || uint64(text) > 1<<32-1 || uint64(calls) > 1<<32-1 {
		return errTooMuch
	}
	out := bufio.NewWriterSize(w, 256<<10)
	out.Write(append(line, '\n'))
	var buf []byte
	u32 := func(v uint32) { buf = binary.LittleEndian.AppendUint32(buf[:0], v); out.Write(buf) }
	u64 := func(v uint64) { buf = binary.LittleEndian.AppendUint64(buf[:0], v); out.Write(buf) }
	for i := 0; i < len(starts); i += sparseStep {
		u64(starts[i])
	}
	for i, s := range starts {
		u64(s)
		u32(locs[i])
	}
	at := uint32(0)
	for _, l := range t.locs {
		u32(at)
		at += uint32(len(l))
	}
	u32(at)
	for _, l := range t.locs {
		for _, c := range l {
			u32(c)
		}
	}
	for _, c := range t.calls {
		u32(c.function)
		u32(c.file)
		u32(c.line)
	}
	at = 0
	for _, s := range t.strings {
		u32(at)
		at += uint32(len(s))
	}
	u32(at)
	for _, s := range t.strings {
		out.WriteString(s)
	}
	return out.Flush()
}

// entries are the ranges as the index has them: first addresses with location+1,
// and 0 where a range ends and none begins.
func (b *built) entries() (starts []uint64, locs []uint32) {
	for i, r := range b.ranges {
		starts, locs = append(starts, r.start), append(locs, r.loc+1)
		if i+1 == len(b.ranges) || b.ranges[i+1].start > r.end {
			starts, locs = append(starts, r.end), append(locs, 0)
		}
	}
	return starts, locs
}

// index reads an index by offset. It holds the sparse table only.
type index struct {
	header
	r      io.ReaderAt
	base   int64 // where the tables begin
	sparse []uint64
}

var errIndex = errors.New("the index is damaged: delete it and upload the file again")

// readHeader reads the first line.
func readHeader(r io.ReaderAt, size int64) (header, int64, error) {
	var h header
	buf := make([]byte, min(maxHeader, size))
	n, err := r.ReadAt(buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return h, 0, err
	}
	end := bytes.IndexByte(buf[:n], '\n')
	if end < 0 || json.Unmarshal(buf[:end], &h) != nil || h.Magic != magic || len(h.IDs) == 0 {
		return h, 0, errIndex
	}
	base := int64(end + 1)
	for i := range h.At[1:] {
		if h.At[i] > h.At[i+1] {
			return h, 0, errIndex
		}
	}
	if h.At[0] != 0 || base+h.At[7] != size || h.Ranges < 0 || h.At[1] != 8*int64((h.Ranges+sparseStep-1)/sparseStep) || h.At[2]-h.At[1] != 12*int64(h.Ranges) {
		return h, 0, errIndex
	}
	return h, base, nil
}

func openIndex(r io.ReaderAt, size int64) (*index, error) {
	h, base, err := readHeader(r, size)
	if err != nil {
		return nil, err
	}
	x := &index{header: h, r: r, base: base}
	buf := make([]byte, h.At[1])
	if _, err := r.ReadAt(buf, base); err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	for i := 0; i < len(buf); i += 8 {
		x.sparse = append(x.sparse, binary.LittleEndian.Uint64(buf[i:]))
	}
	return x, nil
}

// read reads n bytes of a table from an offset in it.
func (x *index) read(table int, at int64, n int) ([]byte, error) {
	if at < 0 || n < 0 || at+int64(n) > x.At[table+1]-x.At[table] {
		return nil, errIndex
	}
	buf := make([]byte, n)
	if _, err := x.r.ReadAt(buf, x.base+x.At[table]+at); err != nil {
		return nil, fmt.Errorf("reading the index: %w", err)
	}
	return buf, nil
}

const (
	tabSparse = iota
	tabRanges
	tabLocs
	tabCalls
	tabFrames
	tabStrings
	tabText
)

// address turns an offset in the file into an address of the tables. What lies in
// no segment is taken to be an address already: some senders have those.
func (x *index) address(offset uint64) uint64 {
	for _, s := range x.Segments {
		if offset >= s.Offset && offset-s.Offset < s.Size {
			return offset - s.Offset + s.Address
		}
	}
	return offset
}

// lookup returns the calls at an offset in the file, leaf first; nil if nothing
// is known of it.
func (x *index) lookup(offset uint64, module string) (tacho.Stack, error) {
	a := x.address(offset)
	block := sort.Search(len(x.sparse), func(i int) bool { return x.sparse[i] > a }) - 1
	if block < 0 {
		return nil, nil
	}
	n := min(sparseStep, x.Ranges-block*sparseStep)
	b, err := x.read(tabRanges, int64(block)*sparseStep*12, 12*n)
	if err != nil {
		return nil, err
	}
	i := sort.Search(n, func(i int) bool { return binary.LittleEndian.Uint64(b[12*i:]) > a }) - 1
	if i < 0 {
		return nil, nil
	}
	loc := binary.LittleEndian.Uint32(b[12*i+8:])
	if loc == 0 {
		return nil, nil
	}
	from, to, err := x.span(tabLocs, loc-1)
	if err != nil || to-from > maxInline {
		return nil, errors.Join(err, errIndexIf(to-from > maxInline))
	}
	calls, err := x.read(tabCalls, 4*int64(from), 4*int(to-from))
	if err != nil {
		return nil, err
	}
	var out tacho.Stack
	for k := 0; k < len(calls); k += 4 {
		f, err := x.read(tabFrames, 12*int64(binary.LittleEndian.Uint32(calls[k:])), 12)
		if err != nil {
			return nil, err
		}
		fr := tacho.Frame{Module: module, Line: int32(min(binary.LittleEndian.Uint32(f[8:]), 1<<31-1)), Kind: tacho.KindInlined}
		if k+4 == len(calls) {
			fr.Kind = tacho.KindNative
		}
		if fr.Function, err = x.text(binary.LittleEndian.Uint32(f)); err != nil {
			return nil, err
		}
		if fr.File, err = x.text(binary.LittleEndian.Uint32(f[4:])); err != nil {
			return nil, err
		}
		if fr.Function == "" {
			fr.Function = "[unknown]"
		}
		out = append(out, fr)
	}
	return out, nil
}

func errIndexIf(bad bool) error {
	if bad {
		return errIndex
	}
	return nil
}

// span reads two neighbouring offsets.
func (x *index) span(table int, i uint32) (from, to uint32, err error) {
	b, err := x.read(table, 4*int64(i), 8)
	if err != nil {
		return 0, 0, err
	}
	from, to = binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	return from, to, errIndexIf(to < from)
}

func (x *index) text(i uint32) (string, error) {
	from, to, err := x.span(tabStrings, i)
	if err != nil || from == to {
		return "", err
	}
	if to-from > maxName {
		return "", errIndex
	}
	b, err := x.read(tabText, int64(from), int(to-from))
	return string(b), err
}
