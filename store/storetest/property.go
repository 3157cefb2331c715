package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"tacho"
	"tacho/store"
)

// properties drives stores with random batches and questions. Two worlds: data
// of the last 20 hours, where timed samples are still there and ranges may
// begin and end anywhere; and data of the last days, of which timed samples are
// dropped as the clock moves, with ranges of whole minutes.
func properties(t *testing.T, fresh func(t *testing.T) Harness) {
	seeds := 10
	if testing.Short() {
		seeds = 3
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("recent/%d", seed), func(t *testing.T) {
			g := &generator{rng: rand.New(rand.NewPCG(uint64(seed), 1)), span: 20 * time.Hour}
			g.drive(start(t, fresh(t)))
		})
		t.Run(fmt.Sprintf("days/%d", seed), func(t *testing.T) {
			g := &generator{rng: rand.New(rand.NewPCG(uint64(seed), 2)), span: 90 * time.Hour, whole: true}
			g.drive(start(t, fresh(t)))
		})
	}
}

// generator makes random batches and questions.
type generator struct {
	rng   *rand.Rand
	span  time.Duration // how far back data goes
	whole bool          // ranges of whole minutes only; retries with the same content
	grain time.Duration // what ranges are multiples of, 0 = anything
	sent  []*tacho.Batch
	seq   uint64
}

func (g *generator) n(n int) int        { return g.rng.IntN(n) }
func (g *generator) one(in int) bool    { return g.rng.IntN(in) == 0 }
func (g *generator) upTo(d int64) int64 { return g.rng.Int64N(d) }

func (g *generator) drive(b *bench) {
	for range 25 {
		switch g.n(10) {
		default:
			var batches []*tacho.Batch
			for range 1 + g.n(6) {
				batches = append(batches, g.batch(b))
			}
			b.append(g.tenant(), batches...)
		case 5, 6:
			if len(g.sent) == 0 {
				continue
			}
			old := g.sent[g.n(len(g.sent))]
			if !g.whole && g.one(2) {
				old = g.shrink(old)
			}
			if b.model.batches[fmt.Sprint("", "|", old.Target, old.Collector, old.From, "#", old.Sequence)] != nil {
				b.append("", old)
			}
		case 7:
			// Together less than the hours between span and raw retention.
			b.advance(time.Duration(g.upTo(int64(10 * time.Minute))))
		case 8:
			b.settle()
		case 9:
			b.reopen()
		}
		g.ask(b)
	}
	// Everything over: first open, then rolled up, then read again from disk.
	for _, last := range []func(){func() {}, func() { b.advance(2 * time.Hour); b.settle() }, b.reopen} {
		last()
		for range 12 {
			g.ask(b)
		}
	}
}

func (g *generator) tenant() string {
	if g.one(8) {
		return "other"
	}
	return ""
}

func (g *generator) batch(b *bench) *tacho.Batch {
	x := tacho.NewBuilder()
	g.seq++
	length := 1 + time.Duration(g.upTo(int64(3*time.Minute)))
	from := b.now().Add(-time.Duration(g.upTo(int64(g.span)))).Add(-length)
	if g.one(3) { // agents like round minutes
		from = from.Truncate(time.Minute)
		length = time.Minute
	}
	for _, typ := range []tacho.ValueType{tacho.CPU, tacho.OffCPU, tacho.Alloc} {
		if g.one(3) {
			continue
		}
		x.Declare(typ)
		timed := !g.one(3)
		for range g.n(40) {
			s := tacho.Sample{Value: 20_000_000, Stack: x.Stack(g.stack()), Thread: x.Thread(g.thread()), Span: uint64(g.n(3))}
			if typ != tacho.CPU {
				s.Value = g.upTo(1 << (1 + g.n(40)))
			}
			if timed {
				s.Time = from.UnixNano() + g.upTo(int64(length))
			}
			x.Sample(typ, s)
		}
	}
	for range g.n(4) {
		se := tacho.Series{Name: []string{"cpu.thread_group", "jvm.memory.used", "jvm.threads"}[g.n(3)], Unit: "1"}
		if se.Name == "cpu.thread_group" {
			se.Labels = tacho.Labels{{Name: tacho.LabelThreadGroup, Value: g.thread().Group}}
		}
		for range g.n(8) {
			p := tacho.Point{Time: from.UnixNano() + g.upTo(int64(length)), Value: float64(g.n(1000))}
			if g.one(2) {
				p.Value = g.rng.NormFloat64()
			}
			se.Points = append(se.Points, p)
		}
		x.Series(se)
	}
	for range g.n(4) {
		e := tacho.Event{Time: from.UnixNano() + g.upTo(int64(length)), Kind: "gc.pause", Name: fmt.Sprint("pause ", g.n(5))}
		if g.one(2) {
			e.Duration = g.upTo(int64(3 * time.Hour))
		}
		x.Event(e)
	}
	target := tacho.NewLabels(map[string]string{
		tacho.LabelService: []string{"orders", "orders", "billing"}[g.n(3)], tacho.LabelInstance: fmt.Sprint("i", g.n(3)),
	})
	out := x.Take(target, []string{"jvm", "proc"}[g.n(2)], from.UnixNano(), from.Add(length).UnixNano(), g.seq)
	g.sent = append(g.sent, out)
	return out
}

