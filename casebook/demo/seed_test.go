package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"tacho"
)

// A Wednesday.
var now = time.Date(2026, 3, 18, 15, 30, 20, 0, time.UTC)

func seed(t testing.TB, o SeedOptions) []*tacho.Batch {
	t.Helper()
	var all []*tacho.Batch
	err := Seed(context.Background(), func(_ context.Context, bs []*tacho.Batch) error {
		all = append(all, bs...)
		return nil
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBatchesAreWholeMinutesThatEndBeforeNow(t *testing.T) {
	bs := seed(t, SeedOptions{Now: now, Seed: 1})
	if len(bs) != 48*60 {
		t.Fatalf("%d batches, want 2880", len(bs))
	}
	if got := time.Unix(0, bs[0].From).UTC(); !got.Equal(time.Date(2026, 3, 16, 15, 30, 0, 0, time.UTC)) {
		t.Errorf("begins %v", got)
	}
	if got := time.Unix(0, bs[2879].Until).UTC(); !got.Equal(time.Date(2026, 3, 18, 15, 30, 0, 0, time.UTC)) {
		t.Errorf("ends %v", got)
	}
	const target = `{demo="seeded", host_name="demo", instance="seeded-1", runtime="jvm", service_name="CollectorServer"}`
	for i, b := range bs {
		if err := b.Validate(); err != nil {
			t.Fatalf("batch %d: %v", i, err)
		}
		if b.Target.String() != target {
			t.Fatalf("batch %d: target %s", i, b.Target)
		}
		if b.Collector != "demo" || b.Until-b.From != 60e9 || i > 0 && b.From != bs[i-1].Until {
			t.Fatalf("batch %d: collector %s, [%d, %d)", i, b.Collector, b.From, b.Until)
		}
		var types []string
		for _, p := range b.Profiles {
			types = append(types, p.Type.Name)
			if len(p.Samples) == 0 && p.Type != tacho.Lock {
				t.Errorf("batch %d: nothing of %s", i, p.Type.Name)
			}
		}
		if got := strings.Join(types, " "); got != "cpu offcpu alloc lock" {
			t.Fatalf("batch %d: types %s", i, got)
		}
	}
}

func TestEqualOptionsGiveEqualBatches(t *testing.T) {
	o := SeedOptions{Now: now, Hours: 5, Seed: 7, Service: "orders"}
	a, b := seed(t, o), seed(t, o)
	if !reflect.DeepEqual(a, b) {
		t.Error("two seedings differ")
	}
	if got := a[0].Target.Get(tacho.LabelService); got != "orders" {
		t.Errorf("service %q, want orders", got)
	}
	o.Seed = 8
	if reflect.DeepEqual(a, seed(t, o)) {
		t.Error("another seed gives the same")
	}
}

// sums is CPU nanoseconds of a batch by thread, and by whether a function is on
// the stack.
func sums(b *tacho.Batch, typ string, function string) (total, with int64, byThread map[uint32]int64) {
	byThread = map[uint32]int64{}
	for _, p := range b.Profiles {
		if p.Type.Name != typ {
			continue
		}
		for _, s := range p.Samples {
			total += s.Value
			byThread[s.Thread] += s.Value
			for _, f := range b.Stack(s.Stack) {
				if f.Function == function {
					with += s.Value
					break
				}
			}
		}
	}
	return total, with, byThread
}

const byteRead = "org.example.collector.store.StreamRecordReader$RafInputStream.read"

func TestSumsHold(t *testing.T) {
	for i, b := range seed(t, SeedOptions{Now: now, Seed: 1}) {
		cpu, _, threads := sums(b, "cpu", "")
		if cpu > 2*60e9 {
			t.Errorf("minute %d: %d ns of CPU on two cores", i, cpu)
		}
		_, _, waits := sums(b, "offcpu", "")
		for id := range b.Threads {
			if sum := threads[uint32(id)] + waits[uint32(id)]; sum > 60e9 {
				t.Errorf("minute %d: %s has %d ns in its minute", i, b.Threads[id].Name, sum)
			}
		}
		lock, _, _ := sums(b, "lock", "")
		_, monitor, _ := sums(b, "offcpu", "org.example.collector.store.RecordFile.append")
		wait, _, _ := sums(b, "offcpu", "")
		if lock > wait || monitor > lock {
			t.Errorf("minute %d: lock %d, off-CPU %d, of it appends %d", i, lock, wait, monitor)
		}
		var usage float64
		for _, s := range b.Series {
			if s.Name == "cpu.usage" {
				usage += s.Points[0].Value
			}
		}
		if d := usage*60e9 - float64(cpu); d < -1e3 || d > 1e3 {
			t.Errorf("minute %d: series say %g ns of CPU, samples %d", i, usage*60e9, cpu)
		}
	}
}

// The story, as somebody would read it off the page.
func TestStory(t *testing.T) {
	bs := seed(t, SeedOptions{Now: now, Seed: 1})
	share := func(from, until int) (seconds, reads float64) {
		var a, b int64
		for _, x := range bs[from:until] {
			total, with, _ := sums(x, "cpu", byteRead)
			a, b = a+total, b+with
		}
		return float64(a) / 1e9 / float64(until-from), float64(b) / float64(a)
	}
	const deploy, incident, resolved = 1080, 2520, 2540 // minutes from the start
	var deploys []int
	for i, b := range bs {
		for _, e := range b.Events {
			if e.Kind == "deploy" {
				deploys = append(deploys, i)
				if e.Name != "collector 1.5.0" {
					t.Errorf("deploy of %q", e.Name)
				}
			}
		}
	}
	if !reflect.DeepEqual(deploys, []int{deploy}) {
		t.Errorf("deploys in minutes %v, want [1080]", deploys)
	}
	if s, r := share(0, deploy); r != 0 || s < 1 || s > 5 {
		t.Errorf("before the deploy: %.1f s of CPU a minute, %.0f %% in byte reads; want 1 to 5 s and none", s, 100*r)
	}
	if s, _ := share(deploy, deploy+2); s < 10 {
		t.Errorf("warm-up after the deploy: %.1f s of CPU a minute, want at least 10", s)
	}
	if s, r := share(deploy+10, incident); r < 0.5 || s < 5 || s > 25 {
		t.Errorf("after the deploy: %.1f s of CPU a minute, %.0f %% in byte reads; want 5 to 25 s and more than half", s, 100*r)
	}
	if s, r := share(incident+3, resolved); r < 0.9 || s < 80 || s > 120 {
		t.Errorf("incident: %.1f s of CPU a minute, %.0f %% in byte reads; want 80 to 120 s and more than 90 %%", s, 100*r)
	}
	if s, _ := share(resolved, resolved+1); s > 70 {
		t.Errorf("after the incident: %.1f s of CPU", s)
	}
	// The five-minute job, in quiet minutes of the first night (03:30 to 03:39).
	const night = 12 * 60
	for i := night; i < night+10; i++ {
		_, job, _ := sums(bs[i], "cpu", "org.example.collector.rollup.RollupJob.run")
		if want := bs[i].From/60e9%5 == 0; want != (job > 1e9) {
			t.Errorf("minute %d: roll-up took %d ns, due: %v", i, job, want)
		}
	}
	var gc int
	for _, b := range bs[resolved : resolved+60] {
		for _, e := range b.Events {
			if e.Kind == "gc.pause" && e.Time >= b.From && e.Time < b.Until && e.Duration > 0 {
				gc++
			}
		}
	}
	if gc < 30 {
		t.Errorf("%d collections in an hour, want at least 30", gc)
	}
}

// History and live recording must show the same methods: every call into the
// collector is one that its source has, at a line within that method.
func TestStacksAreTheProgrammes(t *testing.T) {
	stacks, err := parseStacks(stacksText)
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`^org\.example\.collector\.((?:[a-z]+\.)*)(\w+)(?:\$\w+)*\.([\w]+)$`)
	checked := 0
	for key, s := range stacks {
		for _, f := range s {
			if !strings.HasPrefix(f.Function, "org.example.") || strings.Contains(f.Function, "$$Lambda") {
				continue
			}
			m := name.FindStringSubmatch(f.Function)
			if m == nil {
				t.Fatalf("%s: %s does not look like a method", key, f.Function)
			}
			file := filepath.Join("../collector/src/org/example/collector", strings.ReplaceAll(m[1], ".", "/"), m[2]+".java")
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatalf("%s: %v", key, err)
			}
			declared := regexp.MustCompile(`^    +(?:[\w<>\[\], ]+ )` + m[3] + `\(.*\{$`)
			lines := strings.Split(string(b), "\n")
			at := 0
			for n := int(f.Line); n > 0 && at == 0; n-- { // upwards, to the declaration the line is in
				if l := lines[n-1]; declared.MatchString(l) {
					at = n
				} else if l == "    }" && n < int(f.Line) {
					break
				}
			}
			if at == 0 {
				t.Errorf("%s: %s:%d is not inside %s of %s", key, f.Function, f.Line, m[3], file)
			}
			checked++
		}
	}
	if checked < 100 {
		t.Errorf("only %d calls checked", checked)
	}
	for _, cs := range [][]cost{perRequest, perRecordStream, perRecordBuffer, searchStream, searchBuffer, perMinute, perRollup, perWarmup} {
		for _, c := range cs {
			if stacks[c.stack] == nil {
				t.Errorf("no stack %s", c.stack)
			}
		}
	}
}

func TestParseStacks(t *testing.T) {
	got, err := parseStacks("# c\na.B.run:3 interpreted\n a.B.x native = k l\n[JIT C2] compiler = m\n")
	if err != nil {
		t.Fatal(err)
	}
	leaf := tacho.Frame{Function: "a.B.x", File: "B.java", Module: "java.base", Kind: tacho.KindNative}
	root := tacho.Frame{Function: "a.B.run", File: "B.java", Module: "java.base", Line: 3, Kind: tacho.KindInterpreted}
	want := map[string]tacho.Stack{"k": {leaf, root}, "l": {leaf, root}, "m": {{Function: "[JIT C2]", Kind: tacho.KindCompiler}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for text, want := range map[string]string{
		"a.b\n  c.d\n":       "line 2 is more than one deeper",
		"a.b fast\n":         `line 1: unknown kind "fast"`,
		"a.b = k\nc.d = k\n": "line 2: k is there twice",
		"a.b:x\n":            "line 1: line number",
	} {
		if _, err := parseStacks(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestSeedErrors(t *testing.T) {
	full := errors.New("full")
	calls := 0
	err := Seed(context.Background(), func(context.Context, []*tacho.Batch) error { calls++; return full }, SeedOptions{Now: now})
	if !errors.Is(err, full) || calls != 1 {
		t.Errorf("%d calls, error %v; want one call and its error", calls, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err = Seed(ctx, func(context.Context, []*tacho.Batch) error { t.Error("called after the end"); return nil }, SeedOptions{Now: now})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
	for _, o := range []SeedOptions{{Now: now, Hours: 169}, {Now: now, Hours: -1}, {Now: time.Unix(60, 0), Hours: 1}} {
		if err := Seed(context.Background(), nil, o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	if n := len(seed(t, SeedOptions{Now: now, Hours: 1})); n != 60 {
		t.Errorf("one hour has %d batches", n)
	}
}

// BenchmarkSeed: the limit is interning the stacks of each minute anew, and
// the random numbers. Goal: 48 hours in 3 s.
func BenchmarkSeed(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		samples := 0
		err := Seed(context.Background(), func(_ context.Context, bs []*tacho.Batch) error {
			for _, x := range bs {
				for _, p := range x.Profiles {
					samples += len(p.Samples)
				}
			}
			return nil
		}, SeedOptions{Now: now, Seed: 1})
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(samples), "samples")
	}
}
