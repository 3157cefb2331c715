package jvm

import (
	"testing"

	"tacho"
)

func stackOf(names ...string) *stackRef {
	var s tacho.Stack
	for _, n := range names {
		s = append(s, tacho.Frame{Function: n, Kind: tacho.KindJIT})
	}
	return &stackRef{frames: s}
}

func worker(n int64) tacho.Thread {
	return tacho.Thread{ID: n, Name: "worker-1", Group: "worker-#"}
}

// sum is the charges per thread id and leaf function.
func sum(cs []charge) map[string]int64 {
	m := map[string]int64{}
	for _, c := range cs {
		k := c.stack.frames[0].Function
		if c.stack.frames[0].Kind == tacho.KindEstimated {
			k += " (estimated)"
		}
		m[k] += c.value
	}
	return m
}

func TestCalibration(t *testing.T) {
	a, b, wait, read := stackOf("A.a", "T.run"), stackOf("B.b", "T.run"), stackOf("sun.nio.ch.EPoll.wait", "T.run"), stackOf("sun.nio.ch.SocketDispatcher.read0", "T.run")
	sec := int64(1e9)
	for _, c := range []struct {
		name    string
		bills   []bill
		samples []cpuSample
		want    map[string]int64
	}{
		{"one thread's bill is spread evenly over its samples",
			[]bill{{thread: worker(7), nstid: 7, cpu: 900e6, java: true}},
			[]cpuSample{{time: 1, stack: a, tid: 7, thread: worker(7)}, {time: 2, stack: a, tid: 7, thread: worker(7)}, {time: 3, stack: b, tid: 7, thread: worker(7)}},
			map[string]int64{"A.a": 600e6, "B.b": 300e6}},
		{"a waiting sample gets nothing beside a working one",
			[]bill{{thread: worker(7), nstid: 7, cpu: 100e6, java: true}},
			[]cpuSample{{time: 1, stack: a, tid: 7, thread: worker(7)}, {time: 2, stack: wait, tid: 7, thread: worker(7), idle: true}},
			map[string]int64{"A.a": 100e6, "sun.nio.ch.EPoll.wait": 0}},
		{"a bill with only waiting samples is unsampled",
			[]bill{{thread: worker(7), nstid: 7, cpu: 5e6, java: true}},
			[]cpuSample{{time: 2, stack: wait, tid: 7, thread: worker(7), idle: true}},
			map[string]int64{"[unsampled]": 5e6, "sun.nio.ch.EPoll.wait": 0}},
		{"a read that may wait is charged when nothing else was seen",
			[]bill{{thread: worker(7), nstid: 7, cpu: 5e6, java: true}},
			[]cpuSample{{time: 2, stack: read, tid: 7, thread: worker(7), either: true}},
			map[string]int64{"sun.nio.ch.SocketDispatcher.read0": 5e6}},
		{"and is not when something else was",
			[]bill{{thread: worker(7), nstid: 7, cpu: 5e6, java: true}},
			[]cpuSample{{time: 1, stack: a, tid: 7, thread: worker(7)}, {time: 2, stack: read, tid: 7, thread: worker(7), either: true}},
			map[string]int64{"A.a": 5e6, "sun.nio.ch.SocketDispatcher.read0": 0}},
		{"a thread of the pool stands in for one that was not sampled",
			[]bill{{thread: worker(7), nstid: 7, cpu: 10e6, java: true}, {thread: worker(8), nstid: 8, cpu: 40e6, java: true}},
			[]cpuSample{{time: 1, stack: a, tid: 7, thread: worker(7)}},
			map[string]int64{"A.a": 10e6, "A.a (estimated)": 40e6}},
		{"the JVM's own threads have frames of their own",
			[]bill{{thread: tacho.Thread{ID: 3, Name: "C2 CompilerThre"}, nstid: 3, cpu: 610e6},
				{thread: tacho.Thread{ID: 4, Name: "GC Thread#0"}, nstid: 4, cpu: 20e6},
				{thread: tacho.Thread{ID: 5, Name: "VM Thread"}, nstid: 5, cpu: 3e6},
				{thread: tacho.Thread{ID: 6, Name: "libfoo"}, nstid: 6, cpu: 2e6}},
			nil,
			map[string]int64{"[JIT C2]": 610e6, "[GC]": 20e6, "[VM]": 3e6, "[native]": 2e6}},
		{"virtual threads share what their carriers were billed",
			[]bill{{thread: tacho.Thread{ID: 3, Name: "ForkJoinPool-1-worker-1"}, nstid: 3, cpu: 300e6, carrier: true, java: true},
				{thread: tacho.Thread{ID: 4, Name: "ForkJoinPool-1-worker-2"}, nstid: 4, cpu: 100e6, carrier: true, java: true}},
			[]cpuSample{{time: 1, stack: a, thread: tacho.Thread{Group: "virtual threads"}}, {time: 2, stack: b, thread: tacho.Thread{Group: "virtual threads"}}},
			map[string]int64{"A.a": 200e6, "B.b": 200e6}},
		{"a thread that ended unread claims its samples' periods, at most the tick",
			nil,
			[]cpuSample{{time: 1, stack: a, tid: 9, thread: worker(9), period: 20e6}, {time: 2, stack: a, tid: 9, thread: worker(9), period: 20e6}},
			map[string]int64{"A.a": 40e6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := sum(newCalibrator().tick(0, sec, c.bills, c.samples, true))
			for k, v := range c.want {
				if got[k] != v {
					t.Errorf("%s: %d ns, want %d", k, got[k], v)
				}
				delete(got, k)
			}
			for k, v := range got {
				t.Errorf("unexpected charge of %d ns on %s", v, k)
			}
		})
	}
}

