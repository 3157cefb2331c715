package query

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"tacho"
	"tacho/store"
)

// TopOptions shapes a table of methods.
type TopOptions struct {
	Limit  int    // rows; 0 = all
	Sort   string // "self" (default) or "total"
	Search string // part of the name in any case, or /RE2/
}

// Top is the methods of a selection, from all of its samples.
type Top struct {
	Unit     string
	Total    int64
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
	match, err := searcher(opt.Search)
	if err != nil {
		return nil, err
	}
	less, ok := topOrder[opt.Sort]
	if !ok {
		return nil, &RequestError{"sort", fmt.Sprintf("%q is neither self nor total", opt.Sort)}
	}
	sels, unit, err := e.resolve(ctx, sel)
	if err != nil {
		return nil, err
	}
	g, err := e.load(ctx, sels)
	if err != nil {
		return nil, err
	}
	t := &Top{Unit: unit, Total: g.total[0], Rows: []TopRow{}, Missing: addMissing([]string{}, g.notes)}
	if t.Seconds, err = e.seconds(ctx, sels); err != nil {
		return nil, err
	}
	ids := g.top(t, match)
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

// searcher reads a search: /…/ is a regular expression as written, anything
// else a part of the name in upper or lower case.
func searcher(s string) (func(string) bool, error) {
	switch {
	case s == "":
		return func(string) bool { return true }, nil
	case len(s) >= 2 && s[0] == '/' && s[len(s)-1] == '/':
		re, err := regexp.Compile(s[1 : len(s)-1])
		if err != nil {
			return nil, &RequestError{"search", err.Error()}
		}
		return re.MatchString, nil
	}
	part := strings.ToLower(s)
	return func(name string) bool { return strings.Contains(strings.ToLower(name), part) }, nil
}

// top fills t.Rows with the matching methods, unordered, and returns their
// function ids.
func (g *graph) top(t *Top, match func(string) bool) []uint32 {
	self := make([]int64, len(g.names))
	total := make([]int64, len(g.names))
	for n := 1; n < len(g.parent); n++ {
		v := g.total[n]
		if v == 0 {
			continue
		}
		self[g.fn[n]] += g.self[n]
		if g.first[n] {
			total[g.fn[n]] += v
		}
	}
	var ids []uint32
	for fn, v := range total {
		if v != 0 && match(g.names[fn]) {
			t.Rows = append(t.Rows, TopRow{Function: g.names[fn], Self: self[fn], Total: v})
			ids = append(ids, uint32(fn))
		}
	}
	return ids
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
	for _, p := range g.parts {
		byFrame := make([]int64, len(p.tree.Frames))
		at := make([]uint32, len(p.tree.Frames))
		for n := 1; n < len(p.total); n++ {
			if v := p.total[n]; v != 0 && g.first[p.at[n]] {
				byFrame[p.tree.Frame[n]] += v
				at[p.tree.Frame[n]] = g.fn[p.at[n]]
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
