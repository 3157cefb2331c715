package tacho

import "fmt"

// ValueType is what a profile measures and in which unit.
type ValueType struct {
	Name string // one word: cpu, offcpu, alloc, lock, …
	Unit string // nanoseconds, bytes, count
}

// The value types Tacho's own collectors produce. "wall" is not stored: it is
// the sum of cpu and offcpu, and is answered from both.
var (
	CPU    = ValueType{"cpu", "nanoseconds"}
	OffCPU = ValueType{"offcpu", "nanoseconds"}
	Wall   = ValueType{"wall", "nanoseconds"}
	Alloc  = ValueType{"alloc", "bytes"}
	Lock   = ValueType{"lock", "nanoseconds"}
)

// Thread is one thread of a target.
type Thread struct {
	ID     int64  // as the host's kernel numbers it, 0 if unknown (virtual threads)
	JavaID int64  // the runtime's own id, 0 if unknown
	Name   string // full name
	Group  string // name with digits folded (http-nio-8080-exec-#) or a runtime group (JIT C2, GC, VM)
}

// Sample is one observation of a stack. Stack and Thread index the tables of
// the Batch it belongs to.
type Sample struct {
	Time   int64 // Unix nanoseconds: when observed; for waits, when the wait ended. 0 = untimed
	Value  int64 // in the unit of the profile's type; never negative
	Stack  uint32
	Thread uint32
	Span   uint64 // span id the thread was serving, 0 if unknown
}

// Profile is the samples of one value type in the batch's window. A profile
// without samples says "recorded, and nothing happened".
type Profile struct {
	Type    ValueType
	Samples []Sample
}

// FrameRef is a Frame whose strings are indexes into Batch.Strings.
type FrameRef struct {
	Function, File, Module uint32
	Line                   int32
	Kind                   FrameKind
}

// Point is one value of a series.
type Point struct {
	Time  int64 // Unix nanoseconds
	Value float64
}

// Series is a named sequence of points of the batch's target. Names follow
// OpenTelemetry's semantic conventions (jvm.memory.used) where one exists.
type Series struct {
	Name   string
	Unit   string
	Labels Labels // beside the target's, e.g. {thread_group="GC"}
	Points []Point
}

// Event is a fact with a time and a duration: a GC pause, a compilation, a
// safepoint, throttling, a deploy, a clock step, lost data.
type Event struct {
	Time     int64  // Unix nanoseconds of its start
	Duration int64  // nanoseconds, 0 for an instant
	Kind     string // dotted word: gc.pause, jit.compilation, safepoint, clock.step, recorder.gap
	Name     string // short human text: "G1 Evacuation Pause"
	Thread   string
	Attrs    Labels
}

// Batch is everything one collector saw of one target in one window
// [From, Until). It is the unit of delivery: a store keeps it whole or not at
// all, and a batch with equal Target, Collector, From and Sequence replaces the
// one stored before, so that a sender may retry as often as it likes. The time
// of every timed sample lies in the window.
//
// Tables are local to the batch; Strings[0] is "" and Stacks hold indexes into
// Frames, leaf first. Use a Builder to fill them.
//
// A batch may come without Strings, Frames and Stacks: then Tables is set and has
// them, and StackHashes says what the stacks are. Whoever needs the tables calls
// Load first, which costs nothing where they are there already.
type Batch struct {
	Target    Labels // must have service_name and instance
	Collector string // who saw it: "jvm", "proc", "demo", …
	From      int64  // Unix nanoseconds
	Until     int64
	Sequence  uint64

	Strings  []string
	Frames   []FrameRef
	Stacks   [][]uint32
	Threads  []Thread
	Profiles []Profile
	Series   []Series
	Events   []Event

	Tables Deferred // nil: the tables are there
	// StackHashes are the hashes of all stacks as the sender has written them, not
	// compared with the stacks; nil when Tables is nil.
	StackHashes []StackHash
}

// Deferred is the tables of a batch that nobody may ever need: a store that knows
// all stacks by their hashes does not.
type Deferred interface {
	// Load sets Strings, Frames and Stacks of the batch, checked, or says what is
	// wrong with them and sets nothing.
	Load(*Batch) error
	// Unload takes them away again, and their memory.
	Unload(*Batch)
	// Bytes is the memory that is held while they are not loaded.
	Bytes() int
}

