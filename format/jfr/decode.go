package jfr

import (
	"context"
	"fmt"
	"io"
)

// Summary says what a recording held and how much of it could be read.
type Summary struct {
	Chunks  int   // chunks begun
	Events  int64 // delivered to visit
	Skipped int64 // of types nobody asked for
	Damaged int64 // of wanted types that could not be read, passed over
	Start   int64 // Unix nanoseconds: start of the first chunk
	End     int64 // Unix nanoseconds: end of the last chunk by its header
	// Truncated says that the recording is not whole: it was cut, or copied while
	// the JVM still wrote it, or makes no sense from TruncatedAt on (in bytes from
	// the start of the input). Where several chunks are damaged, the first counts.
	Truncated   bool
	TruncatedAt int64
}

// Decode passes the events of a recording of one or more chunks to visit, chunk
// by chunk, in the order they were written, which is not quite the order of
// time. A reader that can ReadAt and Seek (a file) is read through a small
// window; of any other, a chunk is held in memory at a time, at most
// Limits.MaxChunk bytes. Beside that a chunk's constants are held.
//
// An error of visit or of ctx ends it and is returned as it is. ErrNotJFR means
// that this is no recording. A *SyntaxError is the first thing that made no
// sense: what could be read around it has been delivered all the same, and
// Summary tells how much that was. A recording copied while it was written is
// no error, only Summary.Truncated.
func Decode(ctx context.Context, r io.Reader, opt Options, visit func(*Event) error) (Summary, error) {
	d := &decoder{ctx: ctx, in: newInput(r), chunk: newChunk(opt), v: visitor{visit: visit}}
	err := d.run()
	d.sum.Events, d.sum.Skipped, d.sum.Damaged = d.v.events, d.v.skipped, d.v.damaged
	if err == nil && d.first != nil {
		err = d.first
	}
	return d.sum, err
}

type decoder struct {
	ctx   context.Context
	in    input
	chunk *chunk
	v     visitor
	sum   Summary
	base  int64 // of the chunk in the input
	first *SyntaxError
}

// bad notes what makes no sense at an offset of the chunk.
func (d *decoder) bad(off int64, format string, args ...any) {
	d.lost(off)
	if d.first == nil {
		d.first = &SyntaxError{Chunk: d.sum.Chunks - 1, Offset: d.base + off, Msg: fmt.Sprintf(format, args...)}
	}
}

func (d *decoder) lost(off int64) {
	if !d.sum.Truncated {
		d.sum.Truncated, d.sum.TruncatedAt = true, d.base+off
	}
}

// run goes over the chunks. Errors it returns end the decoding; the syntax of
// the recording is noted in d.
func (d *decoder) run() error {
	live := false // the last chunk was still being written
	for {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		b, err := d.in.header()
		if err != nil {
			return err
		}
		switch {
		case d.sum.Chunks == 0 && !isChunk(b):
			return ErrNotJFR
		case len(b) == 0, live && !isChunk(b):
			return nil
		}
		d.sum.Chunks++
		if !isChunk(b) {
			d.bad(0, "no chunk begins here")
			return nil
		}
		if len(b) < headerSize {
			d.bad(int64(len(b)), "recording ends inside a chunk header")
			return nil
		}
		h, err := parseHeader(b)
		if err != nil {
			d.bad(0, "%v", err)
			return nil
		}
		live = h.state != stateFinished
		size, err := d.one(h, live)
		if err != nil || size == 0 {
			return err
		}
		d.base += size
		d.in.next(size)
	}
}
