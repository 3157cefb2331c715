package jvm

import (
	"sort"

	"tacho"
	"tacho/record"
)

// A cpuSample is a stack seen executing, waiting for its tick to be billed.
type cpuSample struct {
	time   int64
	stack  *stackRef
	tid    int64 // as the JVM's own pid namespace numbers it, 0 for virtual threads
	thread tacho.Thread
	idle   bool // outside Java code, in a call that waits rather than works
	either bool // outside Java code, in a call that may do both
	period int64
}

// A bill is what the kernel charged one thread in one tick.
type bill struct {
	thread  tacho.Thread
	nstid   int64
	cpu     int64
	carrier bool // runs virtual threads
	java    bool // known to run Java code
}

// A charge is a share of a bill put on a stack.
type charge struct {
	time   int64
	value  int64
	stack  *stackRef
	thread tacho.Thread
}

const (
	// borrowHorizon is how long a sample may stand in for a thread or pool that
	// was billed but not sampled. A minute is the unit of the heat map.
	borrowHorizon = int64(60e9)
	// smallBill is carried to the thread's next tick rather than charged: a
	// service with hundreds of nearly idle threads would otherwise store more
	// estimated samples than real ones.
	smallBill = int64(1e6)
	// runtimeSlice is the largest piece in which CPU of the JVM's own threads
	// is stored, so that a busy second fills its sub-second cells evenly.
	runtimeSlice = int64(100e6)

	ownRing  = 8
	poolRing = 64
)

type recent struct {
	time  int64
	stack *stackRef
}

// ring keeps the last stacks of a thread or pool; take walks them round robin,
// so that borrowed stacks follow the mix that was sampled.
type ring struct {
	items []recent
	next  int // where the next push goes once full
	walk  int
}

func (r *ring) push(x recent, limit int) {
	if len(r.items) < limit {
		r.items = append(r.items, x)
		return
	}
	r.items[r.next] = x
	r.next = (r.next + 1) % limit
}

func (r *ring) take(now int64) *stackRef {
	for range r.items {
		r.walk = (r.walk + 1) % len(r.items)
		if x := r.items[r.walk]; now-x.time <= borrowHorizon && x.time <= now {
			return x.stack
		}
	}
	return nil
}

// calibrator turns samples and bills into charges whose sum, per thread and
// tick, is exactly the bill. JFR's sample counts are not CPU time (its sampler
// takes at most 5 Java threads and 1 native thread a tick and starves with the
// threads it samples); the kernel's account is. See docs/adr/0003.
type calibrator struct {
	own    map[int64]*ring  // by nstid
	pool   map[string]*ring // by thread group
	carry  map[int64]int64  // by nstid
	out    []charge
	byTID  map[int64][]int
	virt   []int
	totals calibrationTotals
}

// calibrationTotals says how the bills of a window were accounted for, in
// nanoseconds. Sampled+Estimated+Runtime+Unsampled is everything billed.
type calibrationTotals struct{ Sampled, Estimated, Runtime, Unsampled int64 }

func newCalibrator() *calibrator {
	return &calibrator{own: map[int64]*ring{}, pool: map[string]*ring{}, carry: map[int64]int64{}, byTID: map[int64][]int{}}
}

// tick charges the bills of [from, until) to the samples taken in it. Every
// sample comes back as one charge (of 0 when its thread was not billed, or was
// waiting), and synthetic charges account for the rest. The result is valid
// until the next call.
func (c *calibrator) tick(from, until int64, bills []bill, samples []cpuSample, final bool) []charge {
	c.out, c.virt = c.out[:0], c.virt[:0]
	clear(c.byTID)
	for i := range samples {
		s := &samples[i]
		c.remember(s)
		if s.tid == 0 {
			c.virt = append(c.virt, i)
			continue
		}
		c.byTID[s.tid] = append(c.byTID[s.tid], i)
	}
	mid := from + (until-from)/2
	var carried int64
	for i := range bills {
		b := &bills[i]
		mine := c.byTID[b.nstid]
		delete(c.byTID, b.nstid)
		if b.carrier && len(c.virt) > 0 {
			// What a carrier is billed, its virtual threads spent. The
			// carrier's own samples share with them below.
			c.virt = append(c.virt, mine...)
			carried += b.cpu + c.carry[b.nstid]
			delete(c.carry, b.nstid)
			continue
		}
		cpu := b.cpu + c.carry[b.nstid]
		delete(c.carry, b.nstid)
		if group := record.RuntimeGroup(b.thread.Name); group != "" && len(mine) == 0 {
			c.runtime(from, until, cpu, group, b.thread)
			continue
		}
		if c.spread(samples, mine, cpu) || cpu == 0 {
			continue
		}
		if cpu < smallBill && !final {
			c.carry[b.nstid] = cpu
			continue
		}
		c.borrow(mid, cpu, b)
	}
	if carried > 0 && !c.spread(samples, c.virt, carried) {
		c.put(charge{mid, carried, unsampledStack, tacho.Thread{Name: "virtual threads", Group: "virtual threads"}})
		c.totals.Unsampled += carried
	} else if carried == 0 {
		c.spread(samples, c.virt, 0)
	}
	// Threads that ended before the kernel's account was read again: their bill
	// is gone, so what the sampler claims has to do, at most the tick itself.
	rest := make([]int64, 0, len(c.byTID))
	for tid := range c.byTID {
		rest = append(rest, tid)
	}
	sort.Slice(rest, func(i, j int) bool { return rest[i] < rest[j] })
	for _, tid := range rest {
		mine := c.byTID[tid]
		var claim int64
		for _, i := range mine {
			if !samples[i].idle && !samples[i].either {
				claim += samples[i].period
			}
		}
		c.spread(samples, mine, min(claim, until-from))
	}
	return c.out
}

