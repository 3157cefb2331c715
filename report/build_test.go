package report

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/query"
	"tacho/store"
)

func TestKinds(t *testing.T) {
	want := []string{"unknown", "interpreted", "jit", "inlined", "native", "kernel", "compiler", "gc", "vm", "unsampled", "estimated"}
	if got := Kinds(); !reflect.DeepEqual(got, want) {
		t.Errorf("kinds %v, want %v", got, want)
	}
}

// The page reads .length of every array: none may be null, however empty the
// answer of the store is.
func TestNoNulls(t *testing.T) {
	agent := Agent{Targets: []Target{{}}}
	agent.Fill()
	for name, v := range map[string]any{
		"icicle":   NewIcicle(&query.Icicle{}),
		"top":      NewTop(&query.Top{}),
		"timeline": NewTimeline(&query.Timeline{Series: []query.TimelineSeries{{}}}),
		"events":   NewEvents([]query.TargetEvent{{}}, false),
		"samples":  NewSamples("bytes").Done(),
		"labels":   NewLabels(nil),
		"service":  NewService(store.Service{Instances: []store.Instance{{}}}, &store.Counts{Values: []int64{1}}, time.Unix(1e9, 0)).Types,
		"agent":    agent,
	} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), "null") {
			t.Errorf("%s has a null: %s", name, b)
		}
	}
}

func TestNewHeatmap(t *testing.T) {
	h := NewHeatmap(&store.Counts{
		From: time.UnixMilli(60_000), Step: time.Minute, Unit: "nanoseconds",
		Values: []int64{5, 0, 0, 9}, Recorded: []bool{true, true, false}, // the last mark is missing
	}, nil)
	if want := []Cell{5, 0, NotRecorded, 9}; !reflect.DeepEqual(h.Cells, want) {
		t.Errorf("cells %v, want %v", h.Cells, want)
	}
	if h.FromMS != 60_000 || h.UntilMS != 300_000 || h.StepMS != 60_000 || h.Missing == nil {
		t.Errorf("heat map %+v", h)
	}
}

func TestDemoUntil(t *testing.T) {
	seeded := tacho.NewLabels(map[string]string{tacho.LabelInstance: "a", tacho.LabelDemo: "seeded"})
	recorded := tacho.NewLabels(map[string]string{tacho.LabelInstance: "b"})
	s := store.Service{Instances: []store.Instance{
		{Target: recorded, Last: time.UnixMilli(9000)}, {Target: seeded, Last: time.UnixMilli(5000)}, {Target: seeded, Last: time.UnixMilli(4000)},
	}}
	if got := DemoUntil(s); got == nil || *got != 5000 {
		t.Errorf("demo until %v, want 5000", got)
	}
	s.Instances = s.Instances[:1]
	if got := DemoUntil(s); got != nil {
		t.Errorf("demo until %d of a service without demo data", *got)
	}
}

// Blocks of different trees share one numbering of frames, stacks and threads.
func TestSamplesBuilder(t *testing.T) {
	block := func(instance string) *store.SampleBlock {
		return &store.SampleBlock{
			Target: tacho.NewLabels(map[string]string{tacho.LabelInstance: instance}),
			Tree: &store.Tree{
				Frames: []tacho.Frame{{Function: "run"}, {Function: "work", File: "W.java", Line: 3, Kind: tacho.KindJIT}},
				Parent: []uint32{0, 0, 1}, Frame: []uint32{0, 0, 1}, Leaf: []uint32{1, 2},
			},
			Threads: []tacho.Thread{{ID: 1, Name: "t"}},
			Samples: []tacho.Sample{{Time: 10, Value: 1, Stack: 1}, {Time: 20, Value: 2, Stack: 1}},
		}
	}
	b := NewSamples("nanoseconds")
	b.Add(block("a"))
	b.Add(block("b"))
	if b.Count() != 4 {
		t.Errorf("count %d", b.Count())
	}
	v := b.Done()
	if !reflect.DeepEqual(v.Stacks, [][]uint32{{0, 1}}) || !reflect.DeepEqual(v.Samples.Stack, []uint32{0, 0, 0, 0}) {
		t.Errorf("stacks %v, samples' stacks %v", v.Stacks, v.Samples.Stack)
	}
	if !reflect.DeepEqual(v.Instances, []string{"a", "b"}) || !reflect.DeepEqual(v.Samples.Instance, []uint32{0, 0, 1, 1}) || len(v.Threads) != 1 {
		t.Errorf("instances %v %v, threads %v", v.Instances, v.Samples.Instance, v.Threads)
	}
	if v.Strings[v.Frames.Function[0]] != "work" || v.Frames.Line[0] != 3 || v.Frames.Kind[0] != 2 {
		t.Errorf("frames %+v of %v", v.Frames, v.Strings)
	}
}
