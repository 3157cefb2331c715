package jfr

import (
	"errors"
	"fmt"
)

// ErrNotJFR says that the bytes do not begin with a JFR chunk.
var ErrNotJFR = errors.New("not a JFR recording: no chunk magic FLR\\0 at the start")

// Options say which events are wanted and how much memory foreign bytes may
// make us use. The zero value wants every event and has the default limits.
type Options struct {
	Events []string // names of the event types wanted (jdk.ExecutionSample); nil = all
	Limits Limits
}

// Limits bound what one chunk may cost. Zero fields have the defaults given.
type Limits struct {
	// MaxChunk bounds the bytes of one chunk, and so the buffer Decode needs when
	// its reader cannot seek. Default 1 GiB; never more than 4 GiB.
	MaxChunk int64
	// MaxConstants bounds the constants of all pools of one chunk. Default 8 Mi.
	MaxConstants int
	// MaxString cuts longer strings, in bytes. Default 1 MiB.
	MaxString int
}

// withDefaults fills the zero fields.
func (l Limits) withDefaults() Limits {
	if l.MaxChunk <= 0 {
		l.MaxChunk = 1 << 30
	}
	l.MaxChunk = min(l.MaxChunk, 1<<32-1) // offsets in a chunk are kept in 32 bits
	if l.MaxConstants <= 0 {
		l.MaxConstants = 8 << 20
	}
	if l.MaxString <= 0 {
		l.MaxString = 1 << 20
	}
	return l
}

// SyntaxError says where a recording stops making sense. Everything before
// Offset that could be read has been delivered.
type SyntaxError struct {
	Chunk  int   // 0-based; 0 in a Tail
	Offset int64 // in bytes from the start of the input (of the chunk in a Tail)
	Msg    string
	Limit  int64 // Limits.MaxChunk where that is what it goes over, else 0
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("JFR chunk %d, offset %d: %s", e.Chunk, e.Offset, e.Msg)
}
