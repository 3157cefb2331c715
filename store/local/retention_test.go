package local_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tacho"
	"tacho/store"
	"tacho/store/local"
)

// clock is a clock tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

var noon = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

var someTarget = tacho.NewLabels(map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: "a"})

// batchOf has one sample per value, a second apart from from on; untimed if so
// asked.
func batchOf(from time.Time, seq uint64, untimed bool, function string, values ...int64) *tacho.Batch {
	x := tacho.NewBuilder()
	for i, v := range values {
		s := tacho.Sample{Value: v, Stack: x.Stack(tacho.Stack{{Function: function}}), Thread: x.Thread(tacho.Thread{Name: "t", Group: "t"})}
		if !untimed {
			s.Time = from.Add(time.Duration(i) * time.Second).UnixNano()
		}
		x.Sample(tacho.CPU, s)
	}
	return x.Take(someTarget, "jvm", from.UnixNano(), from.Add(time.Minute).UnixNano(), seq)
}

func appendAll(t *testing.T, s *local.Store, batches ...*tacho.Batch) {
	t.Helper()
	if err := s.Append(context.Background(), "", batches); err != nil {
		t.Fatalf("append: %v", err)
	}
}

func roll(t *testing.T, s *local.Store) {
	t.Helper()
	if err := s.Roll(context.Background()); err != nil {
		t.Fatalf("roll: %v", err)
	}
}

func total(t *testing.T, s *local.Store, from, until time.Time) int64 {
	t.Helper()
	m, err := s.Merge(context.Background(), store.Selection{Service: "orders", Type: "cpu", From: from, Until: until})
	if err != nil {
		t.Fatalf("merge: %v", err)
	}
	if len(m.Missing) > 0 {
		t.Errorf("missing: %v", m.Missing)
	}
	var sum int64
	for _, p := range m.Parts {
		for _, v := range p.Values {
			sum += v
		}
	}
	return sum
}

func samples(t *testing.T, s *local.Store, from, until time.Time) (n int) {
	t.Helper()
	err := s.Samples(context.Background(), store.Selection{Service: "orders", Type: "cpu", From: from, Until: until}, func(b *store.SampleBlock) error {
		n += len(b.Samples)
		return nil
	})
	if err != nil {
		t.Fatalf("samples: %v", err)
	}
	return n
}

func TestRawRetention(t *testing.T) {
	fs, c := vfs.NewMem(), &clock{noon}
	s := open(t, fs, c.now)
	defer func() { _ = s.Close() }()
	at := noon.Add(-10 * time.Minute)
	first := batchOf(at, 1, false, "f", 1, 10, 100) // at :00, :01, :02
	appendAll(t, s, first, batchOf(at.Add(20*time.Second), 2, true, "g", 1000))
	day := func() int64 { return total(t, s, noon.Add(-24*time.Hour), noon.Add(48*time.Hour)) }

	if got := total(t, s, at.Add(time.Second), at.Add(2*time.Second)); got != 10 {
		t.Errorf("a second of raw samples sums to %d, want 10", got)
	}
	// Nothing was rolled up before raw samples are due to go: they must be
	// summed up first.
	c.t = noon.Add(26 * time.Hour)
	roll(t, s)
	if n := samples(t, s, at, at.Add(time.Hour)); n != 0 {
		t.Errorf("%d raw samples after 26 h, want none", n)
	}
	if got := day(); got != 1111 {
		t.Errorf("after 26 h the day sums to %d, want 1111", got)
	}
	// Inside the minute: the sum of timed samples counts at its start, untimed
	// ones at their batch's From.
	for _, r := range []struct{ from, until, want int64 }{{0, 1, 111}, {1, 60, 1000}, {0, 20, 111}, {20, 21, 1000}, {21, 60, 0}} {
		got := total(t, s, at.Add(time.Duration(r.from)*time.Second), at.Add(time.Duration(r.until)*time.Second))
		if got != r.want {
			t.Errorf("[%d s, %d s) sums to %d, want %d", r.from, r.until, got, r.want)
		}
	}
	// Counts below a minute have nothing there, and say so.
	sel := store.Selection{Service: "orders", Type: "cpu", From: at, Until: at.Add(time.Minute)}
	counts, err := s.Counts(context.Background(), sel, time.Second)
	if err != nil || counts.Recorded[0] || counts.Values[0] != 0 || len(counts.Missing) != 1 {
		t.Errorf("seconds of dropped samples: %v %v missing %v, %v", counts.Values[0], counts.Recorded[0], counts.Missing, err)
	}
	// A late batch for that minute is kept beside, and its retry replaces it.
	late := func(v int64) *tacho.Batch { return batchOf(at.Add(5*time.Second), 3, false, "late", v) }
	appendAll(t, s, late(5))
	appendAll(t, s, late(7))
	if got := day(); got != 1118 {
		t.Errorf("with a late batch the day sums to %d, want 1118", got)
	}
	// A retry of a batch whose samples live on in sums only changes nothing.
	appendAll(t, s, first)
	if got := day(); got != 1118 {
		t.Errorf("after the retry the day sums to %d, want 1118", got)
	}
	c.t = c.t.Add(time.Hour)
	roll(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, fs, c.now)
	if got := day(); got != 1118 {
		t.Errorf("rolled up and reopened the day sums to %d, want 1118", got)
	}
	counts, err = s.Counts(context.Background(), sel, time.Minute)
	if err != nil || counts.Values[0] != 1118 {
		t.Errorf("the minute counts %v, %v; want 1118", counts.Values, err)
	}
}

