package query

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"tacho"
	"tacho/store"
)

// TopOptions shapes a table of methods.
type TopOptions struct {
	Narrow
	Limit  int    // rows; 0 = all
	Sort   string // "self" (default) or "total"
	Search string // part of the name in any case, or /RE2/
}

// Top is the methods of a selection, from all of its samples.
type Top struct {
	Unit     string
	Total    int64
	Whole    int64   // of the range before narrowing
	Seconds  float64 // recorded time in the range
	RowCount int     // rows that match, before Limit
	Rows     []TopRow
	Missing  []string
}

// TopRow is one method.
type TopRow struct {
	Function string
	File     string          // the file with the largest share
	Line     int32           // the line with the largest share; 0 if unknown
	Kind     tacho.FrameKind // the kind with the largest share
	Self     int64           // while it was executing
	Total    int64           // while it was on the stack, once per stack
}

// Top lists the methods of a selection.
func (e *Engine) Top(ctx context.Context, sel store.Selection, opt TopOptions) (*Top, error) {
	match, err := searcher("search", opt.Search)
	if err != nil {
		return nil, err
	}
	nar, err := opt.compile()
	if err != nil {
		return nil, err
	}
	less, ok := topOrder[opt.Sort]
	if !ok {
		return nil, &RequestError{"sort", fmt.Sprintf("%q is neither self nor total", opt.Sort)}
	}
	pick, err := e.pick(ctx, sel, opt.Rhythm)
	if err != nil {
		return nil, err
	}
	g, err := e.load(ctx, nar, pick, nil)
	if err != nil {
		return nil, err
	}
	g.weigh(1)
	t := &Top{Unit: pick.unit, Total: g.total[0], Whole: g.whole, Rows: []TopRow{}, Missing: addMissing([]string{}, g.notes)}
	if t.Seconds, err = e.seconds(ctx, pick); err != nil {
		return nil, err
	}
	var ids []uint32
	self, total := g.methods(&g.sums)
	for fn, v := range total {
		if v != 0 && match(g.names[fn]) {
			t.Rows = append(t.Rows, TopRow{Function: g.names[fn], Self: self[fn], Total: v})
			ids = append(ids, uint32(fn))
		}
	}
	t.RowCount = len(t.Rows)
	order := make([]int, len(t.Rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return less(&t.Rows[a], &t.Rows[b]) })
	if opt.Limit > 0 && len(order) > opt.Limit {
		order = order[:opt.Limit]
	}
	rows := make([]TopRow, len(order))
	chosen := make([]uint32, len(order))
	for i, o := range order {
		rows[i], chosen[i] = t.Rows[o], ids[o]
	}
	t.Rows = rows
	g.topSites(rows, chosen)
	return t, nil
}

var topOrder = map[string]func(a, b *TopRow) int{"": bySelf, "self": bySelf, "total": byTotal}

func bySelf(a, b *TopRow) int {
	return cmp.Or(cmp.Compare(b.Self, a.Self), cmp.Compare(b.Total, a.Total), strings.Compare(a.Function, b.Function))
}

func byTotal(a, b *TopRow) int {
	return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(b.Self, a.Self), strings.Compare(a.Function, b.Function))
}

// methods is, by function id, what it executed and what it was on the stack
// for, each stack once.
func (g *graph) methods(s *sums) (self, total []int64) {
	self = make([]int64, len(g.names))
	total = make([]int64, len(g.names))
	if g.first[0] { // the root of a focus is a call
		self[g.fn[0]], total[g.fn[0]] = s.self[0], s.total[0]
	}
	for n := 1; n < len(g.parent); n++ {
		v := s.total[n]
		if v == 0 {
			continue
		}
		self[g.fn[n]] += s.self[n]
		if g.first[n] {
			total[g.fn[n]] += v
		}
	}
	return self, total
}

// topSites fills in file, line and kind of the chosen rows from their call
// sites, again counting each stack once.
func (g *graph) topSites(rows []TopRow, ids []uint32) {
	row := make([]int32, len(g.names))
	for i, fn := range ids {
		row[fn] = int32(i + 1)
	}
	type shares struct {
		kinds [tacho.KindEstimated + 1]int64
		lines map[int32]int64
		files map[string]int64
	}
	all := make([]shares, len(rows))
	for i := range g.parts {
		p := &g.parts[i]
		byFrame := make([]int64, len(p.tree.Frames))
		at := make([]uint32, len(p.tree.Frames))
		for n := 1; n < len(p.weight); n++ {
			if v, node := p.weight[n], p.site[n]; v != 0 && node != none && g.first[node] {
				byFrame[p.tree.Frame[n]] += v
				at[p.tree.Frame[n]] = g.fn[node]
			}
		}
		for i, v := range byFrame {
			if v == 0 || row[at[i]] == 0 {
				continue
			}
			s, f := &all[row[at[i]]-1], &p.tree.Frames[i]
			if s.lines == nil {
				s.lines, s.files = map[int32]int64{}, map[string]int64{}
			}
			if int(f.Kind) < len(s.kinds) {
				s.kinds[f.Kind] += v
			}
			s.lines[f.Line] += v
			s.files[f.File] += v
		}
	}
	for i := range rows {
		s := &all[i]
		rows[i].Kind = largestKind(s.kinds[:])
		rows[i].Line = largest(s.lines)
		rows[i].File = largest(s.files)
	}
}

// largest is the key with the largest value, of equal ones the smallest key.
func largest[K cmp.Ordered](m map[K]int64) (best K) {
	var most int64
	for k, v := range m {
		if v > most || v == most && k < best {
			best, most = k, v
		}
	}
	return best
}

// largestKind is the kind with the largest share, of equal ones the lowest.
// Estimated is how a share became known, not who ran the frame: it counts only
// where nothing else does.
func largestKind(kinds []int64) tacho.FrameKind {
	best := tacho.KindEstimated
	for k := range tacho.KindEstimated {
		if v := kinds[k]; v > 0 && (best == tacho.KindEstimated || v > kinds[best]) {
			best = k
		}
	}
	if best == tacho.KindEstimated && kinds[best] == 0 {
		return tacho.KindUnknown
	}
	return best
}
