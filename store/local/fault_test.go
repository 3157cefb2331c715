package local_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"tacho"
	"tacho/store"
	"tacho/store/local"
)

// TestCrash cuts the power while batches are being stored. Every acknowledged
// batch must be there whole, every other one whole or not at all, and roll-ups
// after the restart must agree.
func TestCrash(t *testing.T) {
	seeds := 200
	if testing.Short() {
		seeds = 8
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { crash(t, seed) })
	}
}

func crash(t *testing.T, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 3))
	fs, c := vfs.NewCrashableMem(), &clock{noon}
	s := open(t, fs, c.now, func(o *local.Options) { o.MaxNodes = 100 })
	const batches, parts = 60, 9
	make := func(n int) *tacho.Batch {
		x := tacho.NewBuilder()
		from := noon.Add(-time.Duration(n) * 7 * time.Minute)
		for i := range parts { // some timed over three minutes, some not
			sm := tacho.Sample{Value: 1, Stack: x.Stack(tacho.Stack{{Function: fmt.Sprint("b", n), Line: int32(i)}, {Function: "main"}}), Thread: x.Thread(tacho.Thread{Group: fmt.Sprint(i % 3)})}
			if i%4 != 0 {
				sm.Time = from.Add(time.Duration(i) * 20 * time.Second).UnixNano()
			}
			x.Sample(tacho.CPU, sm)
		}
		return x.Take(someTarget, "jvm", from.UnixNano(), from.Add(4*time.Minute).UnixNano(), 1)
	}
	var mu sync.Mutex
	acked := map[int]bool{}
	cutAt := int64(rng.IntN(batches))
	var sent atomic.Int64
	var wg sync.WaitGroup
	for w := range 3 {
		wg.Go(func() {
			for n := w; n < batches; n += 3 {
				sent.Add(1)
				if err := s.Append(context.Background(), "", []*tacho.Batch{make(n)}); err != nil {
					t.Errorf("append: %v", err)
				}
				mu.Lock()
				acked[n] = true
				mu.Unlock()
			}
		})
	}
	wg.Go(func() {
		for range 3 {
			if err := s.Roll(context.Background()); err != nil {
				t.Errorf("roll: %v", err)
			}
		}
	})
	for sent.Load() < cutAt {
		time.Sleep(50 * time.Microsecond)
	}
	mu.Lock()
	must := map[int]bool{}
	for n := range acked {
		must[n] = true
	}
	cfg := vfs.CrashCloneCfg{}
	if p := rng.IntN(3) * 50; p > 0 {
		cfg = vfs.CrashCloneCfg{UnsyncedDataPercent: p, RNG: rand.New(rand.NewPCG(seed, 4))}
	}
	after := fs.CrashClone(cfg)
	mu.Unlock()
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, after, c.now)
	defer func() { _ = s.Close() }()
	check := func(when string) map[string]int64 {
		m, err := s.Merge(context.Background(), store.Selection{Service: "orders", Type: "cpu", From: noon.Add(-24 * time.Hour), Until: noon.Add(time.Hour)})
		if errors.Is(err, store.ErrUnknownService) && len(must) == 0 {
			return nil
		}
		if err != nil || len(m.Missing) > 0 {
			t.Fatalf("%s: %v, missing %v", when, err, m.Missing)
		}
		got := map[string]int64{}
		for _, p := range m.Parts {
			for id, v := range p.Values {
				if v != 0 {
					got[p.Tree.Stack(uint32(id))[0].Function] += v
				}
			}
		}
		for n := range batches {
			switch v := got[fmt.Sprint("b", n)]; {
			case v != 0 && v != parts:
				t.Errorf("%s: batch %d is torn: %d of %d", when, n, v, parts)
			case v == 0 && must[n]:
				t.Errorf("%s: acknowledged batch %d is lost", when, n)
			}
		}
		return got
	}
	before := check("after the crash")
	c.t = noon.Add(3 * time.Hour)
	roll(t, s)
	rolled := check("rolled up")
	for k, v := range before {
		if rolled[k] != v {
			t.Errorf("%s was %d, rolled up it is %d", k, v, rolled[k])
		}
	}
	if before != nil {
		appendAll(t, s, make(0), make(batches+1))
	}
}

