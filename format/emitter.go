package format

import (
	"context"
	"fmt"
	"math"
	"time"

	"tacho"
)

// Emitter turns what a decoder finds into batches: one builder a label set,
// handed over when enough samples or names are held, and at the end.
//
//	e := format.NewEmitter(ctx, "collapsed", o, emit)
//	for … {
//		if err := e.Add(labels, typ, stack, thread, sample); err != nil {
//			return e.Finish(err)
//		}
//	}
//	return e.Finish(lines.Err())
//
// A decoder that makes its batches itself, for speed, gives them to Send.
type Emitter struct {
	Limits Limits // filled
	Warn   *Warnings

	name     string
	ctx      context.Context
	o        Options
	emit     func(*tacho.Batch) error
	report   Report
	sequence uint64
	from     int64 // of the input's window, 0 if it has none
	until    int64
	sets     map[string]*set
	order    []*set
	held     int   // samples in builders
	bytes    int   // what the builders take
	failed   error // of emit: nothing more may follow
}

// set is a label set's samples not handed over yet.
type set struct {
	target  tacho.Labels
	b       *tacho.Builder
	samples int   // and events and points
	gen     int   // how often it was handed over: ids of the builder are of one generation
	first   int64 // of timed samples; 0: none yet
	last    int64
}

// NewEmitter starts a decoding.
func NewEmitter(ctx context.Context, name string, o Options, emit func(*tacho.Batch) error) *Emitter {
	if o.Now == nil {
		o.Now = time.Now
	}
	l := o.Limits.Filled()
	return &Emitter{
		Limits: l, Warn: NewWarnings(l), name: name, ctx: ctx, o: o, emit: emit,
		sequence: o.Sequence, sets: map[string]*set{},
	}
}

// Window says when the input's samples were taken. It counts from the next
// batch on; zero times are not known. Without it Options.From and Until count,
// else the time of the samples, else now less duration.
func (e *Emitter) Window(from, until int64) { e.from, e.until = from, until }

// Duration is of an input that says how long but not when: it ends at
// Options.Until or now. It changes nothing when a window is known.
func (e *Emitter) Duration(ns int64) {
	if e.from != 0 || !e.o.From.IsZero() {
		return
	}
	end := e.o.Until
	if end.IsZero() {
		end = e.o.Now()
	}
	e.from, e.until = end.UnixNano()-ns, end.UnixNano()
}

// Begin is where the window of an input without times of samples begins; from
// here on it is fixed.
func (e *Emitter) Begin() int64 {
	e.from, e.until = e.window(0, 0)
	return e.from
}

// Add takes one sample with the labels it has beside the target's. Stacks
// deeper than the limit keep their leaf end. The stack is copied.
func (e *Emitter) Add(labels []tacho.Label, typ tacho.ValueType, st tacho.Stack, th tacho.Thread, s tacho.Sample) error {
	if len(st) == 0 {
		return fmt.Errorf("%s: a sample without a stack", e.name)
	}
	if len(st) > e.Limits.Depth {
		e.cut()
		st = st[:e.Limits.Depth]
	}
	for i := range st {
		if err := e.checkFrame(&st[i]); err != nil {
			return err
		}
	}
	x, err := e.set(labels)
	if err != nil {
		return err
	}
	before := x.b.Bytes()
	s.Stack = x.b.Stack(st)
	return e.add(x, typ, th, s, before)
}

// add takes a sample whose stack is interned, and hands over what has become
// too much to hold; before is what the builder took before it.
func (e *Emitter) add(x *set, typ tacho.ValueType, th tacho.Thread, s tacho.Sample, before int) error {
	if e.report.Samples >= e.Limits.AllSamples {
		return e.Limit(LimitAllSamples, e.Limits.AllSamples, "")
	}
	if len(th.Name) > e.Limits.StringLen {
		return e.Limit(LimitStringLen, int64(e.Limits.StringLen), "")
	}
	s.Thread = x.b.Thread(th)
	x.b.Sample(typ, s)
	e.bytes += x.b.Bytes() - before
	x.note(s.Time)
	e.report.Samples++
	return e.grown(x, 1)
}

// grown counts n things more that a set holds, and hands over what is too much.
func (e *Emitter) grown(x *set, n int) error {
	x.samples += n
	e.held += n
	if x.samples >= e.Limits.Samples || e.held >= 4*e.Limits.Samples || int64(e.bytes) >= e.Limits.Memory/4 {
		return e.Flush()
	}
	if e.held&1023 == 0 {
		return e.ctx.Err()
	}
	return nil
}

func (e *Emitter) checkFrame(f *tacho.Frame) error {
	if max(len(f.Function), len(f.File), len(f.Module)) > e.Limits.StringLen {
		return e.Limit(LimitStringLen, int64(e.Limits.StringLen), "")
	}
	return nil
}

// cut says that a stack lost its root end to the limit.
func (e *Emitter) cut() {
	e.Warn.Once("", fmt.Sprintf("stacks deeper than %d frames are kept without their root end", e.Limits.Depth))
}

// Declare says that a type was recorded for a label set, with samples or not.
func (e *Emitter) Declare(labels []tacho.Label, typ tacho.ValueType) error {
	x, err := e.set(labels)
	if err == nil {
		x.b.Declare(typ)
	}
	return err
}

// Event and Series go to the batch of a label set.
func (e *Emitter) Event(labels []tacho.Label, ev tacho.Event) error {
	x, err := e.set(labels)
	if err != nil {
		return err
	}
	x.b.Event(ev)
	x.note(ev.Time)
	return e.grown(x, 1)
}

// Series adds a series, see Event.
func (e *Emitter) Series(labels []tacho.Label, s tacho.Series) error {
	x, err := e.set(labels)
	if err != nil {
		return err
	}
	x.b.Series(s)
	for _, p := range s.Points {
		x.note(p.Time)
	}
	return e.grown(x, len(s.Points)+1)
}

