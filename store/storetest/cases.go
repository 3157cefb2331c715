package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"tacho"
	"tacho/store"
)

// cases are literal: they say what goes in and what must come out.
var cases = []struct {
	name string
	run  func(b *bench)
}{
	{"RoundTrip", roundTrip},
	{"UnknownService", unknownService},
	{"IdleIsNotMissing", idleIsNotMissing},
	{"RetryReplaces", retryReplaces},
	{"RetryWithLess", retryWithLess},
	{"Tenants", tenants},
	{"LateBatch", lateBatch},
	{"SamplesFromTheMiddleOfAMinute", samplesFromTheMiddleOfAMinute},
	{"Levels", levels},
	{"Refusals", refusals},
	{"KeepsNothing", keepsNothing},
	{"AllOrNothing", allOrNothing},
	{"GeneratedNames", generatedNames},
	{"LongEvents", longEvents},
	{"Cancelled", cancelled},
	{"Closed", closed},
}

var (
	targetA = tacho.NewLabels(map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: "a", "zone": "1"})
	targetB = tacho.NewLabels(map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: "b"})
	fMain   = tacho.Frame{Function: "app.Main.main", File: "Main.java", Line: 10, Kind: tacho.KindInterpreted}
	fWork   = tacho.Frame{Function: "app.Work.run", File: "Work.java", Module: "app.jar", Line: 42, Kind: tacho.KindJIT}
	fRead   = tacho.Frame{Function: "read", Module: "libc.so.6", Kind: tacho.KindNative}
	thread1 = tacho.Thread{ID: 7, JavaID: 1, Name: "http-1", Group: "http-#"}
	thread2 = tacho.Thread{ID: 8, JavaID: 2, Name: "GC Thread#0", Group: "GC"}
)

// at is an instant relative to the start of the suite's clock.
func at(d time.Duration) int64 { return Epoch.Add(d).UnixNano() }

// minuteStart is the beginning of the minute before the clock's.
var minuteStart = Epoch.Truncate(time.Minute).Add(-time.Minute).Sub(Epoch)

func sel(typ string, from, until time.Duration, match ...string) store.Selection {
	s := store.Selection{Service: "orders", Type: typ, From: Epoch.Add(from), Until: Epoch.Add(until)}
	for _, m := range match {
		x, err := store.ParseMatcher(m)
		if err != nil {
			panic(err) // a mistake in the suite itself
		}
		s.Match = append(s.Match, x)
	}
	return s
}

// wantMerge states the sum of each stack, named by its leaf function.
func (b *bench) wantMerge(s store.Selection, want map[string]int64) {
	b.Helper()
	m, err := b.st.Merge(context.Background(), s)
	if err != nil {
		b.Fatalf("merge %s: %v", show(s), err)
	}
	got := map[string]int64{}
	for _, p := range m.Parts {
		for id, v := range p.Values {
			if v != 0 {
				got[p.Tree.Stack(uint32(id))[0].Function] += v
			}
		}
	}
	same(b.T, "merge "+show(s), got, want)
}

// simple is a batch of one timed cpu sample of fWork called by fMain.
func simple(target tacho.Labels, when time.Duration, value int64, seq uint64) *tacho.Batch {
	x := tacho.NewBuilder()
	x.Sample(tacho.CPU, tacho.Sample{Time: at(when), Value: value, Stack: x.Stack(tacho.Stack{fWork, fMain}), Thread: x.Thread(thread1)})
	return x.Take(target, "jvm", at(when-time.Second), at(when+time.Second), seq)
}

