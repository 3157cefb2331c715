package symbol

import (
	"cmp"
	"fmt"
	"slices"
)

// flatten turns a unit's nested scopes and its lines into ranges of one
// location each: wherever a scope or a line begins or ends, a range does.
func (d *dwarfReader) flatten() error {
	// Outer ones first; a scope's number is larger than that of what it is inside of.
	slices.SortFunc(d.ranges, func(a, b scopeRange) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end), cmp.Compare(a.scope, b.scope))
	})
	var open []scopeRange
	at := uint64(0)
	line := 0 // the first row behind at
	emit := func(until uint64) error {
		for at < until {
			for line < len(d.lines) && d.lines[line].addr <= at {
				line++
			}
			end := until
			if line < len(d.lines) {
				end = min(end, d.lines[line].addr)
			}
			row := lineRow{}
			if line > 0 && !d.lines[line-1].end {
				row = d.lines[line-1]
			}
			if err := d.emit(at, end, open[len(open)-1].scope, row); err != nil {
				return err
			}
			at = end
		}
		return nil
	}
	closeUntil := func(addr uint64) error {
		for len(open) > 0 && open[len(open)-1].end <= addr {
			if err := emit(open[len(open)-1].end); err != nil {
				return err
			}
			open = open[:len(open)-1]
		}
		return nil
	}
	for _, r := range d.ranges {
		if err := closeUntil(r.start); err != nil {
			return err
		}
		if n := len(open); n > 0 {
			if err := emit(r.start); err != nil {
				return err
			}
			r.end = min(r.end, open[n-1].end)
			if r.end <= r.start {
				continue
			}
		}
		at = max(at, r.start)
		open = append(open, r)
	}
	return closeUntil(^uint64(0))
}

// emit adds one range: the row's line in the innermost scope, and for each
// inlined scope the line of its call in the scope around it.
func (d *dwarfReader) emit(start, end uint64, s int32, row lineRow) error {
	var calls [maxInline]uint32
	n := 0
	c := call{file: row.file, line: row.line}
	for ; s >= 0 && n < maxInline; n++ {
		x := &d.scopes[s]
		c.function = x.name
		calls[n] = d.call(c)
		c.file, c.line = x.callFile, x.callLine
		s = x.parent
	}
	if n > 0 && d.calls[calls[n-1]].function == 0 {
		return nil // nameless, as where dwz moved the name: the symbol table has one
	}
	loc := d.loc(calls[:n])
	if k := len(d.out); k > 0 && d.out[k-1].end == start && d.out[k-1].loc == loc {
		d.out[k-1].end = end
		return nil
	}
	if len(d.out) >= d.limits.Ranges {
		return fmt.Errorf("lines: %w of %d ranges", errTooMuch, d.limits.Ranges)
	}
	d.out = append(d.out, rng{start, end, loc})
	return nil
}

// maxInline is how many inlined calls of one address are kept.
const maxInline = 64
