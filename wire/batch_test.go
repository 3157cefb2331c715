package wire

import (
	"fmt"
	"math"
	"math/rand/v2"

	"tacho"
)

var target = tacho.NewLabels(map[string]string{"service_name": "orders", "instance": "orders-1", "host_name": "h1"})

// numbered is a small valid batch that says which one it is.
func numbered(seq uint64) *tacho.Batch {
	b := tacho.NewBuilder()
	st := b.Stack(tacho.Stack{{Function: "com.acme.Orders.sum", File: "Orders.java", Line: 7, Kind: tacho.KindJIT}, {Function: "main"}})
	th := b.Thread(tacho.Thread{ID: 11, JavaID: 1, Name: "main", Group: "main"})
	b.Sample(tacho.CPU, tacho.Sample{Time: 1_700_000_000_000_000_000, Value: 20_000_000, Stack: st, Thread: th})
	return b.Take(target, "test", 1_700_000_000_000_000_000, 1_700_000_001_000_000_000, seq)
}

// typical is what a collector delivers of two seconds of a busy JVM: 20 ms
// sampling of 12 threads, stacks of about 40 frames that share their roots.
func typical(seq uint64) *tacho.Batch {
	r := rand.New(rand.NewPCG(1, seq))
	b := tacho.NewBuilder()
	from := int64(1_700_000_000_000_000_000) + int64(seq)*2_000_000_000
	frame := func(i int) tacho.Frame {
		return tacho.Frame{Function: fmt.Sprintf("com.acme.orders.pkg%d.Service%d.handle%d", i%17, i%41, i), File: fmt.Sprintf("Service%d.java", i%41), Line: int32(i % 400), Kind: tacho.KindJIT}
	}
	var threads []uint32
	for i := range 12 {
		threads = append(threads, b.Thread(tacho.Thread{ID: int64(4000 + i), JavaID: int64(30 + i), Name: fmt.Sprintf("http-nio-8080-exec-%d", i), Group: "http-nio-#-exec-#"}))
	}
	var stacks []uint32
	for i := range 60 {
		var s tacho.Stack
		for d := range 6 + i%7 {
			s = append(s, frame(100+(i*7+d*3)%160))
		}
		for d := range 32 {
			s = append(s, frame(d))
		}
		stacks = append(stacks, b.Stack(s))
	}
	for tick := range 100 {
		for _, th := range threads {
			if r.IntN(3) == 0 {
				b.Sample(tacho.CPU, tacho.Sample{Time: from + int64(tick)*20_000_000 + r.Int64N(2_000_000), Value: 20_000_000, Stack: stacks[r.IntN(len(stacks))], Thread: th})
			}
		}
	}
	for range 150 {
		b.Sample(tacho.OffCPU, tacho.Sample{Time: from + r.Int64N(2_000_000_000), Value: r.Int64N(90_000_000), Stack: stacks[r.IntN(len(stacks))], Thread: threads[r.IntN(len(threads))]})
	}
	for _, name := range []string{"jvm.memory.used", "jvm.cpu.recent_utilization", "jvm.thread.count", "jvm.class.count"} {
		b.Series(tacho.Series{Name: name, Unit: "By", Points: []tacho.Point{{Time: from, Value: 123456789}, {Time: from + 1_000_000_000, Value: 0.25}}})
	}
	for i := range 8 {
		b.Event(tacho.Event{Time: from + int64(i)*200_000_000, Duration: 3_000_000, Kind: "jit.compilation", Name: fmt.Sprintf("com.acme.Foo.bar%d", i), Thread: "C2 CompilerThread0"})
	}
	return b.Take(target, "jvm", from, from+2_000_000_000, seq)
}

// random is a valid batch in which every field takes values a collector would
// never give it.
func random(r *rand.Rand) *tacho.Batch {
	text := func() string {
		p := make([]byte, r.IntN(12))
		for i := range p {
			p[i] = byte(r.UintN(256))
		}
		return string(p)
	}
	number := func() int64 { return int64(r.Uint64()>>r.UintN(64)) * int64(1-2*r.IntN(2)) }
	labels := func() tacho.Labels {
		m := map[string]string{}
		for range r.IntN(4) {
			m["l"+text()] = "v" + text()
		}
		if len(m) == 0 {
			return nil
		}
		return tacho.NewLabels(m)
	}
	from := 1 + r.Int64N(math.MaxInt64-1)
	b := &tacho.Batch{
		Target:    append(labels(), target...),
		Collector: text(), From: from, Until: from + r.Int64N(math.MaxInt64-from), Sequence: r.Uint64(),
		Strings: []string{""},
	}
	b.Target = tacho.NewLabels(b.Target.Map())
	for range r.IntN(30) {
		b.Strings = append(b.Strings, text())
	}
	when := func() int64 { // in the window, or untimed
		if b.Until == b.From || r.IntN(5) == 0 {
			return 0
		}
		return b.From + r.Int64N(b.Until-b.From)
	}
	str := func() uint32 { return uint32(r.IntN(len(b.Strings))) }
	for range r.IntN(30) {
		b.Frames = append(b.Frames, tacho.FrameRef{Function: str(), File: str(), Module: str(), Line: int32(r.Uint32()), Kind: tacho.FrameKind(r.UintN(256))})
	}
	if len(b.Frames) > 0 {
		for range r.IntN(30) {
			s := make([]uint32, 1+r.IntN(20))
			for i := range s {
				s[i] = uint32(r.IntN(len(b.Frames)))
			}
			b.Stacks = append(b.Stacks, s)
		}
	}
	for range r.IntN(10) {
		b.Threads = append(b.Threads, tacho.Thread{ID: number(), JavaID: number(), Name: text(), Group: text()})
	}
	for i := range r.IntN(4) {
		p := tacho.Profile{Type: tacho.ValueType{Name: fmt.Sprint("t", i), Unit: "u" + text()}}
		if len(b.Stacks) > 0 && len(b.Threads) > 0 {
			for range r.IntN(50) {
				p.Samples = append(p.Samples, tacho.Sample{Time: when(), Value: r.Int64N(math.MaxInt64), Stack: uint32(r.IntN(len(b.Stacks))), Thread: uint32(r.IntN(len(b.Threads))), Span: r.Uint64()})
			}
		}
		b.Profiles = append(b.Profiles, p)
	}
	for range r.IntN(4) {
		s := tacho.Series{Name: text(), Unit: text(), Labels: labels()}
		for range r.IntN(20) {
			s.Points = append(s.Points, tacho.Point{Time: number(), Value: math.Float64frombits(r.Uint64()>>1 - 1<<52)})
		}
		b.Series = append(b.Series, s)
	}
	for range r.IntN(10) {
		b.Events = append(b.Events, tacho.Event{Time: number(), Duration: number(), Kind: text(), Name: text(), Thread: text(), Attrs: labels()})
	}
	return b
}