// spread charges cpu in equal parts to those of the samples that were not
// waiting (or, if all may have been, to those that may not), and 0 to the
// others. It reports whether cpu found a sample.
func (c *calibrator) spread(samples []cpuSample, mine []int, cpu int64) bool {
	var busy, maybe int64
	for _, i := range mine {
		switch s := &samples[i]; {
		case s.either:
			maybe++
		case !s.idle:
			busy++
		}
	}
	unsure := busy == 0
	if unsure {
		busy = maybe
	}
	left := cpu
	for _, i := range mine {
		s := &samples[i]
		var v int64
		if !s.idle && s.either == unsure {
			v = left / busy
			left -= v
			busy--
		}
		c.put(charge{s.time, v, s.stack, s.thread})
		c.totals.Sampled += v
	}
	return left == 0 && cpu > 0
}

// borrow charges cpu to a recent stack of the same thread, else of the same
// pool, marked as estimated; else to an explicit frame.
func (c *calibrator) borrow(at, cpu int64, b *bill) {
	var ref *stackRef
	if r := c.own[b.nstid]; r != nil {
		ref = r.take(at)
	}
	if r := c.pool[b.thread.Group]; ref == nil && r != nil {
		ref = r.take(at)
	}
	if ref != nil {
		c.put(charge{at, cpu, ref.estimated(), b.thread})
		c.totals.Estimated += cpu
		return
	}
	stack := nativeStack
	switch {
	case b.nstid == endedTID:
		stack = endedStack
	case b.java:
		stack = unsampledStack
	}
	c.put(charge{at, cpu, stack, b.thread})
	c.totals.Unsampled += cpu
}

// runtime charges CPU of the JVM's own threads to their explicit frame, evenly
// over the tick.
func (c *calibrator) runtime(from, until, cpu int64, group string, th tacho.Thread) {
	if cpu == 0 {
		return
	}
	ref := runtimeStacks[group]
	n := (cpu + runtimeSlice - 1) / runtimeSlice
	left := cpu
	for i := range n {
		v := left / (n - i)
		left -= v
		c.put(charge{from + (until-from)*(2*i+1)/(2*n), v, ref, th})
	}
	c.totals.Runtime += cpu
}

func (c *calibrator) remember(s *cpuSample) {
	if s.idle || s.either {
		return
	}
	if s.tid != 0 {
		r := c.own[s.tid]
		if r == nil {
			r = &ring{}
			c.own[s.tid] = r
		}
		r.push(recent{s.time, s.stack}, ownRing)
	}
	r := c.pool[s.thread.Group]
	if r == nil {
		r = &ring{}
		c.pool[s.thread.Group] = r
	}
	r.push(recent{s.time, s.stack}, poolRing)
}

// forget drops what is known of threads that are gone and of stacks too old to
// be borrowed, so that nothing grows with the age of the JVM.
func (c *calibrator) forget(now int64, alive map[int64]bool) {
	for tid, r := range c.own {
		if !alive[tid] || r.stale(now) {
			delete(c.own, tid)
		}
	}
	for tid := range c.carry {
		if !alive[tid] {
			delete(c.carry, tid)
		}
	}
	for g, r := range c.pool {
		if r.stale(now) {
			delete(c.pool, g)
		}
	}
}

func (r *ring) stale(now int64) bool {
	for _, x := range r.items {
		if now-x.time <= borrowHorizon {
			return false
		}
	}
	return true
}

func (c *calibrator) put(x charge) { c.out = append(c.out, x) }