func TestRetention(t *testing.T) {
	fs, c := vfs.NewMem(), &clock{noon}
	s := open(t, fs, c.now, func(o *local.Options) { o.MaxNodes = 2 })
	defer func() { _ = s.Close() }()
	for day := range 9 {
		c.t = noon.Add(time.Duration(day) * 24 * time.Hour)
		x := tacho.NewBuilder()
		x.Sample(tacho.CPU, tacho.Sample{Time: c.t.UnixNano(), Value: 1, Stack: x.Stack(tacho.Stack{{Function: "f", Line: int32(day)}}), Thread: x.Thread(tacho.Thread{})})
		x.Event(tacho.Event{Time: c.t.UnixNano(), Kind: "e"})
		x.Series(tacho.Series{Name: "s", Points: []tacho.Point{{Time: c.t.UnixNano()}}})
		target := someTarget.With(tacho.LabelPID, string(rune('a'+day)))
		appendAll(t, s, x.Take(target, "jvm", c.t.UnixNano(), c.t.UnixNano()+1, 1))
		c.t = c.t.Add(3 * time.Hour)
		roll(t, s)
	}
	// Now is day 8, 15:00: kept is from the day 7 days ago on, which is day 1.
	if got := total(t, s, noon.Add(-240*time.Hour), c.t); got != 8 {
		t.Errorf("%d days are kept, want 8", got)
	}
	all, err := s.Services(context.Background(), "")
	if err != nil || len(all) != 1 || len(all[0].Instances) != 8 {
		t.Fatalf("services %v, %v; want one with 8 instances", all, err)
	}
	series, err := s.Series(context.Background(), "", "orders", "cpu")
	if err != nil || len(series) != 8 || series[0].Get(tacho.LabelPID) != "b" {
		t.Errorf("series %v, %v; want 8, without pid a", series, err)
	}
	events, points := 0, 0
	sel := store.Selection{Service: "orders", From: noon.Add(-240 * time.Hour), Until: c.t}
	if err := s.Events(context.Background(), sel, func(tacho.Labels, tacho.Event) error { events++; return nil }); err != nil || events != 8 {
		t.Errorf("%d events, %v; want 8", events, err)
	}
	if err := s.Points(context.Background(), sel, "", func(tacho.Labels, tacho.Series) error { points++; return nil }); err != nil || points != 8 {
		t.Errorf("%d points, %v; want 8", points, err)
	}
	var refused *store.RefusedError
	if err := s.Append(context.Background(), "", []*tacho.Batch{batchOf(noon.Add(-time.Hour), 1, false, "f", 1)}); !errors.As(err, &refused) {
		t.Errorf("a batch older than the retention: %v, want a RefusedError", err)
	}
	// A week of silence: the service is gone, and may come back.
	c.t = c.t.Add(9 * 24 * time.Hour)
	roll(t, s)
	if all, err := s.Services(context.Background(), ""); err != nil || len(all) != 0 {
		t.Errorf("services %v, %v; want none", all, err)
	}
	if n := s.Keys(t); n != 3 { // format and the two floors
		t.Errorf("%d keys are left, want 3", n)
	}
	appendAll(t, s, batchOf(c.t, 1, false, "f", 6))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, fs, c.now)
	if got := total(t, s, c.t, c.t.Add(time.Hour)); got != 6 {
		t.Errorf("after its return the service sums to %d, want 6", got)
	}
}

