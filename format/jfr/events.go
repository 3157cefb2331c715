package jfr

import (
	"context"
	"errors"
)

var errEventMalformed = errors.New("event ends inside a field")

// visitor is who gets the events of a chunk, and what became of them.
type visitor struct {
	visit   func(*Event) error
	event   Event
	events  int64 // delivered
	skipped int64 // of types nobody asked for
	damaged int64 // of wanted types, unreadable
	badAt   int64 // offset of the first damaged one
}

// ctxEvery is how many events pass between looks at the context.
const ctxEvery = 1 << 14

// deliver passes the events in [start, end) of a chunk to the visitor. pos is
// where it stopped: at end, at the event that cannot be passed over (syntax
// says why), or behind the event whose visit failed, or where reading failed
// (err). Damaged events whose size is sound are counted and passed over.
func (c *chunk) deliver(ctx context.Context, src source, start, end int64, v *visitor) (pos int64, syntax, err error) {
	pos = start
	fixed := c.meta.fixed
	seen := 0
	for pos < end {
		buf, err := src.view(pos, int(min(maxEventHead, end-pos)))
		if err != nil {
			return pos, errEventCut, readFailure(err)
		}
		if int64(len(buf)) > end-pos {
			buf = buf[:end-pos]
		}
		p := 0
		for pos < end {
			if len(buf)-p < maxEventHead && int64(len(buf)-p) < end-pos {
				break
			}
			if seen++; seen%ctxEvery == 0 {
				if err := ctx.Err(); err != nil {
					return pos, nil, err
				}
			}
			h, syntax := fastHead(buf, p, end-pos, fixed)
			if syntax != nil {
				return pos, syntax, nil
			}
			t := c.meta.lookup(h.typ)
			if t == nil || !t.wanted {
				if h.typ != typeMetadata && h.typ != typeCheckpoint {
					v.skipped++
				}
				pos += h.size
				if h.size > int64(len(buf)-p) {
					break
				}
				p += int(h.size)
				continue
			}
			if h.size > int64(len(buf)-p) {
				if buf, err = src.view(pos, int(h.size)); err != nil {
					return pos, errEventCut, readFailure(err)
				}
				if int64(len(buf)) > end-pos {
					buf = buf[:end-pos]
				}
				p = 0
			}
			body := buf[p+h.n : p+int(h.size)]
			if c.read(&v.event, t, body) {
				v.events++
				err = v.visit(&v.event)
			} else {
				if v.damaged++; v.damaged == 1 {
					v.badAt = pos
				}
			}
			pos += h.size
			p += int(h.size)
			if err != nil {
				return pos, nil, err
			}
		}
	}
	return pos, nil, nil
}

// fastHead reads an event's head where most have a one or two byte size and
// type, and leaves the rest to parseHead.
func fastHead(buf []byte, p int, left int64, fixed bool) (head, error) {
	if !fixed && len(buf)-p >= 4 {
		b := buf[p : p+4 : p+4]
		size, n := int64(b[0]), 1
		if b[0] >= 0x80 {
			size = size&0x7f | int64(b[1])<<7
			n = 2
		}
		if n == 1 || b[1] < 0x80 {
			typ := uint64(b[n])
			if typ >= 0x80 {
				typ = typ&0x7f | uint64(b[n+1])<<7
			}
			if m := n + 1 + int(b[n]>>7); (b[n] < 0x80 || b[n+1] < 0x80) && size >= int64(m) && size <= left {
				return head{size: size, typ: typ, n: m}, nil
			}
		}
	}
	return parseHead(buf[p:], left, fixed)
}

// read fills an event with what every event carries; other fields are read
// when they are asked for. False when its bytes end too early.
func (c *chunk) read(e *Event, t *Type, body []byte) bool {
	e.Type, e.Time, e.Duration, e.Thread, e.Stack = t, 0, 0, nil, nil
	e.c, e.body, e.starts = c, body, e.starts[:0]
	k := cursor{b: body, fixed: c.meta.fixed}
	for i := range t.eager {
		o := &t.eager[i]
		switch o.code {
		case opTime:
			e.Time = c.clock.time(int64(k.long()))
		case opDuration:
			e.Duration = c.clock.span(int64(k.long()))
		case opThread:
			e.Thread = c.thread(k.long())
		case opStack:
			e.Stack = c.stack(k.long())
		case opVarints:
			k.skipVarints(o.n)
		case opBytes:
			k.skip(o.n)
		case opString:
			k.skipString()
		case opArray:
			k.runArray(o.sub)
		}
	}
	return !k.bad
}
