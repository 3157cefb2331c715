package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"tacho"
)

// Writer writes the body of a request: encoded batches, each behind its length.
type Writer struct {
	w   io.Writer
	buf []byte
}

// NewWriter writes to w, with one Write a batch.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write encodes and writes one batch.
func (w *Writer) Write(b *tacho.Batch) error { return w.WriteRaw(Encode(nil, b)) }

// WriteRaw writes a batch that Encode has made.
func (w *Writer) WriteRaw(encoded []byte) error {
	w.buf = AppendFramed(w.buf[:0], encoded)
	if _, err := w.w.Write(w.buf); err != nil {
		return fmt.Errorf("write batch of %d bytes: %w", len(encoded), err)
	}
	return nil
}

// AppendFramed appends one encoded batch as it stands in a request body.
func AppendFramed(dst, encoded []byte) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(encoded))), encoded...)
}

// Reader reads the body of a request.
type Reader struct {
	r    *bufio.Reader // nil: p holds all
	p    []byte
	lim  Limits
	off  int64 // bytes consumed
	left int   // decompressed bytes that may still come
	buf  []byte
	used []*tables
	lazy bool
}

// NewReader reads from r and refuses what exceeds the limits.
func NewReader(r io.Reader, lim Limits) *Reader {
	return &Reader{r: bufio.NewReader(r), lim: lim, left: lim.Stream}
}

// NewBytesReader is a Reader of a body that is in memory.
func NewBytesReader(p []byte, lim Limits) *Reader {
	return &Reader{p: p, lim: lim, left: lim.Stream}
}

// NewLazyReader is a Reader of a body that is in memory, and must stay there as it
// is for as long as the batches are used: they come without their tables, which
// tacho.Batch.Load reads. Load returns a *SyntaxError.
func NewLazyReader(p []byte, lim Limits) *Reader {
	return &Reader{p: p, lim: lim, left: lim.Stream, lazy: true}
}

// Next returns the next batch, io.EOF after the last. A *SyntaxError means
// that the bytes are at fault, any other error that they could not be read.
// Reading cannot go on after an error.
func (r *Reader) Next() (*tacho.Batch, error) {
	p, err := r.next()
	if err != nil {
		return nil, err
	}
	at := r.off - int64(len(p))
	b, err := r.decode(p, at)
	if err != nil {
		return nil, placed(err, at)
	}
	return b, nil
}

func (r *Reader) decode(p []byte, at int64) (*tacho.Batch, error) {
	s, err := split(p, r.lim)
	if err != nil {
		return nil, err
	}
	size := s.mainSize + s.tablesSize
	if size > r.left {
		return nil, limitError(int64(crcEnd), "Stream", uint64(r.lim.Stream-r.left+size), r.lim.Stream)
	}
	r.left -= size
	room := spare.Get().(*tables)
	r.used = append(r.used, room)
	if !r.lazy {
		return s.decode(room, r.lim)
	}
	b, amiss, err := s.readMain(room, r.lim)
	if err != nil {
		return nil, err
	}
	if amiss { // nobody will have it: what is missing is the words
		if err := s.readTables(b, true, room, r.lim); err != nil {
			return nil, err
		}
		b.StackHashes = nil
		return b, nil
	}
	b.Tables = &deferred{sections: s, at: at, lim: r.lim}
	return b, nil
}

// placed says where in the stream the batch is that is at fault.
func placed(err error, at int64) error {
	var se *SyntaxError
	if errors.As(err, &se) {
		se.At = at
	}
	return err
}

// Release gives back the memory of the batches that Next has returned. Nobody may
// use them any more, nor the strings of their string tables; other strings of
// theirs live on. Not calling it costs memory only. What tacho.Batch.Load has read
// is given back by Unload.
func (r *Reader) Release() {
	for _, t := range r.used {
		t.release()
	}
	r.used = nil
}

func (r *Reader) next() ([]byte, error) {
	at := r.off
	var size uint64
	for shift := 0; ; shift += 7 {
		c, err := r.readByte()
		if err == io.EOF && r.off == at {
			return nil, io.EOF
		}
		if err != nil {
			return nil, r.broken(at, "length of a batch", err)
		}
		r.off++
		if shift > 56 {
			return nil, &SyntaxError{At: at, Msg: "length of the batch is not a varint"}
		}
		size |= uint64(c&0x7f) << shift
		if c < 0x80 {
			break
		}
	}
	if size > uint64(max(r.lim.Compressed, 0)) {
		err := limitError(0, "Compressed", size, r.lim.Compressed)
		err.At = at
		return nil, err
	}
	p, err := r.read(int(size))
	r.off += int64(len(p))
	if err != nil {
		return nil, r.broken(at, fmt.Sprintf("batch of %d bytes", size), err)
	}
	return p, nil
}

func (r *Reader) readByte() (byte, error) {
	if r.r != nil {
		return r.r.ReadByte()
	}
	if len(r.p) == 0 {
		return 0, io.EOF
	}
	c := r.p[0]
	r.p = r.p[1:]
	return c, nil
}

// read returns n bytes, valid until the next call; with an error, as many as
// there are.
func (r *Reader) read(n int) ([]byte, error) {
	if r.r == nil {
		p := r.p[:min(n, len(r.p))]
		r.p = r.p[len(p):]
		if len(p) < n {
			return p, io.ErrUnexpectedEOF
		}
		return p, nil
	}
	r.buf = resize(r.buf, n)
	n, err := io.ReadFull(r.r, r.buf)
	return r.buf[:n], err
}

// broken tells a stream that is too short, which is the sender's fault, from a
// connection that failed.
func (r *Reader) broken(at int64, what string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &SyntaxError{At: at, Offset: r.off - at, Msg: "stream ends inside the " + what}
	}
	return fmt.Errorf("read %s at byte %d: %w", what, at, err)
}
