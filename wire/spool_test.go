package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("TACHO_WIRE_TEST_VICTIM"); dir != "" {
		victim(dir)
	}
	goleak.VerifyTestMain(m)
}

// clock is a time that moves only when told to.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Unix(1_700_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func open(t *testing.T, o SpoolOptions) *Spool {
	t.Helper()
	o.Log = quiet()
	s, err := OpenSpool(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// crash ends a spool as kill -9 would: nothing is written any more.
func (s *Spool) crash() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	close(s.more)
	for _, g := range s.segs {
		g.close()
	}
	s.lock.Close()
}

func appendSeqs(t *testing.T, s *Spool, from, until uint64) {
	t.Helper()
	for i := from; i < until; i++ {
		if err := s.Append(t.Context(), numbered(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func sequences(t testing.TB, items []Item) []uint64 {
	t.Helper()
	var out []uint64
	for _, it := range items {
		b, err := Decode(it.Batch, DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b.Sequence)
	}
	return out
}

// waitingSeqs lists what is in the queue without taking it.
func waitingSeqs(t testing.TB, s *Spool) []uint64 {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	items, err := s.collect(1<<30, 1<<60)
	if err != nil {
		t.Fatal(err)
	}
	return sequences(t, items)
}

func span(from, until uint64) []uint64 {
	var out []uint64
	for i := from; i < until; i++ {
		out = append(out, i)
	}
	return out
}

func TestQueueInOrder(t *testing.T) {
	s := open(t, SpoolOptions{Dir: t.TempDir(), SegmentBytes: 2000})
	appendSeqs(t, s, 0, 50)
	items, err := s.Next(t.Context(), 7, 1<<20)
	if err != nil || !slices.Equal(sequences(t, items), span(0, 7)) {
		t.Fatalf("%v %v", sequences(t, items), err)
	}
	again, _ := s.Next(t.Context(), 7, 1<<20)
	if !slices.Equal(sequences(t, again), span(0, 7)) {
		t.Fatal("what is not acknowledged comes again")
	}
	s.Ack(items[:3])
	if got := waitingSeqs(t, s); !slices.Equal(got, span(3, 50)) {
		t.Fatalf("got %v", got)
	}
	s.Ack(items) // the first three a second time
	if got := waitingSeqs(t, s); !slices.Equal(got, span(7, 50)) {
		t.Fatalf("got %v", got)
	}
	if one, _ := s.Next(t.Context(), 64, 1); len(one) != 1 {
		t.Fatalf("%d batches, want 1 however small maxBytes is", len(one))
	}
	all, _ := s.Next(t.Context(), 64, 1<<20)
	two := int64(len(all[0].Batch) + len(all[1].Batch) + 100) // 100: what records add
	if some, _ := s.Next(t.Context(), 64, two); len(some) != 2 {
		t.Fatalf("%d batches, want 2 within %d bytes", len(some), two)
	}
	st := s.Stats()
	if st.State != "disk" || st.Batches != 43 || st.Dropped != 0 || st.MemoryBatches != 0 || st.Oldest.IsZero() {
		t.Fatalf("%+v", st)
	}
}

func TestNextWaitsAndEnds(t *testing.T) {
	s := open(t, SpoolOptions{Dir: t.TempDir()})
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error)
	next := func(ctx context.Context) { _, err := s.Next(ctx, 1, 1); got <- err }
	go next(ctx)
	cancel()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	go next(t.Context())
	appendSeqs(t, s, 0, 1)
	if err := <-got; err != nil {
		t.Fatal(err)
	}
	items, _ := s.Next(t.Context(), 1, 1)
	s.Ack(items)
	go next(t.Context())
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-got; !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), numbered(1)); !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal("Close twice:", err)
	}
}

