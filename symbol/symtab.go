package symbol

import (
	"cmp"
	"debug/elf"
	"errors"
	"slices"
)

// symbolTable makes the layer of the functions in .symtab and .dynsym.
func (b *builder) symbolTable() ([]rng, error) {
	var all []elf.Symbol
	for _, s := range b.elf.Sections {
		if (s.Type == elf.SHT_SYMTAB || s.Type == elf.SHT_DYNSYM) && !b.fits(s, b.limits.Tables) {
			b.note("symbol table of %d bytes is larger than the limit of %d", s.Size, b.limits.Tables)
			return nil, nil
		}
	}
	for _, read := range []func() ([]elf.Symbol, error){b.elf.Symbols, b.elf.DynamicSymbols} {
		syms, err := read()
		if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
			b.note("symbol table: %v", err)
		}
		all = append(all, syms...)
	}
	all = slices.DeleteFunc(all, func(s elf.Symbol) bool {
		t := elf.ST_TYPE(s.Info)
		return t != elf.STT_FUNC && t != elf.STT_LOOS || s.Section == elf.SHN_UNDEF || s.Name == "" || s.Value == 0
	})
	// Of several names at one address: the global one, the one with a size.
	slices.SortStableFunc(all, func(x, y elf.Symbol) int {
		return cmp.Or(cmp.Compare(x.Value, y.Value), cmp.Compare(bind(y), bind(x)), cmp.Compare(y.Size, x.Size))
	})
	var out []rng
	for i, s := range all {
		end := s.Value + s.Size
		if s.Size == 0 { // hand-written assembly: up to the next one
			end = s.Value + 1
			for _, next := range all[i+1:] {
				if next.Value > s.Value {
					end = next.Value
					break
				}
			}
		}
		if end < s.Value {
			continue
		}
		if len(out) >= b.limits.Ranges {
			b.note("symbol table: more than %d functions", b.limits.Ranges)
			break
		}
		name, err := b.str(Demangle(s.Name))
		if err != nil {
			b.note("symbol table: more than %d names", b.limits.Names)
			break
		}
		out = append(out, rng{s.Value, end, b.loc([]uint32{b.call(call{function: name})})})
	}
	return flat(out), nil
}

func bind(s elf.Symbol) int {
	if elf.ST_BIND(s.Info) == elf.STB_GLOBAL {
		return 1
	}
	return 0
}
