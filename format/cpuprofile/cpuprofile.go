package cpuprofile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"

	"tacho"
	"tacho/format"
)

const name = "cpuprofile"

// Decoder reads V8's CPU profiles.
func Decoder() format.Decoder {
	return format.Decoder{Name: name, Title: "V8 CPU profile (.cpuprofile, Chrome trace)", Sniff: Sniff, Decode: Decode}
}

// Sniff looks for the keys of a profile, or of a trace's events.
func Sniff(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n\ufeff")
	has := func(s string) bool { return bytes.Contains(head, []byte(s)) }
	switch {
	case len(head) == 0:
		return false
	case head[0] == '{' && has(`"traceEvents"`):
		return true
	case head[0] == '{':
		return has(`"nodes"`) && has(`"callFrame"`) || has(`"timeDeltas"`) && has(`"samples"`)
	case head[0] == '[':
		return has(`"cat"`) && has(`"ph"`) && has(`"pid"`)
	}
	return false
}

// Decode reads one file.
func Decode(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
	e := format.NewEmitter(ctx, name, o, emit)
	d := &reader{e: e, j: format.NewJSON(ctx, name, r, e.Limits), byID: map[string]*prof{}}
	err := d.read()
	for _, p := range d.all {
		if made := d.emit(p); err == nil {
			err = made
		}
	}
	if err == nil && len(d.byID) == 0 && len(d.all) == 0 {
		e.Warn.Add(d.j.Position(), "the trace has no CPU profile in it: record it with JavaScript samples")
	}
	return e.Finish(err)
}

// tree is the nodes of a profile linked up.
type tree struct {
	places  map[int64]int32 // of nodes by id
	parents []int32         // by node, -1: none
	frames  []tacho.Frame
}

func (r *reader) link(p *prof) (*tree, error) {
	t := &tree{places: make(map[int64]int32, len(p.nodes)), parents: make([]int32, len(p.nodes)), frames: make([]tacho.Frame, len(p.nodes))}
	for i, n := range p.nodes {
		if _, taken := t.places[n.id]; taken {
			return nil, r.bad("node %d is there twice", n.id)
		}
		t.places[n.id] = int32(i)
		t.parents[i] = -1
		t.frames[i] = n.frame
	}
	join := func(parent, child int64) error {
		up, ok := t.places[parent]
		down, ok2 := t.places[child]
		if !ok || !ok2 {
			return r.bad("node %d or its child %d is not there", parent, child)
		}
		if have := t.parents[down]; have >= 0 && have != up {
			return r.bad("node %d has two parents", child)
		}
		t.parents[down] = up
		return nil
	}
	for _, n := range p.nodes {
		if n.hasParent {
			if err := join(n.parent, n.id); err != nil {
				return nil, err
			}
		}
	}
	for _, l := range p.children {
		if err := join(l.parent, l.child); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// stack is the nodes from one to the root, which is left out.
func (t *tree) stack(buf []uint32, node int32, most int) []uint32 {
	buf = buf[:0]
	for n := node; n >= 0 && len(buf) <= most; n = t.parents[n] { // a ring of nodes ends there too
		if t.parents[n] < 0 && t.frames[n].Function == "(root)" {
			break
		}
		buf = append(buf, uint32(n))
	}
	return buf
}

func (r *reader) bad(reason string, args ...any) error {
	return r.e.Syntax(r.j.Position(), fmt.Sprintf(reason, args...), nil)
}

// y2001 is 2001-09-09, in microseconds; clocks without a date count from a start.
const y2001 = 1e15

func (r *reader) emit(p *prof) error {
	if len(p.nodes) == 0 {
		if len(p.samples) > 0 {
			return r.bad("samples without nodes")
		}
		return nil
	}
	t, err := r.link(p)
	if err != nil {
		return err
	}
	if len(p.deltas) != len(p.samples) {
		r.e.Warn.Add(r.j.Position(), "%d samples with %d times; only those with both are kept", len(p.samples), len(p.deltas))
	}
	n := min(len(p.samples), len(p.deltas))
	times, err := r.times(p, n)
	if err != nil {
		return err
	}
	span := (times[n] - p.start) * 1000
	if p.start >= y2001 {
		r.e.Window(p.start*1000, p.start*1000+max(span, 1))
	} else if span > 0 {
		r.e.Duration(span)
	}
	begin := r.e.Begin()
	if err := r.e.Declare(nil, tacho.CPU); err != nil {
		return err
	}
	table := r.e.Frames(t.frames)
	var st []uint32
	for i := range n {
		v := (times[i+1] - times[i]) * 1000
		if v <= 0 {
			continue
		}
		place, ok := t.places[p.samples[i]]
		if !ok {
			return r.bad("sample %d is of node %d, which is not there", i, p.samples[i])
		}
		if st = t.stack(st, place, r.e.Limits.Depth); len(st) == 0 {
			continue // at (root) itself, for an instant at the start
		}
		typ := tacho.CPU
		if t.frames[st[0]].Function == "(idle)" {
			typ = tacho.OffCPU
		}
		if err := table.Add(nil, typ, st, tacho.Thread{}, tacho.Sample{Time: begin + (times[i]-p.start)*1000, Value: v}); err != nil {
			return err
		}
	}
	return nil
}

// times is when each of n samples began, and when the last one ended, in
// microseconds. Deltas are negative where V8 got samples out of order: those
// take no time.
func (r *reader) times(p *prof, n int) ([]int64, error) {
	times := make([]int64, n+1)
	at := p.start
	for i := range n {
		d := p.deltas[i]
		if d > math.MaxInt64/8000 || d < -math.MaxInt64/8000 || at > math.MaxInt64/4000 {
			return nil, r.bad("time of sample %d is out of range", i)
		}
		at = max(at+d, p.start)
		if i > 0 {
			at = max(at, times[i-1])
		}
		times[i] = at
	}
	times[n] = max(at, min(p.end, math.MaxInt64/4000))
	return times, nil
}
