package cpuprofile

import (
	"math"
	"strconv"
	"strings"

	"tacho"
	"tacho/format"
)

// prof is one profile, whole or gathered from chunks.
type prof struct {
	nodes      []node
	children   []link
	samples    []int64 // ids of nodes
	deltas     []int64 // microseconds
	start, end int64
}

// node is a call; its parent is known from parent or from the parent's children.
type node struct {
	id, parent int64
	hasParent  bool
	frame      tacho.Frame
}

// link is a node's child, whose own entry may come later.
type link struct{ parent, child int64 }

type reader struct {
	e    *format.Emitter
	j    *format.JSON
	held int64
	all  []*prof
	byID map[string]*prof // of traces
}

func (r *reader) hold(n int) error {
	if r.held += int64(n); r.held > r.e.Limits.Memory {
		return r.e.Limit(format.LimitMemory, r.e.Limits.Memory, r.j.Position())
	}
	return nil
}

func (r *reader) read() error {
	c, err := r.j.Peek()
	if err != nil {
		return err
	}
	if c == '[' {
		if err := r.j.Array(r.traceEvent); err != nil {
			return err
		}
		return r.j.End()
	}
	p := &prof{}
	r.all = append(r.all, p)
	seen := false
	err = r.j.Object(func(key []byte) error {
		if string(key) == "traceEvents" {
			seen = true
			return r.j.Array(r.traceEvent)
		}
		known, err := r.field(p, key)
		seen = seen || known
		return err
	})
	if err != nil {
		return err
	}
	if !seen {
		return r.j.Bad("neither nodes nor traceEvents")
	}
	return r.j.End()
}

// field reads one field of a Profile.
func (r *reader) field(p *prof, key []byte) (known bool, err error) {
	switch string(key) {
	case "nodes":
		return true, r.j.Array(func() error { return r.node(p) })
	case "samples":
		return true, r.j.Array(func() error {
			id, err := r.j.Int()
			p.samples = append(p.samples, id)
			if err == nil {
				err = r.hold(8)
			}
			return err
		})
	case "timeDeltas":
		return true, r.j.Array(func() error {
			d, err := r.j.Int()
			p.deltas = append(p.deltas, d)
			if err == nil {
				err = r.hold(8)
			}
			return err
		})
	case "startTime":
		p.start, err = r.time()
		return true, err
	case "endTime":
		p.end, err = r.time()
		return true, err
	}
	return false, r.j.Skip()
}

// time is microseconds, which old profiles have with a fraction.
func (r *reader) time() (int64, error) {
	v, err := r.j.Number()
	if err == nil && (v < 0 || v > math.MaxInt64/4000) {
		err = r.j.Bad("time %g", v)
	}
	return int64(v), err
}

func (r *reader) node(p *prof) error {
	if len(p.nodes) >= r.e.Limits.Strings {
		return r.e.Limit(format.LimitStrings, int64(r.e.Limits.Strings), r.j.Position())
	}
	var n node
	hasID, from := false, len(p.children)
	err := r.j.Object(func(key []byte) (err error) {
		switch string(key) {
		case "id":
			n.id, err = r.j.Int()
			hasID = true
			return err
		case "parent":
			n.parent, err = r.j.Int()
			n.hasParent = true
			return err
		case "callFrame":
			return r.callFrame(&n.frame)
		case "children":
			return r.j.Array(func() error {
				child, err := r.j.Int()
				if err != nil {
					return err
				}
				p.children = append(p.children, link{child: child})
				return r.hold(16)
			})
		}
		return r.j.Skip()
	})
	if err != nil {
		return err
	}
	if !hasID {
		return r.j.Bad("node without an id")
	}
	for i := from; i < len(p.children); i++ {
		p.children[i].parent = n.id
	}
	p.nodes = append(p.nodes, n)
	return r.hold(160 + len(n.frame.Function) + len(n.frame.File))
}

func (r *reader) callFrame(f *tacho.Frame) error {
	err := r.j.Object(func(key []byte) error {
		switch string(key) {
		case "functionName":
			s, err := r.j.String()
			f.Function = string(s)
			return err
		case "url":
			s, err := r.j.String()
			f.File = strings.TrimPrefix(string(s), "file://")
			return err
		case "lineNumber":
			n, err := r.j.Int()
			if n >= 0 && n < math.MaxInt32 {
				f.Line = int32(n) + 1
			}
			return err
		}
		return r.j.Skip()
	})
	switch f.Function {
	case "":
		f.Function = "(anonymous)"
	case "(program)":
		f.Kind = tacho.KindNative
	case "(garbage collector)":
		f.Kind = tacho.KindGC
	}
	return err
}

// traceEvent reads one event of a trace. Which profile it belongs to may come
// behind what it brings.
func (r *reader) traceEvent() error {
	var pid, id, name string
	var chunk prof
	found := false
	err := r.j.Object(func(key []byte) error {
		switch string(key) {
		case "pid":
			n, err := r.j.Int()
			pid = strconv.FormatInt(n, 10)
			return err
		case "id":
			return r.text(&id)
		case "name":
			return r.text(&name)
		case "args":
			return r.inner("data", func() error { return r.data(&chunk, &found) })
		}
		return r.j.Skip()
	})
	if err != nil || !found && name != "Profile" {
		return err
	}
	key := pid + "/" + id
	p := r.byID[key]
	if p == nil {
		if len(r.byID) >= r.e.Limits.Series {
			return r.e.Limit(format.LimitSeries, int64(r.e.Limits.Series), r.j.Position())
		}
		p = &prof{}
		r.byID[key] = p
		r.all = append(r.all, p)
	}
	p.nodes = append(p.nodes, chunk.nodes...)
	p.children = append(p.children, chunk.children...)
	p.samples = append(p.samples, chunk.samples...)
	p.deltas = append(p.deltas, chunk.deltas...)
	if p.start == 0 {
		p.start = chunk.start
	}
	p.end = max(p.end, chunk.end)
	return nil
}

// data reads args.data of an event.
func (r *reader) data(chunk *prof, found *bool) error {
	if c, err := r.j.Peek(); err != nil || c != '{' {
		return r.j.Skip()
	}
	return r.j.Object(func(key []byte) error {
		switch string(key) {
		case "cpuProfile":
			*found = true
			return r.j.Object(func(key []byte) error {
				_, err := r.field(chunk, key)
				return err
			})
		case "timeDeltas":
			_, err := r.field(chunk, key)
			return err
		case "startTime", "endTime":
			if c, err := r.j.Peek(); err == nil && c != '"' && c != 'n' {
				_, err := r.field(chunk, key)
				return err
			}
		}
		return r.j.Skip()
	})
}

// inner reads one field of an object, if it is one.
func (r *reader) inner(name string, read func() error) error {
	if c, err := r.j.Peek(); err != nil || c != '{' {
		return r.j.Skip()
	}
	return r.j.Object(func(key []byte) error {
		if string(key) == name {
			return read()
		}
		return r.j.Skip()
	})
}

// text reads a string, if it is one.
func (r *reader) text(to *string) error {
	if c, err := r.j.Peek(); err != nil || c != '"' {
		return r.j.Skip()
	}
	s, err := r.j.String()
	*to = string(s)
	return err
}
