package jfr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tacho"
	"tacho/format"
)

// Name is the decoder's, as format/all knows it.
const Name = "jfr"

// Decoder reads recordings of the JDK and of async-profiler into batches.
//
// What becomes what: jdk.CPUTimeSample, jdk.ExecutionSample and
// jdk.NativeMethodSample → cpu, the latter only when not found in a call that
// waits (those → native); durations of parking, monitors, sleep, sockets and
// files → offcpu, those of locks → lock as well; allocation events → alloc;
// async-profiler's profiler.WallClockSample → offcpu while asleep, and cpu while
// running unless CPU is sampled beside it; profiler.LiveObject → live;
// profiler.Malloc → nativemem, and those without profiler.Free → nativeleak.
// Garbage collections, compilations and safepoints become events.
//
// A file has no account of the kernel's to be checked against: a cpu value is
// sample × sampling period (from the recording's own settings), and inherits what
// JFR's sampler says wrong, a factor of two either way (research: 0.4 to 2.2 on
// two cores). jdk.CPUTimeSample and async-profiler do not have that fault.
func Decoder() format.Decoder { return DecoderWith(nil) }

// DecoderWith is Decoder for a recording whose samples carry context ids.
func DecoderWith(contexts Contexts) format.Decoder {
	return format.Decoder{
		Name: Name, Title: "JDK Flight Recorder (JDK, async-profiler)", Sniff: isChunk,
		Decode: func(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
			a := newAdapter(ctx, contexts, o, emit)
			return a.e.Finish(a.decode(ctx, r))
		},
	}
}

// adapter turns events into batches.
type adapter struct {
	e        *format.Emitter
	o        format.Options
	dec      *decoder
	contexts Contexts
	handlers map[string]func(*Event) error

	chunk    int // sum.Chunks of the events being seen
	from     int64
	until    int64
	late     int64 // events later than this have no time worth believing
	set      settings
	exact    bool // this chunk has CPUTimeSamples
	sets     map[int64]labelContext
	byLabels map[string]*labelSet
	order    []*labelSet
	held     int // samples
	frames   int // of stacks held
	sent     bool

	mallocs map[int64]malloc
}

const (
	maxHeldFrames = 2 << 20 // of distinct stacks, before a batch is handed over
	maxMallocs    = 1 << 20 // allocations whose end is waited for
	minString     = 4 << 10 // the recording's own words are no shorter, whatever a name may be
	day           = int64(24 * time.Hour)
)

func newAdapter(ctx context.Context, contexts Contexts, o format.Options, emit func(*tacho.Batch) error) *adapter {
	a := &adapter{e: format.NewEmitter(ctx, Name, o, emit), o: o, contexts: contexts,
		sets: map[int64]labelContext{}, byLabels: map[string]*labelSet{}, mallocs: map[int64]malloc{}}
	if a.o.Now == nil {
		a.o.Now = time.Now
	}
	a.handle()
	return a
}

func (a *adapter) decode(ctx context.Context, r io.Reader) error {
	opt := Options{Limits: Limits{MaxChunk: a.e.Limits.Memory, MaxString: max(a.e.Limits.StringLen, minString) + 1, MaxConstants: a.e.Limits.Strings}}
	for name := range a.handlers {
		opt.Events = append(opt.Events, name)
	}
	if w, ok := r.(interface{ Bytes() []byte }); ok {
		r = bytes.NewReader(w.Bytes())
	}
	in := newInput(r)
	if _, ok := in.(*fileInput); ok {
		opt.Limits.MaxChunk = a.e.Limits.Bytes // read through a window
	}
	a.dec = &decoder{ctx: ctx, in: in, chunk: newChunk(opt), v: visitor{visit: a.visit}}
	err := a.dec.run()
	sum := &a.dec.sum
	if err == nil && a.dec.first != nil {
		err = a.dec.first
	}
	if a.dec.v.damaged > 0 {
		a.e.Warn.Add(fmt.Sprintf("chunk at byte %d", a.dec.base), "%d events could not be read", a.dec.v.damaged)
	}
	if sum.Truncated && err == nil {
		a.e.Warn.Add(fmt.Sprintf("byte %d", sum.TruncatedAt), "the recording was copied while it was being written: what follows is missing")
	}
	if a.chunk > 0 { // else nothing was seen of it
		if leaks := a.leaks(); err == nil {
			err = leaks
		}
		if flush := a.flush(); err == nil {
			err = flush
		}
	}
	return a.explain(err)
}

// explain turns errors into those of package format.
func (a *adapter) explain(err error) error {
	var syntax *SyntaxError
	switch {
	case errors.As(err, &syntax) && syntax.Limit > 0:
		return a.e.Limit(format.LimitMemory, syntax.Limit, fmt.Sprintf("byte %d", syntax.Offset))
	case errors.As(err, &syntax):
		return a.e.Syntax(fmt.Sprintf("byte %d", syntax.Offset), fmt.Sprintf("chunk %d: %s", syntax.Chunk, syntax.Msg), nil)
	case errors.Is(err, ErrNotJFR):
		return a.e.Syntax("byte 0", "no chunk begins here (FLR\\0)", nil)
	}
	var read *readError
	if errors.As(err, &read) {
		return read.err
	}
	return err
}

func (a *adapter) visit(e *Event) error {
	if a.dec.sum.Chunks != a.chunk {
		if err := a.nextChunk(e.c); err != nil {
			return err
		}
	}
	h := a.handlers[e.Type.Name]
	if h == nil {
		return nil
	}
	return h(e)
}

// nextChunk settles what the chunk before left open and begins a new one.
func (a *adapter) nextChunk(c *chunk) error {
	if a.chunk > 0 {
		if err := a.settle(); err != nil {
			return err
		}
	}
	a.chunk = a.dec.sum.Chunks
	start, end := c.clock.startNanos, a.dec.sum.End
	if start <= 0 || end < start {
		a.e.Warn.Add(fmt.Sprintf("byte %d", a.dec.base), "the chunk has no sensible start: its samples are untimed")
		start, end = 0, 0
	}
	if a.from == 0 || start < a.from {
		a.from = start
	}
	a.until = max(a.until, end)
	if end == start {
		end = max(end, a.o.Now().UnixNano())
	}
	a.late = end + day
	a.exact = false
	a.set.chunk(c)
	for _, s := range a.order {
		s.forget() // constants of the chunk before mean nothing any more
	}
	a.e.Window(a.from, max(a.until, a.from+1))
	return nil
}

// time is an event's time, 0 if it makes no sense in its chunk.
func (a *adapter) time(t int64) int64 {
	if t <= a.from-day || t > a.late || t <= 0 || a.from == 0 {
		a.e.Warn.Once("", "events far outside their chunk's time are kept without a time")
		return 0
	}
	return t
}