func (x *set) note(t int64) {
	if t == 0 {
		return
	}
	if x.first == 0 || t < x.first {
		x.first = t
	}
	x.last = max(x.last, t)
}

// set finds or begins a label set.
func (e *Emitter) set(labels []tacho.Label) (*set, error) {
	if len(labels) == 0 && len(e.order) > 0 && e.order[0] != nil {
		return e.order[0], nil // the usual case: no map, no key
	}
	if len(labels) > e.Limits.Labels {
		return nil, e.Limit(LimitLabels, int64(e.Limits.Labels), "")
	}
	for _, l := range labels {
		if max(len(l.Name), len(l.Value)) > e.Limits.StringLen {
			return nil, e.Limit(LimitStringLen, int64(e.Limits.StringLen), "")
		}
	}
	if len(e.order) == 0 {
		e.order = []*set{nil} // the place of the set without labels
	}
	target := e.o.Target
	key := ""
	if len(labels) > 0 {
		target = Join(target, labels)
		key = target.String()
	}
	if x := e.sets[key]; x != nil {
		return x, nil
	}
	if len(e.sets) >= e.Limits.Series {
		return nil, e.Limit(LimitSeries, int64(e.Limits.Series), "")
	}
	x := &set{target: target, b: tacho.NewBuilder()}
	e.sets[key] = x
	if len(labels) == 0 {
		e.order[0] = x
	} else {
		e.order = append(e.order, x)
	}
	return x, nil
}

// Flush hands over what is held.
func (e *Emitter) Flush() error {
	for _, x := range e.order {
		if x == nil {
			continue
		}
		b := x.b.Take(x.target, "", 0, 0, 0)
		if len(b.Profiles)+len(b.Series)+len(b.Events) > 0 {
			if err := e.send(b, x.first, x.last); err != nil {
				return err
			}
		}
		x.samples, x.first, x.last = 0, 0, 0
		x.gen++
	}
	e.held, e.bytes = 0, 0
	return nil
}

// Count takes note of n samples a decoder puts into batches itself.
func (e *Emitter) Count(n int) error {
	if e.report.Samples += int64(n); e.report.Samples > e.Limits.AllSamples {
		return e.Limit(LimitAllSamples, e.Limits.AllSamples, "")
	}
	return nil
}

// Send hands over a batch a decoder made itself, its samples counted by Count.
// Collector, window and sequence are set here; Target, if empty, is the input's.
func (e *Emitter) Send(b *tacho.Batch) error {
	if b.Target == nil {
		b.Target = e.o.Target
	}
	var first, last int64
	for _, p := range b.Profiles {
		for i := range p.Samples {
			if t := p.Samples[i].Time; t != 0 {
				if first == 0 || t < first {
					first = t
				}
				last = max(last, t)
			}
		}
	}
	return e.send(b, first, last)
}

func (e *Emitter) send(b *tacho.Batch, first, last int64) error {
	if e.failed != nil {
		return e.failed
	}
	if err := e.ctx.Err(); err != nil {
		return err
	}
	b.Collector = e.o.Collector
	if b.Collector == "" {
		b.Collector = e.name
	}
	b.From, b.Until = e.window(first, last)
	b.Sequence = e.sequence
	e.sequence++
	e.report.Batches++
	if err := e.emit(b); err != nil {
		e.failed = err
		return err
	}
	return nil
}

// window is that of a batch whose timed samples lie in [first, last].
func (e *Emitter) window(first, last int64) (from, until int64) {
	from, until = e.from, e.until
	if from <= 0 {
		if !e.o.From.IsZero() {
			from = e.o.From.UnixNano()
		}
		if !e.o.Until.IsZero() {
			until = e.o.Until.UnixNano()
		}
	}
	switch {
	case from > 0:
	case first > 0:
		from = first
	case until > 0:
		from = until - int64(time.Second)
	default: // nothing is known
		until = e.o.Now().UnixNano()
		from = until - int64(time.Second)
	}
	from = max(from, 1)
	if first > 0 {
		from, until = min(from, first), max(until, min(last, math.MaxInt64-1)+1)
	}
	return from, max(until, from+1)
}

// Limit is the error of an input that went over a limit.
func (e *Emitter) Limit(word string, max int64, position string) error {
	return &LimitError{Format: e.name, Limit: word, Max: max, Position: position}
}

// Syntax is the error of an input that stopped making sense.
func (e *Emitter) Syntax(position, reason string, err error) error {
	return &SyntaxError{Format: e.name, Position: position, Reason: reason, Err: err}
}

// Finish hands over what is left, also after an error, and reports.
func (e *Emitter) Finish(err error) (Report, error) {
	if e.failed == nil {
		if flush := e.Flush(); err == nil {
			err = flush
		}
	}
	e.report.Format = e.name
	e.report.Warnings, e.report.Dropped = e.Warn.List, e.Warn.Dropped
	return e.report, err
}

// Values is what the values of an input are that does not say, and what to
// multiply them by. A sample rate says that they count samples of time: they
// become nanoseconds, of Options.Type or else of cpu.
func (o Options) Values() (typ tacho.ValueType, factor int64) {
	typ = o.Type
	if o.SampleRate > 0 {
		if typ.Name == "" || typ.Name == "samples" {
			typ.Name = tacho.CPU.Name
		}
		typ.Unit = tacho.CPU.Unit
		return typ, max(int64(time.Second)/int64(o.SampleRate), 1)
	}
	if typ.Name == "" {
		typ.Name = "samples"
	}
	if typ.Unit == "" {
		typ.Unit = "count"
	}
	return typ, 1
}
