package pprof

import (
	"regexp"
	"slices"
	"strings"
)

// pruning is what drop_frames does to a location.
type pruning uint8

const (
	keepAll     pruning = iota
	dropAll             // it and all it calls
	dropBeneath         // what it calls, and its innermost inlined calls
)

// prune marks what drop_frames matches and keep_frames does not, as
// profile.Prune of google/pprof does; pprof shows no profile without that.
func (d *decoder) prune() error {
	drop := d.pattern(d.drop, "drop_frames")
	if drop == nil {
		return nil
	}
	keep := d.pattern(d.keep, "keep_frames")
	known := map[uint32]bool{} // by string of the function
	matches := func(fn uint32) bool {
		m, ok := known[fn]
		if !ok {
			s := simple(d.text[fn])
			m = s != "" && drop.MatchString(s) && (keep == nil || !keep.MatchString(s))
			known[fn] = m
		}
		return m
	}
	marks := make([]pruning, len(d.first)-1)
	some := false
	for loc := range marks {
		from, end := d.first[loc], d.first[loc+1]
		for f := int(end) - 1; f >= int(from); f-- {
			if !matches(d.frames[f].Function) {
				continue
			}
			some = true
			if marks[loc] = dropAll; f < int(end)-1 {
				marks[loc] = dropBeneath
				d.skip(loc, f+1)
			}
			break
		}
	}
	if some {
		d.pruned = marks
	}
	return nil
}

// skip takes the first frames from a location. They stay in the table, where
// d.first, which is the end of the location before, must not move.
func (d *decoder) skip(loc, to int) {
	if d.starts == nil {
		d.starts = slices.Clone(d.first)
	}
	d.starts[loc] = uint32(to)
}

// pattern compiles a regular expression of the profile.
func (d *decoder) pattern(index uint64, field string) *regexp.Regexp {
	if index == 0 || index >= uint64(len(d.strings)) {
		return nil
	}
	re, err := regexp.Compile("^(" + d.text[index] + ")$")
	if err != nil {
		d.e.Warn.Add("", "%s is no regular expression and is not applied: %v", field, err)
		return nil
	}
	return re
}

// simple is a function without its argument list, as patterns are written.
func simple(fn string) string {
	fn = strings.TrimPrefix(fn, ".") // of the PowerPC ABI
	for i := 0; i < len(fn); i++ {
		if fn[i] != '(' {
			continue
		}
		if after, ok := strings.CutPrefix(fn[i:], "(anonymous namespace)"); ok {
			i = len(fn) - len(after) - 1
			continue
		}
		if strings.HasSuffix(fn[:i], "operator") && strings.HasPrefix(fn[i:], "()") {
			i++
			continue
		}
		return fn[:i]
	}
	return fn
}

// cut applies the marks to the stack in the arena from at on, which are
// locations until now, and makes frames of them.
func (d *decoder) cut(at int) {
	locs := d.arena[at:]
	user := false // nothing is cut before the first frame that is kept
	from := 0
	for i := len(locs) - 1; i >= 0; i-- {
		mark := d.pruned[locs[i]]
		if mark == keepAll {
			user = true
			continue
		}
		if !user {
			continue
		}
		if from = i; mark == dropAll {
			from = i + 1
		}
		break
	}
	d.work = append(d.work[:0], locs[from:]...)
	d.arena = d.arena[:at]
	for _, loc := range d.work {
		begin := d.first[loc]
		if d.starts != nil {
			begin = d.starts[loc]
		}
		for f := begin; f < d.first[loc+1]; f++ {
			d.arena = append(d.arena, f)
		}
	}
}
