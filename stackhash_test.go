package tacho

import (
	"encoding/hex"
	"testing"
)

// The construction is public: agents in other languages make the same hashes.
func TestStackHashIsAsDocumented(t *testing.T) {
	x := NewBuilder()
	st := x.Stack(Stack{{Function: "com.acme.Orders.sum", File: "Orders.java", Module: "orders.jar", Line: 7, Kind: KindJIT}, {Function: "main"}})
	b := x.Take(nil, "", 1, 1, 0)
	var h StackHasher
	h.Begin(b)
	got := h.Hash(b.Stacks[st])
	// python3: d = lambda p: sha256(p).digest()[:16]; f = lambda fn, fi, m, l, k:
	// d(d(fn) + d(fi) + d(m) + pack("<i", l) + bytes([k])); d(f(…) + f(…))
	if want := "6b16362848ec4afacb8be197cbce1fd1"; hex.EncodeToString(got[:]) != want {
		t.Errorf("got %x, want %s", got, want)
	}
}

// Tables of another order give the same hashes; any difference in a frame, or in
// the order of frames, another.
func TestStackHashIsOfTheContent(t *testing.T) {
	base := Stack{{Function: "a", File: "b", Module: "c", Line: 1, Kind: KindJIT}, {Function: "main"}}
	hash := func(before, s Stack) StackHash {
		x := NewBuilder()
		x.Stack(before)
		id := x.Stack(s)
		b := x.Take(nil, "", 1, 1, 0)
		var h StackHasher
		h.Begin(b)
		return h.Hash(b.Stacks[id])
	}
	want := hash(Stack{{Function: "x"}}, base)
	if hash(Stack{{Function: "main", File: "c"}, {Function: "b"}}, base) != want {
		t.Error("other tables, another hash")
	}
	seen := map[StackHash]int{want: -1}
	for i, s := range []Stack{
		{base[1], base[0]}, base[:1], base[1:], {base[0], base[1], base[1]},
		{{Function: "b", File: "a", Module: "c", Line: 1, Kind: KindJIT}, base[1]},
		{{Function: "a", File: "c", Module: "b", Line: 1, Kind: KindJIT}, base[1]},
		{{Function: "ab", File: "", Module: "c", Line: 1, Kind: KindJIT}, base[1]},
		{{Function: "a", File: "b", Module: "c", Line: 2, Kind: KindJIT}, base[1]},
		{{Function: "a", File: "b", Module: "c", Line: -1, Kind: KindJIT}, base[1]},
		{{Function: "a", File: "b", Module: "c", Line: 1, Kind: KindInlined}, base[1]},
	} {
		h := hash(base, s)
		if other, ok := seen[h]; ok {
			t.Errorf("stacks %d and %d have one hash", i, other)
		}
		seen[h] = i
	}
}

// The batch need not be valid.
func TestStackHashOfWrongIndexes(t *testing.T) {
	var h StackHasher
	h.Begin(&Batch{Strings: []string{""}, Frames: []FrameRef{{Function: 9, File: 1 << 31, Module: 1}}})
	if h.Hash([]uint32{0, 7, 1 << 31}) == h.Hash([]uint32{0, 7}) {
		t.Error("not told apart")
	}
}
