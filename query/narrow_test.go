package query

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/store"
)

// narrowNames are functions of two packages, one inside the other, and some of
// none.
var narrowNames = []string{"p.a", "p.b", "p.q.c", "q.D", "q.e", "r"}

// randomNarrow draws a narrowing.
func randomNarrow(rng *rand.Rand) Narrow {
	var n Narrow
	for _, f := range []string{"P.", "/^Q/", "b", "/c$|d/"} {
		if rng.IntN(6) == 0 {
			n.Filter = append(n.Filter, f)
		}
	}
	for _, f := range []string{"r", "p.q.c", "p", "nowhere"} {
		if rng.IntN(6) == 0 {
			n.Exclude = append(n.Exclude, f)
		}
	}
	if rng.IntN(3) == 0 {
		n.Focus = append(narrowNames, "nowhere")[rng.IntN(7)]
	}
	for _, c := range []string{"recursion", "package:p.", "package:p.q", "package:q."} {
		if rng.IntN(3) == 0 {
			n.Collapse = append(n.Collapse, c)
		}
	}
	return n
}

// apply is what Narrow says, to one stack, root first.
func (n Narrow) apply(st []tacho.Frame) ([]tacho.Frame, bool) {
	for _, f := range n.Filter {
		found := false
		for _, fr := range st {
			if body, ok := strings.CutPrefix(f, "/"); ok {
				found = found || regexp.MustCompile("(?i)"+strings.TrimSuffix(body, "/")).MatchString(fr.Function)
			} else {
				found = found || strings.Contains(strings.ToLower(fr.Function), strings.ToLower(f))
			}
		}
		if !found {
			return nil, false
		}
	}
	for _, f := range n.Exclude {
		for _, fr := range st {
			if fr.Function == f {
				return nil, false
			}
		}
	}
	if n.Focus != "" {
		at := -1
		for i := len(st) - 1; i >= 0; i-- {
			if st[i].Function == n.Focus {
				at = i
			}
		}
		if at < 0 {
			return nil, false
		}
		st = st[at:]
	}
	out := st[:1:1]
next:
	for _, fr := range st[1:] {
		above := out[len(out)-1].Function
		for _, c := range n.Collapse {
			prefix, isPackage := strings.CutPrefix(c, "package:")
			if !isPackage && above == fr.Function || isPackage && strings.HasPrefix(above, prefix) && strings.HasPrefix(fr.Function, prefix) {
				continue next
			}
		}
		out = append(out, fr)
	}
	return out, true
}

// narrowed is the world as n leaves it: the same engine, other stacks.
func (w *world) narrowed(n Narrow) *world {
	out := &world{e: w.e}
	for i, st := range w.stacks {
		if st, ok := n.apply(st); ok {
			out.stacks, out.vals = append(out.stacks, st), append(out.vals, w.vals[i])
		}
	}
	return out
}

func (w *world) total() (sum int64) {
	for _, v := range w.vals {
		sum += v
	}
	return sum
}

// TestNarrowAgainstBruteForce: every view of narrowed stacks is the view of
// what narrowing leaves, one stack at a time.
func TestNarrowAgainstBruteForce(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 11))
		w := newWorldOf(rng, narrowNames...)
		n := randomNarrow(rng)
		want := w.narrowed(n)
		what := fmt.Sprintf("%d %+v", seed, n)

		ic, err := w.e.Icicle(ctx, request("cpu"), IcicleOptions{Narrow: n})
		if err != nil {
			t.Fatal(err)
		}
		below := func(st []tacho.Frame) ([]tacho.Frame, bool) { return st, true }
		root := "all"
		if n.Focus != "" { // the root is the function itself
			root = n.Focus
			below = func(st []tacho.Frame) ([]tacho.Frame, bool) { return st[1:], true }
		}
		checkTree(t, "icicle "+what, ic, want.tree(below))
		if ic.Strings[ic.Name[0]] != root || ic.Total != want.total() || ic.Whole != w.total() {
			t.Fatalf("icicle %s: root %q of %d of %d, want %q of %d of %d", what, ic.Strings[ic.Name[0]], ic.Total, ic.Whole, root, want.total(), w.total())
		}
		checkTop(t, want, TopOptions{Narrow: n}, seed)

		fn := narrowNames[rng.IntN(len(narrowNames))]
		if ic, err = w.e.Callers(ctx, request("cpu"), fn, IcicleOptions{Narrow: n}); err != nil {
			t.Fatal(err)
		}
		checkTree(t, "callers "+fn+" "+what, ic, want.tree(func(st []tacho.Frame) ([]tacho.Frame, bool) {
			for i, f := range st {
				if f.Function == fn {
					return reversed(st[:i]), true
				}
			}
			return nil, false
		}))
		n.Invert = true
		if ic, err = w.e.Icicle(ctx, request("cpu"), IcicleOptions{Narrow: n}); err != nil {
			t.Fatal(err)
		}
		checkTree(t, "inverted "+what, ic, want.tree(func(st []tacho.Frame) ([]tacho.Frame, bool) { return reversed(st), true }))
		checkStacks(t, what, w, want, n)
		checkMatched(t, what, w, n)
	}
}