func roundTrip(b *bench) {
	x := tacho.NewBuilder()
	work, read := x.Stack(tacho.Stack{fWork, fMain}), x.Stack(tacho.Stack{fRead, fWork, fMain})
	t1, t2 := x.Thread(thread1), x.Thread(thread2)
	m := minuteStart
	x.Sample(tacho.CPU, tacho.Sample{Time: at(m + 1*time.Second), Value: 20, Stack: work, Thread: t1, Span: 99})
	x.Sample(tacho.CPU, tacho.Sample{Time: at(m + 2*time.Second), Value: 30, Stack: read, Thread: t2})
	x.Sample(tacho.CPU, tacho.Sample{Time: at(m + 2*time.Second), Value: 5, Stack: work, Thread: t2})
	x.Sample(tacho.Alloc, tacho.Sample{Value: 4096, Stack: work, Thread: t1})
	x.Series(tacho.Series{Name: "jvm.memory.used", Unit: "By", Points: []tacho.Point{{Time: at(m), Value: 1.5}, {Time: at(m + time.Second), Value: -2}}})
	x.Event(tacho.Event{Time: at(m + time.Second), Duration: 3, Kind: "gc.pause", Name: "G1", Thread: "VM", Attrs: tacho.Labels{{Name: "cause", Value: "x"}}})
	b.append("", x.Take(targetA, "jvm", at(m), at(m+10*time.Second), 1))

	for _, when := range []string{"open", "rolled up", "reopened"} {
		b.Log(when)
		all := sel("cpu", m, m+time.Minute)
		b.wantMerge(all, map[string]int64{"app.Work.run": 25, "read": 30})
		b.wantMerge(sel("cpu", m, m+2*time.Second), map[string]int64{"app.Work.run": 20})
		b.wantMerge(sel("cpu", m, m+time.Minute, `thread_group="GC"`), map[string]int64{"app.Work.run": 5, "read": 30})
		b.wantMerge(sel("cpu", m, m+time.Minute, `instance!="a"`), map[string]int64{})
		b.wantMerge(sel("alloc", m, m+1), map[string]int64{"app.Work.run": 4096})
		b.wantMerge(sel("alloc", m+1, m+time.Minute), map[string]int64{})
		b.checkSamples(all)
		b.checkPoints(all, "jvm.")
		b.checkPoints(all, "os.")
		b.checkEvents(all)
		b.checkEvents(sel("", m+time.Second+2, m+time.Second+3))
		b.checkEvents(sel("", m+time.Second+3, m+time.Minute))
		b.checkLists("", "orders")
		b.checkCounts(all, time.Second)
		b.checkCounts(all, time.Minute)
		switch when {
		case "open":
			b.advance(2 * time.Hour)
			b.settle()
		case "rolled up":
			b.reopen()
		}
	}
	merged, err := b.st.Merge(context.Background(), sel("cpu", m, m+time.Minute))
	if err != nil || merged.Unit != "nanoseconds" {
		b.Errorf("unit %q, %v; want nanoseconds", merged.Unit, err)
	}
	none, err := b.st.Merge(context.Background(), sel("lock", m, m+time.Minute))
	if err != nil || none.Unit != "" || len(none.Parts) != 0 {
		b.Errorf("a type never stored: unit %q, %d parts, %v; want an empty answer", none.Unit, len(none.Parts), err)
	}
}

// samplesFromTheMiddleOfAMinute: a target whose first batches of a minute lie
// before the range is visited once all the same.
func samplesFromTheMiddleOfAMinute(b *bench) {
	m := minuteStart
	for i := range 4 {
		b.append("", simple(targetA, m+time.Duration(10*(i+1))*time.Second, 5, uint64(i)))
	}
	s := sel("cpu", m+35*time.Second, m+time.Minute)
	n := 0
	err := b.st.Samples(context.Background(), s, func(blk *store.SampleBlock) error {
		n += len(blk.Samples)
		return nil
	})
	if err != nil || n != 1 {
		b.Errorf("%d samples, %v; want the one of 4 that is in the range", n, err)
	}
}

func unknownService(b *bench) {
	ctx, s := context.Background(), sel("cpu", -time.Hour, 0)
	_, err1 := b.st.Merge(ctx, s)
	_, err2 := b.st.Counts(ctx, s, time.Minute)
	_, err3 := b.st.Series(ctx, "", "orders", "")
	err4 := b.st.Samples(ctx, s, func(*store.SampleBlock) error { return nil })
	err5 := b.st.Points(ctx, s, "", func(tacho.Labels, tacho.Series) error { return nil })
	err6 := b.st.Events(ctx, s, func(tacho.Labels, tacho.Event) error { return nil })
	for i, err := range []error{err1, err2, err3, err4, err5, err6} {
		if !errors.Is(err, store.ErrUnknownService) {
			b.Errorf("question %d: %v, want ErrUnknownService", i+1, err)
		}
	}
	if all, err := b.st.Services(ctx, ""); err != nil || len(all) != 0 {
		b.Errorf("services: %v, %v; want none", all, err)
	}
}