// TestClockJumps: a clock that runs ahead for a while must not stop recording
// for good.
func TestClockJumps(t *testing.T) {
	c := &clock{noon}
	s := open(t, vfs.NewMem(), c.now)
	defer func() { _ = s.Close() }()
	appendAll(t, s, batchOf(noon, 1, false, "f", 1))
	c.t = noon.Add(30 * 24 * time.Hour)
	roll(t, s)
	c.t = noon.Add(time.Minute)
	roll(t, s)
	appendAll(t, s, batchOf(noon.Add(time.Second), 2, false, "f", 2))
	if got := total(t, s, noon, noon.Add(time.Hour)); got != 2 {
		t.Errorf("after the jump the hour sums to %d, want 2", got)
	}
	c.t = noon.Add(3 * time.Hour)
	roll(t, s)
	if got := total(t, s, noon, noon.Add(time.Hour)); got != 2 {
		t.Errorf("rolled up it sums to %d, want 2", got)
	}
}

func TestLimits(t *testing.T) {
	c := &clock{noon}
	s := open(t, vfs.NewMem(), c.now, func(o *local.Options) { o.MaxServices, o.MaxTargets, o.MaxGroups = 1, 2, 2 })
	defer func() { _ = s.Close() }()
	put := func(target tacho.Labels, group string) error {
		x := tacho.NewBuilder()
		x.Sample(tacho.CPU, tacho.Sample{Time: noon.UnixNano(), Value: 1, Stack: x.Stack(tacho.Stack{{Function: "f"}}), Thread: x.Thread(tacho.Thread{Group: group})})
		return s.Append(context.Background(), "", []*tacho.Batch{x.Take(target, group, noon.UnixNano(), noon.UnixNano()+1, 1)})
	}
	for _, g := range []string{"a", "b", "c", "d"} {
		if err := put(someTarget, g); err != nil {
			t.Fatalf("group %s: %v", g, err)
		}
	}
	series, err := s.Series(context.Background(), "", "orders", "cpu")
	if err != nil || len(series) != 3 || series[0].Get(tacho.LabelThreadGroup) != local.OverflowGroup {
		t.Errorf("series %v, %v; want %s, a, b", series, err, local.OverflowGroup)
	}
	if got := total(t, s, noon, noon.Add(time.Minute)); got != 4 {
		t.Errorf("sum %d, want 4: nothing is lost", got)
	}
	var refused *store.RefusedError
	if err := put(someTarget.With("x", "1"), "a"); err != nil {
		t.Errorf("second target: %v", err)
	}
	if err := put(someTarget.With("x", "2"), "a"); !errors.As(err, &refused) {
		t.Errorf("third target: %v, want a RefusedError", err)
	}
	if err := put(someTarget.With(tacho.LabelService, "z"), "a"); !errors.As(err, &refused) {
		t.Errorf("second service: %v, want a RefusedError", err)
	}
}