func TestReopen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, SpoolOptions{Dir: dir, SegmentBytes: 2000})
	appendSeqs(t, s, 0, 30)
	items, _ := s.Next(t.Context(), 11, 1<<20)
	s.Ack(items)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, SpoolOptions{Dir: dir})
	if got := waitingSeqs(t, s); !slices.Equal(got, span(11, 30)) {
		t.Fatalf("got %v", got)
	}
	appendSeqs(t, s, 30, 35)
	items, _ = s.Next(t.Context(), 100, 1<<20)
	s.Ack(items)
	s.Close()
	s = open(t, SpoolOptions{Dir: dir})
	if st := s.Stats(); st.Batches != 0 || st.Bytes != 0 || !st.Oldest.IsZero() {
		t.Fatalf("%+v", st)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "*.spool")); len(names) != 1 {
		t.Fatalf("delivered segments are deleted, found %v", names)
	}
}

func TestSecondAgentIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := open(t, SpoolOptions{Dir: dir})
	_, err := OpenSpool(SpoolOptions{Dir: dir, Log: quiet()})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Fatal(err)
	}
	s.Close()
	open(t, SpoolOptions{Dir: dir})
}

func TestFullSpoolDropsTheOldest(t *testing.T) {
	s := open(t, SpoolOptions{Dir: t.TempDir(), MaxBytes: 20_000, SegmentBytes: 2000})
	if err := s.Mark("early", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	appendSeqs(t, s, 0, 500)
	st := s.Stats()
	if st.DiskBytes > 20_000 || st.DiskBytes < 15_000 {
		t.Errorf("%d bytes on disk, bound is 20,000", st.DiskBytes)
	}
	got := waitingSeqs(t, s)
	if len(got) < 20 || !slices.Equal(got, span(500-uint64(len(got)), 500)) {
		t.Errorf("want the newest without a gap, got %v", got)
	}
	if st.Dropped != 500-int64(len(got)) || st.Batches != int64(len(got)) {
		t.Errorf("%d left, stats %+v", len(got), st)
	}
	if string(s.Marks()["early"]) != "kept" {
		t.Error("a mark went with the segment it was written to")
	}
}

func TestTornEndIsCutAtEveryByte(t *testing.T) {
	dir := t.TempDir()
	s := open(t, SpoolOptions{Dir: dir})
	var ends []int64
	for i := range uint64(4) {
		if err := s.AppendWithMark(t.Context(), numbered(i), "k", []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, s.active.size)
	}
	name := s.active.name
	s.Close()
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for cut := ends[0]; cut < int64(len(whole)); cut++ {
		for _, tail := range []string{"", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "\xff\xff\xff\xff garbage"} {
			dir := t.TempDir()
			torn := append(whole[:cut:cut], tail...)
			if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), torn, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := OpenSpool(SpoolOptions{Dir: dir, Log: quiet()})
			if err != nil {
				t.Fatal(err)
			}
			n := uint64(0)
			for n < 4 && bytes.HasPrefix(torn, whole[:ends[n]]) { // a record may end in zeros itself
				n++
			}
			appendSeqs(t, s, 100, 101)
			if got, want := waitingSeqs(t, s), append(span(0, n), 100); !slices.Equal(got, want) {
				t.Fatalf("cut at %d: got %v, want %v", cut, got, want)
			}
			if m := s.Marks()["k"]; len(m) != 1 || uint64(m[0]) != n-1 {
				t.Fatalf("cut at %d: mark %v, want that of batch %d", cut, m, n-1)
			}
			s.Close()
		}
	}
}

func TestDamagedAckSendsAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, SpoolOptions{Dir: dir})
	appendSeqs(t, s, 0, 5)
	items, _ := s.Next(t.Context(), 3, 1<<20)
	s.Ack(items)
	s.Close()
	for _, text := range []string{"", "1 00 00 00\n", "nonsense", "2 0 0 0\n"} {
		if err := os.WriteFile(filepath.Join(dir, "ack"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, SpoolOptions{Dir: dir})
		if got := waitingSeqs(t, s); !slices.Equal(got, span(0, 5)) {
			t.Fatalf("%q: got %v", text, got)
		}
		s.crash()
	}
}