func idleIsNotMissing(b *bench) {
	x := tacho.NewBuilder()
	x.Declare(tacho.CPU)
	m := minuteStart - 3*time.Minute
	b.append("", x.Take(targetA, "jvm", at(m+30*time.Second), at(m+90*time.Second), 1))
	want := func(s store.Selection, step time.Duration, recorded ...bool) {
		b.Helper()
		c, err := b.st.Counts(context.Background(), s, step)
		if err != nil {
			b.Fatal(err)
		}
		for i := range recorded {
			if c.Recorded[i] != recorded[i] || c.Values[i] != 0 {
				b.Errorf("%s step %s: %d is %d, recorded %v; want 0, %v", show(s), step, i, c.Values[i], c.Recorded[i], recorded[i])
			}
		}
	}
	for range 2 {
		want(sel("cpu", m-time.Minute, m+3*time.Minute), time.Minute, false, true, true, false)
		want(sel("cpu", m, m+2*time.Minute), 30*time.Second, false, true, true, false)
		want(sel("cpu", m, m+2*time.Minute, `thread_group="never seen"`), time.Minute, true, true)
		want(sel("cpu", m, m+2*time.Minute, `instance="b"`), time.Minute, false, false)
		want(sel("offcpu", m, m+2*time.Minute), time.Minute, false, false)
		b.advance(2 * time.Hour)
		b.settle()
	}
	x.Declare(tacho.CPU) // idle, too, and late: the hour is rolled up already
	b.append("", x.Take(targetB, "jvm", at(m+2*time.Minute), at(m+3*time.Minute), 1))
	for range 2 {
		want(sel("cpu", m-time.Minute, m+3*time.Minute), time.Minute, false, true, true, true)
		want(sel("cpu", m, m+3*time.Minute, `instance="b"`), time.Minute, false, false, true)
		hours := sel("cpu", 0, 0)
		hours.From, hours.Until = Epoch.Truncate(time.Hour).Add(-time.Hour), Epoch.Truncate(time.Hour).Add(time.Hour)
		b.checkCounts(hours, time.Minute)
		b.checkCounts(hours, time.Hour)
		b.advance(2 * time.Hour)
		b.settle()
	}
}

func retryReplaces(b *bench) {
	m := minuteStart
	once := map[string]int64{"app.Work.run": 7}
	all := sel("cpu", m-time.Hour, m+time.Hour)
	b.append("", simple(targetA, m+10*time.Second, 7, 1))
	b.append("", simple(targetA, m+10*time.Second, 7, 1))
	b.wantMerge(all, once)
	b.append("", simple(targetA, m+10*time.Second, 5, 1), simple(targetA, m+10*time.Second, 7, 1))
	b.wantMerge(all, once)
	b.advance(2 * time.Hour)
	b.settle()
	b.append("", simple(targetA, m+10*time.Second, 7, 1))
	b.wantMerge(all, once)
	b.settle()
	b.reopen()
	b.wantMerge(all, once)
	b.append("", simple(targetA, m+10*time.Second, 1, 2))
	b.append("", simple(targetB, m+10*time.Second, 1, 1))
	b.wantMerge(all, map[string]int64{"app.Work.run": 9})
}

