package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"tacho"
)

// figures runs the program and returns what it prints.
func figures(t *testing.T, o options) map[string]figure {
	t.Helper()
	var out bytes.Buffer
	o.data = t.TempDir()
	if err := run(t.Context(), &out, io.Discard, o); err != nil {
		t.Fatal(err)
	}
	got := map[string]figure{}
	for line := range strings.Lines(out.String()) {
		var f figure
		d := json.NewDecoder(strings.NewReader(line))
		d.DisallowUnknownFields()
		if err := d.Decode(&f); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		if _, twice := got[f.Name]; twice || f.Name == "" || f.Unit == "" || f.Value <= 0 {
			t.Errorf("figure %+v: want a name of its own, a unit and a value above 0", f)
		}
		got[f.Name] = f
	}
	return got
}

// TestWeek is the smoke test: two hours of the data set. That every answer has
// the generator's sums is checked by the program itself, and that this check
// can fail by TestAskNoticesWrongSums.
func TestWeek(t *testing.T) {
	got := figures(t, options{scale: 0.01, rounds: 2})
	if rows := got["rows"].Value; rows != 120*10*1437 {
		t.Errorf("%g rows stored, want 1724400", rows)
	}
	want := []string{"gomaxprocs", "rows", "ingest_rows_per_s_core", "ingest_no_rollup_rows_per_s_core", "ingest_memory_rows_per_s_core", "wire_decode_rows_per_s_core",
		"bytes_per_row", "rss_load_mib", "rss_query_mib"}
	for _, q := range []string{"heatmap_7d", "icicle_1h", "icicle_24h", "icicle_7d", "icicle_1h_5of10", "icicle_24h_5of10", "icicle_7d_5of10",
		"icicle_1h_1of10", "icicle_24h_1of10", "icicle_7d_1of10", "top_24h", "top_7d", "diff_2d"} {
		want = append(want, q+"_ms", q+"_ms_p99", q+"_wall_ms", q+"_wall_ms_p99")
	}
	for _, name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("no figure %s", name)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("figure %s is in no list", name)
	}
}

func TestGrowth(t *testing.T) {
	got := figures(t, options{scale: 0.01, rounds: 2, growth: true})
	for _, name := range []string{"growth_24h_1x_ms", "growth_24h_10x_ms", "growth_24h_100x_ms", "growth_24h_1x_ms_p99", "growth_24h_10x_ms_p99",
		"growth_24h_100x_ms_p99", "growth_24h_10x_ratio", "growth_24h_100x_ratio"} {
		if _, ok := got[name]; !ok {
			t.Errorf("no figure %s", name)
		}
	}
}

func TestWorldHasTheShape(t *testing.T) {
	w := newWorld(weekShape)
	nodes, stacks, frames := map[string]bool{}, map[string]bool{}, 0
	for _, s := range w.ranked {
		frames += len(s)
		key := make([]byte, 0, 4*len(s))
		for _, f := range slices.Backward(s) {
			key = append(key, byte(f), byte(f>>8), byte(f>>16), '|')
			nodes[string(key)] = true
		}
		stacks[string(key)] = true
	}
	if len(stacks) != 20_000 || len(nodes) != 254_013 {
		t.Errorf("%d stacks with %d nodes, want 20000 with 254013", len(stacks), len(nodes))
	}
	if mean := float64(frames) / 20_000; mean < 41.9 || mean > 42.1 {
		t.Errorf("mean depth %.2f, want 42", mean)
	}
}

func TestAliasFollowsItsWeights(t *testing.T) {
	a := newAlias([]float64{6, 3, 0, 1})
	var n [4]int
	const rounds = 1 << 20
	for i := range uint64(rounds) { // numbers spread evenly over both halves
		n[a.at(i<<44|i*2654435761&(1<<32-1))]++
	}
	for i, want := range [4]float64{0.6, 0.3, 0, 0.1} {
		if got := float64(n[i]) / rounds; got < want-0.01 || got > want+0.01 {
			t.Errorf("%d drawn with a share of %.3f, want %.1f", i, got, want)
		}
	}
}

// small is a data set for tests of the program itself.
func small() *generator {
	targets := make([]tacho.Labels, 10)
	for i := range targets {
		targets[i] = tacho.NewLabels(map[string]string{tacho.LabelService: weekService, tacho.LabelInstance: fmt.Sprintf("i%d", i)})
	}
	return newGenerator(newWorld(shape{stacks: 200, depth: 12, nodes: 900, functions: 100, rows: 20}), targets)
}

func TestProfilesCanBeMadeAgain(t *testing.T) {
	g := small()
	var a, b, c tacho.Batch
	g.profile(3, 5, &a)
	g.profile(4, 5, &c)
	g.profile(3, 5, &c) // in used memory
	if err := a.Validate(); err != nil {
		t.Fatal(err)
	}
	small().profile(3, 5, &b)
	if x, y, z := text(&a), text(&b), text(&c); x != y || x != z {
		t.Error("the same profile came out different")
	}
	if n := len(a.Profiles[0].Samples); n != 20 || len(a.Stacks) != 20 {
		t.Errorf("%d samples of %d stacks, want 20 of 20", n, len(a.Stacks))
	}
	if want := start.Add(5 * time.Minute).UnixNano(); a.From != want || a.Target.Get("instance") != "i3" {
		t.Errorf("profile of %s at %d, want of i3 at %d", a.Target, a.From, want)
	}
}

// text is everything in a batch, resolved.
func text(b *tacho.Batch) string {
	var s strings.Builder
	fmt.Fprintln(&s, b.Target, b.From, b.Until)
	for _, x := range b.Profiles[0].Samples {
		fmt.Fprintln(&s, x.Time, x.Value, b.Threads[x.Thread], b.Stack(x.Stack))
	}
	return s.String()
}

func TestAskNoticesWrongSums(t *testing.T) {
	ctx := t.Context()
	g, c := small(), &clock{}
	c.set(start)
	s, err := serve(t.TempDir(), c, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}()
	const minutes = 130
	if _, err := load(ctx, s, inMemory(s, g), c, minutes); err != nil {
		t.Fatal(err)
	}
	a := &asker{server: s, g: g, service: weekService, end: minutes}
	for _, q := range weekQuestions(false) {
		if _, _, err := a.ask(ctx, q, minutes); err != nil {
			t.Error(err)
		}
	}
	g.sums[100][2]++
	for _, q := range weekQuestions(false) {
		_, _, err := a.ask(ctx, q, minutes)
		if wrong := q.in(2); wrong != (err != nil) {
			t.Errorf("%s, after a sum of instance i2 was falsified: %v", q.name, err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []options{{scale: 0, rounds: 1}, {scale: 1.5, rounds: 1}, {scale: 1}} {
		if err := run(context.Background(), io.Discard, io.Discard, o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func TestQuantile(t *testing.T) {
	v := []time.Duration{5, 1, 4, 2, 3}
	if got := [3]time.Duration{quantile(v, 0.5), quantile(v, 0.99), quantile(v[:1], 0.5)}; got != [3]time.Duration{3, 5, 5} {
		t.Errorf("median, 99th percentile, of one: %v, want 3 5 5", got)
	}
}
