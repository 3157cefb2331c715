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
package format

import (
	"context"
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
	Limits     Limits
	Now        func() time.Time // nil: time.Now
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
}

// DefaultLimits fit a server that takes files from strangers.
func DefaultLimits() Limits {
	return Limits{
		Bytes: 4 << 30, StringLen: 64 << 10, Samples: 200_000, AllSamples: 200_000_000, Depth: 4096,
		Labels: 64, Series: 10_000, Strings: 4_000_000, Warnings: 100,
	}
}

// Report is what a Decode came to.
type Report struct {
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
	Limit  string // as in Limits: "depth", "decompressed bytes", "labels of a sample"
	Max    int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("%s: more than %d %s", e.Format, e.Max, e.Limit)
}
