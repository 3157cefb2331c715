package query

import (
	"context"
	"slices"
	"time"

	"tacho/store"
)

// cut divides what was picked into at most MaxSlices slices of whole spans.
func (p *picked) cut() [][]span {
	if len(p.spans) == 1 {
		var out [][]span
		for _, s := range cut(p.spans[0]) {
			out = append(out, []span{s})
		}
		return out
	}
	return slices.Collect(slices.Chunk(p.spans, (len(p.spans)+MaxSlices-1)/MaxSlices))
}

// cut divides a range into at most MaxSlices slices of equal length, but for the
// first and the last: whole hours from a day on and whole minutes from a quarter
// of an hour on, which roll-ups answer, else whole seconds, which raw samples
// answer.
func cut(s span) []span {
	d := s.until.Sub(s.from)
	unit := time.Second
	switch {
	case d >= 24*time.Hour:
		unit = time.Hour
	case d > fineRange:
		unit = time.Minute
	}
	start := s.from.Truncate(unit)
	length := (s.until.Sub(start) + MaxSlices*unit - 1) / (MaxSlices * unit) * unit
	var out []span
	for t := start.Add(length); t.Before(s.until); t = t.Add(length) {
		out = append(out, span{s.from, t})
		s.from = t
	}
	return append(out, s)
}

// sliceSums visits a graph's sums of one side slice by slice. The sums are
// reused from slice to slice; byStack finds the values of a part.
func (e *Engine) sliceSums(ctx context.Context, g *graph, pick *picked, cov *coverage, visit func(s *sums, values [][]int64, seconds float64)) error {
	s := &sums{self: make([]int64, len(g.parent)), total: make([]int64, len(g.parent))}
	values := make([][]int64, len(g.parts))
	for i := range g.parts {
		values[i] = make([]int64, len(g.parts[i].tree.Leaf))
	}
	var notes []string
	for _, slice := range pick.cut() {
		clear(s.self)
		for k := range values {
			clear(values[k])
		}
		var seconds float64
		for _, piece := range slice {
			err := e.merge(ctx, pick.pieces(piece), func(p store.Part) {
				if k := g.partOf(p.Tree); k >= 0 {
					g.scatter(s.self, values[k], k, p.Values)
				}
			}, &notes)
			if err != nil {
				return err
			}
			seconds += cov.seconds(piece)
		}
		copy(s.total, s.self)
		addUp(s.total, g.parent)
		visit(s, values, seconds)
	}
	return nil // what could not be read, load has noted
}

// scatter adds values to the nodes their stacks end at. Stacks that are younger
// than the graph are no part of it; those that narrowing dropped stay out.
func (g *graph) scatter(self, byStack []int64, k int, values []int64) {
	p := &g.parts[k]
	for id, v := range values[:min(len(values), len(byStack))] {
		if v == 0 || p.dropped != nil && p.dropped[id] {
			continue
		}
		if n := p.end[p.tree.Leaf[id]]; n != none {
			self[n] += v
			byStack[id] += v
		}
	}
}

// partOf finds the part of a trie, which may have grown since, even into another
// array; -1 if the graph does not have it.
func (g *graph) partOf(t *store.Tree) int {
	for i := range g.parts {
		if len(t.Parent) > 0 && &g.parts[i].tree.Parent[0] == &t.Parent[0] {
			return i
		}
	}
	for i := range g.parts {
		have := g.parts[i].tree
		n := min(len(have.Parent), len(t.Parent))
		if n > 1 && slices.Equal(have.Parent[:n], t.Parent[:n]) && slices.Equal(have.Frame[:n], t.Frame[:n]) &&
			have.Frames[have.Frame[n-1]] == t.Frames[t.Frame[n-1]] && have.Frames[have.Frame[1]] == t.Frames[t.Frame[1]] {
			return i
		}
	}
	return -1
}
