package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"tacho"
	"tacho/store"
	"tacho/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var target = tacho.NewLabels(map[string]string{"service_name": "orders", "instance": "orders-1"})

func numbered(seq uint64) *tacho.Batch {
	b := tacho.NewBuilder()
	s := tacho.Sample{Time: 1_700_000_000_000_000_000, Value: 1, Stack: b.Stack(tacho.Stack{{Function: "main"}}), Thread: b.Thread(tacho.Thread{Name: "t"})}
	b.Sample(tacho.CPU, s)
	b.Sample(tacho.CPU, s)
	return b.Take(target, "test", s.Time, s.Time+1_000_000_000, seq)
}

// fake is a store in memory. on is asked before each Append is kept.
type fake struct {
	mu      sync.Mutex
	on      func(ctx context.Context, tenant string, seqs []uint64) error
	commits []string // "tenant: sequences"
	health  error
}

func (f *fake) Append(ctx context.Context, tenant string, batches []*tacho.Batch) error {
	var seqs []uint64
	for i, b := range batches {
		if err := b.Validate(); err != nil {
			return &store.RefusedError{Index: i, Err: err}
		}
		seqs = append(seqs, b.Sequence)
	}
	if f.on != nil {
		if err := f.on(ctx, tenant, seqs); err != nil {
			return err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.commits = append(f.commits, fmt.Sprint(tenant, ": ", seqs))
	return nil
}

func (f *fake) Health() error { return f.health }

func (f *fake) committed() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.commits)
}

func start(t *testing.T, o Options) *Ingester {
	t.Helper()
	g := New(o)
	t.Cleanup(func() { g.Close() })
	return g
}

// waitQueued returns once n bytes or more are queued.
func waitQueued(g *Ingester, n int64) {
	for g.queued.Load() < n {
		time.Sleep(time.Millisecond)
	}
}

// together appends the batches in requests of their own, in order, and returns
// what each was told. The last one is what makes the group due.
func together(t *testing.T, g *Ingester, requests ...[]*tacho.Batch) []error {
	t.Helper()
	errs := make([]error, len(requests))
	var wg sync.WaitGroup
	for i, r := range requests {
		before := g.queued.Load()
		wg.Add(1)
		go func() {
			defer wg.Done()
			errs[i] = g.Append(t.Context(), "", r)
		}()
		if i < len(requests)-1 {
			waitQueued(g, before+1)
		}
	}
	wg.Wait()
	return errs
}

func one(seq uint64) []*tacho.Batch { return []*tacho.Batch{numbered(seq)} }

