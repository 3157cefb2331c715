package query

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/store"
)

func drawTimeline(tl *Timeline) string {
	var got strings.Builder
	for _, s := range tl.Series {
		fmt.Fprintln(&got, s.Name, s.Unit, s.Labels, s.Values)
	}
	return got.String()
}

// TestDerivedSeries: two instances' threads; a JVM's own threads are not among
// those it counts; a lock wait counts where it ends, and never more threads than
// wait.
func TestDerivedSeries(t *testing.T) {
	at := func(sec int, v float64) []tacho.Point {
		return []tacho.Point{{Time: t0.Add(time.Duration(sec) * time.Second).UnixNano(), Value: v}}
	}
	group := func(name string) tacho.Labels { return tacho.Labels{{Name: tacho.LabelThreadGroup, Value: name}} }
	f := &fake{types: []tacho.ValueType{tacho.CPU, tacho.Alloc, tacho.Lock}, points: []tacho.Series{ // in turn of instance a and b
		{Name: "cpu.usage", Unit: "cores", Labels: group("http-#"), Points: at(0, 2)},
		{Name: "cpu.usage", Unit: "cores", Labels: group("http-#"), Points: at(0, 1)},
		{Name: "cpu.usage", Unit: "cores", Labels: group("GC"), Points: at(0, 8)},
		{Name: "jvm.thread.count", Unit: "count", Points: at(0, 10)},
		{Name: "jvm.thread.count", Unit: "count", Points: at(0, 20)},
		{Name: "cpu.runqueue", Unit: "cores", Labels: group("http-#"), Points: at(0, 0.5)},
		{Name: "cpu.usage", Unit: "cores", Labels: group("http-#"), Points: at(10, 3)},
		{Name: "jvm.thread.count", Unit: "count", Points: at(10, 30)},
		{Name: "cpu.usage", Unit: "cores", Labels: group("http-#"), Points: at(20, 3)}, // how many threads there were is not known
	}}
	f.counts = func(sel store.Selection, step time.Duration) *store.Counts {
		if sel.Type == "alloc" {
			return &store.Counts{From: sel.From, Step: step, Values: []int64{1000, 0, 5}, Recorded: []bool{true, true, false}}
		}
		return &store.Counts{From: sel.From, Step: step, Values: []int64{40e9, 9000e9, 0}, Recorded: []bool{true, true, false}}
	}
	r := request("")
	r.Until = t0.Add(30 * time.Second)
	tl, err := New(f).Timeline(context.Background(), r, "threads.", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, drawTimeline(tl), `
threads.state threads {state="blocked"} [4 27 NaN]
threads.state threads {state="runnable"} [0.5 0 NaN]
threads.state threads {state="running"} [3 3 NaN]
threads.state threads {state="waiting"} [22.5 0 NaN]
`)
	if tl, err = New(f).Timeline(context.Background(), r, "alloc", 10*time.Second); err != nil {
		t.Fatal(err)
	}
	wantText(t, drawTimeline(tl), "alloc.rate bytes/s {} [100 0 NaN]\n")
	if tl, err = New(f).Timeline(context.Background(), r, "", 10*time.Second); err != nil || len(tl.Series) != 2+1+2+5 {
		t.Errorf("everything: %s, %v", drawTimeline(tl), err)
	}
	if !slices.IsSortedFunc(tl.Series, func(a, b TimelineSeries) int { return strings.Compare(a.Name, b.Name) }) {
		t.Errorf("not sorted: %s", drawTimeline(tl))
	}
	none := New(&fake{types: []tacho.ValueType{tacho.CPU}})
	if tl, err = none.Timeline(context.Background(), r, "", 10*time.Second); err != nil || len(tl.Series) != 0 {
		t.Errorf("of nothing: %v, %v", tl.Series, err)
	}
}

func TestRates(t *testing.T) {
	nan := nans(1)[0]
	tl := &Timeline{Step: 10 * time.Second, Series: []TimelineSeries{
		{Name: "jvm.class.loaded", Unit: "count", Values: []float64{100, 150, nan, 250, 30, 40}},
		{Name: "jvm.thread.count", Unit: "count", Values: []float64{1, 2, 3, 4, 5, 6}},
	}}
	tl.Rates()
	wantText(t, drawTimeline(tl), `
jvm.class.loaded count/s {} [NaN 5 NaN 5 NaN 1]
jvm.thread.count count {} [1 2 3 4 5 6]
`)
}

// TestStartEvents: v1 from the beginning on; v2 rolls over two instances; a
// third restarts v2; v1 comes back after it was gone.
func TestStartEvents(t *testing.T) {
	instance := func(name, version string, first, last int) store.Instance {
		ls := map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: name, tacho.LabelVersion: version}
		return store.Instance{Target: tacho.NewLabels(ls), First: t0.Add(time.Duration(first) * time.Minute), Last: t0.Add(time.Duration(last) * time.Minute)}
	}
	svc := &store.Service{Name: "orders", Instances: []store.Instance{
		instance("d", "v1", 50, 59), instance("b1", "v2", 10, 60), instance("a1", "v1", 0, 9), instance("a2", "v1", 1, 12),
		instance("b2", "v2", 12, 30), instance("c", "", 20, 60), instance("b3", "v2", 31, 60),
		{Target: ServiceWide("orders"), First: t0.Add(time.Minute), Last: t0.Add(time.Hour)},
	}}
	draw := func(sel store.Selection) string {
		var out strings.Builder
		for _, e := range startEvents(svc, sel) {
			fmt.Fprintln(&out, (e.Time-t0.UnixNano())/int64(time.Minute), e.Kind, e.Name, e.Target.Get(tacho.LabelInstance), e.Attrs)
		}
		return out.String()
	}
	wantText(t, draw(request("")), `
10 instance.start b1 b1 {derived="true", service_version="v2"}
10 deploy v2 b1 {derived="true", from="v1", service_version="v2"}
12 instance.start b2 b2 {derived="true", service_version="v2"}
20 instance.start c c {derived="true"}
31 instance.start b3 b3 {derived="true", service_version="v2"}
50 instance.start d d {derived="true", service_version="v1"}
50 deploy v1 d {derived="true", from="v2", service_version="v1"}
`)
	r := request("")
	r.From, r.Until = t0.Add(11*time.Minute), t0.Add(20*time.Minute)
	m, err := store.ParseMatcher(`thread_group="GC"`)
	if err != nil {
		t.Fatal(err)
	}
	r.Match = []store.Matcher{m} // events have no thread group
	wantText(t, draw(r), "12 instance.start b2 b2 {derived=\"true\", service_version=\"v2\"}\n")
	if m, err = store.ParseMatcher(`instance=~"c|d"`); err != nil {
		t.Fatal(err)
	}
	r = request("")
	r.Match = []store.Matcher{m}
	wantText(t, draw(r), `
20 instance.start c c {derived="true"}
50 instance.start d d {derived="true", service_version="v1"}
50 deploy v1 d {derived="true", from="v2", service_version="v1"}
`)
}
