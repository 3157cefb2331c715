package wire

import "fmt"

// Limits bound what Decode and Reader accept. Zero means no room at all, so
// start from DefaultLimits.
type Limits struct {
	Compressed   int // bytes of one encoded batch
	Decompressed int // bytes of its two sections
	Strings      int // entries of the string table
	StringLen    int // bytes of any one string
	Frames       int
	Stacks       int
	Depth        int // frames of one stack; deeper ones are refused, not cut
	Threads      int
	Profiles     int
	Samples      int // of all profiles together
	Series       int
	Points       int // of all series together
	Events       int
	Labels       int // of one identity
	Stream       int // bytes of the sections of all batches a Reader gives out
}

// DefaultLimits fit a batch of a few seconds of a very busy JVM a hundred times
// over. Depth is the deepest stack JFR can be told to record.
func DefaultLimits() Limits {
	return Limits{
		Compressed:   4 << 20,
		Decompressed: 20 << 20,
		Strings:      1 << 18,
		StringLen:    64 << 10,
		Frames:       1 << 18,
		Stacks:       1 << 18,
		Depth:        2048,
		Threads:      1 << 16,
		Profiles:     64,
		Samples:      1 << 20,
		Series:       5000,
		Points:       1 << 20,
		Events:       1 << 17,
		Labels:       64,
		Stream:       64 << 20,
	}
}

// SyntaxError says why bytes are not a batch.
type SyntaxError struct {
	At     int64  // where the batch starts in the stream it was read from
	Offset int64  // in the batch, of the byte at which reading stopped
	Body   bool   // Offset counts in the decompressed body, not in the bytes sent
	Tables bool   // … in the second section of it, not in the first
	Msg    string // one sentence
	Limit  string // name of the Limits field that was exceeded, "" when malformed
}

func (e *SyntaxError) Error() string { return e.Msg + " (" + e.Position() + ")" }

// Position is where the error is, in words.
func (e *SyntaxError) Position() string {
	if e.Tables {
		return fmt.Sprintf("batch at byte %d, offset %d of its decompressed tables", e.At, e.Offset)
	}
	if e.Body {
		return fmt.Sprintf("batch at byte %d, offset %d of its decompressed body", e.At, e.Offset)
	}
	return fmt.Sprintf("batch at byte %d, offset %d", e.At, e.Offset)
}

func limitError(offset int64, name string, got uint64, limit int) *SyntaxError {
	return &SyntaxError{Offset: offset, Limit: name, Msg: fmt.Sprintf("%d exceeds the limit %s of %d", got, name, limit)}
}
