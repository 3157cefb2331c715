// Package format is the contract of everything that reads profiles from foreign
// files and streams, and the words its decoders share.
//
// A decoder lives in a room of its own below (format/pprof, format/collapsed,
// …), is listed by format/all, and passes format/formattest. The steps:
//
//  1. Sniff looks at the first bytes, decompressed, and never at a name.
//  2. Decode reads on, interning into a tacho.Builder, and emits a batch for
//     each target and label set it finds, at the latest when the batch holds
//     Limits.Samples samples.
//  3. What could be read before an error has been emitted; the error says where
//     the input stopped making sense. What was merely odd is a Warning.
//
// Foreign bytes never panic, never allocate by a length that was not checked,
// and never cost more memory than Limits allow.
//
// What decoders share, so that each is little more than its grammar:
//
//	Open      what gzip, zstd and lz4 are around the input, and its first bytes
//	Whole     all of an input whose parts refer to each other, in memory, bounded
//	Lines     the lines of an input, numbered, bounded
//	Emitter   label sets, samples and windows → batches of bounded size
//	Warnings  of which the first are kept and the rest counted
//
// A room exports one function, Decoder() format.Decoder, and keeps its wire
// format, drawn, in its package comment. docs/add-a-format.md walks through one.
package format

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"tacho"
)

// SniffLen is how many bytes Sniff gets, fewer only when the input is shorter.
const SniffLen = 4096

// Decoder reads one format.
type Decoder struct {
	Name  string // one word, as in URLs and labels: "pprof"
	Title string // for people: "pprof profile.proto"
	// Sniff says whether input starting with head is in this format. head is
	// decompressed, and all of the input if shorter than SniffLen.
	Sniff func(head []byte) bool
	// Decode reads r to its end, which is decompressed when it was gzip, zstd or
	// lz4. emit takes ownership of the batch; its error ends the decoding.
	Decode func(ctx context.Context, r io.Reader, o Options, emit func(*tacho.Batch) error) (Report, error)
}

// Options say what the input itself does not.
type Options struct {
	Target tacho.Labels // of every batch; label sets in the input are added to it
	// From and Until are the window of input without times. Zero: the input's
	// own times, else Now less its duration.
	From, Until time.Time
	// Type is what the values of formats measure that do not say
	// (collapsed, perf script); zero: samples in count.
	Type tacho.ValueType
	// SampleRate turns counts of samples into time where the sender says so
	// (Pyroscope's sampleRate and units), in samples a second; 0: leave them.
	SampleRate int
	// Collector of every batch; empty: the decoder's name. Sequence is that of
	// the first batch, those that follow count up: with both and the window a
	// store knows a batch that is sent again from another one.
	Collector string
	Sequence  uint64
	Limits    Limits
	Now       func() time.Time // nil: time.Now
}

// Limits bound what one input may cost. Zero values mean DefaultLimits.
type Limits struct {
	Bytes      int64 // decompressed input
	StringLen  int   // of one name, file or label; longer is an error
	Samples    int   // of one batch; more are emitted in several
	AllSamples int64 // of one input
	Depth      int   // frames of one stack; deeper keeps the leaf end and says so
	Labels     int   // of one sample
	Series     int   // label sets of one input
	Strings    int   // different strings held at a time
	Warnings   int   // kept; further ones are counted
	Memory     int64 // bytes of an input that can only be read whole (pprof, speedscope)
	LineLen    int   // bytes of one line of a text format
}

// DefaultLimits fit a server that takes files from strangers.
func DefaultLimits() Limits {
	return Limits{
		Bytes: 4 << 30, StringLen: 64 << 10, Samples: 200_000, AllSamples: 200_000_000, Depth: 4096,
		Labels: 64, Series: 10_000, Strings: 4_000_000, Warnings: 100,
		Memory: 256 << 20, LineLen: 4 << 20,
	}
}

// Filled is l with DefaultLimits where it is zero.
func (l Limits) Filled() Limits {
	d := DefaultLimits()
	fill(&l.Bytes, d.Bytes)
	fill(&l.StringLen, d.StringLen)
	fill(&l.Samples, d.Samples)
	fill(&l.AllSamples, d.AllSamples)
	fill(&l.Depth, d.Depth)
	fill(&l.Labels, d.Labels)
	fill(&l.Series, d.Series)
	fill(&l.Strings, d.Strings)
	fill(&l.Warnings, d.Warnings)
	fill(&l.Memory, d.Memory)
	fill(&l.LineLen, d.LineLen)
	return l
}

func fill[T int | int64](p *T, def T) {
	if *p <= 0 {
		*p = def
	}
}

// Report is what a Decode came to.
type Report struct {
	Format   string // name of the decoder
	Samples  int64
	Batches  int
	Warnings []Warning
	Dropped  int // warnings beyond Limits.Warnings
}

// Warning is something odd that did not stop the reading.
type Warning struct {
	Position string // "line 12", "byte 4711"
	Text     string
}

// SyntaxError says where an input stopped making sense.
type SyntaxError struct {
	Format   string
	Position string // "line 12", "byte 4711"
	Reason   string
	Err      error // of a library that read it, may be nil
}

func (e *SyntaxError) Error() string {
	s := fmt.Sprintf("%s: %s: %s", e.Format, e.Position, e.Reason)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *SyntaxError) Unwrap() error { return e.Err }

// LimitError says which limit an input went over.
type LimitError struct {
	Format string
	Limit  string // one of the Limit… words
	Max    int64
	// Position is where, "" if that says nothing.
	Position string
}

func (e *LimitError) Error() string {
	if e.Position != "" {
		return fmt.Sprintf("%s: %s: more than %d %s", e.Format, e.Position, e.Max, e.Limit)
	}
	return fmt.Sprintf("%s: more than %d %s", e.Format, e.Max, e.Limit)
}

// The words of LimitError.Limit, a Limits field each.
const (
	LimitBytes      = "decompressed bytes"   // Limits.Bytes
	LimitStringLen  = "bytes of a name"      // Limits.StringLen
	LimitAllSamples = "samples"              // Limits.AllSamples
	LimitDepth      = "frames of a stack"    // Limits.Depth; a warning where cutting keeps sense
	LimitLabels     = "labels of a sample"   // Limits.Labels
	LimitSeries     = "label sets"           // Limits.Series
	LimitMemory     = "bytes held in memory" // Limits.Memory
	LimitLineLen    = "bytes of a line"      // Limits.LineLen
	LimitStrings    = "names held in memory" // Limits.Strings, where they cannot be given away
)

// ErrUnknown is what Open's readers and format/all answer to input in no format
// they know.
var ErrUnknown = errors.New("no decoder knows this input")
