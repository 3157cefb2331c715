package named_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tacho"
	"tacho/store"
	"tacho/store/local"
	"tacho/store/named"
	"tacho/store/storetest"
)

// words names addresses by a table.
type words struct {
	mu  sync.Mutex
	gen int
	is  map[string]tacho.Stack // by function
}

func (w *words) Generation() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gen
}

func (w *words) Names(fs []tacho.Frame) []tacho.Stack {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]tacho.Stack, len(fs))
	for i, f := range fs {
		out[i] = w.is[f.Function]
	}
	return out
}

func (w *words) set(name string, st tacho.Stack) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gen++
	w.is[name] = st
}

// TestStore: with nothing to name it is the store behind, in every respect.
func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		fs := vfs.NewMem()
		var behind *local.Store
		return storetest.Harness{
			Open: func(t *testing.T, now func() time.Time) store.Store {
				behind = openLocal(t, fs, now)
				return named.New(behind, &words{is: map[string]tacho.Stack{}})
			},
			Settle: func(t *testing.T, _ store.Store) {
				if err := behind.Roll(context.Background()); err != nil {
					t.Errorf("roll: %v", err)
				}
			},
		}
	})
}

func openLocal(t *testing.T, fs vfs.FS, now func() time.Time) *local.Store {
	t.Helper()
	s, err := local.Open(local.Options{Dir: "store", FS: fs, Now: now, RollEvery: -1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var (
	noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	main = tacho.Frame{Function: "main", File: "m.c", Line: 3}
	at10 = tacho.AddressFrame("/opt/shop", "ab", 0x10, tacho.KindNative)
	at20 = tacho.AddressFrame("/opt/shop", "ab", 0x20, tacho.KindNative)
)

func native(name string, line int32) tacho.Frame {
	return tacho.Frame{Function: name, File: "shop.c", Module: "/opt/shop", Line: line, Kind: tacho.KindNative}
}

type asked struct {
	t   *testing.T
	st  store.Store
	sel store.Selection
	seq uint64
}

func (a *asked) append(values map[int64]tacho.Stack) {
	a.t.Helper()
	x := tacho.NewBuilder()
	for v, s := range values {
		x.Sample(tacho.CPU, tacho.Sample{Time: noon.UnixNano() + v, Value: v, Stack: x.Stack(s), Thread: x.Thread(tacho.Thread{Name: "t"})})
	}
	a.seq++
	b := x.Take(tacho.NewLabels(map[string]string{"service_name": "shop", "instance": "i"}), "c", noon.UnixNano(), noon.Add(time.Second).UnixNano(), a.seq)
	if err := a.st.Append(a.t.Context(), "", []*tacho.Batch{b}); err != nil {
		a.t.Fatal(err)
	}
}

// stacks is what Merge and Samples agree on: value and functions with lines.
func (a *asked) stacks() string {
	a.t.Helper()
	m, err := a.st.Merge(a.t.Context(), a.sel)
	if err != nil {
		a.t.Fatal(err)
	}
	var merged, raw []string
	for _, p := range m.Parts {
		for id, v := range p.Values {
			if v != 0 {
				merged = append(merged, say(v, p.Tree.Stack(uint32(id))))
			}
		}
	}
	err = a.st.Samples(a.t.Context(), a.sel, func(b *store.SampleBlock) error {
		for _, s := range b.Samples {
			raw = append(raw, say(s.Value, b.Tree.Stack(s.Stack)))
		}
		return nil
	})
	slices.Sort(merged)
	slices.Sort(raw)
	if err != nil || !slices.Equal(merged, raw) {
		a.t.Errorf("merged %q, raw %q, %v", merged, raw, err)
	}
	return strings.Join(merged, "\n")
}

func say(v int64, s tacho.Stack) string {
	text := fmt.Sprint(v)
	for _, f := range s {
		text += fmt.Sprintf(" %s:%d", f.Function, f.Line)
	}
	return text
}

func TestNamesComeAndGo(t *testing.T) {
	w := &words{is: map[string]tacho.Stack{}}
	st := named.New(openLocal(t, vfs.NewMem(), func() time.Time { return noon.Add(time.Minute) }), w)
	defer st.Close()
	a := &asked{t: t, st: st, sel: store.Selection{Service: "shop", Type: "cpu", From: noon, Until: noon.Add(time.Minute)}}
	want := func(lines ...string) {
		t.Helper()
		if got := a.stacks(); got != strings.Join(lines, "\n") {
			t.Errorf("got\n%s\nwant\n%s", got, strings.Join(lines, "\n"))
		}
	}
	a.append(map[int64]tacho.Stack{1: {at10, main}, 2: {at20, at10, main}, 3: {main}})
	want("1 shop+0x10:0 main:3", "2 shop+0x20:0 shop+0x10:0 main:3", "3 main:3")

	// The file comes: an inlined call becomes a call of its own. The trie grows after.
	inlined := tacho.Frame{Function: "tax", File: "tax.h", Line: 9, Module: "/opt/shop", Kind: tacho.KindInlined}
	w.set("shop+0x10", tacho.Stack{inlined, native("price", 7)})
	want("1 tax:9 price:7 main:3", "2 shop+0x20:0 tax:9 price:7 main:3", "3 main:3")
	late := tacho.AddressFrame("/opt/shop", "ab", 0x30, tacho.KindNative)
	w.set("shop+0x30", tacho.Stack{native("price", 8)})
	a.append(map[int64]tacho.Stack{4: {late, at10, main}, 5: {at20}})
	want("1 tax:9 price:7 main:3", "2 shop+0x20:0 tax:9 price:7 main:3", "3 main:3", "4 price:8 tax:9 price:7 main:3", "5 shop+0x20:0")

	// Two questions about one trie have answers of one trie, whatever it grew to.
	first, err := st.Merge(t.Context(), a.sel)
	if err != nil {
		t.Fatal(err)
	}
	counted := false
	c, err := st.CountsOf(t.Context(), a.sel, time.Second, func(tr *store.Tree) []bool {
		counted = &tr.Parent[0] == &first.Parts[0].Tree.Parent[0]
		keep := make([]bool, len(tr.Leaf))
		for id := range keep {
			keep[id] = slices.ContainsFunc(tr.Stack(uint32(id)), func(f tacho.Frame) bool { return f.Function == "tax" })
		}
		return keep
	})
	if err != nil || !counted || c.Values[0] != 1+2+4 {
		t.Errorf("counts of tax: %v, %v, same trie: %t; want 7", c, err, counted)
	}

	// And it goes.
	w.set("shop+0x10", nil)
	w.set("shop+0x20", tacho.Stack{native("sum", 1)})
	want("1 shop+0x10:0 main:3", "2 sum:1 shop+0x10:0 main:3", "3 main:3", "4 price:8 shop+0x10:0 main:3", "5 sum:1")
}

// BenchmarkNothingToName is what a question of a store without addresses pays.
// Limit: a look at each frame, once.
func BenchmarkNothingToName(b *testing.B) {
	w := &words{is: map[string]tacho.Stack{}}
	m := &merged{tree: &store.Tree{Parent: []uint32{0}, Frame: []uint32{0}}}
	for i := range 100_000 {
		m.tree.Frames = append(m.tree.Frames, tacho.Frame{Function: fmt.Sprintf("com.acme.Some.method%d", i), Line: int32(i % 2)})
	}
	st := named.New(m, w)
	for b.Loop() {
		_, _ = st.Merge(b.Context(), store.Selection{})
	}
}

type merged struct {
	store.Store
	tree *store.Tree
}

func (m *merged) Merge(context.Context, store.Selection) (*store.Merged, error) {
	return &store.Merged{Parts: []store.Part{{Tree: m.tree}}}, nil
}
