package local_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"tacho"
	"tacho/store"
	"tacho/store/local"
)

// The "week" data set of research/storage.md: 10 instances, a profile a minute
// each, 1,437 rows a profile drawn by a Zipf law from 20,000 stacks of mean
// depth 42. TACHO_BENCH_DAYS sets how many days of it (default 1, the week is
// 7); what it takes to store is measured while it is made.
//
// Limits: questions are bound by decoding, about 1.5 ns a row on one core;
// appends by looking up stacks, frames and strings of each batch.
type week struct {
	rng    *rand.Rand
	zipf   *rand.Zipf
	stacks []tacho.Stack
}

func newWeek() *week {
	rng := rand.New(rand.NewPCG(1, 2))
	w := &week{rng: rng, zipf: rand.NewZipf(rng, 1.02, 60, 19_999)}
	var stack tacho.Stack // root first while it is made
	for range 20_000 {
		stack = stack[:min(len(stack), 20+rng.IntN(20))]
		for depth := 30 + rng.IntN(25); len(stack) < depth; {
			n := rng.IntN(4000)
			stack = append(stack, tacho.Frame{Function: fmt.Sprint("com.acme.package.Class", n/4, ".method", n%4), File: "Class.java", Line: int32(n % 7), Kind: tacho.KindJIT})
		}
		leafFirst := make(tacho.Stack, len(stack))
		for i, f := range stack {
			leafFirst[len(stack)-1-i] = f
		}
		w.stacks = append(w.stacks, leafFirst)
	}
	return w
}

// profile is one profile of one instance.
func (w *week) profile(instance int, at time.Time, timed bool) *tacho.Batch {
	x := tacho.NewBuilder()
	th := x.Thread(tacho.Thread{ID: 1, Name: "main", Group: "main"})
	rows := map[uint64]int64{}
	for len(rows) < 1437 {
		rows[w.zipf.Uint64()]++
	}
	for id, n := range rows {
		s := tacho.Sample{Value: 20_000_000 * n, Stack: x.Stack(w.stacks[id]), Thread: th}
		if timed {
			s.Time = at.UnixNano() + w.rng.Int64N(int64(time.Minute))
		}
		x.Sample(tacho.CPU, s)
	}
	target := tacho.NewLabels(map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: fmt.Sprint("orders-", instance)})
	b := x.Take(target, "jvm", at.UnixNano(), at.Add(time.Minute).UnixNano(), 1)
	for i, s := range b.Strings { // one after the other in memory, as a decoder makes them
		b.Strings[i] = strings.Clone(s)
	}
	return b
}

var benchDays = func() int {
	if n, err := strconv.Atoi(os.Getenv("TACHO_BENCH_DAYS")); err == nil && n > 0 {
		return n
	}
	return 1
}()

// load stores the data set and rolls it up.
func load(b *testing.B) (s *local.Store, from, until time.Time) {
	from = noon.Truncate(24 * time.Hour)
	until = from.Add(time.Duration(benchDays) * 24 * time.Hour)
	c := &clock{from}
	s, err := local.Open(local.Options{Dir: b.TempDir(), Now: c.now, RollEvery: -1, MinFree: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	w := newWeek()
	var rows int64
	var spent, rolling time.Duration
	for at := from; at.Before(until); at = at.Add(time.Minute) {
		batches := make([]*tacho.Batch, 10)
		for i := range batches {
			batches[i] = w.profile(i, at, false)
			rows += int64(len(batches[i].Profiles[0].Samples))
		}
		c.t = at.Add(time.Minute)
		start := time.Now()
		if err := s.Append(context.Background(), "", batches); err != nil {
			b.Fatal(err)
		}
		spent += time.Since(start)
		if at.Minute() == 5 {
			start = time.Now()
			if err := s.Roll(context.Background()); err != nil {
				b.Fatal(err)
			}
			rolling += time.Since(start)
		}
	}
	c.t = until.Add(time.Hour)
	if err := s.Roll(context.Background()); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d rows; append %.2f M rows/s, with roll-ups %.2f; %.2f bytes a row on disk", rows,
		float64(rows)/spent.Seconds()/1e6, float64(rows)/(spent+rolling).Seconds()/1e6, float64(s.Stats().DiskBytes)/float64(rows))
	return s, from, until
}

func BenchmarkWeek(b *testing.B) {
	s, from, until := load(b)
	some, err := store.ParseMatcher(`instance=~"orders-[02468]"`)
	if err != nil {
		b.Fatal(err)
	}
	ask := func(name string, from, until time.Time, match ...store.Matcher) {
		sel := store.Selection{Service: "orders", Type: "cpu", From: from, Until: until, Match: match}
		b.Run("merge/"+name, func(b *testing.B) {
			for b.Loop() {
				if m, err := s.Merge(context.Background(), sel); err != nil || len(m.Parts) == 0 {
					b.Fatal(err, "or nothing")
				}
			}
		})
		b.Run("heatmap/"+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Counts(context.Background(), sel, time.Minute); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	ask("all", from, until)
	ask("all/5 of 10", from, until, some)
	ask("24h unaligned", until.Add(-24*time.Hour+17*time.Minute), until.Add(-11*time.Minute))
	ask("24h unaligned/5 of 10", until.Add(-24*time.Hour+17*time.Minute), until.Add(-11*time.Minute), some)
	ask("1h", until.Add(-time.Hour), until)
}

// BenchmarkAppend is one commit of 10 profiles of 1,437 rows, of 40 such that
// take turns, so that no batch is in the caches any more when its turn comes
// again. cpu-ns/row is CPU time of the whole process: the append with its check
// of the batch, Pebble's commit, flushes and compactions; 200 are 5 M rows/s a
// core. Limit: a row is a stack of 42 frames and brings 14 frames and 3 names of
// its own to be found; see interner.
func BenchmarkAppend(b *testing.B) {
	for _, timed := range []bool{false, true} {
		b.Run(fmt.Sprint("timed=", timed), func(b *testing.B) {
			s, err := local.Open(local.Options{Dir: b.TempDir(), Now: func() time.Time { return noon }, RollEvery: -1, MinFree: 1})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			w := newWeek()
			turns := make([][]*tacho.Batch, 40)
			for t := range turns {
				for i := range 10 {
					turns[t] = append(turns[t], w.profile(i, noon.Add(time.Duration(t-100)*time.Minute), timed))
				}
				if err := s.Append(context.Background(), "", turns[t]); err != nil {
					b.Fatal(err)
				}
			}
			n, cpu := 0, cpuTime(b)
			for b.Loop() {
				batches := turns[n%len(turns)]
				for _, x := range batches {
					x.Sequence++
				}
				if err := s.Append(context.Background(), "", batches); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(cpuTime(b)-cpu)/float64(n*10*1437), "cpu-ns/row")
		})
	}
}

// cpuTime is what the process has used so far.
func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
