package query

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"
	"strings"
	"testing"

	"tacho"
	"tacho/store"
)

// world is random stacks, root first, beside an engine that has them in one to
// three tries.
type world struct {
	stacks [][]tacho.Frame
	vals   []int64
	e      *Engine
}

func newWorld(rng *rand.Rand) *world { return newWorldOf(rng, "a", "b", "c", "d", "e", "f") }

// newWorldOf draws functions from names.
func newWorldOf(rng *rand.Rand, names ...string) *world {
	w := &world{}
	trees := make([]*treeBuilder, 1+rng.IntN(3))
	for i := range trees {
		trees[i] = newTree()
	}
	for range 1 + rng.IntN(80) {
		st := make([]tacho.Frame, 1+rng.IntN(7))
		for i := range st {
			st[i] = tacho.Frame{
				Function: names[rng.IntN(len(names))], Line: int32(rng.IntN(3)),
				File: []string{"", "A", "B"}[rng.IntN(3)], Kind: tacho.FrameKind(rng.IntN(10)),
			}
		}
		v := rng.Int64N(20)
		w.stacks, w.vals = append(w.stacks, st), append(w.vals, v)
		trees[rng.IntN(len(trees))].add(v, st...)
	}
	parts := make([]store.Part, len(trees))
	for i := range trees {
		parts[i] = trees[i].part()
	}
	w.e = New(&fake{types: []tacho.ValueType{tacho.CPU}, parts: map[string][]store.Part{"cpu": parts}})
	return w
}

// sum is what a node or a method adds up to, by brute force.
type sum struct {
	self, total int64
	kinds       map[tacho.FrameKind]int64
	lines       map[int32]int64
}

func (s *sum) add(f tacho.Frame, v int64) {
	if s.kinds == nil {
		s.kinds, s.lines = map[tacho.FrameKind]int64{}, map[int32]int64{}
	}
	s.kinds[f.Kind] += v
	s.lines[f.Line] += v
	s.total += v
}

func at(m map[string]*sum, k string) *sum {
	if m[k] == nil {
		m[k] = &sum{}
	}
	return m[k]
}

// tree sums every path of functions over the stacks that view gives.
func (w *world) tree(view func(st []tacho.Frame) ([]tacho.Frame, bool)) map[string]*sum {
	out := map[string]*sum{"": {}}
	for i, st := range w.stacks {
		path, ok := view(st)
		if !ok {
			continue
		}
		out[""].total += w.vals[i]
		k := ""
		for _, f := range path {
			k += "/" + f.Function
			at(out, k).add(f, w.vals[i])
		}
		at(out, k).self += w.vals[i]
	}
	return out
}

// checkTree holds an unpruned icicle against the sums of all paths.
func checkTree(t *testing.T, what string, ic *Icicle, want map[string]*sum) {
	t.Helper()
	var path []string
	seen := 0
	ends := map[int]int64{}
	for i := range ic.Level {
		l := int(ic.Level[i])
		path = append(path[:max(l-1, 0)], ic.Strings[ic.Name[i]])
		if l == 0 {
			path = path[:0]
		}
		k := ""
		for _, p := range path {
			k += "/" + p
		}
		s := want[k]
		if s == nil || s.total != ic.TotalV[i] || s.self != ic.Self[i] {
			t.Fatalf("%s: node %q is %d self %d, want %+v", what, k, ic.TotalV[i], ic.Self[i], s)
		}
		if l > 0 && s.kinds[tacho.FrameKind(ic.Kind[i])] < s.kinds[largest(s.kinds)] {
			t.Fatalf("%s: node %q is %v, the kinds are %v", what, k, tacho.FrameKind(ic.Kind[i]), s.kinds)
		}
		// Inside its parent, right of the sibling before.
		if l > 0 && ic.Offset[i] < ends[l] || l > 0 && ic.Offset[i]+ic.TotalV[i] > ends[-l] {
			t.Fatalf("%s: node %q at %d+%d overlaps (from %d, parent ends at %d)", what, k, ic.Offset[i], ic.TotalV[i], ends[l], ends[-l])
		}
		ends[l], ends[l+1], ends[-l-1] = ic.Offset[i]+ic.TotalV[i], ic.Offset[i], ic.Offset[i]+ic.TotalV[i]
		seen++
	}
	for k, s := range want {
		if k == "" || s.total > 0 {
			seen--
		}
	}
	if seen != 0 || ic.PrunedCount != 0 {
		t.Fatalf("%s: %d nodes too many, %d pruned", what, seen, ic.PrunedCount)
	}
}

