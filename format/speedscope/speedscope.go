package speedscope

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"slices"

	"tacho"
	"tacho/format"
)

const name = "speedscope"

// Decoder reads speedscope files.
func Decoder() format.Decoder {
	return format.Decoder{Name: name, Title: "speedscope", Sniff: Sniff, Decode: Decode}
}

// Sniff looks for an object with the schema's address, which all files must
// have, or with the two keys nothing else has together.
func Sniff(head []byte) bool {
	head = bytes.TrimLeft(head, " \t\r\n\ufeff")
	return len(head) > 0 && head[0] == '{' && (bytes.Contains(head, []byte("speedscope.app/file-format-schema.json")) ||
		bytes.Contains(head, []byte(`"shared"`)) && bytes.Contains(head, []byte(`"frames"`)))
}

// Decode reads one file.
func Decode(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
	e := format.NewEmitter(ctx, name, o, emit)
	f := &file{e: e, j: format.NewJSON(ctx, name, r, e.Limits)}
	err := f.read()
	if made := f.emit(o); err == nil {
		err = made
	}
	return e.Finish(err)
}

// units of values; by is how many of the unit the store has it in.
var units = map[string]struct {
	typ tacho.ValueType
	by  float64
}{
	"nanoseconds":  {tacho.CPU, 1},
	"microseconds": {tacho.CPU, 1e3},
	"milliseconds": {tacho.CPU, 1e6},
	"seconds":      {tacho.CPU, 1e9},
	"bytes":        {tacho.Alloc, 1},
	"none":         {tacho.ValueType{Name: "samples", Unit: "count"}, 1},
	"":             {tacho.ValueType{Name: "samples", Unit: "count"}, 1},
}

// emit makes samples of what was read.
func (f *file) emit(o format.Options) error {
	f.window()
	begin := f.e.Begin()
	table := f.e.Frames(f.frames)
	for i := range f.profiles {
		p := &f.profiles[i]
		u, ok := units[p.unit]
		if !ok {
			f.e.Warn.Add(p.at, "unit %q is not of the format; its values are taken as they are", p.unit)
			u = units["none"]
		}
		m := maker{f: f, p: p, table: table, typ: u.typ, by: u.by, begin: begin, timed: u.typ == tacho.CPU}
		if o.Type.Name != "" && o.Type.Unit != "" {
			m.typ = o.Type
		}
		if len(f.profiles) > 1 && p.name != "" {
			m.thread = tacho.Thread{Name: p.name, Group: format.ThreadGroup(p.name)}
		}
		if err := f.e.Declare(nil, m.typ); err != nil {
			return err
		}
		var err error
		switch {
		case p.kind == "evented" || p.kind == "" && len(p.events) > 0:
			err = m.evented()
		case p.kind == "sampled" || p.kind == "":
			err = m.sampled()
		default:
			f.e.Warn.Add(p.at, "profile of type %q is left out", p.kind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// window is as long as the longest profile.
func (f *file) window() {
	longest := 0.0
	for _, p := range f.profiles {
		if u := units[p.unit]; u.typ == tacho.CPU {
			longest = max(longest, (p.end-p.start)*u.by)
		}
	}
	if longest >= 1 && longest < float64(math.MaxInt64)/4 {
		f.e.Duration(int64(longest))
	}
}

// maker makes the samples of one profile.
type maker struct {
	f      *file
	p      *prof
	table  *format.Frames
	typ    tacho.ValueType
	by     float64
	begin  int64
	timed  bool
	thread tacho.Thread
	leaf   []uint32 // a stack turned round
}

// add adds the value of a stack, root first, that ended at an instant.
func (m *maker) add(stack []uint32, weight, at float64) error {
	v := math.Round(weight * m.by)
	if v <= 0 {
		return nil
	}
	if v >= math.MaxInt64/2 {
		return m.f.e.Syntax(m.p.at, fmt.Sprintf("value %g %s is too large", weight, m.p.unit), nil)
	}
	m.leaf = append(m.leaf[:0], stack...)
	slices.Reverse(m.leaf)
	for _, i := range m.leaf {
		if int(i) >= len(m.f.frames) {
			return m.f.e.Syntax(m.p.at, fmt.Sprintf("frame %d of %d", i, len(m.f.frames)), nil)
		}
	}
	s := tacho.Sample{Value: int64(v)}
	if m.timed && at >= 0 {
		if t := (at - m.p.start) * m.by; t >= 0 && t < float64(math.MaxInt64/4) {
			s.Time = m.begin + int64(t)
		}
	}
	return m.table.Add(nil, m.typ, m.leaf, m.thread, s)
}

func (m *maker) sampled() error {
	p := m.p
	if len(p.weights) > 0 && len(p.weights) != len(p.ends) {
		return m.f.e.Syntax(p.at, fmt.Sprintf("%d samples with %d weights", len(p.ends), len(p.weights)), nil)
	}
	from := uint32(0)
	for i, end := range p.ends {
		st := p.stacks[from:end]
		if from = end; len(st) == 0 {
			continue // nothing ran
		}
		w := 1.0
		if len(p.weights) > 0 {
			w = p.weights[i]
		}
		if err := m.add(st, w, -1); err != nil {
			return err
		}
	}
	return nil
}

func (m *maker) evented() error {
	var open []uint32
	last := m.p.start
	for i, ev := range m.p.events {
		if ev.at < last {
			return m.f.e.Syntax(m.p.at, fmt.Sprintf("event %d is at %g, before the one before it", i, ev.at), nil)
		}
		if len(open) > 0 {
			if err := m.add(open, ev.at-last, last); err != nil {
				return err
			}
		}
		last = ev.at
		switch n := len(open); {
		case ev.open && n >= m.f.e.Limits.Depth: // each event costs as much as its stack is deep
			return m.f.e.Limit(format.LimitDepth, int64(m.f.e.Limits.Depth), m.p.at)
		case ev.open:
			open = append(open, ev.frame)
		case n == 0 || open[n-1] != ev.frame:
			return m.f.e.Syntax(m.p.at, fmt.Sprintf("event %d closes frame %d, which is not the innermost open one", i, ev.frame), nil)
		default:
			open = open[:n-1]
		}
	}
	if len(open) > 0 && m.p.end > last {
		m.f.e.Warn.Add(m.p.at, "%d frames are not closed", len(open))
		return m.add(open, m.p.end-last, last)
	}
	return nil
}