// shrink is a retry of a batch that brings less, or the same.
func (g *generator) shrink(b *tacho.Batch) *tacho.Batch {
	c := *b
	if g.one(2) && len(c.Profiles) > 0 {
		c.Profiles = c.Profiles[:g.n(len(c.Profiles))]
	}
	if g.one(2) {
		c.Events = nil
	}
	if g.one(2) {
		c.Series = nil
	}
	return &c
}

func (g *generator) stack() tacho.Stack {
	s := make(tacho.Stack, 1+g.n(8))
	for i := range s {
		s[i] = tacho.Frame{
			Function: fmt.Sprint("app.C", g.n(5), ".m", g.n(4)), File: fmt.Sprint("C", g.n(3), ".java"),
			Line: int32(g.n(3)), Kind: tacho.FrameKind(g.n(5)),
		}
	}
	if g.one(6) {
		s[0].Function = fmt.Sprintf("app.C$$Lambda$%d/0x%016x.run", g.n(100), g.n(1<<30))
	}
	return s
}

func (g *generator) thread() tacho.Thread {
	n := g.n(6)
	return tacho.Thread{ID: int64(100 + n), JavaID: int64(n), Name: fmt.Sprint("http-nio-", n), Group: []string{"http-nio-#", "GC", ""}[n%3]}
}

// ask puts one random question of each kind.
func (g *generator) ask(b *bench) {
	b.Helper()
	s := g.selection(b)
	b.checkMerge(s)
	b.checkCounts(s, g.step(s))
	b.checkCountsOf(s, g.step(s))
	if !g.whole {
		b.checkSamples(s)
	}
	b.checkPoints(s, []string{"", "cpu.", "jvm.memory"}[g.n(3)])
	b.checkEvents(s)
	b.checkLists("", "orders")
}

func (g *generator) selection(b *bench) store.Selection {
	s := store.Selection{
		Tenant: []string{"", "", "", "other"}[g.n(4)], Service: []string{"orders", "billing"}[g.n(2)],
		Type: []string{"cpu", "offcpu", "alloc"}[g.n(3)],
	}
	if len(b.model.of(s.Tenant, s.Service)) == 0 {
		s.Tenant, s.Service = "", ""
		for id, x := range b.model.batches {
			s.Tenant, s.Service = b.model.tenant[id], x.Target.Get(tacho.LabelService)
			break
		}
		if s.Service == "" {
			b.append("", g.batch(b))
			return g.selection(b)
		}
	}
	now := b.now()
	from := now.Add(-time.Duration(g.upTo(int64(g.span + 2*time.Hour))))
	until := from.Add(1 + time.Duration(g.upTo(1<<(30+g.n(18)))))
	grain := g.grain
	if grain == 0 {
		grain = []time.Duration{1, time.Second, time.Minute, time.Hour, 24 * time.Hour}[g.n(5)]
	}
	if g.whole {
		grain = max(grain, time.Minute)
	}
	s.From, s.Until = from.Truncate(grain), until.Truncate(grain)
	if !s.Until.After(s.From) {
		s.Until = s.From.Add(grain)
	}
	for _, m := range []string{`instance="i0"`, `instance!="i1"`, `thread_group=~"http.*"`, `thread_group=""`, `collector="x"`, `instance=~"i.*"`, `instance!~"i[12]"`, `service_name="orders"`} {
		if g.one(5) {
			x, err := store.ParseMatcher(m)
			if err != nil {
				b.Fatal(err)
			}
			s.Match = append(s.Match, x)
		}
	}
	return s
}

// step is a step that gives a reasonable number of cells.
func (g *generator) step(s store.Selection) time.Duration {
	steps := []time.Duration{10 * time.Millisecond, time.Second, 17 * time.Second, time.Minute, 90 * time.Second, 5 * time.Minute, time.Hour, 24 * time.Hour}
	if g.whole {
		steps = []time.Duration{time.Minute, 5 * time.Minute, time.Hour, 24 * time.Hour}
	}
	i := g.n(len(steps))
	for s.Until.Sub(s.From)/steps[i] > 5000 && i < len(steps)-1 {
		i++
	}
	return steps[i]
}
