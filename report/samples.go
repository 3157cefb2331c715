package report

import (
	"strconv"

	"tacho"
	"tacho/store"
)

// Samples is the answer of /api/v1/samples: raw timed samples with the tables
// they index.
type Samples struct {
	Unit      string        `json:"unit"`
	Strings   []string      `json:"strings"`
	Frames    SampleFrames  `json:"frames"`
	Stacks    [][]uint32    `json:"stacks"` // indexes into Frames, leaf first
	Threads   []Thread      `json:"threads"`
	Instances []string      `json:"instances"`
	Samples   SampleColumns `json:"samples"`
	Missing   []string      `json:"missing"`
}

// SampleFrames are the calls; Function and File index Strings, Kind is the
// number of the kind.
type SampleFrames struct {
	Function []uint32 `json:"function"`
	File     []uint32 `json:"file"`
	Line     []int32  `json:"line"`
	Kind     []uint16 `json:"kind"`
}

// Thread is one thread.
type Thread struct {
	ID     int64  `json:"id"`
	JavaID int64  `json:"java_id"`
	Name   string `json:"name"`
	Group  string `json:"group"`
}

// SampleColumns are the samples; Stack, Thread and Instance index the tables.
type SampleColumns struct {
	Time     []NanoTime `json:"time_ns"`
	Value    []int64    `json:"value"`
	Stack    []uint32   `json:"stack"`
	Thread   []uint32   `json:"thread"`
	Instance []uint32   `json:"instance"`
}

// NanoTime is Unix nanoseconds. It is a string in JSON: JavaScript's numbers
// end at 2^53.
type NanoTime int64

// MarshalJSON writes the number in quotes.
func (t NanoTime) MarshalJSON() ([]byte, error) {
	return append(strconv.AppendInt([]byte{'"'}, int64(t), 10), '"'), nil
}

// UnmarshalJSON reads the number in quotes, or without.
func (t *NanoTime) UnmarshalJSON(b []byte) error {
	if n := len(b); n >= 2 && b[0] == '"' && b[n-1] == '"' {
		b = b[1 : n-1]
	}
	v, err := strconv.ParseInt(string(b), 10, 64)
	*t = NanoTime(v)
	return err
}

// Count is the number of samples so far.
func (x *SamplesBuilder) Count() int { return len(x.v.Samples.Time) }

// SamplesBuilder makes a Samples of blocks as a store visits them, giving every
// table one numbering across the trees of the blocks.
type SamplesBuilder struct {
	v         *Samples
	tables    *tacho.Builder // frames and stacks, each once
	instances map[string]uint32
	threads   map[tacho.Thread]uint32
}

// NewSamples starts an answer without samples.
func NewSamples(unit string) *SamplesBuilder {
	return &SamplesBuilder{
		v: &Samples{
			Unit: unit, Threads: []Thread{}, Instances: []string{}, Missing: []string{},
			Samples: SampleColumns{Time: []NanoTime{}, Value: []int64{}, Stack: []uint32{}, Thread: []uint32{}, Instance: []uint32{}},
		},
		tables:    tacho.NewBuilder(),
		instances: map[string]uint32{},
		threads:   map[tacho.Thread]uint32{},
	}
}

// Add copies the samples of a block. Nothing of it is kept.
func (x *SamplesBuilder) Add(b *store.SampleBlock) {
	instance := intern(x.instances, b.Target.Get(tacho.LabelInstance), &x.v.Instances, func(s string) string { return s })
	stacks := map[uint32]uint32{}
	threads := make([]uint32, len(b.Threads))
	for i, t := range b.Threads {
		threads[i] = intern(x.threads, t, &x.v.Threads, func(t tacho.Thread) Thread {
			return Thread{ID: t.ID, JavaID: t.JavaID, Name: t.Name, Group: t.Group}
		})
	}
	out := &x.v.Samples
	for _, s := range b.Samples {
		id, ok := stacks[s.Stack]
		if !ok {
			id = x.tables.Stack(b.Tree.Stack(s.Stack))
			stacks[s.Stack] = id
		}
		out.Time = append(out.Time, NanoTime(s.Time))
		out.Value = append(out.Value, s.Value)
		out.Stack = append(out.Stack, id)
		out.Thread = append(out.Thread, threads[s.Thread])
		out.Instance = append(out.Instance, instance)
	}
}

func intern[K comparable, V any](ids map[K]uint32, k K, table *[]V, view func(K) V) uint32 {
	id, ok := ids[k]
	if !ok {
		id = uint32(len(*table))
		ids[k] = id
		*table = append(*table, view(k))
	}
	return id
}

// Done gives the answer; the builder is of no use afterwards.
func (x *SamplesBuilder) Done() *Samples {
	t := x.tables.Take(nil, "", 0, 0, 0)
	n := len(t.Frames)
	f := SampleFrames{Function: make([]uint32, n), File: make([]uint32, n), Line: make([]int32, n), Kind: make([]uint16, n)}
	for i, r := range t.Frames {
		f.Function[i], f.File[i], f.Line[i], f.Kind[i] = r.Function, r.File, r.Line, uint16(r.Kind)
	}
	x.v.Strings, x.v.Frames, x.v.Stacks = t.Strings, f, full(t.Stacks)
	return x.v
}

// AppendJSON appends the answer.
func (v *Samples) AppendJSON(b []byte) []byte {
	b = append(b, '{')
	b = appendStringMember(b, "unit", v.Unit)
	b = appendStrings(b, "strings", v.Strings)
	b = append(appendKey(b, "frames"), '{')
	b = appendInts(b, "function", v.Frames.Function)
	b = appendInts(b, "file", v.Frames.File)
	b = appendInts(b, "line", v.Frames.Line)
	b = appendInts(b, "kind", v.Frames.Kind)
	b = append(b, '}')
	b = appendArrays(b, "stacks", v.Stacks)
	b = append(appendKey(b, "threads"), '[')
	for i, t := range v.Threads {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = appendIntMember(b, "id", t.ID)
		b = appendIntMember(b, "java_id", t.JavaID)
		b = appendStringMember(b, "name", t.Name)
		b = appendStringMember(b, "group", t.Group)
		b = append(b, '}')
	}
	b = append(b, ']')
	b = appendStrings(b, "instances", v.Instances)
	b = append(appendKey(b, "samples"), '{')
	b = append(appendKey(b, "time_ns"), '[')
	for i, t := range v.Samples.Time {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendInt(append(b, '"'), int64(t), 10), '"')
	}
	b = append(b, ']')
	b = appendInts(b, "value", v.Samples.Value)
	b = appendInts(b, "stack", v.Samples.Stack)
	b = appendInts(b, "thread", v.Samples.Thread)
	b = appendInts(b, "instance", v.Samples.Instance)
	b = append(b, '}')
	b = appendStrings(b, "missing", v.Missing)
	return append(b, '}')
}
