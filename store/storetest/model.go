package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/store"
)

// model answers every question by going through all batches.
type model struct {
	batches map[string]*tacho.Batch
	tenant  map[string]string
	order   []string
	ever    []sent // also what was replaced: lists may go on naming what only that had
}

// sent is one delivery.
type sent struct {
	tenant string
	b      *tacho.Batch
}

func newModel() *model {
	return &model{batches: map[string]*tacho.Batch{}, tenant: map[string]string{}}
}

func (m *model) append(tenant string, b *tacho.Batch) {
	id := fmt.Sprint(tenant, "|", b.Target, b.Collector, b.From, "#", b.Sequence)
	if m.batches[id] == nil {
		m.order = append(m.order, id)
	}
	m.ever = append(m.ever, sent{tenant, b})
	m.batches[id] = b
	m.tenant[id] = tenant
}

func (m *model) of(tenant, service string) (out []*tacho.Batch) {
	for _, id := range m.order {
		if b := m.batches[id]; m.tenant[id] == tenant && b.Target.Get(tacho.LabelService) == service {
			out = append(out, b)
		}
	}
	return out
}

func inRange(sel store.Selection, ns int64) bool {
	return ns >= sel.From.UnixNano() && ns < sel.Until.UnixNano()
}

// each visits the selected samples; untimed ones are at the batch's From.
func (m *model) each(sel store.Selection, visit func(b *tacho.Batch, s tacho.Sample, at int64)) {
	for _, b := range m.of(sel.Tenant, sel.Service) {
		for _, p := range b.Profiles {
			if p.Type.Name != sel.Type {
				continue
			}
			for _, s := range p.Samples {
				at := s.Time
				if at == 0 {
					at = b.From
				}
				if inRange(sel, at) && store.MatchAll(sel.Match, b.Target.With(tacho.LabelThreadGroup, b.Threads[s.Thread].Group)) {
					visit(b, s, at)
				}
			}
		}
	}
}

func (m *model) merge(sel store.Selection) map[string]int64 {
	out := map[string]int64{}
	m.each(sel, func(b *tacho.Batch, s tacho.Sample, _ int64) {
		if s.Value != 0 {
			out[stackKey(b.Stack(s.Stack))] += s.Value
		}
	})
	return out
}

// countsOf sums the stacks that keep chooses.
func (m *model) countsOf(sel store.Selection, step time.Duration, keep func(tacho.Stack) bool) []int64 {
	values := make([]int64, (sel.Until.Sub(sel.From)+step-1)/step)
	m.each(sel, func(b *tacho.Batch, s tacho.Sample, at int64) {
		if keep(b.Stack(s.Stack)) {
			values[(at-sel.From.UnixNano())/int64(step)] += s.Value
		}
	})
	return values
}

func (m *model) counts(sel store.Selection, step time.Duration) (values []int64, recorded []bool) {
	from, until := sel.From.UnixNano(), sel.Until.UnixNano()
	n := (until - from + int64(step) - 1) / int64(step)
	values, recorded = make([]int64, n), make([]bool, n)
	m.each(sel, func(_ *tacho.Batch, s tacho.Sample, at int64) {
		i := (at - from) / int64(step)
		values[i] += s.Value
		recorded[i] = recorded[i] || s.Value != 0
	})
	for _, b := range m.of(sel.Tenant, sel.Service) {
		declared := slices.ContainsFunc(b.Profiles, func(p tacho.Profile) bool { return p.Type.Name == sel.Type })
		if !declared || !store.MatchAll(without(sel.Match, tacho.LabelThreadGroup), b.Target) {
			continue
		}
		for i := range n {
			a := from + i*int64(step)
			if max(a, b.From) < min(a+int64(step), until, max(b.Until, b.From+1)) {
				recorded[i] = true
			}
		}
	}
	return values, recorded
}

func without(ms []store.Matcher, name string) (out []store.Matcher) {
	for _, m := range ms {
		if m.Name != name {
			out = append(out, m)
		}
	}
	return out
}

func (m *model) samples(sel store.Selection) map[string]int64 {
	out := map[string]int64{}
	m.each(sel, func(b *tacho.Batch, s tacho.Sample, _ int64) {
		if s.Time != 0 {
			out[sampleKey(b.Target, s, b.Stack(s.Stack), b.Threads[s.Thread])]++
		}
	})
	return out
}

func (m *model) points(sel store.Selection, prefix string) map[string]int64 {
	out := map[string]int64{}
	for _, b := range m.of(sel.Tenant, sel.Service) {
		for _, s := range b.Series {
			match := sel.Match
			if s.Labels.Get(tacho.LabelThreadGroup) == "" {
				match = without(match, tacho.LabelThreadGroup)
			}
			ls := b.Target
			for _, l := range s.Labels {
				ls = ls.With(l.Name, l.Value)
			}
			if !strings.HasPrefix(s.Name, prefix) || !store.MatchAll(match, ls) {
				continue
			}
			for _, p := range s.Points {
				if inRange(sel, p.Time) {
					out[pointKey(b.Target, s, p)]++
				}
			}
		}
	}
	return out
}