// A nearly idle thread is billed once its bills add up, and nothing is lost.
func TestSmallBillsAreCarried(t *testing.T) {
	c := newCalibrator()
	b := []bill{{thread: worker(7), nstid: 7, cpu: 300e3, java: true}}
	var total int64
	var charges int
	for i := int64(0); i < 4; i++ {
		for _, x := range c.tick(i*1e9, (i+1)*1e9, b, nil, i == 3) {
			total += x.value
			charges++
		}
	}
	if total != 1.2e6 || charges != 1 {
		t.Errorf("%d ns in %d charges, want 1200000 in 1", total, charges)
	}
}

// Borrowed stacks expire: after a minute without samples CPU is unsampled.
func TestBorrowingEnds(t *testing.T) {
	c := newCalibrator()
	a := stackOf("A.a")
	c.tick(0, 1e9, []bill{{thread: worker(7), nstid: 7, cpu: 1e7, java: true}}, []cpuSample{{time: 5, stack: a, tid: 7, thread: worker(7)}}, true)
	b := []bill{{thread: worker(7), nstid: 7, cpu: 1e7, java: true}}
	if got := sum(c.tick(59e9, 60e9, b, nil, true)); got["A.a (estimated)"] != 1e7 {
		t.Errorf("within a minute: %v", got)
	}
	if got := sum(c.tick(61e9, 62e9, b, nil, true)); got["[unsampled]"] != 1e7 {
		t.Errorf("after a minute: %v", got)
	}
}

func TestRuntimeCPUIsSlicedEvenly(t *testing.T) {
	out := newCalibrator().tick(0, 1e9, []bill{{thread: tacho.Thread{Name: "C2 CompilerThread0"}, nstid: 3, cpu: 1e9}}, nil, false)
	if len(out) != 10 || out[0].time != 50e6 || out[9].time != 950e6 || out[0].value != 100e6 {
		t.Errorf("%d slices, first at %d of %d ns", len(out), out[0].time, out[0].value)
	}
}

func BenchmarkCalibrate(b *testing.B) {
	// 200 threads, 50 samples: a tick of a busy service. Limit: map look-ups.
	c := newCalibrator()
	st := stackOf("A.a", "T.run")
	var bills []bill
	var samples []cpuSample
	for i := range int64(200) {
		bills = append(bills, bill{thread: worker(i + 1), nstid: i + 1, cpu: 5e6, java: true})
		if i%4 == 0 {
			samples = append(samples, cpuSample{time: 1, stack: st, tid: i + 1, thread: worker(i + 1)})
		}
	}
	b.ReportAllocs()
	for i := int64(0); b.Loop(); i++ {
		c.tick(i*1e9, (i+1)*1e9, bills, samples, false)
	}
}