// Load makes sure that Strings, Frames and Stacks are there.
func (b *Batch) Load() error {
	if b.Tables == nil || len(b.Strings) > 0 { // no loaded batch is without strings
		return nil
	}
	return b.Tables.Load(b)
}

// Unload gives back what Load has made; of another batch, nothing. No string of
// the tables may be used any more.
func (b *Batch) Unload() {
	if b.Tables != nil && len(b.Strings) > 0 {
		b.Tables.Unload(b)
	}
}

// Frame resolves one entry of the frame table.
func (b *Batch) Frame(i uint32) Frame {
	r := b.Frames[i]
	return Frame{Function: b.Strings[r.Function], File: b.Strings[r.File], Module: b.Strings[r.Module], Line: r.Line, Kind: r.Kind}
}

// Stack resolves one entry of the stack table.
func (b *Batch) Stack(i uint32) Stack {
	s := make(Stack, len(b.Stacks[i]))
	for k, f := range b.Stacks[i] {
		s[k] = b.Frame(f)
	}
	return s
}

// Validate reports the first reason for which the batch cannot be stored. A
// batch from the network is untrusted: every index is checked. It loads the
// tables.
func (b *Batch) Validate() error {
	if err := b.ValidateHeader(); err != nil {
		return err
	}
	if err := b.Load(); err != nil {
		return err
	}
	if len(b.Strings) == 0 || b.Strings[0] != "" {
		return fmt.Errorf("batch string table must start with the empty string")
	}
	ns, nf, nk, nt := uint32(len(b.Strings)), uint32(len(b.Frames)), uint32(len(b.Stacks)), uint32(len(b.Threads))
	for i := range b.Frames {
		if f := &b.Frames[i]; max(f.Function, f.File, f.Module) >= ns {
			return fmt.Errorf("batch frame %d: string index out of %d", i, ns)
		}
	}
	for i, s := range b.Stacks {
		if len(s) == 0 {
			return fmt.Errorf("batch stack %d is empty", i)
		}
		// Most of the work: no branch a frame.
		top := uint32(0)
		for _, f := range s {
			top = max(top, f)
		}
		if top >= nf {
			return fmt.Errorf("batch stack %d: frame index %d out of %d", i, top, nf)
		}
	}
	for _, p := range b.Profiles {
		if p.Type.Name == "" || p.Type.Unit == "" {
			return fmt.Errorf("batch profile without type or unit")
		}
		for i := range p.Samples {
			switch s := &p.Samples[i]; {
			case s.Stack >= nk:
				return fmt.Errorf("batch %s sample %d: stack index %d out of %d", p.Type.Name, i, s.Stack, nk)
			case s.Thread >= nt:
				return fmt.Errorf("batch %s sample %d: thread index %d out of %d", p.Type.Name, i, s.Thread, nt)
			case s.Time != 0 && (s.Time < b.From || s.Time >= b.Until):
				return fmt.Errorf("batch %s sample %d: time %d outside the window [%d, %d)", p.Type.Name, i, s.Time, b.From, b.Until)
			case s.Value < 0:
				return fmt.Errorf("batch %s sample %d: negative value %d", p.Type.Name, i, s.Value)
			}
		}
	}
	return nil
}

// ValidateHeader is the part of Validate that is about target and window. A decoder
// that has held every index against its table while reading, and looked at the
// first string, needs no more.
func (b *Batch) ValidateHeader() error {
	if b.Target.Get(LabelService) == "" || b.Target.Get(LabelInstance) == "" {
		return fmt.Errorf("batch target %s: labels %s and %s are required", b.Target, LabelService, LabelInstance)
	}
	for i := 1; i < len(b.Target); i++ {
		if b.Target[i-1].Name >= b.Target[i].Name {
			return fmt.Errorf("batch target %s: labels not sorted or %q twice", b.Target, b.Target[i].Name)
		}
	}
	if b.From <= 0 || b.Until < b.From {
		return fmt.Errorf("batch window [%d, %d) is not a time range", b.From, b.Until)
	}
	return nil
}
