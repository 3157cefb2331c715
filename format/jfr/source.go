package jfr

import (
	"errors"
	"fmt"
	"io"
)

// source gives the bytes of a chunk by offset.
type source interface {
	// view returns the bytes from off on: at least need of them, more if that
	// costs nothing. They are valid until the next call. io.ErrUnexpectedEOF
	// when there are fewer.
	view(off int64, need int) ([]byte, error)
	// peek is view for a few bytes off the way: it does not give up what the last
	// view made cheap. Its bytes too are valid until the next call.
	peek(off int64, need int) ([]byte, error)
}

// maxPeek is the most that may be peeked at.
const maxPeek = 64

// readError is a failure of the reader, not of what it read.
type readError struct {
	off int64
	err error
}

func (e *readError) Error() string { return fmt.Sprintf("reading recording at %d: %v", e.off, e.err) }
func (e *readError) Unwrap() error { return e.err }

// readFailure returns the failure of the reader behind err, if any.
func readFailure(err error) error {
	var r *readError
	if errors.As(err, &r) {
		return r
	}
	return nil
}

// window reads a chunk through a buffer that is refilled where it is asked for
// bytes it does not have. It grows to the largest event asked for.
type window struct {
	r     io.ReaderAt
	base  int64 // of the chunk in r
	end   int64 // of the chunk, from base: nothing beyond it is read
	buf   []byte
	start int64 // offset of buf[0] in the chunk
	size  int   // how much to read at a time
	small [maxPeek]byte
}

const (
	fileWindow = 16 << 20  // takes a usual chunk, at most 12 MB, at once
	tailWindow = 256 << 10 // takes a usual flush at once
)

// reset moves the window to another chunk or another end of it.
func (w *window) reset(r io.ReaderAt, base, end int64) {
	w.r, w.base, w.end, w.buf = r, base, end, w.buf[:0]
}

func (w *window) view(off int64, need int) ([]byte, error) {
	if off >= w.start && off+int64(need) <= w.start+int64(len(w.buf)) {
		return w.buf[off-w.start:], nil
	}
	if off < 0 || need < 0 || off > w.end || int64(need) > w.end-off {
		return nil, io.ErrUnexpectedEOF
	}
	n := int(min(max(int64(need), int64(w.size)), w.end-off))
	// Bytes are asked for before they are known to exist: grow as they come.
	w.start, w.buf = off, w.buf[:0]
	for len(w.buf) < n {
		part := min(n-len(w.buf), max(w.size, len(w.buf)))
		if cap(w.buf) < len(w.buf)+part {
			w.buf = append(make([]byte, 0, len(w.buf)+part), w.buf...)
		}
		got, err := w.r.ReadAt(w.buf[len(w.buf):len(w.buf)+part], w.base+off+int64(len(w.buf)))
		w.buf = w.buf[:len(w.buf)+got]
		if got < part {
			short := err == nil || errors.Is(err, io.EOF)
			if short && len(w.buf) >= need {
				break
			}
			w.buf = w.buf[:0]
			if short {
				return nil, io.ErrUnexpectedEOF
			}
			return nil, &readError{w.base + off, err}
		}
	}
	return w.buf, nil
}

func (w *window) peek(off int64, need int) ([]byte, error) {
	if off >= w.start && off+int64(need) <= w.start+int64(len(w.buf)) {
		return w.buf[off-w.start:], nil
	}
	if off < 0 || need < 0 || need > maxPeek || off > w.end || int64(need) > w.end-off {
		return nil, io.ErrUnexpectedEOF
	}
	n, err := w.r.ReadAt(w.small[:need], w.base+off)
	switch {
	case n == need:
		return w.small[:n], nil
	case err == nil || errors.Is(err, io.EOF):
		return nil, io.ErrUnexpectedEOF
	}
	return nil, &readError{w.base + off, err}
}

// memory is a chunk that is in memory.
type memory []byte

func (m memory) view(off int64, need int) ([]byte, error) {
	if off < 0 || need < 0 || off > int64(len(m)) || int64(need) > int64(len(m))-off {
		return nil, io.ErrUnexpectedEOF
	}
	return m[off:], nil
}

func (m memory) peek(off int64, need int) ([]byte, error) { return m.view(off, need) }
