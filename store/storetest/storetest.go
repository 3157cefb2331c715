// Package storetest is what every store must pass. An implementation's test
// calls Run with a Harness that opens it:
//
//  1. literal cases: what goes in comes out, retries, tenants, late batches,
//     refusals, null against zero. (cases.go, refuse.go)
//  2. properties: random batches, retries, clock, roll-ups and reopening, and
//     random questions whose answers must equal those of a model that keeps the
//     batches in a map and adds up by brute force. (property.go, model.go)
//  3. more than a thousand cases of range, selector, type and level, counted.
//     (bruteforce.go)
//  4. appends and questions at the same time. (concurrent.go)
//
// Times are given by a clock of the suite, so that nothing depends on how fast
// the machine is.
package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"tacho"
	"tacho/store"
)

// Harness is one fresh place to store, and how to work with it.
type Harness struct {
	// Open opens the store on what is there: nothing at first, later what the
	// store that was closed before left. It must use now as its clock, keep
	// timed samples for 24 h and everything for at least 7 days.
	Open func(t *testing.T, now func() time.Time) store.Store
	// Settle returns when the background work due at the present clock is done.
	Settle func(t *testing.T, s store.Store)
}

// Run runs the suite. fresh is called for every test.
func Run(t *testing.T, fresh func(t *testing.T) Harness) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.run(start(t, fresh(t))) })
	}
	t.Run("Property", func(t *testing.T) { properties(t, fresh) })
	t.Run("BruteForce", func(t *testing.T) { bruteForce(t, fresh) })
	t.Run("Concurrent", func(t *testing.T) { concurrent(start(t, fresh(t))) })
}

// Epoch is where the suite's clock starts: some hours into a day.
var Epoch = time.Date(2026, 3, 10, 9, 17, 31, 250_000_000, time.UTC)

// bench is a store under test, with its clock and the model beside it.
type bench struct {
	*testing.T
	h     Harness
	st    store.Store
	model *model
	mu    sync.Mutex
	clock time.Time
}