func TestViewsAgainstBruteForce(t *testing.T) {
	ctx := context.Background()
	for seed := range uint64(300) {
		w := newWorld(rand.New(rand.NewPCG(seed, 7)))
		ic, err := w.e.Icicle(ctx, request("cpu"), IcicleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		all := w.tree(func(st []tacho.Frame) ([]tacho.Frame, bool) { return st, true })
		checkTree(t, fmt.Sprint("icicle ", seed), ic, all)

		for _, fn := range []string{"a", "b"} {
			outermost := func(st []tacho.Frame) int {
				for i, f := range st {
					if f.Function == fn {
						return i
					}
				}
				return -1
			}
			if ic, err = w.e.Icicle(ctx, request("cpu"), IcicleOptions{Narrow: Narrow{Focus: fn}}); err != nil {
				t.Fatal(err)
			}
			checkTree(t, fmt.Sprint("focus ", seed), ic, w.tree(func(st []tacho.Frame) ([]tacho.Frame, bool) {
				i := outermost(st)
				return st[i+1:], i >= 0
			}))
			if ic, err = w.e.Callers(ctx, request("cpu"), fn, IcicleOptions{}); err != nil {
				t.Fatal(err)
			}
			checkTree(t, fmt.Sprint("callers ", seed), ic, w.tree(func(st []tacho.Frame) ([]tacho.Frame, bool) {
				i := outermost(st)
				var up []tacho.Frame
				for j := i - 1; j >= 0; j-- {
					up = append(up, st[j])
				}
				return up, i >= 0
			}))
		}
		checkTop(t, w, TopOptions{}, seed)
		checkPruning(t, w, all, seed)
	}
}

// checkTop holds the table of w's engine against the sums over w's stacks.
func checkTop(t *testing.T, w *world, opt TopOptions, seed uint64) {
	t.Helper()
	want := map[string]*sum{}
	for i, st := range w.stacks {
		seen := map[string]bool{}
		for _, f := range st {
			if !seen[f.Function] {
				at(want, f.Function).add(f, w.vals[i])
			}
			seen[f.Function] = true
		}
		at(want, st[len(st)-1].Function).self += w.vals[i]
	}
	opt.Sort = "total"
	top, err := w.e.Top(context.Background(), request("cpu"), opt)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, s := range want {
		if s.total > 0 {
			n++
		}
	}
	if len(top.Rows) != n || top.RowCount != n {
		t.Fatalf("top %d: %d rows, want %d", seed, len(top.Rows), n)
	}
	for _, r := range top.Rows {
		s := want[r.Function]
		if s.total != r.Total || s.self != r.Self || r.Line != largest(s.lines) || r.Kind != largest(s.kinds) {
			t.Fatalf("top %d: %+v, want %+v", seed, r, s)
		}
	}
	if !sort.SliceIsSorted(top.Rows, func(i, j int) bool { return byTotal(&top.Rows[i], &top.Rows[j]) < 0 }) {
		t.Fatalf("top %d is not sorted: %+v", seed, top.Rows)
	}
}

// checkPruning: what is kept is exactly the nodes of enough share and not too
// deep, and what was cut off adds up.
func checkPruning(t *testing.T, w *world, all map[string]*sum, seed uint64) {
	t.Helper()
	const share, depth = 0.07, 3
	ic, err := w.e.Icicle(context.Background(), request("cpu"), IcicleOptions{MinShare: share, Depth: depth})
	if err != nil {
		t.Fatal(err)
	}
	least := share * float64(all[""].total)
	keep := func(k string) bool {
		return k == "" || all[k].total > 0 && float64(all[k].total) >= least && strings.Count(k, "/") <= depth
	}
	kept, pruned, cut := 0, 0, int64(0)
	for k, s := range all {
		switch {
		case keep(k):
			kept++
		case s.total > 0:
			pruned++
			if keep(k[:strings.LastIndexByte(k, '/')]) {
				cut += s.total
			}
		}
	}
	if len(ic.Level) != kept || ic.PrunedCount != pruned || ic.PrunedSum != cut {
		t.Fatalf("pruned %d: kept %d, left out %d of %d; want %d, %d of %d", seed, len(ic.Level), ic.PrunedCount, ic.PrunedSum, kept, pruned, cut)
	}
}
