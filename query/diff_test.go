package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/store"
)

// before is the hour before that of request.
func before(typ string) store.Selection {
	r := request(typ)
	r.From, r.Until = r.From.Add(-time.Hour), r.From
	return r
}

// twoSides is an engine whose store has lines in the hour of request and base
// in the one before, all in one trie.
func twoSides(lines, base []string) *Engine {
	x := newTree()
	add := func(lines []string) []int64 {
		clear(x.vals)
		for _, l := range lines {
			stack, v, _ := strings.Cut(l, " ")
			var n int64
			if _, err := fmt.Sscan(v, &n); err != nil {
				panic(err) // a mistake in the test itself
			}
			var fs []tacho.Frame
			for _, s := range strings.Split(stack, ";") {
				fs = append(fs, frame(s))
			}
			x.add(n, fs...)
		}
		return append([]int64(nil), x.vals...)
	}
	old, now := add(base), add(lines)
	tree := x.part().Tree
	f := &fake{types: []tacho.ValueType{tacho.CPU}}
	f.mergeAt = func(sel store.Selection) []store.Part {
		if sel.From.Before(t0) {
			return []store.Part{{Tree: tree, Values: append([]int64(nil), old...)}}
		}
		return []store.Part{{Tree: tree, Values: append([]int64(nil), now...)}}
	}
	f.counts = func(sel store.Selection, step time.Duration) *store.Counts {
		n := int(sel.Until.Sub(sel.From) / step)
		c := &store.Counts{From: sel.From, Step: step, Values: make([]int64, n), Recorded: make([]bool, n)}
		for i := range c.Recorded { // half of the hour before, all of this one
			c.Recorded[i] = !sel.From.Before(t0) || i < n/2
		}
		return c
	}
	return New(f)
}

// drawDiff writes the tree as "name [offset+width) total/self was base/self state".
func drawDiff(d *Diff) string {
	var out strings.Builder
	ic := d.Tree
	for i := range ic.Level {
		fmt.Fprintf(&out, "%s%s %d+%d %d/%d was %d/%d %s\n", strings.Repeat(" ", int(ic.Level[i])), ic.Strings[ic.Name[i]],
			ic.Offset[i], ic.Width[i], ic.TotalV[i], ic.Self[i], ic.BaseTotal[i], ic.BaseSelf[i], d.States[i])
	}
	for _, r := range d.Rows {
		fmt.Fprintf(&out, "%s self %d was %d %s, total %d was %d %s\n", r.Function, r.Self, r.BaseSelf, r.SelfState, r.Total, r.BaseTotal, r.State)
	}
	return out.String()
}

