package jfr

import (
	"errors"
	"io"
)

// input is a recording being read chunk by chunk.
type input interface {
	// header reads up to the 68 bytes of the next chunk's header.
	header() ([]byte, error)
	// open makes the first size bytes of the chunk readable, its header included,
	// or as many as there are.
	open(size int64) (src source, have int64, err error)
	// next moves behind the first size bytes of the chunk.
	next(size int64)
}

// newInput reads through ReadAt where the reader can (a file, bytes.Reader), so
// that a chunk needs not be in memory, and else a chunk at a time.
func newInput(r io.Reader) input {
	if f, ok := r.(interface {
		io.ReaderAt
		io.Seeker
	}); ok {
		at, err := f.Seek(0, io.SeekCurrent)
		end, err2 := f.Seek(0, io.SeekEnd)
		if err == nil && err2 == nil && at <= end { // not a pipe
			return &fileInput{r: f, at: at, end: end}
		}
	}
	return &streamInput{r: r}
}

type fileInput struct {
	r       io.ReaderAt
	at, end int64
	w       window
	head    [headerSize]byte
}

func (f *fileInput) header() ([]byte, error) {
	n := int(min(headerSize, f.end-f.at))
	got, err := f.r.ReadAt(f.head[:n], f.at)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, &readError{f.at, err}
	}
	return f.head[:got], nil
}

func (f *fileInput) open(size int64) (source, int64, error) {
	have := min(size, f.end-f.at)
	f.w.reset(f.r, f.at, have)
	f.w.size = fileWindow
	if f.w.buf == nil { // once as large as it will usually be: chunks differ in size
		f.w.buf = make([]byte, 0, min(fileWindow, f.end-f.at))
	}
	return &f.w, have, nil
}

func (f *fileInput) next(size int64) { f.at += size }

type streamInput struct {
	r   io.Reader
	at  int64
	buf []byte
}

func (s *streamInput) header() ([]byte, error) {
	s.buf = s.buf[:0]
	if err := s.fill(headerSize); err != nil {
		return nil, err
	}
	return s.buf, nil
}

// firstBuffer is what a stream's buffer begins with.
const firstBuffer = 256 << 10

// fill reads until buf has size bytes or the input ends. The buffer at most
// doubles at a time: the size is only believed as far as bytes follow.
func (s *streamInput) fill(size int64) error {
	for int64(len(s.buf)) < size {
		if len(s.buf) == cap(s.buf) {
			s.buf = append(make([]byte, 0, min(size, int64(max(firstBuffer, 2*cap(s.buf))))), s.buf...)
		}
		n := int(min(size, int64(cap(s.buf))))
		got, err := io.ReadFull(s.r, s.buf[len(s.buf):n])
		s.buf = s.buf[:len(s.buf)+got]
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return &readError{s.at + int64(len(s.buf)), err}
		}
	}
	return nil
}

func (s *streamInput) open(size int64) (source, int64, error) {
	if err := s.fill(size); err != nil {
		return nil, 0, err
	}
	return memory(s.buf), int64(len(s.buf)), nil
}

func (s *streamInput) next(size int64) { s.at += size }
