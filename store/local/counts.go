package local

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/bits"
	"time"

	"tacho/store"
)

// counter sums per step.
type counter struct {
	*view
	p           picked
	from, until int64
	step        int64
	fine        bool    // steps below a minute
	chosen      *chosen // nil = all stacks
	out         *store.Counts
	raw         rawBlock
}

// MaxSteps bounds what one Counts call may ask for: 9 bytes each.
const MaxSteps = 4 << 20

// Counts sums the selected samples per step. Steps of a minute and more are
// answered from count rows of rolled-up hours, and from the heads of blocks in
// others. Below a minute raw samples answer; where they are gone nothing is
// there, and Missing says so.
func (s *Store) Counts(ctx context.Context, sel store.Selection, step time.Duration) (*store.Counts, error) {
	return s.counts(ctx, sel, step, nil)
}

func (s *Store) counts(ctx context.Context, sel store.Selection, step time.Duration, of *chosen) (*store.Counts, error) {
	from, until := nanos(sel.From), nanos(sel.Until)
	n := int64(0)
	if until > from && step > 0 {
		n = (until-from-1)/int64(step) + 1
	}
	if step < 10*time.Millisecond || n > MaxSteps {
		return nil, fmt.Errorf("counts of %d steps of %s: steps are at least 10ms, and at most %d", n, step, MaxSteps)
	}
	w, done, err := s.reading(ctx, sel)
	if err != nil {
		return nil, err
	}
	defer done()
	c := &counter{view: w, from: from, until: min(until, lastNano), step: int64(step), fine: step < time.Minute, chosen: of}
	c.out = &store.Counts{From: nanoTime(from), Step: step, Values: make([]int64, n)}
	if of == nil {
		c.out.Recorded = make([]bool, n)
	}
	var ok bool
	if c.p, ok = w.pick(sel); !ok {
		return c.out, nil
	}
	c.out.Unit = c.p.unit
	if err := c.count(); err != nil {
		return nil, err
	}
	for i := range c.out.Recorded {
		if c.out.Values[i] != 0 {
			c.out.Recorded[i] = true // samples may lie outside their batch's window
		}
	}
	c.out.Missing = w.missing()
	return c.out, nil
}

// at is the step of an instant in the range.
func (c *counter) at(ns int64) int64 { return (ns - c.from) / c.step }

func (c *counter) add(ns, v int64) {
	if ns >= c.from && ns < c.until {
		c.out.Values[c.at(ns)] += v
	}
}

// cover marks the steps that [from, until) touches.
func (c *counter) cover(from, until int64) {
	if c.chosen != nil {
		return
	}
	from, until = max(from, c.from), min(until, c.until)
	if from >= until {
		return
	}
	for i := c.at(from); i <= c.at(until-1); i++ {
		c.out.Recorded[i] = true
	}
}

// count walks the range hour by hour.
func (c *counter) count() error {
	from := c.from
	if c.fine {
		if floor := int64(c.rawFloor) * minuteNanos; from < floor {
			c.note("timed samples from before %s are gone; steps below a minute have nothing there", nanoTime(floor).Format(time.RFC3339))
			from = min(floor, c.until)
		}
	}
	aligned := c.from%minuteNanos == 0 && c.step%minuteNanos == 0
	for t := from; t < c.until; {
		hour := hourOf(t)
		if aligned && c.rollable(hour) {
			n := uint32(1) // hours of one day that follow each other are one scan
			for (hour+n)%24 != 0 && c.rollable(hour+n) {
				n++
			}
			read := c.rows
			if c.chosen != nil {
				read = c.rollUps
			}
			if err := read(hour, hour+n); err != nil {
				return err
			}
			t = int64(hour+n) * hourNanos
			continue
		}
		end := min(c.until, int64(hour+1)*hourNanos)
		if c.chosen == nil {
			if err := c.windows(hour, t); err != nil {
				return err
			}
		}
		if err := c.minutes(t, end); err != nil {
			return err
		}
		t = end
	}
	return nil
}

// rollable reports whether an hour lies in the range and is rolled up.
func (c *counter) rollable(hour uint32) bool {
	start := int64(hour) * hourNanos
	return start >= c.from && start+hourNanos <= c.until && !c.dirty[mark{levelHour, hour}]
}