func retryWithLess(b *bench) {
	m := minuteStart
	full := func() *tacho.Batch {
		x := tacho.NewBuilder()
		st, th := x.Stack(tacho.Stack{fMain}), x.Thread(thread1)
		for i := range 5 { // over three minutes
			x.Sample(tacho.CPU, tacho.Sample{Time: at(m + time.Duration(i)*30*time.Second), Value: 1, Stack: st, Thread: th})
		}
		x.Sample(tacho.Alloc, tacho.Sample{Value: 8, Stack: st, Thread: th})
		x.Series(tacho.Series{Name: "s", Points: []tacho.Point{{Time: at(m), Value: 1}}})
		x.Event(tacho.Event{Time: at(m), Kind: "e"})
		return x.Take(targetA, "jvm", at(m), at(m+2*time.Minute+1), 1)
	}
	b.append("", full())
	for range 2 {
		x := tacho.NewBuilder()
		x.Sample(tacho.CPU, tacho.Sample{Time: at(m), Value: 1, Stack: x.Stack(tacho.Stack{fRead}), Thread: x.Thread(thread1)})
		b.append("", x.Take(targetA, "jvm", at(m), at(m+30*time.Second), 1))
		s := sel("cpu", m-time.Hour, m+time.Hour)
		b.wantMerge(s, map[string]int64{"read": 1})
		b.wantMerge(sel("alloc", m-time.Hour, m+time.Hour), map[string]int64{})
		b.checkCounts(sel("cpu", m, m+3*time.Minute), time.Minute)
		b.checkCounts(sel("alloc", m, m+3*time.Minute), time.Minute)
		b.checkPoints(s, "")
		b.checkEvents(s)
		b.append("", full())
		b.wantMerge(s, map[string]int64{"app.Main.main": 5})
		b.advance(2 * time.Hour)
		b.settle()
		b.wantMerge(s, map[string]int64{"app.Main.main": 5})
		b.checkCounts(sel("alloc", m, m+3*time.Minute), time.Minute)
	}
}

func tenants(b *bench) {
	m := minuteStart
	b.append("", simple(targetA, m, 1, 1))
	b.append("other", simple(targetA, m, 10, 1))
	s := sel("cpu", m-time.Hour, m+time.Hour)
	b.wantMerge(s, map[string]int64{"app.Work.run": 1})
	s.Tenant = "other"
	b.wantMerge(s, map[string]int64{"app.Work.run": 10})
	s.Tenant = "third"
	if _, err := b.st.Merge(context.Background(), s); !errors.Is(err, store.ErrUnknownService) {
		b.Errorf("a tenant without data: %v, want ErrUnknownService", err)
	}
	b.checkLists("", "orders")
	b.checkLists("other", "orders")
	b.checkLists("third", "orders")
}

func lateBatch(b *bench) {
	m := minuteStart
	day := sel("cpu", m-time.Hour, m+time.Hour)
	b.append("", simple(targetA, m, 1, 1))
	b.advance(3 * time.Hour)
	b.settle()
	b.append("", simple(targetB, m, 2, 1))
	b.wantMerge(day, map[string]int64{"app.Work.run": 3})
	b.wantMerge(sel("cpu", m-time.Hour, m+time.Hour, `instance="b"`), map[string]int64{"app.Work.run": 2})
	b.checkCounts(day, time.Minute)
	b.settle()
	b.advance(3 * time.Hour)
	b.settle()
	b.wantMerge(day, map[string]int64{"app.Work.run": 3})
	b.checkCounts(day, time.Minute)
}

// levels stores a value in each of many minutes over three days, and asks for
// ranges that need days, hours, minutes and parts of minutes.
func levels(b *bench) {
	start := Epoch.Add(-80 * time.Hour).Truncate(24 * time.Hour).Sub(Epoch)
	b.clock = Epoch.Add(start)
	for h := 0; h < 80; h++ {
		when := start + time.Duration(h)*time.Hour + time.Duration(h*7%60)*time.Minute + 20*time.Second
		b.clock = Epoch.Add(when)
		b.append("", simple(targetA, when, int64(1)<<(h%40), uint64(h)), simple(targetB, when, 3, uint64(h)))
		if h%9 == 0 {
			b.settle()
		}
	}
	b.advance(2 * time.Hour)
	b.settle()
	end := b.clock.Sub(Epoch)
	for _, match := range [][]string{nil, {`instance="a"`}, {`instance=~"a|b"`}, {`thread_group="nobody"`}} {
		for _, r := range [][2]time.Duration{
			{start, end},
			{start, start + 24*time.Hour},
			{start + 24*time.Hour, start + 72*time.Hour},
			{start + 23*time.Hour, start + 49*time.Hour},
			{start + 5*time.Hour + 21*time.Minute, start + 53*time.Hour + 14*time.Minute},
			{end - 20*time.Hour + 17*time.Second, end - 3*time.Hour + 1},
		} {
			s := sel("cpu", r[0], r[1], match...)
			b.checkMerge(s)
			if r[0]%time.Minute == start%time.Minute {
				b.checkCounts(s, time.Minute)
				b.checkCounts(s, time.Hour)
			}
		}
	}
}

