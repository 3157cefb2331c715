package main

import (
	"math/rand/v2"
	"time"

	"tacho"
)

// start is when the data begins: a Monday, midnight UTC.
var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// perSample is the value of one observation: a sampler at 100 Hz.
const perSample = 10_000_000

// generator makes the profiles of all targets, each with tables of its own as a
// pushed profile has, and remembers their sums.
type generator struct {
	*world
	targets []tacho.Labels
	sums    [][]int64 // by minute and target; what every answer is held to
	rows    int64     // of all profiles so far

	pcg    rand.PCG
	strAt  stamped // local index of a string
	frmAt  stamped
	rowAt  stamped      // row of a stack
	thread tacho.Thread // of all samples
}

func newGenerator(w *world, targets []tacho.Labels) *generator {
	return &generator{
		world: w, targets: targets, thread: tacho.Thread{Name: "main", Group: "main"},
		strAt: newStamped(len(w.strings)), frmAt: newStamped(len(w.frames)), rowAt: newStamped(len(w.ranked)),
	}
}

// profile makes the profile of a target in a minute after start, in the memory
// of a batch that is no longer needed. Any profile can be made again: it
// depends on nothing but the world, the target and the minute.
func (g *generator) profile(target, minute int, b *tacho.Batch) {
	g.pcg.Seed(seed, uint64(minute)<<16|uint64(target))
	g.strAt.clear()
	g.frmAt.clear()
	g.rowAt.clear()
	from := start.Add(time.Duration(minute) * time.Minute)
	if len(b.Profiles) == 0 {
		b.Profiles = []tacho.Profile{{Type: tacho.CPU}}
	}
	*b = tacho.Batch{
		Target: g.targets[target], Collector: "push", From: from.UnixNano(), Until: from.Add(time.Minute).UnixNano(), Sequence: 1,
		Strings: append(b.Strings[:0], ""), Frames: b.Frames[:0], Stacks: b.Stacks[:0], Threads: append(b.Threads[:0], g.thread), Profiles: b.Profiles,
	}
	samples := b.Profiles[0].Samples[:0]
	var sum int64
	for len(samples) < g.world.rows {
		rank := g.pick.at(g.pcg.Uint64())
		row, known := g.rowAt.get(rank, uint32(len(samples)))
		if !known {
			samples = append(samples, tacho.Sample{Stack: row})
			g.stack(b, g.ranked[rank])
		}
		samples[row].Value += perSample
		sum += perSample
	}
	b.Profiles[0].Samples = samples
	g.rows += int64(len(samples))
	for len(g.sums) <= minute {
		g.sums = append(g.sums, make([]int64, len(g.targets)))
	}
	g.sums[minute][target] = sum
}

// stack appends a stack to the batch, and what it needs to the other tables.
func (g *generator) stack(b *tacho.Batch, frames []uint32) {
	n := len(b.Stacks)
	if n < cap(b.Stacks) {
		b.Stacks = b.Stacks[:n+1] // with the memory of the stack that was here
	} else {
		b.Stacks = append(b.Stacks, nil)
	}
	ids := b.Stacks[n][:0]
	for _, f := range frames {
		id, known := g.frmAt.get(f, uint32(len(b.Frames)))
		if !known {
			r := g.frames[f]
			r.Function, r.File, r.Module = g.str(b, r.Function), g.str(b, r.File), g.str(b, r.Module)
			b.Frames = append(b.Frames, r)
		}
		ids = append(ids, id)
	}
	b.Stacks[n] = ids
}

func (g *generator) str(b *tacho.Batch, s uint32) uint32 {
	id, known := g.strAt.get(s, uint32(len(b.Strings)))
	if !known {
		b.Strings = append(b.Strings, g.strings[s])
	}
	return id
}

// sum is what the answers for [from, until), in minutes, must add up to, over
// the targets with in(target).
func (g *generator) sum(from, until int, in func(target int) bool) int64 {
	var sum int64
	for m := max(from, 0); m < min(until, len(g.sums)); m++ {
		for t, v := range g.sums[m] {
			if in(t) {
				sum += v
			}
		}
	}
	return sum
}

// stamped maps small numbers to smaller ones and forgets them all at once.
type stamped struct {
	stamp uint32
	of    []uint32
	value []uint32
}

func newStamped(n int) stamped { return stamped{of: make([]uint32, n), value: make([]uint32, n)} }

func (s *stamped) clear() { s.stamp++ }

// get returns the value of k, which is made next if there is none.
func (s *stamped) get(k, next uint32) (v uint32, known bool) {
	if s.of[k] == s.stamp {
		return s.value[k], true
	}
	s.of[k], s.value[k] = s.stamp, next
	return next, false
}
