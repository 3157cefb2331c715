package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/store"
)

var stacks = []string{
	"main;run;read 5",
	"main;run:3/jit@Run.java 2",
	"main;run:4/interpreted@Run.java;write 1",
	"main;alpha 4",
	"gc 8",
}

func TestIcicle(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines []string
		opt   IcicleOptions
		want  string
	}{
		{"empty", nil, IcicleOptions{}, "all 0+0\n"},
		{"whole", stacks, IcicleOptions{}, `
all 0+20
 gc 0+8 self 8
 main 8+12
  alpha 8+4 self 4
  run 12+8 self 2
   read 12+5 self 5
   write 17+1 self 1
`},
		{"kind and file follow the largest share", []string{"f/jit@A 3", "f/interpreted@B;x 4", "f/jit@C:2 2"}, IcicleOptions{Depth: 1}, `
all 0+9
 f/jit@B 0+9 self 5
pruned 1 of 4
`},
		{"depth", stacks, IcicleOptions{Depth: 2}, `
all 0+20
 gc 0+8 self 8
 main 8+12
  alpha 8+4 self 4
  run 12+8 self 2
pruned 2 of 6
`},
		{"pruned stay in their parent's total", stacks, IcicleOptions{MinShare: 0.25}, `
all 0+20
 gc 0+8 self 8
 main 8+12
  run 8+8 self 2
   read 8+5 self 5
pruned 2 of 5
`},
		{"below a pruned node nothing is summed twice", []string{"a;b;c 1", "z 99"}, IcicleOptions{MinShare: 0.02}, `
all 0+100
 z 0+99 self 99
pruned 3 of 1
`},
		{"recursion", []string{"f;f;g;f 3", "f 1"}, IcicleOptions{}, `
all 0+4
 f 0+4 self 1
  f 0+3
   g 0+3
    f 0+3 self 3
`},
		{"focus", []string{"main;run;read 5", "other;run;read 2", "other;run 1", "main;x 9"}, IcicleOptions{Narrow: Narrow{Focus: "run"}}, `
run 0+8 self 1
 read 0+7 self 7
`},
		{"focus starts at the outermost call", []string{"main;f;g;f;h 5", "f;f 2"}, IcicleOptions{Narrow: Narrow{Focus: "f"}}, `
f 0+7
 f 0+2 self 2
 g 2+5
  f 2+5
   h 2+5 self 5
`},
		{"focus on what did not run", stacks, IcicleOptions{Narrow: Narrow{Focus: "nowhere"}}, "nowhere 0+0\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ic, err := engine(c.lines...).Icicle(context.Background(), request("cpu"), c.opt)
			if err != nil {
				t.Fatal(err)
			}
			wantText(t, draw(ic), c.want)
			if ic.Unit != "nanoseconds" || ic.Missing == nil || ic.Strings[0] != "" {
				t.Errorf("unit %q, missing %v, strings %q", ic.Unit, ic.Missing, ic.Strings)
			}
		})
	}
}

