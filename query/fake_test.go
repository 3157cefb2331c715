package query

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/store"
)

// fake is a store that answers what it was given: tests of views state their
// stacks and nothing else.
type fake struct {
	types   []tacho.ValueType
	parts   map[string][]store.Part // by type
	missing []string
	counts  func(sel store.Selection, step time.Duration) *store.Counts
	merge   func(sel store.Selection)              // told of every Merge
	mergeAt func(sel store.Selection) []store.Part // instead of parts
	points  []tacho.Series                         // of both instances
	events  []tacho.Event
}

var (
	t0 = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	a  = tacho.NewLabels(map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: "a"})
	b  = tacho.NewLabels(map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: "b"})
)

func request(typ string) store.Selection {
	return store.Selection{Service: "orders", Type: typ, From: t0, Until: t0.Add(time.Hour)}
}

func (f *fake) Services(context.Context, string) ([]store.Service, error) {
	return []store.Service{{Name: "orders", Types: f.types, Instances: []store.Instance{{Target: a}, {Target: b}}}}, nil
}

func (f *fake) Merge(_ context.Context, sel store.Selection) (*store.Merged, error) {
	if f.merge != nil {
		f.merge(sel)
	}
	m := &store.Merged{Unit: "nanoseconds", Missing: f.missing}
	if f.mergeAt != nil {
		m.Parts = f.mergeAt(sel)
		return m, nil
	}
	for _, p := range f.parts[sel.Type] {
		m.Parts = append(m.Parts, store.Part{Tree: p.Tree, Values: append([]int64(nil), p.Values...)})
	}
	return m, nil
}

func (f *fake) Counts(_ context.Context, sel store.Selection, step time.Duration) (*store.Counts, error) {
	if f.counts != nil {
		return f.counts(sel, step), nil
	}
	n := int((sel.Until.Sub(sel.From) + step - 1) / step)
	return &store.Counts{From: sel.From, Step: step, Unit: "nanoseconds", Values: make([]int64, n), Recorded: make([]bool, n)}, nil
}

func (f *fake) CountsOf(ctx context.Context, sel store.Selection, step time.Duration, keep func(*store.Tree) []bool) (*store.Counts, error) {
	c := &store.Counts{From: sel.From, Step: step, Values: make([]int64, int((sel.Until.Sub(sel.From)+step-1)/step)), Missing: f.missing}
	for _, p := range f.parts[sel.Type] { // all at the beginning
		for id, k := range keep(p.Tree) {
			if k {
				c.Values[0] += p.Values[id]
			}
		}
	}
	return c, nil
}

func (f *fake) Points(_ context.Context, _ store.Selection, prefix string, visit func(tacho.Labels, tacho.Series) error) error {
	for i, s := range f.points {
		if strings.HasPrefix(s.Name, prefix) {
			if err := visit([]tacho.Labels{a, b}[i%2], s); err != nil {
				return err
			}
		}
	}
	return f.incomplete()
}

func (f *fake) Events(_ context.Context, _ store.Selection, visit func(tacho.Labels, tacho.Event) error) error {
	for _, e := range f.events {
		if err := visit(a, e); err != nil {
			return err
		}
	}
	return f.incomplete()
}

func (f *fake) incomplete() error {
	if len(f.missing) > 0 {
		return &store.MissingError{Missing: f.missing}
	}
	return nil
}

var errNotAsked = errors.New("not part of these tests")

func (f *fake) Append(context.Context, string, []*tacho.Batch) error { return errNotAsked }
func (f *fake) Series(context.Context, string, string, string) ([]tacho.Labels, error) {
	return nil, errNotAsked
}
func (f *fake) Samples(context.Context, store.Selection, func(*store.SampleBlock) error) error {
	return errNotAsked
}
func (f *fake) Close() error { return nil }

// treeBuilder builds tries from stacks written root first, "main;run;read".
type treeBuilder struct {
	tree   store.Tree
	frames map[tacho.Frame]uint32
	nodes  map[[2]uint32]uint32
	stacks map[uint32]uint32
	vals   []int64
}

func newTree() *treeBuilder {
	return &treeBuilder{
		tree:   store.Tree{Parent: make([]uint32, 1, 1<<16), Frame: make([]uint32, 1, 1<<16)},
		frames: map[tacho.Frame]uint32{}, nodes: map[[2]uint32]uint32{}, stacks: map[uint32]uint32{},
	}
}

// add adds a stack, root first.
func (x *treeBuilder) add(v int64, stack ...tacho.Frame) {
	n := uint32(0)
	for _, f := range stack {
		id, ok := x.frames[f]
		if !ok {
			id = uint32(len(x.tree.Frames))
			x.frames[f] = id
			x.tree.Frames = append(x.tree.Frames, f)
		}
		c, ok := x.nodes[[2]uint32{n, id}]
		if !ok {
			c = uint32(len(x.tree.Parent))
			x.nodes[[2]uint32{n, id}] = c
			x.tree.Parent, x.tree.Frame = append(x.tree.Parent, n), append(x.tree.Frame, id)
		}
		n = c
	}
	s, ok := x.stacks[n]
	if !ok {
		s = uint32(len(x.tree.Leaf))
		x.stacks[n] = s
		x.tree.Leaf = append(x.tree.Leaf, n)
		x.vals = append(x.vals, 0)
	}
	x.vals[s] += v
}

// part is the sums so far, with a snapshot of the trie.
func (x *treeBuilder) part() store.Part {
	t := x.tree
	return store.Part{Tree: &t, Values: append([]int64(nil), x.vals...)}
}

// frame reads "function:line/kind@file"; everything but the function is optional.
func frame(s string) tacho.Frame {
	var f tacho.Frame
	s, f.File, _ = strings.Cut(s, "@")
	s, kind, _ := strings.Cut(s, "/")
	for k := tacho.KindUnknown; k <= tacho.KindUnsampled; k++ {
		if k.String() == kind {
			f.Kind = k
		}
	}
	f.Function, s, _ = strings.Cut(s, ":")
	_, _ = fmt.Sscan(s, &f.Line) // 0 when there is none
	return f
}

// folded makes one part from lines "main;run;read 5".
func foldedPart(lines ...string) store.Part {
	x := newTree()
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
	return x.part()
}

// engine answers cpu from the lines.
func engine(lines ...string) *Engine {
	return New(&fake{types: []tacho.ValueType{tacho.CPU}, parts: map[string][]store.Part{"cpu": {foldedPart(lines...)}}})
}

// draw writes an icicle as indented lines "name kind file [offset+total) self".
func draw(ic *Icicle) string {
	var out strings.Builder
	for i := range ic.Level {
		fmt.Fprintf(&out, "%s%s", strings.Repeat(" ", int(ic.Level[i])), ic.Strings[ic.Name[i]])
		if k := tacho.FrameKind(ic.Kind[i]); k != tacho.KindUnknown {
			fmt.Fprintf(&out, "/%s", k)
		}
		if f := ic.Strings[ic.File[i]]; f != "" {
			fmt.Fprintf(&out, "@%s", f)
		}
		fmt.Fprintf(&out, " %d+%d", ic.Offset[i], ic.TotalV[i])
		if ic.Self[i] != 0 {
			fmt.Fprintf(&out, " self %d", ic.Self[i])
		}
		out.WriteByte('\n')
	}
	if ic.PrunedCount != 0 {
		fmt.Fprintf(&out, "pruned %d of %d\n", ic.PrunedCount, ic.PrunedSum)
	}
	return out.String()
}

func wantText(t *testing.T, got, want string) {
	t.Helper()
	if want = strings.TrimLeft(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
