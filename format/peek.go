package format

import (
	"bytes"
	"io"
)

// whole is a reader that has all of its input in memory: *bytes.Buffer.
type whole interface{ Bytes() []byte }

// seeker is a file, and what else can be read from any place.
type seeker interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}

// peek reads the first bytes of an input without taking them from it. An error
// of the input after the first byte is left for who reads on.
func peek(r io.Reader, l Limits) (io.Reader, []byte, error) {
	if w, ok := r.(whole); ok {
		data := w.Bytes()
		if int64(len(data)) > l.Bytes {
			return nil, nil, &LimitError{Format: "input", Limit: LimitBytes, Max: l.Bytes}
		}
		return r, data[:min(len(data), SniffLen)], nil
	}
	head := make([]byte, SniffLen)
	if s, ok := r.(seeker); ok {
		at, err := s.Seek(0, io.SeekCurrent)
		end, err2 := s.Seek(0, io.SeekEnd)
		if err == nil && err2 == nil && at <= end { // not a pipe
			if _, err := s.Seek(at, io.SeekStart); err != nil {
				return nil, nil, err
			}
			if end-at > l.Bytes {
				return nil, nil, &LimitError{Format: "input", Limit: LimitBytes, Max: l.Bytes}
			}
			n, err := s.ReadAt(head[:min(SniffLen, end-at)], at)
			if err != nil && err != io.EOF {
				return nil, nil, err
			}
			return r, head[:n], nil
		}
	}
	n, err := 0, error(nil)
	for n < len(head) && err == nil { // io.ReadFull cannot tell a short input from a broken connection
		var k int
		k, err = r.Read(head[n:])
		n += k
	}
	head = head[:n]
	if err == io.EOF {
		return bytes.NewBuffer(head), head, nil
	}
	if err != nil && n == 0 {
		return nil, nil, err
	}
	rest := r
	if err != nil {
		rest = errReader{err}
	}
	if _, ok := r.(*decompressed); ok { // counts by itself
		return io.MultiReader(bytes.NewReader(head), rest), head, nil
	}
	return &bounded{r: io.MultiReader(bytes.NewReader(head), rest), max: l.Bytes}, head, nil
}

// bounded is an uncompressed stream of at most max bytes.
type bounded struct {
	r      io.Reader
	n, max int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.n += int64(n); b.n > b.max {
		return max(n-int(b.n-b.max), 0), &LimitError{Format: "input", Limit: LimitBytes, Max: b.max}
	}
	return n, err
}