func (m *model) events(sel store.Selection) map[string]int64 {
	out := map[string]int64{}
	for _, b := range m.of(sel.Tenant, sel.Service) {
		if !store.MatchAll(without(sel.Match, tacho.LabelThreadGroup), b.Target) {
			continue
		}
		for _, e := range b.Events {
			from, until := sel.From.UnixNano(), sel.Until.UnixNano()
			if e.Time < until && (e.Time >= from || e.Time+e.Duration > from) {
				out[eventKey(b.Target, e)]++
			}
		}
	}
	return out
}

// services is what Services must name, and what it may name: types of batches
// that were replaced stay known.
func (m *model) services(tenant string) (must, may map[string]int64) {
	must, may = map[string]int64{}, map[string]int64{}
	first, last := map[string]int64{}, map[string]int64{}
	for _, s := range m.ever {
		if s.tenant != tenant {
			continue
		}
		name := s.b.Target.Get(tacho.LabelService)
		for _, p := range s.b.Profiles {
			may[name+" "+p.Type.Name+" "+p.Type.Unit] = 1
		}
		k := name + " " + s.b.Target.String()
		if first[k] == 0 || s.b.From < first[k] {
			first[k] = s.b.From
		}
		last[k] = max(last[k], s.b.Until)
	}
	for id, b := range m.batches {
		for _, p := range b.Profiles {
			if m.tenant[id] == tenant {
				must[b.Target.Get(tacho.LabelService)+" "+p.Type.Name+" "+p.Type.Unit] = 1
			}
		}
	}
	for k := range first {
		k := k + " " + time.Unix(0, first[k]).UTC().String() + " " + time.Unix(0, last[k]).UTC().String()
		must[k], may[k] = 1, 1
	}
	return must, may
}

// series is what Series must name, and what it may name.
func (m *model) series(tenant, service, typ string) (must, may map[string]int64) {
	must, may = map[string]int64{}, map[string]int64{}
	add := func(out map[string]int64, b *tacho.Batch) {
		for _, p := range b.Profiles {
			if typ != "" && p.Type.Name != typ {
				continue
			}
			for _, s := range p.Samples {
				out[b.Target.With(tacho.LabelThreadGroup, b.Threads[s.Thread].Group).String()] = 1
			}
		}
	}
	for _, s := range m.ever {
		if s.tenant == tenant && s.b.Target.Get(tacho.LabelService) == service {
			add(may, s.b)
		}
	}
	for _, b := range m.of(tenant, service) {
		add(must, b)
	}
	return must, may
}

// Keys spell out everything that must survive storing.

func stackKey(s tacho.Stack) string {
	var b strings.Builder
	for _, f := range s {
		fmt.Fprintf(&b, "%s|%s|%s|%d|%d;", store.NormalizeFunction(f.Function), f.File, f.Module, f.Line, f.Kind)
	}
	return b.String()
}

func sampleKey(target tacho.Labels, s tacho.Sample, st tacho.Stack, th tacho.Thread) string {
	return fmt.Sprintf("%s %d %d span %d thread %+v stack %s", target, s.Time, s.Value, s.Span, th, stackKey(st))
}

func pointKey(target tacho.Labels, s tacho.Series, p tacho.Point) string {
	return fmt.Sprintf("%s %s %s %s %d %v", target, s.Name, s.Unit, s.Labels, p.Time, p.Value)
}

func eventKey(target tacho.Labels, e tacho.Event) string {
	return fmt.Sprintf("%s %d %d %q %q %q %s", target, e.Time, e.Duration, e.Kind, e.Name, e.Thread, e.Attrs)
}

// sums is the answer of a merge per stack.
func sums(m *store.Merged) map[string]int64 {
	out := map[string]int64{}
	for _, p := range m.Parts {
		for id, v := range p.Values {
			if v != 0 {
				out[stackKey(p.Tree.Stack(uint32(id)))] += v
			}
		}
	}
	return out
}

// same compares two answers and names the first differences.
func same(t *testing.T, what string, got, want map[string]int64) {
	t.Helper()
	n := 0
	diff := func(k string) {
		if got[k] != want[k] {
			if n++; n <= 3 {
				t.Errorf("%s: %q is %d, want %d", what, k, got[k], want[k])
			}
		}
	}
	for k := range want {
		diff(k)
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			diff(k)
		}
	}
	if n > 0 {
		t.Fatalf("%s: %d of %d differ", what, n, len(want))
	}
}

// between checks a list of names: each once, all that must be there, none that
// may not.
func between(t *testing.T, what string, got, must, may map[string]int64) {
	t.Helper()
	for k, n := range got {
		if n != 1 || may[k] == 0 {
			t.Fatalf("%s: %q is named %d times, want %d", what, k, n, may[k])
		}
	}
	for k := range must {
		if got[k] == 0 {
			t.Fatalf("%s: %q is not named", what, k)
		}
	}
}

func show(sel store.Selection) string {
	s := fmt.Sprintf("%s/%s %s [%s, %s)", sel.Tenant, sel.Service, sel.Type, sel.From.Format(time.RFC3339Nano), sel.Until.Format(time.RFC3339Nano))
	for _, m := range sel.Match {
		s += fmt.Sprintf(" %s%s%q", m.Name, m.Op, m.Value)
	}
	return s
}

func cmpStr(a, b string) int { return strings.Compare(a, b) }
