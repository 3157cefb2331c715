package query

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"tacho"
	"tacho/store"
)

// counters are the series that only ever grow while their process lives.
var counters = []string{
	"jvm.class.loaded", "jvm.class.unloaded", "jvm.exceptions.thrown", "jvm.thread.started",
	"jvm.jit.compilations", "jvm.jit.time", "jvm.jit.invalidated", "jvm.jit.bailouts", "jvm.jit.compile_time",
	"jvm.safepoint.count", "jvm.safepoint.time", "jvm.safepoint.sync_time",
	"jvm.gc.young.count", "jvm.gc.young.time", "jvm.gc.full.count", "jvm.gc.full.time",
	"container.cpu.periods", "container.cpu.throttled", "container.cpu.throttled_time", "container.cpu.time", "container.memory.failures",
	"cgroup.cpu.throttled", "cgroup.cpu.throttled_time",
}

// Rates turns series of counters into their increase per second, from one step
// with points to the next. Where a counter fell its process began anew: there
// is no rate.
func (t *Timeline) Rates() {
	for i := range t.Series {
		s := &t.Series[i]
		if !slices.Contains(counters, s.Name) {
			continue
		}
		s.Unit += "/s"
		last, at := math.NaN(), 0
		for k, v := range s.Values {
			if math.IsNaN(v) {
				continue
			}
			s.Values[k] = (v - last) / (float64(k-at) * t.Step.Seconds())
			if v < last {
				s.Values[k] = math.NaN()
			}
			last, at = v, k
		}
	}
}

// Series that are not recorded but follow from what is.
const (
	seriesThreads = "threads.state"
	seriesAlloc   = "alloc.rate"
)

// runtimeGroups are thread groups of a JVM itself, as the recorder names them:
// their threads are not among the Java threads it counts.
var runtimeGroups = []string{"JIT C1", "JIT C2", "GC", "VM", "JFR"}

// derive adds the derived series whose name has the prefix. They are of all
// instances together.
func (e *Engine) derive(ctx context.Context, t *Timeline, svc *store.Service, sel store.Selection, prefix string) error {
	if strings.HasPrefix(seriesAlloc, prefix) {
		if c, err := e.perSecond(ctx, t, svc, sel, tacho.Alloc.Name); err != nil {
			return err
		} else if c != nil {
			t.Series = append(t.Series, TimelineSeries{Name: seriesAlloc, Unit: "bytes/s", Values: c})
		}
	}
	if !strings.HasPrefix(seriesThreads, prefix) {
		return nil
	}
	parts := t
	if prefix != "" {
		parts = &Timeline{From: t.From, Step: t.Step}
		for _, name := range []string{"cpu.usage", "cpu.runqueue", "jvm.thread.count"} {
			if err := e.points(ctx, parts, sel, name); err != nil {
				return err
			}
		}
		t.Missing = addMissing(t.Missing, parts.Missing)
	}
	steps := int(sel.Until.Sub(sel.From) / t.Step)
	running, runnable, count := nans(steps), nans(steps), nans(steps)
	for _, s := range parts.Series {
		group := s.Labels.Get(tacho.LabelThreadGroup)
		switch {
		case s.Name == "jvm.thread.count":
			addSeries(count, s.Values)
		case slices.Contains(runtimeGroups, group):
		case s.Name == "cpu.usage":
			addSeries(running, s.Values)
		case s.Name == "cpu.runqueue":
			addSeries(runnable, s.Values)
		}
	}
	locked, err := e.perSecond(ctx, t, svc, sel, tacho.Lock.Name)
	if err != nil {
		return err
	}
	waiting, blocked := nans(steps), nans(steps)
	any := false
	for i := range waiting {
		if math.IsNaN(count[i]) || math.IsNaN(running[i]) {
			running[i], runnable[i] = math.NaN(), math.NaN()
			continue
		}
		any = true
		if math.IsNaN(runnable[i]) {
			runnable[i] = 0
		}
		waiting[i] = max(0, count[i]-running[i]-runnable[i])
		if locked != nil && !math.IsNaN(locked[i]) {
			blocked[i] = min(waiting[i], locked[i]/1e9)
			waiting[i] -= blocked[i]
		}
	}
	if !any {
		return nil
	}
	for _, s := range []struct {
		state  string
		values []float64
	}{{"running", running}, {"runnable", runnable}, {"blocked", blocked}, {"waiting", waiting}} {
		t.Series = append(t.Series, TimelineSeries{Name: seriesThreads, Unit: "threads", Labels: tacho.Labels{{Name: "state", Value: s.state}}, Values: s.values})
	}
	return nil
}

func addSeries(sum, values []float64) {
	for i, v := range values {
		switch {
		case math.IsNaN(v):
		case math.IsNaN(sum[i]):
			sum[i] = v
		default:
			sum[i] += v
		}
	}
}

// perSecond is the sum of a type in each step by the length of the step; nil
// when the service has nothing of the type. Steps that are not recorded are
// NaN.
func (e *Engine) perSecond(ctx context.Context, t *Timeline, svc *store.Service, sel store.Selection, typ string) ([]float64, error) {
	if !slices.ContainsFunc(svc.Types, func(v tacho.ValueType) bool { return v.Name == typ }) {
		return nil, nil
	}
	sel.Type = typ
	c, err := e.st.Counts(ctx, sel, t.Step)
	if errors.Is(err, store.ErrUnknownService) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("count %s of %s: %w", typ, sel.Service, err)
	}
	t.Missing = addMissing(t.Missing, c.Missing)
	out := nans(int(sel.Until.Sub(sel.From) / t.Step))
	for i := range out {
		if i < len(c.Values) && c.Recorded[i] {
			out[i] = float64(c.Values[i]) / t.Step.Seconds()
		}
	}
	return out, nil
}
