package local

import (
	"context"
	"encoding/binary"
	"time"

	"tacho/store"
)

// chosen sums per step what is in stacks that somebody chose. It walks the range
// as counter does; where that reads the head of a block, this must read its rows.
type chosen struct {
	keep   func(*store.Tree) []bool
	epochs map[uint16][]bool // by stack id
}

// CountsOf sums, per step, the selected samples of the stacks that keep chooses.
// Hours that are rolled up tell first whether there is anything to look for: an
// hour without chosen stacks is left out, one that is chosen as a whole is
// answered from its count rows, and only the others are read minute by minute.
func (s *Store) CountsOf(ctx context.Context, sel store.Selection, step time.Duration, keep func(*store.Tree) []bool) (*store.Counts, error) {
	return s.counts(ctx, sel, step, &chosen{keep: keep, epochs: map[uint16][]bool{}})
}

// of is which stacks of an epoch were chosen; nil when its trie cannot be read.
func (c *counter) of(epoch uint16) []bool {
	if kept, ok := c.chosen.epochs[epoch]; ok {
		return kept
	}
	var kept []bool
	if t := c.tree(epoch); t != nil {
		kept = make([]bool, len(t.Leaf))
		copy(kept, c.chosen.keep(t))
	}
	c.chosen.epochs[epoch] = kept
	return kept
}

// tokens is the sum of the chosen rows of a token block, and of all of them.
func (c *counter) tokens(epoch uint16, k, val []byte) (picked, all int64, err error) {
	h, r, err := readTokenHead(k, val)
	if err != nil {
		return 0, 0, err
	}
	kept := c.of(epoch)
	if kept == nil {
		return 0, int64(h.total), nil
	}
	picked, err = sumTokens(kept, h, &r)
	return picked, int64(h.total), err
}

// sumTokens adds up the rows of chosen stacks. Limit: a predictable branch and a
// byte in the second-level cache a row.
func sumTokens(kept []bool, h tokenHead, r *reader) (int64, error) {
	b, at := r.b, r.at
	maxD, maxV := uint64(1)<<h.bits-1, uint64(1)<<(8-h.bits)-1
	next, sum, picked := uint64(0), uint64(0), uint64(0)
	for i := range h.rows {
		if at >= len(b) {
			r.at = at
			r.fail("ends in row %d of %d", i, h.rows)
			return 0, r.err
		}
		t := uint64(b[at])
		at++
		d, v := t&maxD, t>>h.bits
		if d == maxD {
			x, n := binary.Uvarint(b[at:])
			if n <= 0 {
				r.at = at
				r.fail("no distance in row %d", i)
				return 0, r.err
			}
			at += n
			d += x
		}
		if v == maxV {
			x, n := binary.Uvarint(b[at:])
			if n <= 0 {
				r.at = at
				r.fail("no value in row %d", i)
				return 0, r.err
			}
			at += n
			v += x
		}
		id := next + d
		if d >= uint64(len(kept)) || id >= uint64(len(kept)) {
			r.at = at
			r.fail("stack %d out of %d", id, len(kept))
			return 0, r.err
		}
		v = (v + 1) * h.unit
		sum += v
		if kept[id] {
			picked += v
		}
		next = id + 1
	}
	r.at = at
	if sum != h.total {
		r.fail("rows sum to %d, head says %d", sum, h.total)
	}
	return int64(picked), r.end()
}

// rawChosen counts the chosen stacks of a raw block.
func (c *counter) rawChosen(start int64, epoch uint16, k, val []byte) error {
	kept := c.of(epoch)
	if kept == nil {
		return nil
	}
	if err := c.raw.decode(k, val, len(kept), wantTime|wantThread|wantStack|wantValue); err != nil {
		return err
	}
	for i := range c.raw.n {
		if kept[c.raw.stacks[c.raw.stack[i]]] && c.p.has(c.raw.series[c.raw.threads[c.raw.thread[i]].series]) {
			c.add(start+int64(c.raw.time[i]), int64(c.raw.value[i]))
		}
	}
	return nil
}

// rollUps answers the rolled-up hours [first, until) of one day.
func (c *counter) rollUps(first, until uint32) error {
	for hour := first; hour < until; hour++ {
		picked, all, err := c.hour(hour)
		if err != nil {
			return err
		}
		start := int64(hour) * hourNanos
		switch {
		case picked == 0:
			continue
		case c.at(start) == c.at(start+hourNanos-1):
			c.add(start, picked)
		case picked == all:
			err = c.rows(hour, hour+1)
		default:
			err = c.minuteBlocks(c.p.typ, hour*60, hour*60+60, func(k, val []byte, f minuteFields) error {
				if !c.p.has(f.series) {
					return nil
				}
				n, _, err := c.tokens(f.epoch, k, val)
				c.add(int64(f.minute)*minuteNanos, n)
				return err
			})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// hour sums the roll-up of an hour.
func (c *counter) hour(hour uint32) (picked, all int64, err error) {
	kind, tail := byte(kindHour), 6
	if c.p.all {
		kind, tail = kindHourAll, 2
	}
	prefix := hourPrefix(kind, c.v.id, c.p.typ, hour)
	err = c.scan(prefix, prefix.after(), func(k, val []byte) error {
		rest := k[min(len(prefix), len(k)):]
		if len(rest) != tail {
			return badKey(k)
		}
		if !c.p.all && !c.p.has(binary.BigEndian.Uint32(rest)) {
			return nil
		}
		p, a, err := c.tokens(binary.BigEndian.Uint16(rest[tail-2:]), k, val)
		picked, all = picked+p, all+a
		return err
	})
	return picked, all, err
}
