package symbol

import (
	"cmp"
	"debug/dwarf"
	"fmt"
	"slices"
	"strings"
)

// dwarf makes the layer of DWARF: functions, the calls inlined into them, lines.
func (b *builder) dwarf() ([]rng, error) {
	total, info := int64(0), false
	for _, s := range b.elf.Sections {
		if name, ok := strings.CutPrefix(s.Name, ".z"); strings.HasPrefix(s.Name, ".debug_") || ok && strings.HasPrefix(name, "debug_") {
			if !b.fits(s, b.limits.DWARF) {
				total = b.limits.DWARF + 1
				break
			}
			total += int64(max(s.Size, s.FileSize))
			info = info || strings.HasSuffix(s.Name, "debug_info")
		}
	}
	if total > b.limits.DWARF {
		b.note("DWARF sections are larger than the limit of %d bytes: functions without lines", b.limits.DWARF)
		return nil, nil
	}
	if !info {
		return nil, nil
	}
	data, err := b.elf.DWARF()
	if err != nil {
		return nil, err
	}
	d := &dwarfReader{builder: b, data: data, names: map[dwarf.Offset]uint32{}}
	err = d.units()
	b.debug = len(d.out) > 0
	return flat(d.out), err
}

type dwarfReader struct {
	*builder
	data  *dwarf.Data
	names map[dwarf.Offset]uint32
	out   []rng
	rows  int
	spans int

	scopes []scope
	ranges []scopeRange
	lines  []lineRow
	files  []uint32
}

// scope is a function or an inlined call of one.
type scope struct {
	parent   int32 // -1: a function of its own
	name     uint32
	callFile uint32
	callLine uint32
}

type scopeRange struct {
	start, end uint64
	scope      int32
}

type lineRow struct {
	addr       uint64
	file, line uint32
	end        bool // nothing is known from addr on
}

// units goes over the compilation units.
func (d *dwarfReader) units() error {
	r := d.data.Reader()
	for {
		e, err := r.Next()
		if err != nil || e == nil {
			return err
		}
		if e.Tag != dwarf.TagCompileUnit {
			r.SkipChildren()
			continue
		}
		if err := d.unit(r, e); err != nil {
			return err
		}
	}
}

func (d *dwarfReader) unit(r *dwarf.Reader, cu *dwarf.Entry) error {
	d.scopes, d.ranges, d.lines, d.files = d.scopes[:0], d.ranges[:0], d.lines[:0], d.files[:0]
	if err := d.readLines(cu); err != nil {
		return err
	}
	if cu.Children {
		if err := d.children(r); err != nil {
			return err
		}
	}
	return d.flatten()
}