// TestFailedLog: a log that cannot be written costs time and nothing else; one
// that cannot be synced stops the store for good, and the process lives.
func TestFailedLog(t *testing.T) {
	if !inChild(t) {
		return
	}
	var broken, unsynced atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if strings.HasSuffix(op.Path, ".log") && (broken.Load() && isWrite(op.Kind) || unsynced.Load() && isSync(op.Kind)) {
			return errors.New("injected: disk is gone")
		}
		return nil
	}))
	s := open(t, fs, time.Now, func(o *local.Options) { o.StallAfter = 50 * time.Millisecond })
	put := func(seq uint64) error {
		return s.Append(context.Background(), "", []*tacho.Batch{batchOf(time.Now().Truncate(time.Hour), seq, false, "f", 1)})
	}
	sum := func() int64 { return total(t, s, time.Now().Add(-2*time.Hour), time.Now()) }
	if err := put(1); err != nil || s.Health() != nil {
		t.Fatalf("append %v, health %v; want none", err, s.Health())
	}
	broken.Store(true)
	if err := put(2); err == nil {
		t.Error("acknowledged without a log")
	}
	for _, err := range []error{s.Health(), put(3)} {
		if err == nil || !strings.Contains(err.Error(), "write store/") || !strings.Contains(err.Error(), "injected") {
			t.Errorf("while the log cannot be written: %v, want the injected error", err)
		}
	}
	broken.Store(false)
	eventually(t, "health is green again", func() bool { return s.Health() == nil })
	for seq := uint64(2); seq < 4; seq++ { // the retries of a client
		if err := put(seq); err != nil {
			t.Errorf("append %d on the repaired disk: %v", seq, err)
		}
	}
	if got := sum(); got != 3 {
		t.Errorf("sum %d, want 3", got)
	}
	unsynced.Store(true)
	for i := range uint64(2) {
		if err := put(4 + i); err == nil || !strings.Contains(err.Error(), "injected") {
			t.Errorf("append %d without sync: %v, want the injected error", i, err)
		}
	}
	unsynced.Store(false)
	if err := put(6); err == nil || s.Health() == nil {
		t.Error("a store that lost a commit stores again")
	}
	if got := sum(); got < 3 {
		t.Errorf("sum %d, want at least 3: reading goes on", got)
	}
	_ = s.Close() // gives up after a while
}

// TestStuckDisk: a commit that hangs is given up by its caller, not by the
// store, and Health says so after a while.
func TestStuckDisk(t *testing.T) {
	hold := make(chan struct{})
	var stuck atomic.Bool
	fs := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if stuck.Load() && strings.HasSuffix(op.Path, ".log") && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData) {
			<-hold
		}
		return nil
	}))
	var late atomic.Bool
	s := open(t, fs, func() time.Time {
		if late.Load() {
			return noon.Add(time.Minute)
		}
		return noon
	})
	stuck.Store(true)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := s.Append(ctx, "", []*tacho.Batch{batchOf(noon, 1, false, "f", 1)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("append: %v, want DeadlineExceeded", err)
	}
	late.Store(true)
	if err := s.Health(); err == nil || !strings.Contains(err.Error(), "waiting for the disk for 1m0s") {
		t.Errorf("health: %v, want a stuck commit", err)
	}
	stuck.Store(false)
	close(hold)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestFull(t *testing.T) {
	fs, c := vfs.NewMem(), &clock{noon}
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 600 << 20, TotalBytes: 1 << 30})
	s := open(t, fs, c.now, func(o *local.Options) { o.WatchEvery, o.Ballast = -1, -1 })
	defer func() { _ = s.Close() }()
	appendAll(t, s, batchOf(noon, 1, false, "f", 1))
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 500 << 20, TotalBytes: 1 << 30})
	watch(t, s)
	err := s.Append(context.Background(), "", []*tacho.Batch{batchOf(noon, 2, false, "f", 1)})
	if !errors.Is(err, store.ErrFull) || !errors.Is(s.Health(), store.ErrFull) {
		t.Errorf("append %v, health %v; want ErrFull", err, s.Health())
	}
	if got := total(t, s, noon, noon.Add(time.Hour)); got != 1 {
		t.Errorf("sum %d, want 1", got)
	}
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 600 << 20, TotalBytes: 1 << 30})
	watch(t, s)
	appendAll(t, s, batchOf(noon, 2, false, "f", 1))
}