func reversed(st []tacho.Frame) []tacho.Frame {
	out := make([]tacho.Frame, len(st))
	for i, f := range st {
		out[len(st)-1-i] = f
	}
	return out
}

// checkStacks holds the exact stacks, lines and kinds included.
func checkStacks(t *testing.T, what string, w, want *world, n Narrow) {
	t.Helper()
	sums := map[string]int64{}
	for i, st := range want.stacks {
		sums[fmt.Sprint(reversed(st))] += want.vals[i]
	}
	var total *StackTotals
	err := w.e.Stacks(context.Background(), request("cpu"), n, func(x *StackTotals) error { total = x; return nil }, func(s tacho.Stack, v int64) error {
		sums[fmt.Sprint([]tacho.Frame(s))] -= v
		return nil
	})
	if err != nil || total.Total != want.total() || total.Whole != w.total() || total.Unit != "nanoseconds" {
		t.Fatalf("stacks %s: %+v, %v; want %d of %d", what, total, err, want.total(), w.total())
	}
	for s, v := range sums {
		if v != 0 {
			t.Fatalf("stacks %s: %s is off by %d", what, s, -v)
		}
	}
}

// checkMatched: the heat map's search counts what filter and exclude keep.
func checkMatched(t *testing.T, what string, w *world, n Narrow) {
	t.Helper()
	n = Narrow{Filter: n.Filter, Exclude: n.Exclude}
	c, err := w.e.Matched(context.Background(), request("cpu"), time.Minute, n)
	if want := w.narrowed(n).total(); err != nil || c.Values[0] != want || len(c.Values) != 60 {
		t.Fatalf("matched %s: %d, %v; want %d", what, c.Values[0], err, want)
	}
}

// TestInvertedPruning: a tree that grows from the leaves keeps exactly the
// nodes of enough share and not too deep, and counts the topmost others.
func TestInvertedPruning(t *testing.T) {
	for seed := range uint64(200) {
		w := newWorld(rand.New(rand.NewPCG(seed, 13)))
		const share, depth = 0.06, 3
		ic, err := w.e.Icicle(context.Background(), request("cpu"), IcicleOptions{Narrow: Narrow{Invert: true}, MinShare: share, Depth: depth})
		if err != nil {
			t.Fatal(err)
		}
		all := w.tree(func(st []tacho.Frame) ([]tacho.Frame, bool) { return reversed(st), true })
		least := share * float64(all[""].total)
		keep := func(k string) bool {
			return k == "" || all[k].total > 0 && float64(all[k].total) >= least && strings.Count(k, "/") <= depth
		}
		kept, pruned, cut := 0, 0, int64(0)
		for k, s := range all {
			switch {
			case keep(k):
				kept++
			case s.total > 0 && keep(k[:strings.LastIndexByte(k, '/')]):
				pruned++
				cut += s.total
			}
		}
		if len(ic.Level) != kept || ic.PrunedCount != pruned || ic.PrunedSum != cut {
			t.Fatalf("seed %d: kept %d, left out %d of %d; want %d, %d of %d", seed, len(ic.Level), ic.PrunedCount, ic.PrunedSum, kept, pruned, cut)
		}
	}
}

