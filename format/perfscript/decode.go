package perfscript

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"tacho"
	"tacho/format"
)

// Name is the decoder's, as format/all knows it.
const Name = "perfscript"

// Decoder reads the output of perf script.
func Decoder() format.Decoder {
	return format.Decoder{Name: Name, Title: "Linux perf script", Sniff: Sniff, Decode: Decode}
}

// Sniff looks for a sample's first line followed by a frame or nothing.
func Sniff(head []byte) bool {
	whole := len(head) < format.SniffLen
	for i := 0; i < 64 && len(head) > 0; i++ {
		line, rest, complete := bytes.Cut(head, []byte("\n"))
		line = bytes.TrimSuffix(line, []byte("\r"))
		if !complete && !whole {
			return false // cut
		}
		head = rest
		if len(bytes.TrimSpace(line)) == 0 || line[0] == '#' || bytes.Contains(line, []byte(" PERF_RECORD_")) {
			continue
		}
		h, ok := parseHeader(line)
		if !ok || len(h.comm) == 0 {
			return false
		}
		next, _, _ := bytes.Cut(head, []byte("\n"))
		if f, ok := parseFrame(append(next, ' ')); ok && f.hasAddr && (next[0] == ' ' || next[0] == '\t') {
			return true
		}
		_, another := parseHeader(next)
		return h.time >= 0 && len(h.event) > 0 && (len(bytes.TrimSpace(next)) == 0 || another)
	}
	return false
}

// Decode reads the output of perf script.
func Decode(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
	d := &decoder{e: format.NewEmitter(ctx, Name, o, emit), o: o, clock: newClock(o, r)}
	d.fresh()
	d.lines = format.NewLines(ctx, Name, r, o.Limits)
	err := d.run()
	if d.seen == 0 && err == nil && d.lines.Number > 0 {
		err = d.e.Syntax("line 1", "no sample of perf script in it", nil)
	}
	if flush := d.flush(); err == nil {
		err = flush
	}
	return d.e.Finish(err)
}

type decoder struct {
	e     *format.Emitter
	o     format.Options
	lines *format.Lines
	clock clock
	maps  mappings

	// The sample being read.
	open  bool
	h     sample
	ids   []uint32
	leaf  tacho.Frame // the frame read last
	wrong int         // consecutive lines that make no sense
	seen  int64       // samples

	b      *tacho.Builder
	frames map[string]seenLine
	types  map[string]tacho.ValueType
	n      int   // samples in b
	held   int   // frames of their stacks
	last   int64 // the time of the last one
}

// seenLine is what a frame's line came to.
type seenLine struct {
	ids  []uint32
	last tacho.Frame
}

// sample is what is kept of its first line.
type sample struct {
	thread tacho.Thread
	pid    int64
	time   int64
	value  int64
	typ    tacho.ValueType
}

const (
	maxLines      = 1 << 18 // frame lines remembered
	maxHeldFrames = 4 << 20
	maxTypes      = 256
	maxWrong      = 1000
)

func (d *decoder) fresh() {
	d.b = tacho.NewBuilder()
	d.frames = map[string]seenLine{}
	d.n, d.held = 0, 0
}

func (d *decoder) run() error {
	for {
		line, ok := d.lines.Next()
		if !ok {
			if err := d.lines.Err(); err != nil {
				return err
			}
			return d.end()
		}
		if err := d.line(line); err != nil {
			return err
		}
	}
}

func (d *decoder) line(line []byte) error {
	switch {
	case len(bytes.TrimSpace(line)) == 0:
		return d.end()
	case line[0] == '#':
		return nil
	case d.open && line[0] == '\t':
		return d.frame(line)
	}
	if h, ok := parseHeader(line); ok {
		if err := d.end(); err != nil {
			return err
		}
		return d.begin(h, line)
	}
	if d.open && line[0] == ' ' {
		return d.frame(line)
	}
	if bytes.Contains(line, []byte("PERF_RECORD_")) {
		d.maps.add(line)
		return nil
	}
	d.e.Warn.Add(d.lines.Position(), "neither the first line of a sample nor a frame")
	if d.wrong++; d.wrong > maxWrong {
		return d.e.Syntax(d.lines.Position(), fmt.Sprintf("%d lines in a row make no sense", d.wrong), nil)
	}
	return nil
}

// begin starts a sample.
func (d *decoder) begin(h header, line []byte) error {
	if bytes.HasPrefix(h.rest, []byte("PERF_RECORD_")) || bytes.HasPrefix(h.event, []byte("PERF_RECORD_")) {
		if !d.maps.add(line) && bytes.Contains(line, []byte("PERF_RECORD_LOST")) {
			d.e.Warn.Add(d.lines.Position(), "perf lost samples here")
		}
		return nil
	}
	d.wrong = 0
	comm := string(h.comm)
	if len(comm) > d.e.Limits.StringLen {
		return d.e.Limit(format.LimitStringLen, int64(d.e.Limits.StringLen), d.lines.Position())
	}
	d.open = true
	d.h = sample{pid: h.pid, time: h.time, thread: tacho.Thread{ID: h.tid, Name: comm, Group: format.ThreadGroup(comm)}}
	if h.time >= 0 {
		d.clock.first(h.time)
	}
	var err error
	if d.h.typ, d.h.value, err = d.value(h); err != nil {
		return err
	}
	if f, ok := parseFrame(append([]byte(" "), h.rest...)); ok && f.hasAddr && f.symbol != "" {
		return d.frame(append([]byte("\t"), h.rest...)) // no call graph: the frame stands here
	}
	return nil
}