func TestCallers(t *testing.T) {
	e := engine("main;run;read 5", "main;read 2", "read 1", "main;run;read;x;read 4", "other;run 9", "boot;main;run;read 3")
	ic, err := e.Callers(context.Background(), request("cpu"), "read", IcicleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The stack with two reads counts once, from the outer one.
	wantText(t, draw(ic), `
read 0+15 self 1
 main 0+2 self 2
 run 2+12
  main 2+12 self 9
   boot 2+3 self 3
`)
	var bad *RequestError
	if _, err := e.Callers(context.Background(), request("cpu"), "", IcicleOptions{}); !errors.As(err, &bad) || bad.Param != "function" {
		t.Errorf("no function: %v, want a RequestError of it", err)
	}
	if ic, err = e.Callers(context.Background(), request("cpu"), "nowhere", IcicleOptions{}); err != nil || ic.Total != 0 {
		t.Errorf("nowhere: total %d, %v; want 0", ic.Total, err)
	}
}

func TestTop(t *testing.T) {
	e := engine("main:1;f:10/jit@F.java;g 5", "main:1;f:11/jit@F.java;f:12/interpreted@F.java 4", "main:2;f:11/interpreted@F.java;g;f:11/jit@F.java 3", "G/native 1")
	rows := func(opt TopOptions) (string, *Top) {
		t.Helper()
		top, err := e.Top(context.Background(), request("cpu"), opt)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, r := range top.Rows {
			fmt.Fprintf(&out, "%s %s:%d %s self %d total %d\n", r.Function, r.File, r.Line, r.Kind, r.Self, r.Total)
		}
		return out.String(), top
	}
	got, top := rows(TopOptions{})
	// f is on three stacks, 5 + 4 + 3, though it is on two of them twice. Its
	// outermost calls spend 5 at line 10 and 7 at line 11.
	wantText(t, got, `
f F.java:11 jit self 7 total 12
g :0 unknown self 5 total 8
G :0 native self 1 total 1
main :1 unknown self 0 total 12
`)
	if top.Total != 13 || top.RowCount != 4 || top.Unit != "nanoseconds" {
		t.Errorf("total %d, %d rows, %q", top.Total, top.RowCount, top.Unit)
	}
	got, top = rows(TopOptions{Sort: "total", Limit: 2})
	wantText(t, got, "f F.java:11 jit self 7 total 12\nmain :1 unknown self 0 total 12\n")
	if top.RowCount != 4 || top.Total != 13 {
		t.Errorf("with a limit: %d rows of total %d, want 4 of 13", top.RowCount, top.Total)
	}
	if got, top = rows(TopOptions{Search: "g", Limit: 1}); got != "g :0 unknown self 5 total 8\n" || top.RowCount != 2 {
		t.Errorf("search g: %q of %d, want g of 2 in any case", got, top.RowCount)
	}
	if got, _ = rows(TopOptions{Search: "/(?-i)^[A-Z]/"}); got != "G :0 native self 1 total 1\n" {
		t.Errorf("regular expression: %q", got)
	}
	for _, opt := range []TopOptions{{Search: "/(/"}, {Sort: "name"}} {
		var bad *RequestError
		if _, err := e.Top(context.Background(), request("cpu"), opt); !errors.As(err, &bad) {
			t.Errorf("%+v: %v, want a RequestError", opt, err)
		}
	}
}

// TestSeveralTries: epochs of a trie, and both parts of wall, are one answer.
func TestSeveralTries(t *testing.T) {
	x := newTree()
	x.add(3, frame("main"), frame("run"))
	cpu := x.part()
	x.vals = []int64{0}
	x.add(4, frame("main"), frame("park"))
	off := x.part() // a later snapshot of the same trie
	other := foldedPart("main;run 10", "new 1")
	f := &fake{
		types: []tacho.ValueType{tacho.CPU, tacho.OffCPU},
		parts: map[string][]store.Part{"cpu": {cpu, other}, "offcpu": {off}},
	}
	ic, err := New(f).Icicle(context.Background(), request("wall"), IcicleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, draw(ic), `
all 0+18
 main 0+17
  park 0+4 self 4
  run 4+13 self 13
 new 17+1 self 1
`)
	f.types = []tacho.ValueType{tacho.OffCPU}
	if ic, err = New(f).Icicle(context.Background(), request("wall"), IcicleOptions{}); err != nil || ic.Total != 4 {
		t.Errorf("wall without cpu: total %d, %v; want 4", ic.Total, err)
	}
}

// TestFoldGrows asks one engine while the trie grows underneath.
func TestFoldGrows(t *testing.T) {
	x := newTree()
	f := &fake{types: []tacho.ValueType{tacho.CPU}, parts: map[string][]store.Part{}}
	e := New(f)
	for i := range 50 {
		x.add(1, frame("main"), frame(fmt.Sprintf("f%d:1", i%7)), frame(fmt.Sprintf("g%d:%d", i%3, i)))
		f.parts["cpu"] = []store.Part{x.part()}
		ic, err := e.Icicle(context.Background(), request("cpu"), IcicleOptions{})
		if err != nil || ic.Total != int64(i+1) || ic.TotalV[1] != int64(i+1) {
			t.Fatalf("step %d: %+v, %v", i, ic, err)
		}
	}
	if n := len(e.folds.list); n != 1 {
		t.Errorf("%d folds for one trie", n)
	}
	old := store.Part{Tree: &store.Tree{Frames: x.tree.Frames[:3], Parent: x.tree.Parent[:4], Frame: x.tree.Frame[:4], Leaf: x.tree.Leaf[:1]}, Values: []int64{9}}
	f.parts["cpu"] = []store.Part{old}
	if ic, err := e.Icicle(context.Background(), request("cpu"), IcicleOptions{}); err != nil || ic.Total != 9 || len(ic.Level) != 4 {
		t.Errorf("an older snapshot: %v, %v", ic, err)
	}
	for range 20 {
		f.parts["cpu"] = []store.Part{foldedPart("a 1")}
		if _, err := e.Top(context.Background(), request("cpu"), TopOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(e.folds.list); n != maxFolds {
		t.Errorf("%d folds are kept, want %d", n, maxFolds)
	}
}

func TestRefusals(t *testing.T) {
	e := engine(stacks...)
	ctx := context.Background()
	long := request("cpu")
	long.Until = long.From.Add(401 * 24 * time.Hour)
	reversed := request("cpu")
	reversed.Until = reversed.From
	elsewhere := request("cpu")
	elsewhere.Service = "nobody"
	param := func(err error) string {
		var bad *RequestError
		if errors.As(err, &bad) {
			return bad.Param
		}
		return fmt.Sprint(err)
	}
	icicle := func(r store.Selection, o IcicleOptions) error { _, err := e.Icicle(ctx, r, o); return err }
	heat := func(r store.Selection, step time.Duration) error { _, err := e.Heatmap(ctx, r, step); return err }
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"long":      {icicle(long, IcicleOptions{}), "from"},
		"reversed":  {icicle(reversed, IcicleOptions{}), "until"},
		"share":     {icicle(request("cpu"), IcicleOptions{MinShare: 2}), "min_share"},
		"NaN":       {icicle(request("cpu"), IcicleOptions{MinShare: math.NaN()}), "min_share"},
		"depth":     {icicle(request("cpu"), IcicleOptions{Depth: -1}), "depth"},
		"step":      {heat(request("cpu"), time.Millisecond), "step"},
		"too many":  {heat(request("cpu"), 10*time.Millisecond), "step"},
		"heat long": {heat(long, time.Hour), "from"},
	} {
		if got := param(c.err); got != c.want {
			t.Errorf("%s: %v, want a RequestError of %s", name, c.err, c.want)
		}
	}
	if err := icicle(elsewhere, IcicleOptions{}); !errors.Is(err, store.ErrUnknownService) {
		t.Errorf("unknown service: %v", err)
	}
	if err := icicle(request("lock"), IcicleOptions{}); !errors.Is(err, ErrUnknownType) {
		t.Errorf("unknown type: %v", err)
	}
	none := New(&fake{types: []tacho.ValueType{tacho.Alloc}})
	if _, err := none.Top(ctx, request("wall"), TopOptions{}); !errors.Is(err, ErrUnknownType) {
		t.Errorf("wall without cpu and offcpu: %v, want ErrUnknownType", err)
	}
	mixed := New(&fake{types: []tacho.ValueType{{Name: "cpu", Unit: "count"}, tacho.OffCPU}})
	if _, err := mixed.Top(ctx, request("wall"), TopOptions{}); param(err) != "type" {
		t.Errorf("wall of two units: %v, want a RequestError of type", err)
	}
}

func TestHeatmap(t *testing.T) {
	f := &fake{types: []tacho.ValueType{tacho.CPU, tacho.OffCPU}}
	var asked []string
	f.counts = func(sel store.Selection, step time.Duration) *store.Counts {
		asked = append(asked, fmt.Sprint(sel.Type, " ", sel.From.Format("15:04:05"), " ", sel.Until.Format("15:04:05")))
		c := &store.Counts{From: sel.From, Step: step, Values: []int64{1, 2, 0}, Recorded: []bool{true, true, false}, Missing: []string{"x"}}
		if sel.Type == "offcpu" {
			c.Values, c.Recorded = []int64{10, 0, 0}, []bool{true, false, false}
		}
		return c
	}
	r := request("wall")
	r.From, r.Until = t0.Add(61*time.Second), t0.Add(200*time.Second)
	c, err := New(f).Heatmap(context.Background(), r, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"cpu 12:01:00 12:04:00", "offcpu 12:01:00 12:04:00"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
	if !slices.Equal(c.Values, []int64{11, 2, 0}) || !slices.Equal(c.Recorded, []bool{true, true, false}) || c.Unit != "nanoseconds" || len(c.Missing) != 1 {
		t.Errorf("%+v", c)
	}
}

func TestSeconds(t *testing.T) {
	f := &fake{types: []tacho.ValueType{tacho.CPU}, parts: map[string][]store.Part{"cpu": {foldedPart("f 1")}}}
	f.counts = func(sel store.Selection, step time.Duration) *store.Counts {
		n := int((sel.Until.Sub(sel.From) + step - 1) / step)
		c := &store.Counts{From: sel.From, Step: step, Values: make([]int64, n), Recorded: make([]bool, n)}
		if step == time.Second && sel.From.Before(t0.Add(-time.Hour)) {
			c.Missing = []string{"raw samples are gone"}
			return c
		}
		for i := range c.Recorded { // recorded except for the first ten minutes of an hour
			c.Recorded[i] = sel.From.Add(time.Duration(i)*step).Minute() >= 10
		}
		return c
	}
	for _, c := range []struct {
		from, until time.Time
		want        float64
	}{
		{t0, t0.Add(time.Hour), 3000},
		{t0.Add(30 * time.Minute), t0.Add(30*time.Minute + 1500*time.Millisecond), 1.5},
		{t0.Add(9*time.Minute + 58*time.Second), t0.Add(10*time.Minute + 3*time.Second), 3},
		{t0.Add(-24*time.Hour + 9*time.Minute + 30*time.Second), t0.Add(-24*time.Hour + 10*time.Minute + 30*time.Second), 30},
	} {
		r := request("cpu")
		r.From, r.Until = c.from, c.until
		top, err := New(f).Top(context.Background(), r, TopOptions{})
		if err != nil || top.Seconds != c.want {
			t.Errorf("[%s, %s): %v s, %v; want %v", c.from, c.until, top.Seconds, err, c.want)
		}
	}
}

func TestTimeline(t *testing.T) {
	at := func(sec int, v float64) tacho.Point {
		return tacho.Point{Time: t0.Add(time.Duration(sec) * time.Second).UnixNano(), Value: v}
	}
	group := tacho.Labels{{Name: tacho.LabelThreadGroup, Value: "GC"}}
	f := &fake{missing: []string{"a block"}, points: []tacho.Series{ // in turn of instance a and b
		{Name: "cpu.thread_group", Unit: "1", Labels: group, Points: []tacho.Point{at(0, 1), at(5, 3), at(20, 7)}},
		{Name: "cpu.thread_group", Unit: "1", Labels: group, Points: []tacho.Point{at(0, 10), at(-5, 99), at(60, 99)}},
		{Name: "jvm.memory.used", Unit: "By", Points: []tacho.Point{at(0, 5)}},
		{Name: "jvm.memory.used", Unit: "By", Points: []tacho.Point{at(10, 6)}},
	}}
	r := request("")
	r.Until = t0.Add(29 * time.Second)
	tl, err := New(f).Timeline(context.Background(), r, "", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, s := range tl.Series {
		fmt.Fprintln(&got, s.Name, s.Unit, s.Labels, s.Values)
	}
	wantText(t, got.String(), `
cpu.thread_group 1 {thread_group="GC"} [12 NaN 7]
jvm.memory.used By {instance="a"} [5 NaN NaN]
jvm.memory.used By {instance="b"} [NaN 6 NaN]
`)
	if !slices.Equal(tl.Missing, []string{"a block"}) || tl.Step != 10*time.Second || !tl.From.Equal(t0) {
		t.Errorf("missing %v, step %s, from %s", tl.Missing, tl.Step, tl.From)
	}
	if tl, err = New(f).Timeline(context.Background(), r, "jvm.threads", 10*time.Second); err != nil || tl.Series == nil || len(tl.Series) != 0 {
		t.Errorf("no such series: %v, %v", tl, err)
	}
}

func TestEvents(t *testing.T) {
	f := &fake{}
	for i := range 5000 {
		f.events = append(f.events, tacho.Event{Time: int64((i * 7919) % 5000), Kind: []string{"gc.pause", "jit.compilation"}[i%2]})
	}
	events, truncated, err := New(f).Events(context.Background(), request(""), "gc.", 3)
	if err != nil || !truncated || len(events) != 3 {
		t.Fatalf("%d events, truncated %v, %v", len(events), truncated, err)
	}
	for i, want := range []int64{0, 2, 4} {
		if events[i].Time != want || events[i].Kind != "gc.pause" || events[i].Target.Get(tacho.LabelInstance) != "a" {
			t.Errorf("event %d is %+v, want the one at %d", i, events[i], want)
		}
	}
	events, truncated, err = New(f).Events(context.Background(), request(""), "", 0)
	if err != nil || truncated || len(events) != 5000 {
		t.Errorf("without limit: %d events, truncated %v, %v", len(events), truncated, err)
	}
	f.missing = []string{"a block"}
	var missing *store.MissingError
	if events, _, err = New(f).Events(context.Background(), request(""), "", 10); !errors.As(err, &missing) || len(events) != 10 {
		t.Errorf("incomplete: %d events, %v; want 10 and a MissingError", len(events), err)
	}
}
