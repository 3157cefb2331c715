package report

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"tacho"
	"tacho/store"
)

// Export is the stacks of a selection with nothing folded or left out, ready to
// be written as a file other tools read. Each way of writing is a file of its
// own: export_pprof.go, export_collapsed.go, export_speedscope.go,
// export_svg.go and export_json.go.
//
// Stacks of different labels are kept apart: pprof and JSON give the labels
// back, the other formats have no place for them and add up.
type Export struct {
	Service     string
	Type        tacho.ValueType
	From, Until time.Time
	PeriodType  tacho.ValueType // what pprof calls the event that was counted; zero: Type
	Seconds     float64         // recorded time in the range, 0 if not known
	Notes       []string        // what a reader should know: how the selection was narrowed
	Missing     []string        // what could not be read

	frames  []tacho.Frame
	stacks  [][]uint32 // by stack id: indexes into frames, leaf first
	labels  []tacho.Labels
	samples []exportSample

	frameID map[tacho.Frame]uint32
	stackID map[string]uint32
	labelID map[string]uint32
	at      map[exportKey]int // index into samples
	key     []byte
}

type exportKey struct{ stack, labels uint32 }

type exportSample struct {
	exportKey
	value int64
}

// NewExport starts an empty file.
func NewExport(service string, typ tacho.ValueType, from, until time.Time) *Export {
	return &Export{
		Service: service, Type: typ, From: from, Until: until,
		frameID: map[tacho.Frame]uint32{}, stackID: map[string]uint32{}, labelID: map[string]uint32{}, at: map[exportKey]int{},
	}
}

// Add adds a value to a stack, leaf first, of a label set. Nothing is kept of
// the arguments but the strings and the labels.
func (e *Export) Add(labels tacho.Labels, s tacho.Stack, value int64) {
	if value != 0 && len(s) > 0 {
		e.add(e.label(labels), e.Stack(s), value)
	}
}

// Stack is the number of a stack, leaf first: equal stacks have equal numbers.
func (e *Export) Stack(s tacho.Stack) uint32 {
	e.key = e.key[:0]
	for i := range s {
		e.key = binary.AppendUvarint(e.key, uint64(e.frame(s[i])))
	}
	return e.keyed()
}

// AddPart adds what a store merged over one tree.
func (e *Export) AddPart(labels tacho.Labels, t *store.Tree, values []int64) {
	l := e.label(labels)
	frames := make([]uint32, len(t.Frames)) // id + 1
	for id, v := range values {
		if v == 0 {
			continue
		}
		e.key = e.key[:0]
		for n := t.Leaf[id]; n != 0; n = t.Parent[n] {
			f := t.Frame[n]
			if frames[f] == 0 {
				frames[f] = e.frame(t.Frames[f]) + 1
			}
			e.key = binary.AppendUvarint(e.key, uint64(frames[f]-1))
		}
		e.add(l, e.keyed(), v)
	}
}

func (e *Export) frame(f tacho.Frame) uint32 {
	id, ok := e.frameID[f]
	if !ok {
		id = uint32(len(e.frames))
		e.frameID[f] = id
		e.frames = append(e.frames, f)
	}
	return id
}

// keyed is the stack whose frames are in e.key.
func (e *Export) keyed() uint32 {
	id, ok := e.stackID[string(e.key)]
	if ok {
		return id
	}
	id = uint32(len(e.stacks))
	e.stackID[string(e.key)] = id
	var s []uint32
	for b := e.key; len(b) > 0; {
		f, n := binary.Uvarint(b)
		s, b = append(s, uint32(f)), b[n:]
	}
	e.stacks = append(e.stacks, s)
	return id
}

func (e *Export) label(ls tacho.Labels) uint32 {
	key := ls.String()
	id, ok := e.labelID[key]
	if !ok {
		id = uint32(len(e.labels))
		e.labelID[key] = id
		e.labels = append(e.labels, ls)
	}
	return id
}

func (e *Export) add(labels, stack uint32, value int64) {
	k := exportKey{stack, labels}
	i, ok := e.at[k]
	if !ok {
		i = len(e.samples)
		e.at[k] = i
		e.samples = append(e.samples, exportSample{exportKey: k})
	}
	e.samples[i].value += value
}

// Total is the sum of all values.
func (e *Export) Total() (sum int64) {
	for _, s := range e.samples {
		sum += s.value
	}
	return sum
}

// sums adds up the label sets: the value of each stack.
func (e *Export) sums() []int64 {
	out := make([]int64, len(e.stacks))
	for _, s := range e.samples {
		out[s.stack] += s.value
	}
	return out
}

// ExportFormat is one way to write an Export.
type ExportFormat struct {
	Name      string // as in ?format=
	Extension string // of a file's name
	MIME      string
	Binary    bool // not for a terminal
	write     func(*Export, io.Writer) error
}

// ExportFormats is every way to write an Export.
func ExportFormats() []ExportFormat {
	return []ExportFormat{
		{"pprof", ".pb.gz", "application/vnd.google.protobuf+gzip", true, (*Export).WritePprof},
		{"collapsed", ".collapsed.txt", "text/plain; charset=utf-8", false, (*Export).WriteCollapsed},
		{"speedscope", ".speedscope.json", "application/json", false, (*Export).WriteSpeedscope},
		{"svg", ".svg", "image/svg+xml", false, (*Export).WriteSVG},
		{"json", ".json", "application/json", false, (*Export).WriteJSON},
	}
}

// Write writes the export in the format.
func (f ExportFormat) Write(e *Export, w io.Writer) error {
	if err := f.write(e, w); err != nil {
		return fmt.Errorf("write the profile of %s as %s: %w", e.Service, f.Name, err)
	}
	return nil
}
