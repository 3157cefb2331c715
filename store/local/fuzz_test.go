package local

import (
	"bytes"
	"math"
	"testing"

	"tacho"
)

// Decoders of what is on disk: whatever the bytes, they answer or refuse, and
// what they accept means the same after being written again.

func FuzzTokens(f *testing.F) {
	var enc tokens
	f.Add(bytes.Clone(enc.encode(0)))
	for i := range 50 {
		enc.add(uint32(i*7), uint64(i%5+1)*20_000_000)
	}
	f.Add(bytes.Clone(enc.encode(12)))
	f.Fuzz(func(t *testing.T, val []byte) {
		dst := make([]int64, 1000)
		if addTokens(dst, nil, val) != nil {
			for id, v := range dst {
				if v != 0 {
					t.Fatalf("a refused block added %d to stack %d", v, id)
				}
			}
			return
		}
		want := append([]int64(nil), dst...)
		var enc tokens
		enc.drain(dst)
		if err := addTokens(dst, nil, enc.encode(0)); err != nil {
			t.Fatal(err)
		}
		for id := range dst {
			if dst[id] != want[id] {
				t.Fatalf("stack %d is %d after writing again, was %d", id, dst[id], want[id])
			}
		}
	})
}

func FuzzRaw(f *testing.F) {
	f.Add(someRaw(), 31)
	f.Add(someRaw(), 3)
	f.Fuzz(func(t *testing.T, val []byte, want int) {
		var b rawBlock
		if b.decode(nil, val, 100, want) != nil || want&wantAll != wantAll {
			return
		}
		for i := range b.n {
			if b.time[i] >= minuteNanos || int(b.thread[i]) >= len(b.threads) || b.stacks[b.stack[i]] >= 100 {
				t.Fatalf("sample %d was accepted: %d %d %d", i, b.time[i], b.thread[i], b.stack[i])
			}
		}
	})
}

func FuzzColumn(f *testing.F) {
	var c columns
	f.Add(c.append(nil, []uint64{1, 2, 3, 3, 3}), 5)
	f.Add(c.append(nil, []uint64{math.MaxUint64, 0}), 2)
	f.Fuzz(func(t *testing.T, val []byte, n int) {
		if n < 0 || n > 1<<16 {
			return
		}
		r := reader{b: val}
		got := readColumn(&r, nil, n)
		if r.err == nil && len(got) != n {
			t.Fatalf("%d numbers, want %d", len(got), n)
		}
	})
}

func FuzzSmall(f *testing.F) {
	row := countRow{covered: 5}
	row.sums[7] = 900
	f.Add(row.append(nil))
	w := window{from: 3, until: 9, types: []uint16{1, 4}}
	f.Add(w.append(nil))
	m := manifest{batch: 7, epoch: 1, entries: []entry{{kindRaw, 1, 2}, {entryUntimed, 3, 4}}}
	f.Add(m.append(nil))
	f.Add(appendCover(nil, 5))
	f.Fuzz(func(t *testing.T, val []byte) {
		if c, err := readCountRow(nil, val); err == nil {
			again, err := readCountRow(nil, c.append(nil))
			if err != nil || again != c {
				t.Fatalf("count row %v became %v, %v", c, again, err)
			}
		}
		if w, err := readWindow(nil, val); err == nil && (w.until > hourNanos || w.minutes()>>60 != 0) {
			t.Fatalf("window %+v was accepted", w)
		}
		if m, err := readManifest(nil, val); err == nil {
			if again, err := readManifest(nil, m.append(nil)); err != nil || len(again.entries) != len(m.entries) {
				t.Fatalf("manifest %v became %v, %v", m, again, err)
			}
			for _, e := range m.entries {
				m.key(e, 1, 2, 3, func(uint32) uint16 { return 0 })
			}
		}
		_, _ = readCover(nil, val)
	})
}

func FuzzPoints(f *testing.F) {
	var enc pointEncoder
	body := enc.encode(0, []tacho.Point{{Time: 1, Value: 1.5}, {Time: 2, Value: math.Inf(1)}})
	b := append([]byte{pointsVersion}, 1, 0)
	def := pointDef{name: "n", unit: "u"}
	b = def.append(b)
	f.Add(append(appendUvarint(b, len(body)), body...))
	f.Fuzz(func(t *testing.T, val []byte) {
		defs := func(id uint32) (pointDef, bool) { return pointDef{name: "known"}, id == 0 }
		_ = readPoints(nil, val, 0, defs, func(*pointDef) bool { return true }, func(_ *pointDef, points []tacho.Point) {
			for _, p := range points {
				if p.Time < 0 || p.Time >= hourNanos {
					t.Fatalf("point at %d was accepted", p.Time)
				}
			}
		})
	})
}

func FuzzEvents(f *testing.F) {
	var enc eventEncoder
	f.Add(bytes.Clone(enc.encode(0, []tacho.Event{{Time: 5, Duration: 7, Kind: "k", Attrs: tacho.Labels{{Name: "a", Value: "b"}}}, {Time: 1}})))
	f.Fuzz(func(t *testing.T, val []byte) {
		events, err := readEvents(nil, val, 0, hourNanos)
		if err != nil {
			return
		}
		again, err := readEvents(nil, new(eventEncoder).encode(0, events), 0, hourNanos)
		if err != nil || len(again) != len(events) {
			t.Fatalf("%d events became %d, %v", len(events), len(again), err)
		}
	})
}

func FuzzTrieChunk(f *testing.F) {
	tr := newTrie(0)
	tr.prepareWrite()
	a := tr.frame(frameRef{function: tr.function("f"), file: tr.other("F.java"), module: tr.other(""), line: -1, kind: 2})
	tr.addStack([]uint32{a, a, a}, hash128{1, 1})
	f.Add(tr.chunkBytes())
	f.Fuzz(func(t *testing.T, val []byte) {
		tr := newTrie(0)
		if tr.addChunk(nil, val) != nil {
			if tr.size() != (marksOf{nodes: 1}) {
				t.Fatalf("a refused chunk added %+v", tr.size())
			}
			return
		}
		tr.publish()
		tree := tr.tree.Load()
		for n := 1; n < len(tree.Parent); n++ {
			if tree.Parent[n] >= uint32(n) || int(tree.Frame[n]) >= len(tree.Frames) {
				t.Fatalf("node %d: parent %d, frame %d", n, tree.Parent[n], tree.Frame[n])
			}
		}
		for id := range tree.Leaf {
			tree.Stack(uint32(id))
		}
		tr.prepareWrite()
	})
}
