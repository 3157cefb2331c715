package symbol

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// ErrNotELF says that an upload is not an ELF file, ErrNoSymbols that it is one
// without any names: stripped.
var (
	ErrNotELF    = errors.New("not an ELF file: no magic \\x7fELF at the start")
	ErrNoSymbols = errors.New("no symbols in it (stripped?)")
)

// SyntaxError says where an ELF file stops making sense.
type SyntaxError struct {
	Position string // "byte 0x34"
	Err      error
}

func (e *SyntaxError) Error() string {
	return "reading ELF file: " + e.Position + ": " + e.Err.Error()
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// syntaxError finds the position in an error of debug/elf, which has it in its
// text only; one that ran into the end says nothing.
func syntaxError(err error, size int64) error {
	text := err.Error()
	if i := strings.LastIndex(text, " in record at byte 0x"); i >= 0 {
		return &SyntaxError{text[i+len(" in record at "):], errors.New(text[:i])}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &SyntaxError{fmt.Sprintf("byte %#x", size), errors.New("the file ends before its tables do: it is cut short")}
	}
	return &SyntaxError{"headers", err}
}

// segment maps offsets in the file to the addresses the tables speak of.
type segment struct {
	Offset  uint64 `json:"offset"`
	Size    uint64 `json:"size"`
	Address uint64 `json:"address"`
}

// builder makes the layers of one file.
type builder struct {
	*tables
	elf   *elf.File
	notes []string
	debug bool // has DWARF lines
}

func (b *builder) note(format string, args ...any) {
	if len(b.notes) < 20 {
		b.notes = append(b.notes, fmt.Sprintf(format, args...))
	}
}

// fits reports whether a section, decompressed, has at most so many bytes.
func (b *builder) fits(s *elf.Section, limit int64) bool {
	return s.Size <= uint64(limit) && s.FileSize <= uint64(limit)
}

// built is what a file came to.
type built struct {
	ids      []string
	segments []segment
	notes    []string
	lines    bool
	tables   *tables
	ranges   []rng
}

// build reads an ELF file of size bytes.
func build(r io.ReaderAt, size int64, l Limits) (out *built, err error) {
	var magic [4]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil || string(magic[:]) != elf.ELFMAG {
		return nil, ErrNotELF
	}
	b := &builder{tables: newTables(l)}
	if err := guarded(func() (err error) { b.elf, err = elf.NewFile(r); return }); err != nil {
		return nil, syntaxError(err, size)
	}
	out = &built{tables: b.tables}
	_ = guarded(func() error { out.ids = b.buildIDs(); return nil })
	tail, err := headTailHash(r, size)
	if err != nil {
		return nil, err
	}
	out.ids = append(out.ids, tail)
	for _, p := range b.elf.Progs {
		if p.Type == elf.PT_LOAD && len(out.segments) < 64 {
			// Debug files have segments without bytes but with the right addresses.
			out.segments = append(out.segments, segment{p.Off, max(p.Filesz, p.Memsz), p.Vaddr})
		}
	}
	for _, layer := range []struct {
		name string
		make func() ([]rng, error)
	}{{"symbol table", b.symbolTable}, {"pclntab", b.goTable}, {"DWARF", b.dwarf}} {
		var rs []rng
		if err := guarded(func() (err error) { rs, err = layer.make(); return }); err != nil {
			b.note("%s: %v", layer.name, err)
		}
		out.ranges = overlay(out.ranges, flat(rs))
	}
	out.notes, out.lines = b.notes, b.debug
	if len(out.ranges) == 0 {
		return nil, fmt.Errorf("%w: no symbol table, pclntab or DWARF could be read%s", ErrNoSymbols, reasons(b.notes))
	}
	return out, nil
}

func reasons(notes []string) string {
	if len(notes) == 0 {
		return ""
	}
	return ": " + notes[0]
}

// guarded turns a panic of a parser that was given hostile input into an error.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed: %v", p)
		}
	}()
	return f()
}

// buildIDs are the GNU and the Go build id, in hexadecimal and as it is.
func (b *builder) buildIDs() []string {
	var ids []string
	add := func(notes []byte) {
		for len(notes) >= 12 {
			nameLen, descLen, typ := b.elf.ByteOrder.Uint32(notes), b.elf.ByteOrder.Uint32(notes[4:]), b.elf.ByteOrder.Uint32(notes[8:])
			name, desc := uint64(12), 12+(uint64(nameLen)+3)/4*4
			end := desc + uint64(descLen)
			if end > uint64(len(notes)) {
				return
			}
			id := ""
			switch owner := string(notes[name : name+uint64(nameLen)]); {
			case owner == "GNU\x00" && typ == 3 && descLen > 0 && descLen <= 64:
				id = hex.EncodeToString(notes[desc:end])
			case owner == "Go\x00\x00" && typ == 4 && descLen > 0 && descLen <= 256:
				id = string(notes[desc:end])
			}
			if id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
			notes = notes[min(uint64(len(notes)), (end+3)/4*4):]
		}
	}
	const maxNotes = 1 << 20
	for _, s := range b.elf.Sections {
		if s.Type == elf.SHT_NOTE && b.fits(s, maxNotes) {
			if d, err := s.Data(); err == nil {
				add(d)
			}
		}
	}
	for _, p := range b.elf.Progs {
		if p.Type == elf.PT_NOTE && p.Filesz <= maxNotes {
			d := make([]byte, p.Filesz)
			if n, err := p.ReadAt(d, 0); err == nil || n == len(d) {
				add(d[:n])
			}
		}
	}
	return ids
}

// headTailHash is the id OpenTelemetry's profiler gives files without a build
// id (process.executable.build_id.htlhash): of the first and last 4 KiB and the
// length, SHA-256, the first half of it.
func headTailHash(r io.ReaderAt, size int64) (string, error) {
	n := min(size, 4096)
	buf := make([]byte, n)
	h := sha256.New()
	for _, at := range []int64{0, size - n} {
		if got, err := r.ReadAt(buf, at); err != nil && int64(got) < n {
			return "", fmt.Errorf("reading ELF file at %d: %w", at, err)
		}
		h.Write(buf)
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(size)))
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}
