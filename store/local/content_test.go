package local_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tacho"
	"tacho/store"
	"tacho/store/local"
)

// held is tables that count how often they are loaded, and whose memory is used for
// something else afterwards.
type held struct {
	full  *tacho.Batch
	err   error
	loads int
	open  int // loaded and not unloaded
	text  []byte
}

func (h *held) Load(b *tacho.Batch) error {
	h.loads++
	if h.err != nil {
		return h.err
	}
	h.open++
	h.text = []byte(strings.Join(h.full.Strings, ""))
	at := 0
	for _, s := range h.full.Strings {
		b.Strings = append(b.Strings, unsafe.String(unsafe.SliceData(h.text[at:]), len(s)))
		at += len(s)
	}
	b.Frames = append(b.Frames, h.full.Frames...)
	for _, s := range h.full.Stacks {
		b.Stacks = append(b.Stacks, append([]uint32(nil), s...))
	}
	return nil
}

func (h *held) Unload(b *tacho.Batch) {
	h.open--
	for i := range h.text {
		h.text[i] = '!'
	}
	clear(b.Frames)
	for _, s := range b.Stacks {
		clear(s)
	}
	b.Strings, b.Frames, b.Stacks = nil, nil, nil
}

func (h *held) Bytes() int { return len(h.text) }

// lazy is the batch without its tables, and those.
func lazy(b *tacho.Batch) (*tacho.Batch, *held) {
	h := &held{full: b}
	c := *b
	c.Strings, c.Frames, c.Stacks = nil, nil, nil
	c.Tables = h
	var x tacho.StackHasher
	x.Begin(b)
	for _, s := range b.Stacks {
		c.StackHashes = append(c.StackHashes, x.Hash(s))
	}
	return &c, h
}

// stacks is a batch of untimed samples of stacks, each root below main.
func stacks(n int, service string, names ...string) *tacho.Batch {
	x := tacho.NewBuilder()
	at := noon.Add(time.Duration(n-100) * time.Minute)
	th := x.Thread(tacho.Thread{Name: "t", Group: "g"})
	x.Declare(tacho.CPU)
	for i, name := range names {
		x.Sample(tacho.CPU, tacho.Sample{Value: int64(i + 1), Stack: x.Stack(tacho.Stack{{Function: name, File: "F.java"}, {Function: "main"}}), Thread: th})
	}
	target := tacho.NewLabels(map[string]string{tacho.LabelService: service, tacho.LabelInstance: "1"})
	return x.Take(target, "test", at.UnixNano(), at.Add(time.Minute).UnixNano(), uint64(n))
}

