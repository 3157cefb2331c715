package jfr

import (
	"errors"
	"fmt"
	"io"
)

// maxEventHead is the longest an event's size and type can be.
const maxEventHead = 5 + 9

// head is the start of an event.
type head struct {
	size int64
	typ  uint64
	n    int // bytes of the head itself
}

// headAt reads the head of the event at off of a chunk that ends at end. An
// event that has no size or does not fit is an error.
func headAt(src source, off, end int64, fixed bool) (head, error) {
	b, err := src.view(off, int(min(maxEventHead, end-off)))
	if err != nil {
		return head{}, err
	}
	return parseHead(b, end-off, fixed)
}

var (
	errEventSize = errors.New("event has an impossible size")
	errEventCut  = errors.New("event does not fit into the chunk")
)

func parseHead(b []byte, left int64, fixed bool) (head, error) {
	k := cursor{b: b, fixed: fixed}
	h := head{size: int64(int32(k.uint(4)))}
	h.typ = k.long()
	h.n = k.p
	switch {
	case k.bad:
		return h, errEventCut
	case h.size < int64(h.n):
		return h, errEventSize
	case h.size > left:
		return h, errEventCut
	}
	return h, nil
}

// wholeEvent returns the bytes of the event at off, which must be of type typ.
func wholeEvent(src source, off, end int64, fixed bool, typ uint64) ([]byte, error) {
	if off < headerSize || off >= end {
		return nil, fmt.Errorf("offset %d is outside of the chunk", off)
	}
	h, err := headAt(src, off, end, fixed)
	if err != nil {
		return nil, err
	}
	if h.typ != typ {
		return nil, fmt.Errorf("event of type %d expected, found %d", typ, h.typ)
	}
	b, err := src.view(off, int(h.size))
	if err != nil {
		return nil, err
	}
	return b[:h.size], nil
}

// span is where an event lies.
type span struct{ off, size int64 }

// chain finds the checkpoints from the last one back to, and without, what lies
// before start, by the offsets they hold to their predecessors. They are
// returned oldest first.
func chain(src source, last, start, end int64, fixed bool) ([]span, error) {
	var out []span
	limit := end // where the one after begins: checkpoints do not overlap
	for at := last; at >= start; {
		b, err := src.peek(at, int(max(0, min(maxPeek, limit-at))))
		if err != nil {
			return nil, fmt.Errorf("checkpoint at %d: %w", at, err)
		}
		h, err := parseHead(b, limit-at, fixed)
		if err != nil {
			return nil, fmt.Errorf("checkpoint at %d: %w", at, err)
		}
		if h.typ != typeCheckpoint {
			return nil, fmt.Errorf("checkpoint expected at %d, found an event of type %d", at, h.typ)
		}
		k := cursor{b: b[:min(int64(len(b)), h.size)], p: h.n, fixed: fixed}
		k.long()
		k.long()
		delta := int64(k.long())
		if k.bad {
			return nil, fmt.Errorf("checkpoint at %d is too short", at)
		}
		out = append(out, span{at, h.size})
		if delta == 0 {
			break
		}
		if delta > 0 || delta < headerSize-at {
			return nil, fmt.Errorf("checkpoint at %d refers to one %d bytes away", at, delta)
		}
		limit = at
		at += delta
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return out, nil
}

// sweep finds checkpoints, and the last metadata, by going over all events: for
// chunks whose end, and with it the last checkpoint, is lost. It stops at the
// first event that is cut or makes no sense and returns where.
func sweep(src source, start, end int64, fixed bool) (points []span, meta span, stop int64) {
	for at := start; at < end; {
		h, err := headAt(src, at, end, fixed)
		if err != nil {
			return points, meta, at
		}
		switch h.typ {
		case typeCheckpoint:
			points = append(points, span{at, h.size})
		case typeMetadata:
			meta = span{at, h.size}
		}
		at += h.size
	}
	return points, meta, end
}

// isCut reports whether an error is of the end of the bytes rather than of
// their meaning.
func isCut(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errEventCut) }