// TestDamage: damaged blocks are left out and named; the rest answers; what is
// readable again is complete again.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		kind   byte
		rolled bool // damage what the roller made
	}{{'r', false}, {'m', true}, {'h', true}, {'H', true}} {
		t.Run(string(rune(c.kind)), func(t *testing.T) {
			clk := &clock{noon}
			s := open(t, vfs.NewMem(), clk.now)
			defer func() { _ = s.Close() }()
			appendAll(t, s, batchOf(noon.Add(-2*time.Hour), 1, false, "f", 3))
			if c.rolled {
				roll(t, s)
				clk.t = noon.Add(time.Hour)
				roll(t, s)
			}
			sel := store.Selection{Service: "orders", Type: "cpu", From: noon.Add(-3 * time.Hour), Until: noon}
			switch c.kind {
			case 'm': // the range must be answered by minutes
				sel.From, sel.Until = noon.Add(-121*time.Minute), noon.Add(-90*time.Minute)
			case 'h':
				m, _ := store.NewMatcher("instance", store.NotEqual, "zz")
				m2, _ := store.NewMatcher("thread_group", store.Equal, "t")
				appendAll(t, s, func() *tacho.Batch {
					x := tacho.NewBuilder()
					x.Sample(tacho.CPU, tacho.Sample{Value: 1, Stack: x.Stack(tacho.Stack{{Function: "g"}}), Thread: x.Thread(tacho.Thread{Group: "other"})})
					return x.Take(someTarget, "x", noon.UnixNano(), noon.UnixNano()+1, 1)
				}())
				sel.Match = []store.Matcher{m, m2}
			}
			kept := map[string][]byte{}
			n := s.Damage(t, c.kind, func(val []byte) []byte {
				kept["v"] = bytes.Clone(val)
				return append(bytes.Clone(val), 0)
			})
			if n == 0 {
				t.Fatal("nothing to damage")
			}
			m, err := s.Merge(context.Background(), sel)
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("at offset %d: 1 bytes too many", len(kept["v"]))
			if len(m.Missing) != 1 || !strings.HasPrefix(m.Missing[0], "key "+string(rune(c.kind))+"/") || !strings.Contains(m.Missing[0], want) {
				t.Errorf("missing %q, want the key and %q", m.Missing, want)
			}
			for _, p := range m.Parts {
				for _, v := range p.Values {
					if v != 0 {
						t.Errorf("a damaged block added %d", v)
					}
				}
			}
			clk.t = clk.t.Add(time.Hour)
			roll(t, s)
			s.Damage(t, c.kind, func([]byte) []byte { return kept["v"] })
			if got := total(t, s, noon.Add(-3*time.Hour), noon); got != 3 {
				t.Errorf("repaired it sums to %d, want 3", got)
			}
		})
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	s, err := local.Open(local.Options{Dir: dir, RollEvery: -1, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := local.Open(local.Options{Dir: dir, RollEvery: -1, MinFree: 1}); err == nil {
		t.Error("a second store opened the same directory")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRollupsAreDeterministic: made again from the same data they are the same
// bytes.
func TestRollupsAreDeterministic(t *testing.T) {
	whole, again := rollups(t)
	for k, v := range whole {
		if again[k] != v {
			t.Errorf("key %q changed", k)
		}
	}
	if len(whole) < 80 || len(whole) != len(again) {
		t.Errorf("%d roll-ups, then %d", len(whole), len(again))
	}
	// Nor does it matter in how many pieces hours and days are summed.
	for _, memory := range []int{1, 700, 3000} {
		pieces, _ := rollups(t, func(o *local.Options) { local.LittleMemory(o, memory) })
		if !maps.Equal(whole, pieces) {
			t.Errorf("with %d bytes of memory %d roll-ups, %d otherwise, or other values", memory, len(pieces), len(whole))
		}
	}
}

func rollups(t *testing.T, change ...func(*local.Options)) (first, second map[string]string) {
	c := &clock{noon}
	s := open(t, vfs.NewMem(), c.now, change...)
	defer func() { _ = s.Close() }()
	units := map[uint8][]uint32{}
	for i := range 30 {
		at := noon.Add(-time.Duration(i) * 19 * time.Minute)
		one, two := batchOf(at, 1, false, fmt.Sprint("f", i%7), 3, 4, 5), batchOf(at, 2, true, fmt.Sprint("g", i%5), 9)
		three := batchOf(at.Add(time.Minute), 3, true, "h", 2)
		one.Target = one.Target.With(tacho.LabelInstance, fmt.Sprint(i%4)) // several series an hour
		appendAll(t, s, one, two, three)
		min := uint32(at.Unix() / 60)
		units[0] = append(units[0], min)
		units[1] = append(units[1], min/60)
		units[2] = append(units[2], min/1440)
	}
	c.t = noon.Add(12*time.Hour + 5*time.Minute)
	roll(t, s)
	first = s.Rollups(t)
	s.MarkAll(t, units)
	c.t = c.t.Add(time.Hour)
	roll(t, s)
	return first, s.Rollups(t)
}