// sums is what a service has, by stack.
func sums(t *testing.T, s *local.Store, service string) map[string]int64 {
	t.Helper()
	m, err := s.Merge(t.Context(), store.Selection{Service: service, Type: "cpu", From: noon.Add(-24 * time.Hour), Until: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int64{}
	for _, p := range m.Parts {
		for id, v := range p.Values {
			if v != 0 {
				out[fmt.Sprint(p.Tree.Stack(uint32(id)))] += v
			}
		}
	}
	return out
}

func put(t *testing.T, s *local.Store, bs ...*tacho.Batch) {
	t.Helper()
	if err := s.AppendValid(t.Context(), "", bs); err != nil {
		t.Fatal(err)
	}
}

// A store of batches without their tables holds, key by key, what a store of the
// whole batches does: random stacks, generated names, starts in between, tries
// that are outgrown.
func TestContentsChangeNothing(t *testing.T) {
	for _, nodes := range []int{0, 60} {
		rng := rand.New(rand.NewPCG(3, uint64(nodes)))
		small := func(o *local.Options) {
			if nodes > 0 {
				o.MaxNodes = nodes
			}
		}
		c := &clock{noon}
		diskA, diskB := vfs.NewMem(), vfs.NewMem()
		a, b := open(t, diskA, c.now, small), open(t, diskB, c.now, small)
		loads, after := 0, 0
		for n := range 60 {
			if n == 30 {
				if err := errors.Join(a.Close(), b.Close()); err != nil {
					t.Fatal(err)
				}
				a, b = open(t, diskA, c.now, small), open(t, diskB, c.now, small)
			}
			var whole, parts []*tacho.Batch
			var tabs []*held
			for k := range 1 + rng.IntN(3) {
				x := tacho.NewBuilder()
				th := x.Thread(tacho.Thread{Name: "t"})
				at := noon.Add(time.Duration(n-100) * time.Minute)
				x.Stack(tacho.Stack{{Function: fmt.Sprint("never sampled ", rng.Uint64())}})
				for range rng.IntN(12) {
					st := make(tacho.Stack, 1+rng.IntN(3))
					for i := range st {
						m := rng.IntN(6)
						st[i] = tacho.Frame{Function: fmt.Sprint("a.B.m", m), Line: int32(rng.IntN(2))}
						if m == 0 && rng.IntN(3) == 0 {
							st[i].Function = fmt.Sprintf("a.B$$Lambda$%d/0x%x.m", rng.IntN(3), rng.Uint64N(4))
						}
					}
					s := tacho.Sample{Value: 1 + rng.Int64N(100), Stack: x.Stack(st), Thread: th}
					if rng.IntN(2) == 0 {
						s.Time = at.UnixNano() + rng.Int64N(int64(time.Minute))
					}
					x.Sample(tacho.CPU, s)
				}
				target := tacho.NewLabels(map[string]string{tacho.LabelService: fmt.Sprint("s", rng.IntN(2)), tacho.LabelInstance: fmt.Sprint(k)})
				batch := x.Take(target, "test", at.UnixNano(), at.Add(time.Minute).UnixNano(), uint64(rng.IntN(2)))
				l, h := lazy(batch)
				whole, parts, tabs = append(whole, batch), append(parts, l), append(tabs, h)
			}
			put(t, a, whole...)
			put(t, b, parts...)
			for _, h := range tabs {
				if h.open != 0 || h.loads > 1 {
					t.Fatalf("batch of round %d: %d times loaded, %d times open", n, h.loads, h.open)
				}
				loads += h.loads
				after++
			}
		}
		if nodes == 0 && (loads == 0 || loads > after*9/10) {
			t.Errorf("%d of %d batches loaded their tables", loads, after)
		}
		roll(t, a)
		roll(t, b)
		for _, service := range []string{"s0", "s1"} {
			if x, y := sums(t, a, service), sums(t, b, service); len(x) == 0 || !maps.Equal(x, y) {
				t.Errorf("%s: whole %v, without tables %v", service, x, y)
			}
		}
		if x, y := a.Data(t), b.Data(t); !maps.Equal(x, y) {
			t.Errorf("%d keys of whole batches and %d of batches without tables differ", len(x), len(y))
		}
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// Tables are looked at when a stack that has samples is new to the service, and
// after a start; not otherwise.
func TestTablesAreLeftAlone(t *testing.T) {
	disk, c := vfs.NewMem(), &clock{noon}
	s := open(t, disk, c.now)
	n := 0
	step := func(want int, service string, change func(*tacho.Batch), names ...string) {
		t.Helper()
		n++
		whole := stacks(n, service, names...)
		if change != nil {
			change(whole)
		}
		b, h := lazy(whole)
		put(t, s, b)
		if h.loads != want || h.open != 0 {
			t.Errorf("batch %d: %d times loaded, want %d; %d times open", n, h.loads, want, h.open)
		}
	}
	step(1, "a", nil, "x", "y")
	step(0, "a", nil, "y", "x")
	step(0, "a", nil, "x")
	step(0, "a", nil)           // no samples at all
	step(1, "b", nil, "x", "y") // another service, another trie
	step(1, "a", nil, "x", "y", "z")
	step(0, "a", nil, "z", "y", "x")
	step(0, "a", func(b *tacho.Batch) { // a new stack nobody was seen in
		b.Strings = append(b.Strings, "new")
		b.Frames = append(b.Frames, tacho.FrameRef{Function: uint32(len(b.Strings) - 1)})
		b.Stacks = append(b.Stacks, []uint32{uint32(len(b.Frames) - 1)})
	}, "x")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, disk, c.now)
	step(1, "a", nil, "x", "y", "z")
	step(0, "a", nil, "x", "y", "z")
	got := sums(t, s, "a")
	want := map[string]int64{}
	for name, v := range map[string]int64{"x": 1 + 2 + 1 + 1 + 3 + 1 + 1 + 1, "y": 2 + 1 + 2 + 2 + 2 + 2, "z": 3 + 1 + 3 + 3} {
		want[fmt.Sprint(tacho.Stack{{Function: name, File: "F.java"}, {Function: "main"}})] = v
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// A hash that is new is held against the stack and refused if it is another's; it
// is not learnt, and nothing of the call is stored. One that is known is believed,
// and has samples counted under the stack it is of, in this service only.
func TestHashLies(t *testing.T) {
	s := open(t, vfs.NewMem(), (&clock{noon}).now)
	known, _ := lazy(stacks(1, "a", "x"))
	put(t, s, known)
	before := sums(t, s, "a")

	for i := range 2 { // the second time it would be known, if it had been learnt
		liar, h := lazy(stacks(2+i, "a", "evil"))
		liar.StackHashes[0] = tacho.StackHash{1, 2, 3}
		good, _ := lazy(stacks(4, "a", "y"))
		err := s.AppendValid(t.Context(), "", []*tacho.Batch{good, liar})
		var refused *store.RefusedError
		if !errors.As(err, &refused) || refused.Index != 1 || !strings.Contains(err.Error(), "stack 0 is not the one of the hash it has come with") || h.loads != 1 {
			t.Fatalf("got %v after loading %d times", err, h.loads)
		}
	}
	if got := sums(t, s, "a"); !maps.Equal(got, before) {
		t.Errorf("got %v, want %v", got, before)
	}
	// The hash of a stack that comes later, claimed for another: refused as well.
	y, _ := lazy(stacks(5, "a", "later"))
	liar, _ := lazy(stacks(6, "a", "evil"))
	liar.StackHashes[0] = y.StackHashes[0]
	if err := s.AppendValid(t.Context(), "", []*tacho.Batch{liar}); !errors.As(err, new(*store.RefusedError)) {
		t.Fatal(err)
	}
	put(t, s, y)

	mislabels, h := lazy(stacks(7, "a", "evil"))
	mislabels.StackHashes[0] = known.StackHashes[0]
	put(t, s, mislabels)
	if h.loads != 0 {
		t.Errorf("loaded %d times", h.loads)
	}
	want := map[string]int64{
		fmt.Sprint(tacho.Stack{{Function: "x", File: "F.java"}, {Function: "main"}}):     2,
		fmt.Sprint(tacho.Stack{{Function: "later", File: "F.java"}, {Function: "main"}}): 1,
	}
	if got := sums(t, s, "a"); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// Tables that prove to be broken cost their own batch.
func TestBrokenTablesAreRefused(t *testing.T) {
	s := open(t, vfs.NewMem(), (&clock{noon}).now)
	broken, h := lazy(stacks(1, "a", "x"))
	h.err = errors.New("torn")
	good, _ := lazy(stacks(2, "a", "y"))
	err := s.AppendValid(t.Context(), "", []*tacho.Batch{good, broken})
	var refused *store.RefusedError
	if !errors.As(err, &refused) || refused.Index != 1 || !errors.Is(err, h.err) {
		t.Fatal(err)
	}
	put(t, s, good)
	if err := s.Append(t.Context(), "", []*tacho.Batch{broken}); !errors.As(err, &refused) || !errors.Is(err, h.err) {
		t.Errorf("Append says %v", err)
	}
	if got := sums(t, s, "a"); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