// value is what a sample of an event measures, and how much of it.
func (d *decoder) value(h header) (tacho.ValueType, int64, error) {
	if len(h.event) == 0 {
		t, factor := d.o.Values()
		return t, max(h.period, 1) * factor, nil
	}
	t, ok := d.types[string(h.event)]
	if !ok {
		if len(d.types) >= maxTypes {
			return t, 0, d.e.Limit("events", maxTypes, d.lines.Position())
		}
		name := eventName(string(h.event))
		t = tacho.ValueType{Name: name, Unit: "count"}
		if name == "cpu-clock" || name == "task-clock" {
			t = tacho.CPU
		}
		if d.types == nil {
			d.types = map[string]tacho.ValueType{}
		}
		d.types[string(h.event)] = t
	}
	clocked := t == tacho.CPU || t.Name == "cycles" || t.Name == "cpu-cycles"
	switch {
	case t == tacho.CPU && h.period > 1:
		return t, h.period, nil
	case clocked && d.o.SampleRate > 0:
		return tacho.CPU, max(1_000_000_000/int64(d.o.SampleRate), 1), nil
	case t == tacho.CPU: // -F without period: how long a sample stands for is not said
		return tacho.ValueType{Name: "cpu-clock", Unit: "count"}, 1, nil
	}
	return t, max(h.period, 1), nil
}

// eventName drops modifiers (cycles:ppp) and the unit of a CPU (cpu/cycles/u).
func eventName(s string) string {
	if i := strings.LastIndexByte(s, ':'); i > 0 && strings.Trim(s[i+1:], "ukhIGHpPSDWeb") == "" {
		s = s[:i]
	}
	if i := strings.IndexByte(s, '/'); i > 0 && strings.HasPrefix(s, "cpu") {
		if j := strings.LastIndexByte(s, '/'); j > i {
			s = s[i+1 : j]
		}
	}
	return s
}

// frame adds a line's frames to the open sample.
func (d *decoder) frame(line []byte) error {
	if x, ok := d.frames[string(line)]; ok {
		d.ids, d.leaf = append(d.ids, x.ids...), x.last
		return nil
	}
	f, ok := parseFrame(line)
	if !f.hasAddr && len(d.ids) > 0 && d.source(string(bytes.TrimSpace(line))) {
		return nil
	}
	if !ok {
		d.e.Warn.Add(d.lines.Position(), "not a frame")
		return nil
	}
	if max(len(f.symbol), len(f.module)) > d.e.Limits.StringLen {
		return d.e.Limit(format.LimitStringLen, int64(d.e.Limits.StringLen), d.lines.Position())
	}
	var ids []uint32
	for _, x := range f.frames(&d.maps, d.h.pid) {
		ids = append(ids, d.b.Frame(x))
		d.leaf = x
	}
	d.ids = append(d.ids, ids...)
	if len(d.frames) < maxLines && !(d.maps.n > 0 && f.symbol == "[unknown]") { // an unknown address is another one in another process
		d.frames[string(line)] = seenLine{ids, d.leaf}
	}
	return nil
}

// source takes the line perf -F +srcline puts under a frame: file.c:12.
func (d *decoder) source(s string) bool {
	i := strings.LastIndexByte(s, ':')
	if i <= 0 || len(s) > d.e.Limits.StringLen {
		return false
	}
	n, err := strconv.ParseInt(s[i+1:], 10, 32)
	if err != nil || n < 0 {
		return false
	}
	d.leaf.File, d.leaf.Line = s[:i], int32(n)
	d.ids[len(d.ids)-1] = d.b.Frame(d.leaf)
	return true
}

// end closes the open sample.
func (d *decoder) end() error {
	if !d.open {
		return nil
	}
	d.open = false
	ids := d.ids
	d.ids = d.ids[:0]
	if len(ids) == 0 {
		d.e.Warn.Once(d.lines.Position(), "samples without a stack are left out (perf record -g)")
		return nil
	}
	if len(ids) > d.e.Limits.Depth {
		d.e.Warn.Once(d.lines.Position(), fmt.Sprintf("stacks deeper than %d frames are kept without their root end", d.e.Limits.Depth))
		ids = ids[:d.e.Limits.Depth]
	}
	if err := d.e.Count(1); err != nil {
		return err
	}
	d.seen++
	// StackOf keeps what it is given when the stack is new, which is not known.
	x := tacho.Sample{Value: d.h.value, Stack: d.b.StackOf(slices.Clone(ids)), Thread: d.b.Thread(d.h.thread)}
	if d.h.time >= 0 {
		x.Time = d.h.time + 1 // 0 is untimed; flush takes it back
		d.last = max(d.last, d.h.time)
	}
	d.b.Sample(d.h.typ, x)
	d.held += len(ids)
	if d.n++; d.n >= d.e.Limits.Samples || d.held >= maxHeldFrames {
		return d.flush()
	}
	return nil
}

// flush hands over what is held, in Unix time.
func (d *decoder) flush() error {
	b := d.b.Take(nil, "", 0, 0, 0)
	d.fresh()
	if len(b.Profiles) == 0 {
		return nil
	}
	d.clock.settle(d.last)
	for _, p := range b.Profiles {
		for i := range p.Samples {
			if t := &p.Samples[i].Time; *t != 0 {
				*t = max(*t-1+d.clock.delta, 1)
			}
		}
	}
	return d.e.Send(b)
}
