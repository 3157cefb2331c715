package web

import (
	"context"
	"slices"
	"strings"
	"time"

	"tacho"
	"tacho/store"
)

// fakeStore answers from batches held in memory, the slow and obvious way.
type fakeStore struct {
	batches []*tacho.Batch
	// before, when set, runs at the start of every question.
	before func(ctx context.Context) error
	// missing is what Samples and Events say could not be read.
	missing []string
}

// partly is what a question that has been answered as far as possible returns.
func (f *fakeStore) partly() error {
	if len(f.missing) > 0 {
		return &store.MissingError{Missing: f.missing}
	}
	return nil
}

func (f *fakeStore) enter(ctx context.Context) error {
	if f.before != nil {
		if err := f.before(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (f *fakeStore) Append(_ context.Context, _ string, bs []*tacho.Batch) error {
	f.batches = append(f.batches, bs...)
	return nil
}

func (f *fakeStore) Close() error { return nil }

func (f *fakeStore) Services(ctx context.Context, _ string) ([]store.Service, error) {
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	var out []store.Service
	for _, b := range f.batches {
		i := slices.IndexFunc(out, func(s store.Service) bool { return s.Name == b.Target.Get(tacho.LabelService) })
		if i < 0 {
			i = len(out)
			out = append(out, store.Service{Name: b.Target.Get(tacho.LabelService)})
		}
		s := &out[i]
		for _, p := range b.Profiles {
			if !slices.Contains(s.Types, p.Type) {
				s.Types = append(s.Types, p.Type)
			}
		}
		k := slices.IndexFunc(s.Instances, func(x store.Instance) bool { return x.Target.String() == b.Target.String() })
		if k < 0 {
			k = len(s.Instances)
			s.Instances = append(s.Instances, store.Instance{Target: b.Target, First: time.Unix(0, b.From), Last: time.Unix(0, b.Until)})
		}
		in := &s.Instances[k]
		if t := time.Unix(0, b.From); t.Before(in.First) {
			in.First = t
		}
		if t := time.Unix(0, b.Until); t.After(in.Last) {
			in.Last = t
		}
	}
	slices.SortFunc(out, func(a, b store.Service) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

func (f *fakeStore) Series(ctx context.Context, _, service, typ string) ([]tacho.Labels, error) {
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	var out []tacho.Labels
	for _, b := range f.batches {
		if b.Target.Get(tacho.LabelService) != service {
			continue
		}
		for _, p := range b.Profiles {
			for _, s := range p.Samples {
				if typ == "" || p.Type.Name == typ {
					out = append(out, b.Target.With(tacho.LabelThreadGroup, b.Threads[s.Thread].Group))
				}
			}
		}
	}
	return out, nil
}

// each visits the samples of a selection.
func (f *fakeStore) each(ctx context.Context, sel store.Selection, visit func(*tacho.Batch, *tacho.Profile, tacho.Sample)) error {
	if err := f.enter(ctx); err != nil {
		return err
	}
	for _, b := range f.batches {
		if b.Target.Get(tacho.LabelService) != sel.Service {
			continue
		}
		for i := range b.Profiles {
			p := &b.Profiles[i]
			for _, s := range p.Samples {
				t := s.Time
				if t == 0 {
					t = b.From
				}
				ls := b.Target.With(tacho.LabelThreadGroup, b.Threads[s.Thread].Group)
				if p.Type.Name == sel.Type && t >= sel.From.UnixNano() && t < sel.Until.UnixNano() && store.MatchAll(sel.Match, ls) {
					s.Time = t
					visit(b, p, s)
				}
			}
		}
	}
	return nil
}

// treeOf is the trie of one batch.
func treeOf(b *tacho.Batch) *store.Tree {
	t := &store.Tree{Parent: []uint32{0}, Frame: []uint32{0}}
	for i := range b.Frames {
		t.Frames = append(t.Frames, b.Frame(uint32(i)))
	}
	type call struct{ parent, frame uint32 }
	nodes := map[call]uint32{}
	for _, s := range b.Stacks {
		at := uint32(0)
		for _, f := range slices.Backward(s) {
			n, ok := nodes[call{at, f}]
			if !ok {
				n = uint32(len(t.Parent))
				nodes[call{at, f}] = n
				t.Parent, t.Frame = append(t.Parent, at), append(t.Frame, f)
			}
			at = n
		}
		t.Leaf = append(t.Leaf, at)
	}
	return t
}

func (f *fakeStore) Merge(ctx context.Context, sel store.Selection) (*store.Merged, error) {
	m := &store.Merged{}
	parts := map[*tacho.Batch]int{}
	err := f.each(ctx, sel, func(b *tacho.Batch, p *tacho.Profile, s tacho.Sample) {
		m.Unit = p.Type.Unit
		i, ok := parts[b]
		if !ok {
			i = len(m.Parts)
			parts[b] = i
			m.Parts = append(m.Parts, store.Part{Tree: treeOf(b), Values: make([]int64, len(b.Stacks))})
		}
		m.Parts[i].Values[s.Stack] += s.Value
	})
	return m, err
}

func (f *fakeStore) Counts(ctx context.Context, sel store.Selection, step time.Duration) (*store.Counts, error) {
	n := int((sel.Until.Sub(sel.From) + step - 1) / step)
	c := &store.Counts{From: sel.From, Step: step, Values: make([]int64, n), Recorded: make([]bool, n)}
	err := f.each(ctx, sel, func(b *tacho.Batch, p *tacho.Profile, s tacho.Sample) {
		c.Unit = p.Type.Unit
		c.Values[(s.Time-sel.From.UnixNano())/int64(step)] += s.Value
	})
	for _, b := range f.batches {
		if b.Target.Get(tacho.LabelService) != sel.Service {
			continue
		}
		for i := range n {
			t := sel.From.Add(time.Duration(i) * step).UnixNano()
			c.Recorded[i] = c.Recorded[i] || b.From < t+int64(step) && b.Until > t
		}
	}
	return c, err
}

func (f *fakeStore) CountsOf(ctx context.Context, sel store.Selection, step time.Duration, keep func(*store.Tree) []bool) (*store.Counts, error) {
	n := int((sel.Until.Sub(sel.From) + step - 1) / step)
	c := &store.Counts{From: sel.From, Step: step, Values: make([]int64, n)}
	kept := map[*tacho.Batch][]bool{}
	err := f.each(ctx, sel, func(b *tacho.Batch, p *tacho.Profile, s tacho.Sample) {
		c.Unit = p.Type.Unit
		if kept[b] == nil {
			kept[b] = keep(treeOf(b))
		}
		if kept[b][s.Stack] {
			c.Values[(s.Time-sel.From.UnixNano())/int64(step)] += s.Value
		}
	})
	return c, err
}

func (f *fakeStore) Samples(ctx context.Context, sel store.Selection, visit func(*store.SampleBlock) error) error {
	var blocks []*store.SampleBlock
	byBatch := map[*tacho.Batch]*store.SampleBlock{}
	err := f.each(ctx, sel, func(b *tacho.Batch, _ *tacho.Profile, s tacho.Sample) {
		if byBatch[b] == nil {
			byBatch[b] = &store.SampleBlock{Target: b.Target, Tree: treeOf(b), Threads: b.Threads}
			blocks = append(blocks, byBatch[b])
		}
		byBatch[b].Samples = append(byBatch[b].Samples, s)
	})
	for _, block := range blocks {
		if err == nil {
			err = visit(block)
		}
	}
	if err == nil {
		err = f.partly()
	}
	return err
}

func (f *fakeStore) Points(ctx context.Context, sel store.Selection, prefix string, visit func(tacho.Labels, tacho.Series) error) error {
	if err := f.enter(ctx); err != nil {
		return err
	}
	for _, b := range f.batches {
		for _, s := range b.Series {
			if b.Target.Get(tacho.LabelService) == sel.Service && strings.HasPrefix(s.Name, prefix) {
				if err := visit(b.Target, s); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (f *fakeStore) Events(ctx context.Context, sel store.Selection, visit func(tacho.Labels, tacho.Event) error) error {
	if err := f.enter(ctx); err != nil {
		return err
	}
	for _, b := range f.batches {
		for _, e := range b.Events {
			if b.Target.Get(tacho.LabelService) == sel.Service && e.Time < sel.Until.UnixNano() && e.Time+e.Duration >= sel.From.UnixNano() {
				if err := visit(b.Target, e); err != nil {
					return err
				}
			}
		}
	}
	return f.partly()
}

// base is the noon all test data starts at; the tests' clock says one minute
// and a half later.
var base = time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)

const evilName = "</script>\x1b]0;x\x07\u202e.run"

// sampleData is one minute of two instances of "orders", one second a batch
// and no batch in the seconds 30 to 39; a service "idle" with nothing but a
// declaration; and one whose name and symbols are hostile.
func sampleData() *fakeStore {
	f := &fakeStore{}
	for _, instance := range []string{"a", "b"} {
		target := map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: instance}
		if instance == "b" {
			target[tacho.LabelDemo] = "seeded"
		}
		x := tacho.NewBuilder()
		run := tacho.Frame{Function: "java.lang.Thread.run", File: "Thread.java", Line: 840, Kind: tacho.KindJIT}
		price := tacho.Frame{Function: "com.acme.Orders.price", File: "Orders.java", Line: 120, Kind: tacho.KindJIT}
		save := tacho.Frame{Function: "com.acme.Orders.save", File: "Orders.java", Line: 77, Kind: tacho.KindInterpreted}
		for sec := range 60 {
			if sec >= 30 && sec < 40 {
				continue
			}
			from := base.Add(time.Duration(sec) * time.Second)
			th := x.Thread(tacho.Thread{ID: 100, JavaID: 20, Name: "http-8080-exec-1", Group: "http-#-exec-#"})
			for i := range int64(10) {
				at := from.UnixNano() + i*100e6
				x.Sample(tacho.CPU, tacho.Sample{Time: at, Value: 20e6, Stack: x.Stack(tacho.Stack{price, run}), Thread: th})
				if i < 3 {
					x.Sample(tacho.OffCPU, tacho.Sample{Time: at, Value: 50e6, Stack: x.Stack(tacho.Stack{save, run}), Thread: th})
				}
			}
			x.Series(tacho.Series{Name: "jvm.memory.used", Unit: "bytes", Points: []tacho.Point{{Time: from.UnixNano(), Value: float64(1000 + sec)}}})
			if sec == 20 {
				x.Event(tacho.Event{Time: from.UnixNano(), Duration: 12e6, Kind: "gc.pause", Name: "G1 Evacuation Pause", Thread: "VM Thread",
					Attrs: tacho.Labels{{Name: "cause", Value: "G1 Evacuation"}}})
			}
			f.batches = append(f.batches, x.Take(tacho.NewLabels(target), "test", from.UnixNano(), from.Add(time.Second).UnixNano(), uint64(sec)))
		}
	}
	x := tacho.NewBuilder()
	x.Declare(tacho.CPU)
	f.batches = append(f.batches, x.Take(tacho.NewLabels(map[string]string{tacho.LabelService: "idle", tacho.LabelInstance: "i"}), "test",
		base.UnixNano(), base.Add(time.Minute).UnixNano(), 0))
	th := x.Thread(tacho.Thread{Name: evilName, Group: evilName})
	x.Sample(tacho.CPU, tacho.Sample{Value: 5, Stack: x.Stack(tacho.Stack{{Function: evilName, File: evilName}}), Thread: th})
	f.batches = append(f.batches, x.Take(tacho.NewLabels(map[string]string{tacho.LabelService: "evil//../" + evilName, tacho.LabelInstance: evilName}), "test",
		base.UnixNano(), base.Add(time.Minute).UnixNano(), 0))
	return f
}
