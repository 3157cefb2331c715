package local

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"tacho"
)

func TestHashTellsStacksApart(t *testing.T) {
	x := newHasher()
	frames := make([]uint64, 5)
	for i := range frames {
		frames[i] = x.frame(&frameRef{function: uint32(i)})
	}
	seen := map[hash128][]uint32{}
	var walk func(path []uint32)
	walk = func(path []uint32) {
		h := x.stack(path, frames)
		if other, ok := seen[h]; ok {
			t.Fatalf("%v and %v have one hash", path, other)
		}
		seen[h] = slices.Clone(path)
		if len(path) < 6 {
			for f := range uint32(5) {
				walk(append(path, f))
			}
		}
	}
	walk(nil)
}

func TestHashTellsFramesApart(t *testing.T) {
	x := newHasher()
	seen := map[uint64]frameRef{}
	for i := range 4 * 4 * 4 * 4 * 4 {
		r := frameRef{function: uint32(i % 4), file: uint32(i / 4 % 4), module: uint32(i / 16 % 4), line: int32(i/64%4) - 1, kind: tacho.FrameKind(i / 256)}
		h := x.frame(&r)
		if other, ok := seen[h]; ok || h == 0 {
			t.Fatalf("%+v and %+v have one hash", r, other)
		}
		seen[h] = r
	}
}

// What a trie says of stacks given by batches with tables of their own must be
// the stacks, whether they came before or not, also after it was read back.
func TestInternerAgainstStacks(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	tr := newTrie(0)
	tr.prepareWrite()
	ids := map[string]uint32{} // stack → its id
	name := func() tacho.Frame {
		n := rng.IntN(40)
		f := tacho.Frame{Function: fmt.Sprint("a.B.m", n), File: fmt.Sprint(n%3, ".java"), Line: int32(rng.IntN(3)), Kind: tacho.FrameKind(rng.IntN(2))}
		if n%5 == 0 { // names of many spellings
			f.Function = fmt.Sprintf("a.B$$Lambda$%d/0x%016x.m%d", rng.IntN(100), rng.Uint64(), n)
		}
		return f
	}
	for round := range 60 {
		x := tacho.NewBuilder()
		var want []tacho.Stack
		for range 30 {
			s := make(tacho.Stack, 1+rng.IntN(4))
			for i := range s {
				s[i] = name()
			}
			if int(x.Stack(s)) == len(want) {
				want = append(want, s)
			}
		}
		var in interner
		if err := in.begin(tr, x.Take(nil, "", 1, 1, 0)); err != nil {
			t.Fatal(err)
		}
		for i := range want {
			id := in.stack(uint32(i))
			for k, f := range want[i] {
				if f.Function[:4] == "a.B$" {
					want[i][k].Function = "a.B$$Lambda" + f.Function[lastDot(f.Function):]
				}
			}
			if got := tr.all.Stack(id); !slices.Equal(got, want[i]) {
				t.Fatalf("round %d: stack %v became %v", round, want[i], got)
			}
			k := fmt.Sprint(want[i])
			if have, ok := ids[k]; ok && have != id {
				t.Fatalf("round %d: stack %v has ids %d and %d", round, want[i], have, id)
			}
			ids[k] = id
		}
		if round == 30 {
			again := newTrie(0)
			if err := again.addChunk(nil, tr.chunkBytes()); err != nil {
				t.Fatal(err)
			}
			again.prepareWrite()
			tr = again
		}
	}
	if len(ids) != len(tr.all.Leaf) {
		t.Errorf("%d stacks have %d ids", len(ids), len(tr.all.Leaf))
	}
}

func lastDot(s string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if s[i] == '.' {
			return i
		}
	}
	return 0
}

func TestAliasesAreBounded(t *testing.T) {
	tr := newTrie(0)
	tr.prepareWrite()
	for i := range maxAliases + 100 {
		if id := tr.function(fmt.Sprintf("a.B$$Lambda/0x%x.m", i)); id != 0 {
			t.Fatalf("spelling %d has id %d", i, id)
		}
	}
	if tr.funcs.ids.n != maxAliases+1 || len(tr.funcs.list) != 1 {
		t.Errorf("%d entries for %d names", tr.funcs.ids.n, len(tr.funcs.list))
	}
}