// readLines reads the unit's line program.
func (d *dwarfReader) readLines(cu *dwarf.Entry) error {
	lr, err := d.data.LineReader(cu)
	if err != nil || lr == nil {
		return nil // a unit without lines still has functions
	}
	var le dwarf.LineEntry
	for lr.Next(&le) == nil {
		if d.rows++; d.rows > 4*d.limits.Ranges {
			return fmt.Errorf("line programs: %w of %d rows", errTooMuch, 4*d.limits.Ranges)
		}
		row := lineRow{addr: le.Address, line: uint32(max(le.Line, 0)), end: le.EndSequence}
		if le.File != nil && !le.EndSequence {
			if row.file, err = d.str(le.File.Name); err != nil {
				return err
			}
		}
		d.lines = append(d.lines, row)
	}
	for _, f := range lr.Files() {
		id := uint32(0)
		if f != nil {
			if id, err = d.str(f.Name); err != nil {
				return err
			}
		}
		d.files = append(d.files, id)
	}
	// Sequences come in any order; where one ends and the next begins at the same
	// address the beginning counts.
	slices.SortStableFunc(d.lines, func(a, b lineRow) int {
		if a.addr == b.addr && a.end != b.end {
			if a.end {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.addr, b.addr)
	})
	return nil
}

const maxScopeDepth = 256

// children collects the functions and inlined calls of a unit. Blocks and
// namespaces are gone through, not kept.
func (d *dwarfReader) children(r *dwarf.Reader) error {
	stack := []int32{-1} // scope of each open entry
	for len(stack) > 0 {
		e, err := r.Next()
		if err != nil {
			return err
		}
		if e == nil {
			return nil
		}
		if e.Tag == 0 {
			stack = stack[:len(stack)-1]
			continue
		}
		inside := stack[len(stack)-1]
		switch e.Tag {
		case dwarf.TagSubprogram, dwarf.TagInlinedSubroutine:
			s, err := d.scope(e, inside)
			if err != nil {
				return err
			}
			inside = s
		case dwarf.TagLexDwarfBlock, dwarf.TagNamespace, dwarf.TagModule, dwarf.TagClassType, dwarf.TagStructType, dwarf.TagTryDwarfBlock, dwarf.TagCatchDwarfBlock:
		default:
			if e.Children {
				r.SkipChildren()
			}
			continue
		}
		if e.Children {
			if len(stack) > maxScopeDepth {
				r.SkipChildren()
				continue
			}
			stack = append(stack, inside)
		}
	}
	return nil
}

// scope adds a function or inlined call if it has code, and returns it, else
// what it is inside of.
func (d *dwarfReader) scope(e *dwarf.Entry, inside int32) (int32, error) {
	if e.Val(dwarf.AttrLowpc) == nil && e.Val(dwarf.AttrRanges) == nil {
		return -1, nil
	}
	ranges, err := d.data.Ranges(e)
	if err != nil || len(ranges) == 0 {
		return inside, nil
	}
	if d.spans += len(ranges); d.spans > d.limits.Ranges {
		return 0, fmt.Errorf("functions: %w of %d ranges", errTooMuch, d.limits.Ranges)
	}
	s := scope{parent: -1}
	if s.name, err = d.name(e, 0); err != nil {
		return 0, err
	}
	if e.Tag == dwarf.TagInlinedSubroutine {
		if inside < 0 {
			return inside, nil // inlined into nothing
		}
		s.parent = inside
		if i, ok := e.Val(dwarf.AttrCallFile).(int64); ok && i >= 0 && i < int64(len(d.files)) {
			s.callFile = d.files[i]
		}
		if n, ok := e.Val(dwarf.AttrCallLine).(int64); ok && n > 0 {
			s.callLine = uint32(n)
		}
	}
	id := int32(len(d.scopes))
	d.scopes = append(d.scopes, s)
	for _, p := range ranges {
		if p[0] < p[1] && p[0] != 0 { // functions the linker dropped are at 0
			d.ranges = append(d.ranges, scopeRange{p[0], p[1], id})
		}
	}
	return id, nil
}

// name is a function's name, looked up where its entry refers to if it has none.
func (d *dwarfReader) name(e *dwarf.Entry, depth int) (uint32, error) {
	if s, ok := e.Val(dwarf.AttrLinkageName).(string); ok && s != "" {
		return d.str(Demangle(s))
	}
	for _, attr := range []dwarf.Attr{dwarf.AttrAbstractOrigin, dwarf.AttrSpecification} {
		off, ok := e.Val(attr).(dwarf.Offset)
		if !ok || depth > 4 {
			continue
		}
		if id, ok := d.names[off]; ok {
			return id, nil
		}
		r := d.data.Reader()
		r.Seek(off)
		to, err := r.Next()
		if err != nil || to == nil {
			continue
		}
		id, err := d.name(to, depth+1)
		if err != nil {
			return 0, err
		}
		if id != 0 {
			d.names[off] = id
			return id, nil
		}
	}
	if s, ok := e.Val(dwarf.AttrName).(string); ok {
		return d.str(Demangle(s)) // Rust before v0 and C have it here
	}
	return 0, nil
}