// TestNarrow states one case of each.
func TestNarrow(t *testing.T) {
	lines := []string{"main;web.in;web.call;db.query;db.query;db.read 5", "main;web.in;cache.get 3", "main;gc 2", "boot;web.in 1"}
	for _, c := range []struct {
		name string
		n    Narrow
		want string
	}{
		{"filters must all hold", Narrow{Filter: []string{"WEB", "/^db\\./"}}, `
all 0+5
 main 0+5
  web.in 0+5
   web.call 0+5
    db.query 0+5
     db.query 0+5
      db.read 0+5 self 5
`},
		{"exclude is exact", Narrow{Filter: []string{"main"}, Exclude: []string{"db.query", "cache"}}, `
all 0+5
 main 0+5
  gc 0+2 self 2
  web.in 2+3
   cache.get 2+3 self 3
`},
		{"recursion", Narrow{Focus: "web.call", Collapse: []string{"recursion"}}, `
web.call 0+5
 db.query 0+5
  db.read 0+5 self 5
`},
		{"packages, into the focus too", Narrow{Focus: "web.in", Collapse: []string{"package:web.", "package:db."}}, `
web.in 0+9 self 1
 cache.get 0+3 self 3
 db.query 3+5 self 5
`},
		{"inverted", Narrow{Exclude: []string{"gc"}, Collapse: []string{"package:db."}, Invert: true}, `
all 0+9
 cache.get 0+3
  web.in 0+3
   main 0+3 self 3
 db.query 3+5
  web.call 3+5
   web.in 3+5
    main 3+5 self 5
 web.in 8+1
  boot 8+1 self 1
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			ic, err := engine(lines...).Icicle(context.Background(), request("cpu"), IcicleOptions{Narrow: c.n})
			if err != nil {
				t.Fatal(err)
			}
			wantText(t, draw(ic), c.want)
			if ic.Whole != 11 {
				t.Errorf("whole %d, want 11", ic.Whole)
			}
		})
	}
}

func TestNarrowRefusals(t *testing.T) {
	e := engine("a 1")
	for _, c := range []struct {
		n          Narrow
		param, say string
	}{
		{Narrow{Filter: []string{"x", "/a(b/"}}, "filter", "missing closing )"},
		{Narrow{Filter: []string{"/ab[z-a]/"}}, "filter", "at byte 3 (z-a)"},
		{Narrow{Filter: []string{"/" + strings.Repeat("x", 1001) + "/"}}, "filter", "longer than 1000"},
		{Narrow{Filter: []string{""}}, "filter", "is empty"},
		{Narrow{Filter: make([]string, 33)}, "filter", "at most 32"},
		{Narrow{Exclude: make([]string, 33)}, "exclude", "at most 32"},
		{Narrow{Collapse: []string{"package:"}}, "collapse", "neither recursion nor"},
		{Narrow{Collapse: []string{"calls"}}, "collapse", "neither recursion nor"},
		{Narrow{Rhythm: Rhythm{Keep: time.Minute}}, "every", "keep needs every"},
		{Narrow{Rhythm: Rhythm{Every: time.Minute}}, "keep", "not between"},
		{Narrow{Rhythm: Rhythm{Every: time.Minute, Keep: time.Hour}}, "keep", "not between"},
		{Narrow{Rhythm: Rhythm{Every: time.Second, Keep: time.Millisecond}}, "every", "3600 times"},
	} {
		_, err := e.Top(context.Background(), request("cpu"), TopOptions{Narrow: c.n})
		var bad *RequestError
		if !errors.As(err, &bad) || bad.Param != c.param || !strings.Contains(bad.Reason, c.say) {
			t.Errorf("%+v: %v, want %s: …%s…", c.n, err, c.param, c.say)
		}
	}
}

// TestRhythm: the store is asked for the beginnings only, and the recorded
// seconds are theirs.
func TestRhythm(t *testing.T) {
	var asked []string
	f := &fake{types: []tacho.ValueType{tacho.CPU}, parts: map[string][]store.Part{"cpu": {foldedPart("main;run 7")}}}
	f.merge = func(sel store.Selection) {
		asked = append(asked, sel.From.Format("15:04")+"-"+sel.Until.Format("15:04"))
	}
	f.counts = func(sel store.Selection, step time.Duration) *store.Counts {
		n := int(sel.Until.Sub(sel.From) / step)
		c := &store.Counts{From: sel.From, Step: step, Values: make([]int64, n), Recorded: make([]bool, n)}
		for i := range c.Recorded { // only the first half of every hour
			c.Recorded[i] = sel.From.Add(time.Duration(i)*step).Minute() < 30
		}
		return c
	}
	r := request("cpu")
	r.Until = r.From.Add(130 * time.Minute)
	top, err := New(f).Top(context.Background(), r, TopOptions{Narrow: Narrow{Rhythm: Rhythm{Every: time.Hour, Keep: 40 * time.Minute}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(asked, " "); got != "12:00-12:40 13:00-13:40 14:00-14:10" {
		t.Errorf("asked for %s", got)
	}
	if top.Total != 21 || top.Seconds != (30+30+10)*60 {
		t.Errorf("total %d in %v s, want 21 in 4200 s", top.Total, top.Seconds)
	}
}
