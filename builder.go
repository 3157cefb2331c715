package tacho

import "encoding/binary"

// Builder fills a Batch, keeping its tables free of duplicates. Not safe for
// concurrent use; Take hands the batch over and starts an empty one.
type Builder struct {
	b       Batch
	strings map[string]uint32
	frames  map[FrameRef]uint32
	stacks  map[string]uint32
	threads map[Thread]uint32
	types   map[string]int
	key     []byte
	bytes   int // what the tables hold, roughly
}

// NewBuilder starts an empty batch.
func NewBuilder() *Builder {
	x := &Builder{}
	x.reset()
	return x
}

func (x *Builder) reset() {
	x.b = Batch{Strings: []string{""}}
	x.strings = map[string]uint32{"": 0}
	x.frames = map[FrameRef]uint32{}
	x.stacks = map[string]uint32{}
	x.threads = map[Thread]uint32{}
	x.types = map[string]int{}
	x.bytes = 0
}

// Bytes is roughly what the tables of the batch take in memory, for those who
// must hand it over before it grows too large.
func (x *Builder) Bytes() int { return x.bytes }

func (x *Builder) str(s string) uint32 {
	id, ok := x.strings[s]
	if !ok {
		id = uint32(len(x.b.Strings))
		x.strings[s] = id
		x.b.Strings = append(x.b.Strings, s)
		x.bytes += len(s) + 64
	}
	return id
}

// Frame interns one frame.
func (x *Builder) Frame(f Frame) uint32 {
	r := FrameRef{x.str(f.Function), x.str(f.File), x.str(f.Module), f.Line, f.Kind}
	id, ok := x.frames[r]
	if !ok {
		id = uint32(len(x.b.Frames))
		x.frames[r] = id
		x.b.Frames = append(x.b.Frames, r)
		x.bytes += 64
	}
	return id
}

// Stack interns a stack, leaf first.
func (x *Builder) Stack(s Stack) uint32 {
	ids := make([]uint32, len(s))
	for i, f := range s {
		ids[i] = x.Frame(f)
	}
	return x.StackOf(ids)
}

// StackOf interns a stack of already interned frames, leaf first. It keeps ids.
func (x *Builder) StackOf(ids []uint32) uint32 {
	x.key = x.key[:0]
	for _, f := range ids {
		x.key = binary.AppendUvarint(x.key, uint64(f))
	}
	id, ok := x.stacks[string(x.key)]
	if !ok {
		id = uint32(len(x.b.Stacks))
		x.stacks[string(x.key)] = id
		x.b.Stacks = append(x.b.Stacks, ids)
		x.bytes += 4*len(ids) + len(x.key) + 64
	}
	return id
}

// FindStack is the id of a stack that is there already. It does not keep ids.
func (x *Builder) FindStack(ids []uint32) (id uint32, ok bool) {
	x.key = x.key[:0]
	for _, f := range ids {
		x.key = binary.AppendUvarint(x.key, uint64(f))
	}
	id, ok = x.stacks[string(x.key)]
	return id, ok
}

// Thread interns a thread.
func (x *Builder) Thread(t Thread) uint32 {
	id, ok := x.threads[t]
	if !ok {
		id = uint32(len(x.b.Threads))
		x.threads[t] = id
		x.b.Threads = append(x.b.Threads, t)
	}
	return id
}

// Declare says that a type was recorded in this window, whether or not samples
// follow: the difference between "idle" and "not recorded".
func (x *Builder) Declare(t ValueType) *Profile {
	i, ok := x.types[t.Name]
	if !ok {
		i = len(x.b.Profiles)
		x.types[t.Name] = i
		x.b.Profiles = append(x.b.Profiles, Profile{Type: t})
	}
	return &x.b.Profiles[i]
}

// Sample adds one sample.
func (x *Builder) Sample(t ValueType, s Sample) {
	p := x.Declare(t)
	p.Samples = append(p.Samples, s)
}

// Series adds one series.
func (x *Builder) Series(s Series) { x.b.Series = append(x.b.Series, s) }

// Event adds one event.
func (x *Builder) Event(e Event) { x.b.Events = append(x.b.Events, e) }

// Take returns the batch with its identity set, and starts an empty one.
func (x *Builder) Take(target Labels, collector string, from, until int64, sequence uint64) *Batch {
	b := x.b
	b.Target, b.Collector, b.From, b.Until, b.Sequence = target, collector, from, until, sequence
	x.reset()
	return &b
}
