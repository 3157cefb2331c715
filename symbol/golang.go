package symbol

import (
	"debug/elf"
	"debug/gosym"
)

// goTable makes the layer of a Go program's pclntab, which also programs have
// that were linked with -s -w. It knows no inlined calls: the function is the one
// whose machine code it is, the line may be one of an inlined callee.
func (b *builder) goTable() ([]rng, error) {
	var tab *elf.Section
	for _, name := range []string{".gopclntab", ".data.rel.ro.gopclntab"} {
		if s := b.elf.Section(name); s != nil {
			tab = s
		}
	}
	text := b.elf.Section(".text")
	if tab == nil || text == nil {
		return nil, nil
	}
	if !b.fits(tab, b.limits.Tables) {
		b.note("pclntab of %d bytes is larger than the limit of %d", tab.Size, b.limits.Tables)
		return nil, nil
	}
	data, err := tab.Data()
	if err != nil {
		return nil, err
	}
	t, err := gosym.NewTable(nil, gosym.NewLineTable(data, text.Addr))
	if err != nil {
		return nil, err
	}
	var out []rng
	work := 0
	for i := range t.Funcs {
		f := &t.Funcs[i]
		if f.End <= f.Entry || f.End-f.Entry > text.Size {
			continue
		}
		name, err := b.str(f.Name)
		if err != nil {
			return out, err
		}
		// The library has no way to go over a function's lines but to ask for one
		// address after the other, each from the function's start: long functions
		// are asked for at fewer places.
		step := max(1, (f.End-f.Entry)/goLineSteps)
		if work > maxGoLines {
			step = f.End - f.Entry
		}
		for pc := f.Entry; pc < f.End; pc += step {
			work++
			file, line, _ := t.PCToLine(pc)
			id, err := b.str(file)
			if err != nil {
				return out, err
			}
			loc := b.loc([]uint32{b.call(call{name, id, uint32(max(line, 0))})})
			end := min(pc+step, f.End)
			if n := len(out); n > 0 && out[n-1].end == pc && out[n-1].loc == loc {
				out[n-1].end = end
				continue
			}
			if len(out) >= b.limits.Ranges {
				return out, errTooMuch
			}
			out = append(out, rng{pc, end, loc})
		}
	}
	return flat(out), nil
}

const (
	goLineSteps = 512     // places at which a function's line is asked for, at most
	maxGoLines  = 8 << 20 // of a program; beyond, functions have one line
)
