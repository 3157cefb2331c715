package jfr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Tail follows one chunk while a JVM writes it. What it holds grows with the
// chunk's constants and ends with the chunk: use a new Tail for the next one.
// Not safe for concurrent use.
type Tail struct {
	f     io.ReaderAt
	c     *chunk
	w     window
	v     visitor
	nap   func() // between looks at a header that is being updated
	state TailState
	meta  int64 // offset of the metadata in use, 0 = none yet
	seen  int64 // offset of the last checkpoint taken, 0 = none yet
	pos   int64 // events before it have been delivered
}

// TailState is what a Poll found.
type TailState struct {
	// Until is the chunk's start plus the duration its header gives, Unix
	// nanoseconds: when the last flush was. Events that ended before it have been
	// delivered, except the few a thread had stamped and not yet committed at that
	// moment. Those come with the next flush: seen up to 3 ms late, 53 ms where
	// threads wait for a CPU. When Finished, there are none left.
	Until    int64
	Start    int64 // start of the chunk, Unix nanoseconds
	Finished bool  // the chunk is complete: nothing will follow
	Final    bool  // it is the recording's last chunk
	Size     int64 // bytes flushed so far
}

// NewTail begins at the start of a chunk: the file the JVM writes in its
// repository.
func NewTail(f io.ReaderAt, opt Options) *Tail {
	return &Tail{f: f, c: newChunk(opt), pos: headerSize, nap: func() { time.Sleep(time.Millisecond) }}
}

// Poll delivers what has been flushed since the last Poll. When nothing has, or
// the JVM is just updating the header, it delivers nothing and returns the
// state as it was. An error of visit is returned as it is, and the next Poll
// goes on behind the event it failed at. After a *SyntaxError the next Poll goes
// on behind the flush it was found in.
func (t *Tail) Poll(visit func(*Event) error) (TailState, error) {
	h, ok, err := t.header()
	if err != nil || !ok {
		return t.state, err
	}
	if h.size < t.pos && t.pos > headerSize {
		return t.state, t.syntax(8, fmt.Errorf("chunk shrank from %d to %d bytes", t.pos, h.size))
	}
	if h.size > t.c.opt.Limits.MaxChunk {
		return t.state, t.syntax(8, fmt.Errorf("chunk of %d bytes is larger than the limit of %d", h.size, t.c.opt.Limits.MaxChunk))
	}
	t.c.clock = h.clock
	if h.metadata != 0 && h.size > t.pos {
		if err := t.read(h, visit); err != nil {
			return t.state, err
		}
	}
	t.state = TailState{
		Until: h.clock.startNanos + h.duration, Start: h.clock.startNanos, Size: h.size,
		Finished: h.state == stateFinished, Final: h.flags&flagFinal != 0,
	}
	return t.state, nil
}

const headerTries = 20

// header reads the header as one flush left it. The JVM sets its state to
// "updating", writes its fields and then sets the new state, each by a write of
// its own: two equal readings without that state had no update between them.
// ok is false when there is no such header yet.
func (t *Tail) header() (h header, ok bool, err error) {
	var one, two [headerSize]byte
	for range headerTries {
		for _, b := range []*[headerSize]byte{&one, &two} {
			n, err := t.f.ReadAt(b[:], 0)
			if err != nil && !errors.Is(err, io.EOF) {
				return header{}, false, &readError{0, err}
			}
			if n >= 4 && !isChunk(b[:]) {
				return header{}, false, ErrNotJFR
			}
			if n < headerSize {
				return header{}, false, nil // the file is just being created
			}
		}
		if one == two && one[64] != stateUpdating {
			if h, err = parseHeader(one[:]); err != nil {
				return header{}, false, t.syntax(0, err)
			}
			return h, true, nil
		}
		t.nap()
	}
	return header{}, false, nil
}

func (t *Tail) syntax(off int64, err error) error {
	return &SyntaxError{Offset: off, Msg: err.Error()}
}

// read takes what lies between the last flush and the one h is of: the types
// if they are new, the constants, and then the events.
func (t *Tail) read(h header, visit func(*Event) error) error {
	t.w.reset(t.f, 0, h.size)
	t.w.size = tailWindow
	if h.metadata != t.meta {
		event, err := wholeEvent(&t.w, h.metadata, h.size, h.fixed(), typeMetadata)
		if err == nil {
			err = t.c.setMetadata(event, h.fixed(), t.meta != 0)
		}
		if failed := readFailure(err); failed != nil {
			return failed
		}
		if err != nil {
			return t.syntax(h.metadata, err)
		}
		t.meta = h.metadata
	}
	var first error
	points, err := chain(&t.w, h.checkpoint, max(t.seen+1, headerSize), h.size, h.fixed())
	if failed := readFailure(err); failed != nil {
		return failed
	}
	if err != nil {
		first = t.syntax(h.checkpoint, err)
		points, _, _ = sweep(&t.w, t.pos, h.size, h.fixed())
	}
	for _, p := range points {
		b, err := t.w.view(p.off, int(p.size))
		if failed := readFailure(err); failed != nil {
			return failed
		}
		if err != nil {
			return t.syntax(p.off, err)
		}
		if at, err := t.c.addCheckpoint(b[:p.size]); err != nil && first == nil {
			first = t.syntax(p.off+int64(at), err)
		}
		t.seen = p.off
	}
	t.v.visit = visit
	t.v.damaged = 0
	pos, bad, err := t.c.deliver(context.Background(), &t.w, t.pos, h.size, &t.v)
	t.pos = pos
	if err != nil {
		return err
	}
	t.pos = h.size
	if t.v.damaged > 0 && first == nil {
		first = t.syntax(t.v.badAt, errEventMalformed)
	}
	if bad != nil && first == nil {
		first = t.syntax(pos, bad)
	}
	return first
}
