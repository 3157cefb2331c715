package query

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"tacho"
	"tacho/store"
)

// The tree of the "week" data set (research/storage.md): 20,000 stacks of mean
// depth 42 in a trie of about a quarter million nodes. All passes are limited
// by memory bandwidth over the trie (a few MB): the targets are 0.4 ms for
// scatter and reverse pass, and about as much for each view.
func weekEngine(tb testing.TB) (*Engine, store.Part) {
	rng := rand.New(rand.NewPCG(1, 2))
	x := newTree()
	x.tree.Parent, x.tree.Frame = make([]uint32, 1, 1<<19), make([]uint32, 1, 1<<19)
	var stack []tacho.Frame
	for range 20_000 {
		// A new stack shares the upper part of the one before.
		keep := min(len(stack), 10+rng.IntN(30))
		stack = stack[:keep]
		for depth := 30 + rng.IntN(25); len(stack) < depth; {
			n := rng.IntN(4000)
			stack = append(stack, tacho.Frame{Function: fmt.Sprint("com.acme.package.Class", n/4, ".method", n%4), Line: int32(n % 7), Kind: tacho.KindJIT})
		}
		x.add(1+rng.Int64N(1000)*20_000_000, stack...)
	}
	p := x.part()
	tb.Logf("%d nodes, %d stacks", len(p.Tree.Parent), len(p.Tree.Leaf))
	return New(&fake{types: []tacho.ValueType{tacho.CPU}, parts: map[string][]store.Part{"cpu": {p}}}), p
}

func BenchmarkScatterAndReversePass(b *testing.B) {
	_, p := weekEngine(b)
	e, g := New(&fake{}), &graph{parts: addPart(nil, p, 0)}
	e.fold(g)
	for b.Loop() {
		g.addUp()
		g.weigh(1)
	}
}

func BenchmarkFoldCold(b *testing.B) {
	_, p := weekEngine(b)
	for b.Loop() {
		newFold().extend(p.Tree)
	}
}

func BenchmarkIcicle(b *testing.B) {
	e, _ := weekEngine(b)
	for b.Loop() {
		if _, err := e.Icicle(context.Background(), request("cpu"), IcicleOptions{MinShare: 0.0005}); err != nil {
			b.Fatal(err)
		}
	}
}

// Narrowed: one pass over the trie of methods more, one mapping of it to another
// one with focus and collapse, and less to lay out.
func BenchmarkIcicleNarrowed(b *testing.B) {
	e, _ := weekEngine(b)
	for name, n := range map[string]Narrow{
		"filter":   {Filter: []string{"Class7"}},
		"collapse": {Collapse: []string{"recursion", "package:com.acme.package.Class1"}},
		"invert":   {Invert: true},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := e.Icicle(context.Background(), request("cpu"), IcicleOptions{Narrow: n, MinShare: 0.0005}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Two selections over one trie cost less than two icicles: the call sites are
// summed once.
func BenchmarkDiff(b *testing.B) {
	e, _ := weekEngine(b)
	for b.Loop() {
		if _, err := e.Diff(context.Background(), request("cpu"), request("cpu"), DiffOptions{Limit: 100, IcicleOptions: IcicleOptions{MinShare: 0.0005}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTop(b *testing.B) {
	e, _ := weekEngine(b)
	for b.Loop() {
		if _, err := e.Top(context.Background(), request("cpu"), TopOptions{Limit: 100}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCallers(b *testing.B) {
	e, _ := weekEngine(b)
	for b.Loop() {
		if _, err := e.Callers(context.Background(), request("cpu"), "com.acme.package.Class0.method0", IcicleOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