func TestDamagedBatchDoesNotBlock(t *testing.T) {
	dir := t.TempDir()
	s := open(t, SpoolOptions{Dir: dir})
	appendSeqs(t, s, 0, 5)
	f, err := os.OpenFile(s.active.name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("damage"), s.active.index[2].start+20); err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for range 2 {
		items, err := s.Next(t.Context(), 10, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, sequences(t, items)...)
		s.Ack(items)
	}
	if !slices.Equal(got, []uint64{0, 1, 3, 4}) || s.Stats().Dropped != 1 || s.Stats().Batches != 0 {
		t.Fatalf("got %v, %+v", got, s.Stats())
	}
}

func TestMarks(t *testing.T) {
	dir := t.TempDir()
	s := open(t, SpoolOptions{Dir: dir, SegmentBytes: 2000})
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	state := []byte("7")
	do(s.Mark("a", []byte("1")))
	do(s.AppendWithMark(t.Context(), numbered(0), "b", state))
	state[0] = 'X' // the caller's to use again
	do(s.Mark("c", nil))
	do(s.Mark("gone", []byte("x")))
	do(s.ForgetMark("gone"))
	want := map[string]string{"a": "1", "b": "7", "c": ""}
	check := func(when string) {
		t.Helper()
		got := map[string]string{}
		for k, v := range s.Marks() {
			got[k] = string(v)
		}
		if !maps.Equal(got, want) {
			t.Fatalf("%s: got %v, want %v", when, got, want)
		}
	}
	check("at once")
	s.crash()
	s = open(t, SpoolOptions{Dir: dir, SegmentBytes: 2000})
	check("after a crash")
	for i := range uint64(40) { // over many segments, all of them delivered
		appendSeqs(t, s, i, i+1)
		items, _ := s.Next(t.Context(), 10, 1<<20)
		s.Ack(items)
	}
	s.crash()
	s = open(t, SpoolOptions{Dir: dir})
	check("after the segments are gone")
	if st := s.Stats(); st.DiskBytes > 4000 {
		t.Errorf("%d bytes on disk for three marks", st.DiskBytes)
	}
}

func TestManyAppendersOneConsumer(t *testing.T) {
	s := open(t, SpoolOptions{Dir: t.TempDir(), SegmentBytes: 4000})
	var wg sync.WaitGroup
	for a := range uint64(4) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			key := fmt.Sprint("k", a)
			for i := range uint64(100) {
				if err := s.AppendWithMark(t.Context(), numbered(a*1000+i), key, []byte{byte(i)}); err != nil {
					t.Error(err)
				}
				s.Stats()
			}
		}()
	}
	next := map[uint64]uint64{}
	for n := 0; n < 400; {
		items, err := s.Next(t.Context(), 7, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range sequences(t, items) {
			if q%1000 != next[q/1000] {
				t.Fatalf("appender %d: batch %d, want %d", q/1000, q%1000, next[q/1000])
			}
			next[q/1000]++
			n++
		}
		s.Ack(items)
	}
	wg.Wait()
	if m := s.Marks(); len(m) != 4 || m["k3"][0] != 99 || s.Stats().Batches != 0 {
		t.Fatalf("%v %+v", m, s.Stats())
	}
}

// BenchmarkSpool is what an agent pays for one batch on its way: encoding, one
// write, one read.
func BenchmarkSpool(b *testing.B) {
	s, err := OpenSpool(SpoolOptions{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	batch := typical(1)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.AppendWithMark(b.Context(), batch, "k", []byte("state")); err != nil {
			b.Fatal(err)
		}
		items, err := s.Next(b.Context(), 64, 1<<20)
		if err != nil {
			b.Fatal(err)
		}
		s.Ack(items)
	}
}

func TestRefusesWhatCannotBeStored(t *testing.T) {
	s := open(t, SpoolOptions{Dir: t.TempDir()})
	b := numbered(1)
	b.Target = nil
	if err := s.Append(t.Context(), b); err == nil || s.Stats().Batches != 0 {
		t.Fatal("an invalid batch must not get into the spool:", err)
	}
	small := open(t, SpoolOptions{Dir: t.TempDir(), MaxBytes: 300})
	if err := small.AppendWithMark(t.Context(), numbered(1), "k", nil); err == nil || len(small.Marks()) != 0 {
		t.Fatal("a batch larger than the spool:", err)
	}
}