// rows reads the count rows of the hours [first, until) of one day.
func (c *counter) rows(first, until uint32) error {
	id, typ := c.v.id, c.p.typ
	kind, tail := byte(kindCount), 4
	if c.p.all {
		kind, tail = kindCountAll, 0
	}
	err := c.scan(hourPrefix(kind, id, typ, first), hourPrefix(kind, id, typ, until-1).after(), func(k, val []byte) error {
		if len(k) != 12+tail {
			return badKey(k)
		}
		if tail > 0 && !c.p.series[binary.BigEndian.Uint32(k[12:])] {
			return nil
		}
		row, err := readCountRow(k, val)
		if err != nil {
			return err
		}
		start := hourOfKey(k)
		for i, v := range row.sums {
			if v != 0 {
				c.add(start+int64(i)*minuteNanos, v)
			}
		}
		c.coverBits(start, row.covered)
		return nil
	})
	if err != nil || c.p.all {
		return err
	}
	return c.scan(hourPrefix(kindCover, id, typ, first), hourPrefix(kindCover, id, typ, until-1).after(), func(k, val []byte) error {
		if len(k) != 16 {
			return badKey(k)
		}
		if c.p.targets[binary.BigEndian.Uint32(k[12:])] == nil {
			return nil
		}
		covered, err := readCover(k, val)
		if err == nil {
			c.coverBits(hourOfKey(k), covered)
		}
		return err
	})
}

// hourOfKey is when the hour of a key of kind day svc type hour… begins.
func hourOfKey(k []byte) int64 {
	return (int64(binary.BigEndian.Uint32(k[1:]))*24 + int64(k[11])) * hourNanos
}

func (c *counter) coverBits(start int64, covered uint64) {
	for ; covered != 0; covered &= covered - 1 {
		t := start + int64(bits.TrailingZeros64(covered))*minuteNanos
		c.cover(t, t+minuteNanos)
	}
}

// windows marks what batches recorded in an hour, from an instant on.
func (c *counter) windows(hour uint32, from int64) error {
	start := int64(hour) * hourNanos
	return c.scan(newKey(kindWindow).u32(hour).u32(c.v.id), nil, func(k, val []byte) error {
		if len(k) != 19 {
			return badKey(k)
		}
		if c.p.targets[binary.BigEndian.Uint32(k[9:])] == nil {
			return nil
		}
		win, err := readWindow(k, val)
		if err != nil {
			return err
		}
		for _, t := range win.types {
			if t == c.p.typ {
				c.cover(max(start+win.from, from), start+win.until)
			}
		}
		return nil
	})
}

// minutes counts [from, until), which lies in one hour, minute by minute.
func (c *counter) minutes(from, until int64) error {
	var raw uint64 // minutes of the hour whose raw blocks count, not their roll-up
	base := hourOf(from) * 60
	for m := minuteOf(from); int64(m)*minuteNanos < until; m++ {
		start := int64(m) * minuteNanos
		whole := start >= c.from && start+minuteNanos <= c.until && c.at(start) == c.at(start+minuteNanos-1)
		if m < c.rawFloor || whole && !c.dirty[mark{levelMinute, m}] {
			continue
		}
		raw |= 1 << (m - base)
		if err := c.rawMinuteCounts(m, whole); err != nil {
			return err
		}
	}
	return c.minuteBlocks(c.p.typ, minuteOf(from), minuteOf(until-1)+1, func(k, val []byte, f minuteFields) error {
		if !c.p.has(f.series) || f.src == srcSealed && raw>>(f.minute-base)&1 != 0 {
			return nil
		}
		h, _, err := readTokenHead(k, val)
		if err != nil {
			return err
		}
		at := int64(f.minute) * minuteNanos
		if f.src == srcUntimed {
			at += int64(h.at % minuteNanos)
		}
		if c.fine && (at < from || f.src == srcLate) {
			return nil
		}
		total := int64(h.total)
		if c.chosen != nil {
			if total, _, err = c.tokens(f.epoch, k, val); err != nil {
				return err
			}
		}
		c.add(at, total)
		return nil
	})
}

// rawMinuteCounts counts the raw blocks of a minute: by their heads when the
// whole minute falls into one step, else sample by sample.
func (c *counter) rawMinuteCounts(minute uint32, whole bool) error {
	start := int64(minute) * minuteNanos
	return c.rawMinute(c.p.typ, minute, func(k, val []byte, target uint32, _ uint64, epoch uint16) error {
		if c.p.targets[target] == nil && !c.p.all {
			return nil
		}
		if c.chosen != nil {
			return c.rawChosen(start, epoch, k, val)
		}
		if whole {
			if _, err := c.raw.decodeHead(k, val); err != nil {
				return err
			}
			for i, id := range c.raw.series {
				if c.p.has(id) {
					c.add(start, int64(c.raw.totals[i]))
				}
			}
			return nil
		}
		// Stack ids do not matter here: any will do.
		if err := c.raw.decode(k, val, 1<<32, wantTime|wantThread|wantValue); err != nil {
			return err
		}
		for i := range c.raw.n {
			if c.p.has(c.raw.series[c.raw.threads[c.raw.thread[i]].series]) {
				c.add(start+int64(c.raw.time[i]), int64(c.raw.value[i]))
			}
		}
		return nil
	})
}
