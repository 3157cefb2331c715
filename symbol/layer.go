package symbol

import (
	"cmp"
	"errors"
	"slices"
)

// Limits bound what one upload may cost. Zero fields have the defaults given.
type Limits struct {
	Upload int64 // bytes of the file; 1 GiB
	DWARF  int64 // bytes of the DWARF sections, decompressed; larger are not read; 256 MiB
	Tables int64 // bytes of symbol and Go line tables; larger are not read; 128 MiB
	Ranges int   // address ranges of one layer; 4 Mi
	Names  int   // different strings; 2 Mi
}

func (l Limits) withDefaults() Limits {
	def := func(v *int64, d int64) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.Upload, 1<<30)
	def(&l.DWARF, 256<<20)
	def(&l.Tables, 128<<20)
	if l.Ranges <= 0 {
		l.Ranges = 4 << 20
	}
	if l.Names <= 0 {
		l.Names = 2 << 20
	}
	return l
}

// errTooMuch ends a layer that goes over a limit; what it has is kept.
var errTooMuch = errors.New("more than the limit")

// maxName cuts longer names of functions and files.
const maxName = 4 << 10

// call is a frame by its strings.
type call struct{ function, file, line uint32 }

// rng is the addresses [start, end) of one location.
type rng struct {
	start, end uint64
	loc        uint32
}

// tables intern what ranges refer to.
type tables struct {
	limits  Limits
	strings []string
	byName  map[string]uint32
	calls   []call
	byCall  map[call]uint32
	locs    [][]uint32 // calls, leaf first
	byLoc   map[string]uint32
	key     []byte
}

func newTables(l Limits) *tables {
	return &tables{limits: l, strings: []string{""}, byName: map[string]uint32{"": 0}, byCall: map[call]uint32{}, byLoc: map[string]uint32{}}
}

func (t *tables) str(s string) (uint32, error) {
	if len(s) > maxName {
		s = s[:maxName]
	}
	if id, ok := t.byName[s]; ok {
		return id, nil
	}
	if len(t.strings) >= t.limits.Names {
		return 0, errTooMuch
	}
	id := uint32(len(t.strings))
	t.byName[s] = id
	t.strings = append(t.strings, s)
	return id, nil
}

func (t *tables) call(c call) uint32 {
	id, ok := t.byCall[c]
	if !ok {
		id = uint32(len(t.calls))
		t.byCall[c] = id
		t.calls = append(t.calls, c)
	}
	return id
}

// loc interns a list of calls, leaf first. It copies calls.
func (t *tables) loc(calls []uint32) uint32 {
	t.key = t.key[:0]
	for _, c := range calls {
		t.key = append(t.key, byte(c), byte(c>>8), byte(c>>16), byte(c>>24))
	}
	id, ok := t.byLoc[string(t.key)]
	if !ok {
		id = uint32(len(t.locs))
		t.byLoc[string(t.key)] = id
		t.locs = append(t.locs, slices.Clone(calls))
	}
	return id
}

// flat sorts ranges and cuts them where a later one begins, so that none
// overlap; of equal starts the first one wins.
func flat(rs []rng) []rng {
	slices.SortStableFunc(rs, func(a, b rng) int { return cmp.Compare(a.start, b.start) })
	out := rs[:0]
	for _, r := range rs {
		if n := len(out); n > 0 {
			last := &out[n-1]
			if r.start == last.start {
				continue
			}
			last.end = min(last.end, r.start)
			if last.end == r.start && last.loc == r.loc {
				last.end = max(last.end, r.end)
				continue
			}
		}
		if r.end > r.start {
			out = append(out, r)
		}
	}
	return out
}

// overlay lays top over base, both flat.
func overlay(base, top []rng) []rng {
	if len(top) == 0 {
		return base
	}
	out := make([]rng, 0, len(base)+len(top))
	i := 0
	for _, t := range top {
		for ; i < len(base) && base[i].start < t.start; i++ {
			b := base[i]
			if b.end <= t.start {
				out = append(out, b)
				continue
			}
			out = append(out, rng{b.start, t.start, b.loc})
			if b.end > t.end { // goes on behind it
				base[i].start = t.end
			} else {
				base[i].start = b.end
			}
			if base[i].start < base[i].end {
				break
			}
		}
		for i < len(base) && base[i].start < t.end {
			if base[i].end > t.end {
				base[i].start = t.end
				break
			}
			i++
		}
		out = append(out, t)
	}
	return append(out, base[i:]...)
}