// metric reads one metric by its name and label value.
func metric(t *testing.T, reg *prometheus.Registry, name, label string) float64 {
	t.Helper()
	fams, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range fams {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if label != "" && (len(m.GetLabel()) != 1 || m.GetLabel()[0].GetValue() != label) {
				continue
			}
			switch {
			case m.Counter != nil:
				return m.GetCounter().GetValue()
			case m.Gauge != nil:
				return m.GetGauge().GetValue()
			case m.Histogram != nil:
				return float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	t.Fatalf("no metric %s{%s}", name, label)
	return 0
}

func TestGroupCommit(t *testing.T) {
	f, reg := &fake{}, prometheus.NewRegistry()
	now := time.Unix(1_700_000_000, 0)
	g := start(t, Options{Store: f, FlushEvery: time.Hour, FlushBatches: 5, Registerer: reg, Now: func() time.Time { return now }})
	errs := together(t, g, one(1), []*tacho.Batch{numbered(2), numbered(3)}, one(4), one(5))
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if got := f.committed(); !slices.Equal(got, []string{": [1 2 3 4 5]"}) {
		t.Fatalf("four requests, one commit: %q", got)
	}
	for g.queued.Load() != 0 { // given back just after the answers
		time.Sleep(time.Millisecond)
	}
	for name, want := range map[string]float64{
		"tacho_ingest_batches_total": 5, "tacho_ingest_samples_total": 10, "tacho_ingest_commit_batches": 1, "tacho_ingest_commit_seconds": 1,
		"tacho_ingest_queue_bytes": 0, "tacho_ingest_queue_age_seconds": 0, "tacho_ingest_last_commit_timestamp_seconds": 1_700_000_000,
	} {
		if got := metric(t, reg, name, ""); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

func TestFlushesByTime(t *testing.T) {
	f := &fake{}
	g := start(t, Options{Store: f, FlushEvery: 5 * time.Millisecond})
	for i := range uint64(3) {
		if err := g.Append(t.Context(), "a", one(i)); err != nil {
			t.Fatal(err)
		}
	}
	if got := f.committed(); !slices.Equal(got, []string{"a: [0]", "a: [1]", "a: [2]"}) {
		t.Fatalf("%q", got)
	}
	if err := g.Append(t.Context(), "a", nil); err != nil {
		t.Fatal(err)
	}
}

func TestTenantsDoNotShareCommits(t *testing.T) {
	f := &fake{}
	g := start(t, Options{Store: f, FlushEvery: 10 * time.Millisecond})
	var wg sync.WaitGroup
	for i := range uint64(40) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := g.Append(t.Context(), fmt.Sprint("t", i%2), one(i)); err != nil {
				t.Error(err)
			}
		}()
	}
	wg.Wait()
	seen := 0
	for _, c := range f.committed() {
		tenant, list, _ := strings.Cut(c, ": ")
		for _, s := range strings.Fields(strings.Trim(list, "[]")) {
			var q uint64
			fmt.Sscan(s, &q)
			if tenant != fmt.Sprint("t", q%2) {
				t.Errorf("batch %d committed for %s", q, tenant)
			}
			seen++
		}
	}
	if seen != 40 {
		t.Errorf("%d of 40 committed", seen)
	}
}

func TestFullQueueSaysSoAtOnce(t *testing.T) {
	release := make(chan struct{})
	f, reg := &fake{on: func(context.Context, string, []uint64) error { <-release; return nil }}, prometheus.NewRegistry()
	size := cost(numbered(1))
	g := start(t, Options{Store: f, FlushEvery: time.Millisecond, QueueBytes: 3 * size, Registerer: reg})
	var wg sync.WaitGroup
	for i := range uint64(3) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := g.Append(t.Context(), "", one(i)); err != nil {
				t.Error(err)
			}
		}()
	}
	waitQueued(g, 3*size)
	if err := g.Append(t.Context(), "", one(9)); !errors.Is(err, ErrOverloaded) {
		t.Fatal(err)
	}
	if got := metric(t, reg, "tacho_ingest_rejected_total", "overloaded"); got != 1 {
		t.Errorf("%v rejected", got)
	}
	if got := metric(t, reg, "tacho_ingest_queue_bytes", ""); got != float64(3*size) {
		t.Errorf("%v bytes queued, want %d", got, 3*size)
	}
	// Not even decoded: that there is no batch in it is not found out.
	if r := post(t, g.Handler(), wire.ContentType, strings.NewReader("nothing of the kind")); r.status != http.StatusTooManyRequests || r.retryAfter != "1" {
		t.Errorf("posted to a full queue: %+v, want 429 with Retry-After", r)
	}
	var rejected *wire.RejectedError
	if err := g.Append(t.Context(), "", []*tacho.Batch{numbered(1), numbered(2), numbered(3), numbered(4)}); !errors.As(err, &rejected) {
		t.Fatalf("what never fits is refused for good: %v", err)
	}
	other := make(chan error)
	go func() { other <- g.Append(t.Context(), "other", one(1)) }() // has a queue of its own
	waitQueued(g, 4*size)
	close(release)
	if err := <-other; err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if err := g.Append(t.Context(), "", one(10)); err != nil {
		t.Fatalf("there is room again: %v", err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if len(g.queues) != 0 || g.queued.Load() != 0 || g.oldest.Load() != 0 {
		t.Errorf("left behind: %d queues, %d bytes", len(g.queues), g.queued.Load())
	}
}

func TestRefusedBatchSparesItsNeighbours(t *testing.T) {
	bad := []uint64{3, 6}
	f := &fake{on: func(_ context.Context, _ string, seqs []uint64) error {
		for i, q := range seqs {
			if slices.Contains(bad, q) {
				return fmt.Errorf("append: %w", &store.RefusedError{Index: i, Err: errors.New("in the future")})
			}
		}
		return nil
	}}
	g := start(t, Options{Store: f, FlushEvery: time.Hour, FlushBatches: 7})
	errs := together(t, g, one(1), []*tacho.Batch{numbered(2), numbered(3)}, []*tacho.Batch{numbered(4), numbered(5)}, one(6), one(7))
	for i, e := range errs {
		var rejected *wire.RejectedError
		if want := i == 1 || i == 3; want != errors.As(e, &rejected) || (!want && e != nil) {
			t.Errorf("request %d: %v", i, e)
		}
	}
	if errs[1] == nil || errs[1].Error() != "batches refused: batch 1: in the future" {
		t.Errorf("%v", errs[1])
	}
	if got := f.committed(); !slices.Equal(got, []string{": [1 4 5 7]"}) {
		t.Errorf("%q", got)
	}
	if err := g.Ready(); err != nil {
		t.Errorf("a bad batch is not the store's trouble: %v", err)
	}
}

func TestFailureWithoutACulpritIsTriedOneByOne(t *testing.T) {
	f := &fake{on: func(_ context.Context, _ string, seqs []uint64) error {
		if slices.Contains(seqs, 2) {
			return errors.New("disk trouble")
		}
		return nil
	}}
	g := start(t, Options{Store: f, FlushEvery: time.Hour, FlushBatches: 3})
	errs := together(t, g, one(1), one(2), one(3))
	if errs[0] != nil || errs[2] != nil || errs[1] == nil || errs[1].Error() != "disk trouble" {
		t.Fatal(errs)
	}
	if got := f.committed(); !slices.Equal(got, []string{": [1]", ": [3]"}) {
		t.Errorf("%q", got)
	}
}

func TestFullStoreIsNotTriedOneByOne(t *testing.T) {
	calls := 0
	f := &fake{on: func(context.Context, string, []uint64) error { calls++; return fmt.Errorf("append: %w", store.ErrFull) }}
	g := start(t, Options{Store: f, FlushEvery: time.Hour, FlushBatches: 2})
	for _, err := range together(t, g, one(1), one(2)) {
		if !errors.Is(err, store.ErrFull) {
			t.Error(err)
		}
	}
	if calls != 1 {
		t.Errorf("%d commits", calls)
	}
	if err := g.Ready(); err == nil || !strings.Contains(err.Error(), "store is full") {
		t.Errorf("%v", err)
	}
}

func TestInvalidBatchNeverReachesTheStore(t *testing.T) {
	f := &fake{}
	g := start(t, Options{Store: f})
	b := numbered(1)
	b.Profiles[0].Samples[0].Stack = 5
	var rejected *wire.RejectedError
	if err := g.Append(t.Context(), "", []*tacho.Batch{numbered(0), b}); !errors.As(err, &rejected) || !strings.Contains(err.Error(), "batch 1: ") {
		t.Fatal(err)
	}
	if len(f.committed()) != 0 {
		t.Fatal("committed")
	}
}

// trusting is a store that need not check what ingest has checked.
type trusting struct{ fake }

func (s *trusting) Append(context.Context, string, []*tacho.Batch) error {
	return errors.New("asked to check again")
}

func (s *trusting) AppendValid(ctx context.Context, tenant string, batches []*tacho.Batch) error {
	return s.fake.Append(ctx, tenant, batches)
}

func TestBatchesAreCheckedOnce(t *testing.T) {
	s := &trusting{}
	g := start(t, Options{Store: s})
	if err := g.Append(t.Context(), "a", one(1)); err != nil {
		t.Fatal(err)
	}
	if got := s.committed(); !slices.Equal(got, []string{"a: [1]"}) {
		t.Errorf("committed %q", got)
	}
	bad := numbered(2)
	bad.Stacks[0][0] = 99
	if err := g.Append(t.Context(), "a", []*tacho.Batch{bad}); !errors.As(err, new(*wire.RejectedError)) {
		t.Errorf("%v, want a rejection", err)
	}
}

func TestCallerGoesAwayAndTheCommitGoesOn(t *testing.T) {
	f := &fake{}
	g := New(Options{Store: f, FlushEvery: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error)
	go func() { got <- g.Append(ctx, "", one(1)) }()
	waitQueued(g, 1)
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil { // flushes
		t.Fatal(err)
	}
	if got := f.committed(); !slices.Equal(got, []string{": [1]"}) {
		t.Fatalf("%q", got)
	}
	if err := g.Append(t.Context(), "", one(2)); !errors.Is(err, store.ErrReadOnly) {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCloseDoesNotWaitForAStoreThatHangs(t *testing.T) {
	f := &fake{on: func(ctx context.Context, _ string, _ []uint64) error { <-ctx.Done(); return ctx.Err() }}
	g := New(Options{Store: f, FlushEvery: time.Millisecond, CloseWait: 10 * time.Millisecond})
	got := make(chan error)
	go func() { got <- g.Append(t.Context(), "", one(1)) }()
	waitQueued(g, 1)
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestReady(t *testing.T) {
	var mu sync.Mutex
	now := time.Unix(1_700_000_000, 0)
	move := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	release, fail := make(chan struct{}), errors.New("fsync: input/output error")
	f := &fake{on: func(context.Context, string, []uint64) error { <-release; return fail }}
	reg := prometheus.NewRegistry()
	g := start(t, Options{Store: f, FlushEvery: time.Millisecond, Registerer: reg, Now: func() time.Time { mu.Lock(); defer mu.Unlock(); return now }})
	if err := g.Ready(); err != nil {
		t.Fatal(err)
	}
	got := make(chan error)
	go func() { got <- g.Append(t.Context(), "", one(1)) }()
	waitQueued(g, 1)
	move(9 * time.Second)
	if err := g.Ready(); err != nil {
		t.Fatal(err)
	}
	move(3 * time.Second)
	if err := g.Ready(); err == nil || err.Error() != "the oldest batch has been waiting for its commit for 12s" {
		t.Fatal(err)
	}
	if age := metric(t, reg, "tacho_ingest_queue_age_seconds", ""); age != 12 {
		t.Errorf("age %v", age)
	}
	release <- struct{}{}
	if err := <-got; !errors.Is(err, fail) {
		t.Fatal(err)
	}
	if err := g.Ready(); err == nil || err.Error() != "the last commit failed: fsync: input/output error" {
		t.Fatal(err)
	}
	fail = nil
	go func() { got <- g.Append(t.Context(), "", one(1)) }()
	release <- struct{}{}
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	for g.oldest.Load() != 0 {
		time.Sleep(time.Millisecond)
	}
	if err := g.Ready(); err != nil {
		t.Fatal(err)
	}
	f.health = errors.New("no space for the write-ahead log")
	if err := g.Ready(); err == nil || err.Error() != "the store is not well: no space for the write-ahead log" {
		t.Fatal(err)
	}
}
