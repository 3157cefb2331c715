package jvm

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"tacho/internal/jvmtest"
	"tacho/record"
	"tacho/record/proc"
	"tacho/store"
)

// What is stored as CPU adds up to what the kernel billed: per thread within
// 2 % over 30 s, and for the JIT's and the GC's threads together likewise.
func TestCalibrationAgainstTheKernel(t *testing.T) {
	classes := jvmtest.Compile(t, "testdata/Spin.java")
	for version, home := range jvmtest.JDKs(t) {
		for _, n := range []int{1, 2, 8, 16} {
			if version != "17" && n != 8 {
				continue
			}
			t.Run(fmt.Sprintf("JDK%s/%dthreads", version, n), func(t *testing.T) { checkCalibration(t, home, classes, n) })
		}
	}
}

func checkCalibration(t *testing.T, home, classes string, n int) {
	p := jvmtest.Java(t, home, "-cp", classes, "Spin", fmt.Sprint(n))
	sink := newSink(t)
	r := runCollector(t, config(t, sink, p.PID))
	r.recording(t)
	kernel := watchKernel(t, p.PID)
	begin := time.Now().UnixNano()
	time.Sleep(40 * time.Second)
	r.stop()
	kernel.stop()

	// The range is whole batches, at least 30 s of them; the kernel was read
	// often enough to know its account at both ends.
	var from, to int64
	for _, b := range sink.all() {
		if from == 0 && b.From >= begin {
			from = b.From
		}
		if from != 0 && to < from+30e9 {
			to = b.Until
		}
	}
	if to-from < 30e9 {
		t.Fatalf("only %.1f s recorded", sec(to-from))
	}
	before, after := kernel.at(from), kernel.at(to)

	stored := map[int64]int64{}
	groups := map[string]int64{}
	sel := store.Selection{Service: "Spin", Type: "cpu", From: time.Unix(0, from), Until: time.Unix(0, to)}
	err := storeOf(t, sink.all()).Samples(t.Context(), sel, func(b *store.SampleBlock) error {
		for _, s := range b.Samples {
			th := b.Threads[s.Thread]
			stored[th.ID] += s.Value
			groups[record.RuntimeGroup(th.Name)] += s.Value
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	billed := map[string]int64{}
	var total int64
	checked := 0
	for tid, a := range after {
		cpu := a.CPU - before[tid].CPU
		billed[record.RuntimeGroup(a.Comm)] += cpu
		total += cpu
		if cpu < 500e6 {
			continue // 2 % of less is near the spacing of the readings
		}
		checked++
		if off := ratio(stored[tid], cpu); math.Abs(off-1) > 0.02 {
			t.Errorf("thread %d (%s): stored %.3f s, billed %.3f s: ratio %.4f", tid, a.Comm, sec(stored[tid]), sec(cpu), off)
		}
	}
	if checked < n {
		t.Errorf("only %d threads used half a second of CPU, want %d", checked, n)
	}
	for _, g := range []string{record.GroupC1, record.GroupC2, record.GroupGC} {
		if d := math.Abs(float64(groups[g]-billed[g])) / float64(total); d > 0.005 {
			t.Errorf("%s: stored %.3f s, billed %.3f s of %.3f s", g, sec(groups[g]), sec(billed[g]), sec(total))
		}
		t.Logf("%s: stored %.4f s, billed %.4f s", g, sec(groups[g]), sec(billed[g]))
	}
	t.Logf("%d threads checked, %.2f s of CPU", checked, sec(total))
}

// kernelWatch reads the kernel's account of a process every 20 ms, by itself
// and independent of the collector.
type kernelWatch struct {
	cancel   context.CancelFunc
	done     chan struct{}
	readings []kernelReading
}

type kernelReading struct {
	time    int64
	threads map[int64]record.ThreadTime
}

func watchKernel(t *testing.T, pid int) *kernelWatch {
	threads, err := proc.Open("/proc", pid)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	k := &kernelWatch{cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(k.done)
		defer threads.Close()
		for ctx.Err() == nil {
			before := time.Now().UnixNano()
			ts, err := threads.Read(nil)
			after := time.Now().UnixNano()
			if err != nil {
				return
			}
			// A reading interrupted by the scheduler is of no single moment.
			if after-before < 5e6 {
				m := map[int64]record.ThreadTime{}
				for _, x := range ts {
					m[x.TID] = x
				}
				k.readings = append(k.readings, kernelReading{(before + after) / 2, m})
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	t.Cleanup(k.stop)
	return k
}

func (k *kernelWatch) stop() {
	k.cancel()
	<-k.done
}

// at is the reading nearest to a moment.
func (k *kernelWatch) at(moment int64) map[int64]record.ThreadTime {
	best := k.readings[0]
	for _, r := range k.readings {
		if math.Abs(float64(r.time-moment)) < math.Abs(float64(best.time-moment)) {
			best = r
		}
	}
	return best.threads
}

func sec(ns int64) float64 { return float64(ns) / 1e9 }

func ratio(a, b int64) float64 { return float64(a) / float64(b) }
