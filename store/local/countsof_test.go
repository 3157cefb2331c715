package local

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"tacho"
	"tacho/store"
)

// TestSumTokensReadsWhatAddTokensReads: of good blocks and of damaged ones, the
// chosen rows add up to what a dense sum holds, and both find the same damage.
func TestSumTokensReadsWhatAddTokensReads(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var tok tokens
	damaged := 0
	for range 3000 {
		tok.reset()
		n := uint32(1 + rng.IntN(5000))
		for id := uint32(rng.IntN(40)); id < n; id += 1 + uint32(rng.IntN(1+rng.IntN(300))) {
			tok.add(id, 1+rng.Uint64N(1<<rng.IntN(40)))
		}
		val := append([]byte(nil), tok.encode(uint64(rng.IntN(1000)))...)
		if rng.IntN(2) == 0 {
			for range 1 + rng.IntN(3) {
				val[rng.IntN(len(val))] ^= 1 << rng.IntN(8)
			}
			val = val[:len(val)-rng.IntN(2)]
		}
		dst, kept := make([]int64, n), make([]bool, n)
		for i := range kept {
			kept[i] = rng.IntN(3) == 0
		}
		errA := addTokens(dst, []byte("key"), val)
		var want int64
		for id, v := range dst {
			if kept[id] {
				want += v
			}
		}
		h, r, errB := readTokenHead([]byte("key"), val)
		var got int64
		if errB == nil {
			got, errB = sumTokens(kept, h, &r)
		}
		if (errA == nil) != (errB == nil) || errA == nil && got != want {
			t.Fatalf("sum of chosen rows %d, %v; dense sum %d, %v", got, errB, want, errA)
		}
		var bad *corruptError
		if errB != nil {
			damaged++
			if !errors.As(errB, &bad) {
				t.Fatalf("damage is reported as %v", errB)
			}
		}
	}
	if damaged < 500 {
		t.Errorf("only %d damaged blocks were found", damaged)
	}
}

// TestCountsOfRolledUp: hours that are rolled up are answered from what they
// say as a whole, and from their minutes where only a part was chosen.
func TestCountsOfRolledUp(t *testing.T) {
	now := time.Date(2026, 3, 10, 15, 0, 0, 0, time.UTC)
	var later atomic.Int64
	clock := func() time.Time { return now.Add(time.Duration(later.Load())) }
	s, err := Open(Options{Dir: t.TempDir(), Now: clock, RollEvery: -1, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	from := now.Add(-5 * time.Hour)
	for m := range 180 { // hour 0: a only; hour 1: a and b; hour 2: b only
		x := tacho.NewBuilder()
		at := from.Add(time.Duration(m) * time.Minute)
		th := x.Thread(tacho.Thread{Name: "t", Group: "t"})
		for i, f := range []string{"a", "b"} {
			if m/60 == 1 || m/60 == 2*i {
				x.Sample(tacho.CPU, tacho.Sample{Time: at.UnixNano(), Value: int64(m + 1), Stack: x.Stack(tacho.Stack{{Function: f}}), Thread: th})
			}
		}
		target := tacho.NewLabels(map[string]string{tacho.LabelService: "s", tacho.LabelInstance: "i"})
		if err := s.Append(context.Background(), "", []*tacho.Batch{x.Take(target, "test", at.UnixNano(), at.UnixNano()+1e9, uint64(m))}); err != nil {
			t.Fatal(err)
		}
	}
	sel := store.Selection{Service: "s", Type: "cpu", From: from, Until: from.Add(3 * time.Hour)}
	for _, rolled := range []bool{false, true} {
		if rolled {
			later.Store(int64(10 * time.Minute))
			if err := s.Roll(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		trees := 0
		keep := func(tree *store.Tree) []bool {
			trees++
			out := make([]bool, len(tree.Leaf))
			for id := range out {
				out[id] = tree.Stack(uint32(id))[0].Function == "a"
			}
			return out
		}
		c, err := s.CountsOf(context.Background(), sel, time.Minute, keep)
		if err != nil || len(c.Values) != 180 || len(c.Missing) > 0 || c.Recorded != nil || trees != 1 {
			t.Fatalf("rolled %v: %d steps, missing %v, %d trees, %v", rolled, len(c.Values), c.Missing, trees, err)
		}
		for m, v := range c.Values {
			if want := int64(m+1) * int64(1-m/120); v != want {
				t.Fatalf("rolled %v: minute %d is %d, want %d", rolled, m, v, want)
			}
		}
		hours, err := s.CountsOf(context.Background(), sel, time.Hour, keep)
		if err != nil || hours.Values[0] != 1830 || hours.Values[1] != 5430 || hours.Values[2] != 0 {
			t.Fatalf("rolled %v: hours %v, %v", rolled, hours.Values, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.CountsOf(ctx, sel, time.Minute, func(*store.Tree) []bool { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