func TestDivisor(t *testing.T) {
	for _, d := range []uint64{1, 2, 3, 7, 8, 20_000_000, 1 << 40, 1<<63 + 2, ^uint64(0)} {
		x := newDivisor(d)
		for _, n := range []uint64{0, 1, 2, 5, 1000, 1 << 30} {
			if v := n * d; v/d == n {
				if !x.divides(v) || x.of(v) != n {
					t.Errorf("%d / %d: divides %v, quotient %d", v, d, x.divides(v), x.of(v))
				}
			}
		}
		for _, v := range []uint64{0, 1, 3, 4, 20_000_001, 1 << 62, 1<<63 + 1, ^uint64(0), ^uint64(0) - 1} {
			if x.divides(v) != (v%d == 0) {
				t.Errorf("%d divides %d: %v", d, v, x.divides(v))
			}
		}
	}
	zero := newDivisor(0)
	if !zero.divides(0) || zero.divides(1) {
		t.Error("zero divides zero only")
	}
}

func TestRowsGroup(t *testing.T) {
	var r rows
	for range 2 { // reused
		r.reset(4)
		for i, th := range []uint32{2, 0, 3, 2, 0} {
			r.add(th, uint32(i), uint64(i)*10)
		}
		got := ""
		r.group([]uint32{9, unset, 5, 9}, func(series uint32, list []row) { got += fmt.Sprint(series, list, ";") })
		if want := "5 [{2 0 0} {2 3 30}];9 [{0 1 10} {0 4 40} {3 2 20}];"; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestSumsDrainInOrder(t *testing.T) {
	var x sums
	var tok tokens
	for range 2 {
		x.grow(10_000)
		for _, id := range []uint32{9_999, 64, 63, 4_096, 64, 0, 70} {
			x.add(id, uint64(id)+1)
		}
		x.drain(&tok)
		if want := []uint32{0, 63, 64, 70, 4_096, 9_999}; !slices.Equal(tok.ids, want) {
			t.Errorf("ids %v, want %v", tok.ids, want)
		}
		if want := []uint64{1, 64, 130, 71, 4_097, 10_000}; !slices.Equal(tok.vals, want) {
			t.Errorf("sums %v, want %v", tok.vals, want)
		}
	}
}

// The order of timed samples is by time, and of one time as they came, whatever
// the length of the window.
func TestTimedSamplesInOrder(t *testing.T) {
	for _, length := range []int64{minuteNanos, hourNanos - 1, hourNanos, 10 * dayNanos} {
		w := &writer{b: &tacho.Batch{From: 5, Until: 5 + length}, scratch: &scratch{}}
		for i, at := range []int64{length - 1, 7, 0, 7, length / 2, 0} {
			w.timed = append(w.timed, tacho.Sample{Time: 5 + at, Value: int64(i)})
		}
		var got []int64
		for _, s := range w.byTime() {
			got = append(got, s.Value)
		}
		if want := []int64{2, 5, 1, 3, 4, 0}; !slices.Equal(got, want) {
			t.Errorf("window of %d: order %v, want %v", length, got, want)
		}
	}
}

// The index of contents is given up when generated names have made it large.
func TestContentsAreBounded(t *testing.T) {
	tr := newTrie(0)
	tr.prepareWrite()
	var in interner
	top := 0
	for round := range 30 {
		x := tacho.NewBuilder()
		th := x.Thread(tacho.Thread{Name: "t"})
		for i := range 3000 {
			x.Sample(tacho.CPU, tacho.Sample{Stack: x.Stack(tacho.Stack{{Function: fmt.Sprintf("a.B$$Lambda/0x%08x%08x.m", round, i)}}), Thread: th})
		}
		b := x.Take(nil, "", 1, 1, 0)
		var h tacho.StackHasher
		h.Begin(b)
		for _, s := range b.Stacks {
			b.StackHashes = append(b.StackHashes, h.Hash(s))
		}
		b.Tables = there{}
		if err := in.begin(tr, b); err != nil {
			t.Fatal(err)
		}
		for i := range b.Stacks {
			in.stack(uint32(i))
		}
		in.learn()
		top = max(top, tr.find.contents.n)
	}
	if len(tr.all.Leaf) != 1 || top > maxContents+3004 || tr.find.contents.n >= top {
		t.Errorf("%d contents, now %d, of %d stacks", top, tr.find.contents.n, len(tr.all.Leaf))
	}
}

// there is tables that are loaded already.
type there struct{}

func (there) Load(*tacho.Batch) error { return nil }
func (there) Unload(*tacho.Batch)     {}
func (there) Bytes() int              { return 0 }