func generatedNames(b *bench) {
	names := map[string]string{
		"app.F$$Lambda$14/0x0000000800c8b440.run":              "app.F$$Lambda.run",
		"app.F$$Lambda$15/0x0000000800c8c000.run":              "app.F$$Lambda.run",
		"jdk.internal.reflect.GeneratedMethodAccessor9.invoke": "jdk.internal.reflect.GeneratedMethodAccessor.invoke",
		"app.Plain$1.run": "app.Plain$1.run",
	}
	want := map[string]int64{}
	x := tacho.NewBuilder()
	for in, out := range names {
		x.Sample(tacho.CPU, tacho.Sample{Value: 1, Stack: x.Stack(tacho.Stack{{Function: in}}), Thread: x.Thread(thread1)})
		want[out]++
	}
	b.append("", x.Take(targetA, "jvm", at(0), at(time.Second), 1))
	b.wantMerge(sel("cpu", 0, time.Second), want)
}

func longEvents(b *bench) {
	x := tacho.NewBuilder()
	x.Event(tacho.Event{Time: at(-50 * time.Hour), Duration: int64(30 * time.Hour), Kind: "long"})
	x.Event(tacho.Event{Time: at(-50 * time.Hour), Duration: int64(59 * time.Minute), Kind: "short"})
	x.Event(tacho.Event{Time: at(-50 * time.Hour), Duration: 1<<63 - 1, Kind: "endless"})
	x.Event(tacho.Event{Time: at(-50 * time.Hour), Duration: -5, Kind: "negative"})
	b.append("", x.Take(targetA, "jvm", at(-50*time.Hour), at(-49*time.Hour), 1))
	want := func(from, until time.Duration, kinds ...string) {
		b.Helper()
		got := map[string]int64{}
		err := b.st.Events(context.Background(), sel("", from, until), func(_ tacho.Labels, e tacho.Event) error {
			got[e.Kind]++
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		wanted := map[string]int64{}
		for _, k := range kinds {
			wanted[k] = 1
		}
		same(b.T, "events", got, wanted)
	}
	want(-50*time.Hour, -50*time.Hour+1, "long", "short", "endless", "negative")
	want(-50*time.Hour+time.Second, -49*time.Hour, "long", "short", "endless")
	want(-49*time.Hour, -48*time.Hour, "long", "endless")
	want(-20*time.Hour, 0, "endless")
	want(-60*time.Hour, -50*time.Hour)
}

func cancelled(b *bench) {
	b.append("", simple(targetA, 0, 1, 1))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := sel("cpu", -time.Hour, time.Hour)
	_, err1 := b.st.Merge(ctx, s)
	_, err2 := b.st.Counts(ctx, s, time.Minute)
	err3 := b.st.Samples(ctx, s, func(*store.SampleBlock) error { return nil })
	err4 := b.st.Append(ctx, "", []*tacho.Batch{simple(targetA, 0, 1, 2)})
	for i, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, context.Canceled) {
			b.Errorf("call %d: %v, want context.Canceled", i+1, err)
		}
	}
	stop := errors.New("stop")
	if err := b.st.Samples(context.Background(), s, func(*store.SampleBlock) error { return stop }); !errors.Is(err, stop) {
		b.Errorf("visit's error comes back as %v", err)
	}
}

func closed(b *bench) {
	b.append("", simple(targetA, 0, 1, 1))
	if err := b.st.Close(); err != nil {
		b.Fatal(err)
	}
	if err := b.st.Close(); err != nil {
		b.Errorf("closing twice: %v", err)
	}
	err1 := b.st.Append(context.Background(), "", []*tacho.Batch{simple(targetA, 0, 1, 2)})
	_, err2 := b.st.Merge(context.Background(), sel("cpu", 0, time.Hour))
	for i, err := range []error{err1, err2} {
		if !errors.Is(err, store.ErrReadOnly) {
			b.Errorf("call %d on a closed store: %v, want ErrReadOnly", i+1, err)
		}
	}
}

var _ testing.TB = (*bench)(nil)