func start(t *testing.T, h Harness) *bench {
	b := &bench{T: t, h: h, model: newModel(), clock: Epoch}
	b.st = h.Open(t, b.now)
	t.Cleanup(func() {
		if err := b.st.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

// advance moves the clock.
func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(d)
}

// settle lets roll-ups happen.
func (b *bench) settle() {
	b.Helper()
	b.h.Settle(b.T, b.st)
}

// reopen closes and opens the store.
func (b *bench) reopen() {
	b.Helper()
	if err := b.st.Close(); err != nil {
		b.Fatalf("close: %v", err)
	}
	b.st = b.h.Open(b.T, b.now)
}

// append stores batches in the store and the model.
func (b *bench) append(tenant string, batches ...*tacho.Batch) {
	b.Helper()
	if err := b.st.Append(context.Background(), tenant, batches); err != nil {
		b.Fatalf("append: %v", err)
	}
	for _, x := range batches {
		b.model.append(tenant, x)
	}
}

// checkMerge, and the other checks, ask the store and the model, and compare.
func (b *bench) checkMerge(sel store.Selection) {
	b.Helper()
	m, err := b.st.Merge(context.Background(), sel)
	if err != nil {
		b.Fatalf("merge %s: %v", show(sel), err)
	}
	if len(m.Missing) > 0 {
		b.Errorf("merge %s: missing %v", show(sel), m.Missing)
	}
	same(b.T, "merge "+show(sel), sums(m), b.model.merge(sel))
}

func (b *bench) checkCounts(sel store.Selection, step time.Duration) {
	b.Helper()
	c, err := b.st.Counts(context.Background(), sel, step)
	if err != nil {
		b.Fatalf("counts %s step %s: %v", show(sel), step, err)
	}
	values, recorded := b.model.counts(sel, step)
	if !c.From.Equal(sel.From) || c.Step != step || len(c.Values) != len(values) || len(c.Recorded) != len(values) {
		b.Fatalf("counts %s step %s: from %s, step %s, %d values, %d recorded; want %d", show(sel), step, c.From, c.Step, len(c.Values), len(c.Recorded), len(values))
	}
	for i := range values {
		if c.Values[i] != values[i] || c.Recorded[i] != recorded[i] {
			b.Fatalf("counts %s step %s: step %d at %s is %d (recorded %v), want %d (recorded %v)", show(sel), step, i,
				sel.From.Add(time.Duration(i)*step), c.Values[i], c.Recorded[i], values[i], recorded[i])
		}
	}
}

// checkCountsOf counts the stacks that end in functions of an even name.
func (b *bench) checkCountsOf(sel store.Selection, step time.Duration) {
	b.Helper()
	c, err := b.st.CountsOf(context.Background(), sel, step, func(t *store.Tree) []bool {
		keep := make([]bool, len(t.Leaf))
		for id := range keep {
			keep[id] = even(t.Stack(uint32(id)))
		}
		return keep
	})
	if err != nil {
		b.Fatalf("counts of some stacks %s step %s: %v", show(sel), step, err)
	}
	want := b.model.countsOf(sel, step, even)
	if !c.From.Equal(sel.From) || c.Step != step || c.Recorded != nil || !slices.Equal(c.Values, want) {
		b.Fatalf("counts of some stacks %s step %s: %d from %s, want %d", show(sel), step, c.Values, c.From, want)
	}
}

func even(s tacho.Stack) bool {
	f := s[0].Function
	return f[len(f)-1]%2 == 0
}

func (b *bench) checkSamples(sel store.Selection) {
	b.Helper()
	got := map[string]int64{}
	last := map[string]int64{}
	err := b.st.Samples(context.Background(), sel, func(blk *store.SampleBlock) error {
		who := blk.Target.String()
		for _, s := range blk.Samples {
			if s.Time < last[who] {
				b.Errorf("samples %s: %s has %d after %d", show(sel), who, s.Time, last[who])
			}
			last[who] = s.Time
			got[sampleKey(blk.Target, s, blk.Tree.Stack(s.Stack), blk.Threads[s.Thread])]++
		}
		return nil
	})
	if err != nil {
		b.Fatalf("samples %s: %v", show(sel), err)
	}
	same(b.T, "samples "+show(sel), got, b.model.samples(sel))
}

func (b *bench) checkPoints(sel store.Selection, prefix string) {
	b.Helper()
	got := map[string]int64{}
	last := map[string]int64{}
	err := b.st.Points(context.Background(), sel, prefix, func(target tacho.Labels, s tacho.Series) error {
		who := target.String() + s.Name + s.Labels.String()
		for _, p := range s.Points {
			if p.Time < last[who] {
				b.Errorf("points %s: %s has %d after %d", show(sel), who, p.Time, last[who])
			}
			last[who] = p.Time
			got[pointKey(target, s, p)]++
		}
		return nil
	})
	if err != nil {
		b.Fatalf("points %s: %v", show(sel), err)
	}
	same(b.T, "points "+show(sel), got, b.model.points(sel, prefix))
}

func (b *bench) checkEvents(sel store.Selection) {
	b.Helper()
	got := map[string]int64{}
	err := b.st.Events(context.Background(), sel, func(target tacho.Labels, e tacho.Event) error {
		got[eventKey(target, e)]++
		return nil
	})
	if err != nil {
		b.Fatalf("events %s: %v", show(sel), err)
	}
	same(b.T, "events "+show(sel), got, b.model.events(sel))
}

func (b *bench) checkLists(tenant, service string) {
	b.Helper()
	all, err := b.st.Services(context.Background(), tenant)
	if err != nil {
		b.Fatalf("services: %v", err)
	}
	if !slices.IsSortedFunc(all, func(x, y store.Service) int { return cmpStr(x.Name, y.Name) }) {
		b.Errorf("services are not sorted by name: %v", all)
	}
	got := map[string]int64{}
	for _, s := range all {
		for _, ty := range s.Types {
			got[s.Name+" "+ty.Name+" "+ty.Unit]++
		}
		for _, in := range s.Instances {
			got[s.Name+" "+in.Target.String()+" "+in.First.UTC().String()+" "+in.Last.UTC().String()]++
		}
	}
	must, may := b.model.services(tenant)
	between(b.T, "services", got, must, may)
	for _, typ := range []string{"", "cpu", "offcpu", "alloc"} {
		ls, err := b.st.Series(context.Background(), tenant, service, typ)
		must, may := b.model.series(tenant, service, typ)
		if errors.Is(err, store.ErrUnknownService) && len(b.model.of(tenant, service)) == 0 {
			continue
		}
		if err != nil {
			b.Fatalf("series: %v", err)
		}
		got := map[string]int64{}
		for _, l := range ls {
			got[l.String()]++
		}
		between(b.T, "series "+typ, got, must, may)
	}
}