func TestDiff(t *testing.T) {
	e := twoSides([]string{"main;run;read 60", "main;run;write 30", "main;fresh 10"}, []string{"main;run;read 30", "main;run 15", "main;gone 5"})
	for _, c := range []struct {
		name  string
		opt   DiffOptions
		scale float64
		want  string
	}{
		{"share", DiffOptions{Limit: 4}, 2, `
all 0+200 100/0 was 50/0 same
 main 0+200 100/0 was 50/0 same
  fresh 0+10 10/10 was 0/0 new
  gone 10+10 0/0 was 5/5 removed
  run 20+180 90/0 was 45/15 same
   read 20+120 60/60 was 30/30 same
   write 140+30 30/30 was 0/0 new
write self 30 was 0 new, total 30 was 0 new
run self 0 was 15 removed, total 90 was 45 same
fresh self 10 was 0 new, total 10 was 0 new
gone self 0 was 5 removed, total 0 was 5 removed
`},
		// An hour of recorded seconds against half an hour: twice, too; but
		// narrowing changes the totals and not the seconds.
		{"rate", DiffOptions{Norm: ByRate, Limit: 1, Sort: "total", IcicleOptions: IcicleOptions{Narrow: Narrow{Filter: []string{"read"}}}}, 2, `
all 0+120 60/0 was 30/0 same
 main 0+120 60/0 was 30/0 same
  run 0+120 60/0 was 30/0 same
   read 0+120 60/60 was 30/30 same
main self 0 was 0 same, total 60 was 30 same
`},
		{"share of what is left", DiffOptions{Limit: 1, IcicleOptions: IcicleOptions{Narrow: Narrow{Exclude: []string{"write", "gone"}}, Depth: 2}}, 70.0 / 45, `
all 0+140 70/0 was 45/0 same
 main 0+140 70/0 was 45/0 same
  fresh 0+10 10/10 was 0/0 new
  run 10+130 60/0 was 45/15 shrank
run self 0 was 15 removed, total 60 was 45 shrank
`},
		{"inverted", DiffOptions{Limit: 1, IcicleOptions: IcicleOptions{Narrow: Narrow{Invert: true}, Depth: 1}}, 2, `
all 0+200 100/0 was 50/0 same
 fresh 0+10 10/0 was 0/0 new
 gone 10+10 0/0 was 5/0 removed
 read 20+120 60/0 was 30/0 same
 run 140+30 0/0 was 15/0 removed
 write 170+30 30/0 was 0/0 new
write self 30 was 0 new, total 30 was 0 new
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := e.Diff(context.Background(), request("cpu"), before("cpu"), c.opt)
			if err != nil {
				t.Fatal(err)
			}
			wantText(t, drawDiff(d), c.want)
			if d.Scale != c.scale || d.Tree.Seconds != 3600 || d.BaseSeconds != 1800 || d.Tested || d.Slices != 0 || d.Tree.Whole != 100 || d.BaseWhole != 50 {
				t.Errorf("scale %v, %v s and %v s, tested %v, %d slices, of %d and %d", d.Scale, d.Tree.Seconds, d.BaseSeconds, d.Tested, d.Slices, d.Tree.Whole, d.BaseWhole)
			}
		})
	}
	one := twoSides([]string{"f 5"}, nil)
	if d, err := one.Diff(context.Background(), request("cpu"), before("cpu"), DiffOptions{}); err != nil || d.Scale != 1 || d.Rows[0].State != StateNew {
		t.Errorf("nothing before: %+v, %v", d, err)
	}
	if d, err := one.Diff(context.Background(), before("cpu"), request("cpu"), DiffOptions{}); err != nil || d.Scale != 1 || d.Rows[0].State != StateRemoved || d.Tree.Width[0] != 5 {
		t.Errorf("nothing now: %+v, %v", d, err)
	}
}

func TestDiffRefusals(t *testing.T) {
	e := engine("a 1")
	empty := request("cpu")
	empty.Until = empty.From
	for _, c := range []struct {
		base  store.Selection
		opt   DiffOptions
		param string
	}{
		{empty, DiffOptions{}, "base_until"},
		{request("cpu"), DiffOptions{Norm: "size"}, "norm"},
		{request("cpu"), DiffOptions{Sort: "name"}, "sort"},
		{request("cpu"), DiffOptions{IcicleOptions: IcicleOptions{MinShare: 3}}, "min_share"},
		{request("cpu"), DiffOptions{IcicleOptions: IcicleOptions{Narrow: Narrow{Filter: []string{"/(/"}}}}, "filter"},
	} {
		_, err := e.Diff(context.Background(), request("cpu"), c.base, c.opt)
		var bad *RequestError
		if !errors.As(err, &bad) || bad.Param != c.param {
			t.Errorf("%+v: %v, want a RequestError of %s", c.opt, err, c.param)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := e.Diff(ctx, request("cpu"), before("cpu"), DiffOptions{Significance: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestDiffAgainstBruteForce: both sides of every node and row are the sums of
// each side alone, and nodes lie inside their parents.
func TestDiffAgainstBruteForce(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 17))
		now, old := newWorldOf(rng, narrowNames...), newWorldOf(rng, narrowNames...)
		f := &fake{types: []tacho.ValueType{tacho.CPU}, mergeAt: func(sel store.Selection) []store.Part {
			w := now
			if sel.From.Before(t0) {
				w = old
			}
			m, err := w.e.st.Merge(ctx, sel)
			if err != nil {
				t.Fatal(err)
			}
			return m.Parts
		}}
		n := randomNarrow(rng)
		n.Invert = rng.IntN(2) == 0
		a, b := now.narrowed(n), old.narrowed(n)
		what := fmt.Sprintf("%d %+v", seed, n)
		d, err := New(f).Diff(ctx, request("cpu"), before("cpu"), DiffOptions{IcicleOptions: IcicleOptions{Narrow: n}})
		if err != nil {
			t.Fatal(err)
		}
		view := func(st []tacho.Frame) ([]tacho.Frame, bool) {
			if n.Invert {
				return reversed(st), true
			}
			if n.Focus != "" {
				return st[1:], true
			}
			return st, true
		}
		checkDiffTree(t, what, d, a.tree(view), b.tree(view))
		for _, r := range d.Rows {
			for side, w := range []*world{a, b} {
				var self, total int64
				for i, st := range w.stacks {
					if strings.Contains(";"+names(st)+";", ";"+r.Function+";") {
						total += w.vals[i]
					}
					if st[len(st)-1].Function == r.Function {
						self += w.vals[i]
					}
				}
				if got := [2][2]int64{{r.Self, r.Total}, {r.BaseSelf, r.BaseTotal}}[side]; got != [2]int64{self, total} {
					t.Fatalf("diff %s: side %d of %s is %d, want %d and %d", what, side, r.Function, got, self, total)
				}
			}
		}
	}
}

func names(st []tacho.Frame) string {
	var out []string
	for _, f := range st {
		out = append(out, f.Function)
	}
	return strings.Join(out, ";")
}

func checkDiffTree(t *testing.T, what string, d *Diff, a, b map[string]*sum) {
	t.Helper()
	ic := d.Tree
	seen := map[string]bool{}
	ends := []int64{ic.Width[0]}
	var path []string
	for i, l := range ic.Level {
		path = append(path[:max(int(l)-1, 0)], "/"+ic.Strings[ic.Name[i]])
		k := strings.Join(path[:l], "")
		seen[k] = true
		zero := &sum{}
		x, y := a[k], b[k]
		if x == nil {
			x = zero
		}
		if y == nil {
			y = zero
		}
		if ic.TotalV[i] != x.total || ic.Self[i] != x.self || ic.BaseTotal[i] != y.total || ic.BaseSelf[i] != y.self {
			t.Fatalf("diff %s: node %q is %d/%d was %d/%d, want %+v was %+v", what, k, ic.TotalV[i], ic.Self[i], ic.BaseTotal[i], ic.BaseSelf[i], x, y)
		}
		want := float64(x.total) + float64(y.total)*d.Scale
		if math.Abs(float64(ic.Width[i])-want) > 1 {
			t.Fatalf("diff %s: node %q is %d wide, want %v", what, k, ic.Width[i], want)
		}
		ends = append(ends[:l+1], ic.Offset[i]+ic.Width[i])
		if l > 0 && ends[l] > ends[l-1] {
			t.Fatalf("diff %s: node %q ends at %d, its parent at %d", what, k, ends[l], ends[l-1])
		}
	}
	for _, side := range []map[string]*sum{a, b} {
		for k, s := range side {
			if s.total > 0 && !seen[k] {
				t.Fatalf("diff %s: node %q is missing", what, k)
			}
		}
	}
}
