package format

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"tacho/internal/inflate"
)

// Input is what Open made of a reader: its bytes, decompressed and bounded.
// Close gives back what the decompression held, not the reader.
type Input struct {
	io.Reader
	Head        []byte   // the first SniffLen bytes, fewer only when there are no more
	Compression []string // outermost first: "gzip", "zstd", "lz4"
	close       []func()
}

// Close ends the reading. It may be called twice.
func (in *Input) Close() {
	for i := len(in.close) - 1; i >= 0; i-- {
		in.close[i]()
	}
	in.close = nil
	in.Reader = errReader{errors.New("read after Close")}
}

// nested is how deep compression may lie in compression: a gzipped file sent
// with Content-Encoding: zstd is usual, more is not.
const nested = 2

// Open finds out by content what an input is compressed with, at most twice
// over, and bounds what comes out at l.Bytes: reading on is a *LimitError.
// Input that is not compressed keeps its Seek and ReadAt, or its Bytes, so that
// a decoder can do without a copy.
func Open(r io.Reader, l Limits) (*Input, error) {
	l = l.Filled()
	in := &Input{}
	if err := in.open(r, l); err != nil {
		in.Close()
		return nil, err
	}
	return in, nil
}

func (in *Input) open(r io.Reader, l Limits) error {
	r, head, err := peek(r, l)
	if err != nil {
		return err
	}
	for depth := 0; ; depth++ {
		kind := compression(head)
		if kind == "" || depth == nested {
			break
		}
		if w, ok := r.(whole); ok && kind == "gzip" {
			if plain := in.inflate(w.Bytes(), l); plain != nil {
				in.Compression = append(in.Compression, kind)
				if r, head, err = peek(plain, l); err != nil {
					return err
				}
				continue
			}
		}
		base := &source{r: r}
		from := io.Reader(base)
		if w, ok := r.(whole); ok { // nothing to go wrong with, and inflating from memory is faster
			from = bytes.NewReader(w.Bytes())
		}
		d, err := in.decompress(kind, from)
		if err != nil {
			return base.explain(kind, 0, err)
		}
		in.Compression = append(in.Compression, kind)
		if r, head, err = peek(&decompressed{r: d, base: base, kind: kind, max: l.Bytes}, l); err != nil {
			return err
		}
	}
	in.Reader, in.Head = r, head
	return nil
}

// compression is what the first bytes of an input are compressed with, "" for
// nothing we know.
func compression(head []byte) string {
	switch {
	case len(head) >= 3 && head[0] == 0x1f && head[1] == 0x8b && head[2] == 8:
		return "gzip" // RFC 1952
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return "zstd" // RFC 8878
	case bytes.HasPrefix(head, []byte{0x04, 0x22, 0x4d, 0x18}):
		return "lz4" // lz4_Frame_format.md
	}
	return ""
}

// A window of a zstd frame is memory its sender chooses.
const zstdWindow = 32 << 20

var gzips = sync.Pool{New: func() any { return new(gzip.Reader) }}

func (in *Input) decompress(kind string, r io.Reader) (io.Reader, error) {
	switch kind {
	case "gzip":
		z := gzips.Get().(*gzip.Reader)
		if err := z.Reset(r); err != nil {
			gzips.Put(z)
			return nil, err
		}
		in.close = append(in.close, func() { gzips.Put(z) })
		return z, nil
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, err
		}
		in.close = append(in.close, z.Close)
		return z, nil
	}
	return lz4.NewReader(r), nil
}

var inflaters = sync.Pool{New: func() any { return new(inflate.Decoder) }}

// inflate decompresses gzip from memory to memory, which takes half the time of
// a stream and all the room at once: only what says it is small. nil: it is
// not, or it is damaged, and a stream will say where.
func (in *Input) inflate(data []byte, l Limits) *bytes.Buffer {
	if len(data) < 18 {
		return nil
	}
	size := int64(binary.LittleEndian.Uint32(data[len(data)-4:])) // of the last member
	if size > min(keepWhole, l.Bytes, l.Memory) || size > 1032*int64(len(data)) {
		return nil
	}
	d := inflaters.Get().(*inflate.Decoder)
	defer inflaters.Put(d)
	pool := wholes.Get().(*[]byte)
	out, err := d.Gzip((*pool)[:0], data, int(size))
	*pool = out[:0]
	if err != nil {
		wholes.Put(pool)
		return nil
	}
	in.close = append(in.close, func() { wholes.Put(pool) })
	return bytes.NewBuffer(out)
}

// source remembers an error of the outer reader, to tell a broken connection
// from broken bytes.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

func (s *source) explain(kind string, at int64, err error) error {
	if s.err != nil {
		return s.err
	}
	return &SyntaxError{Format: kind, Position: fmt.Sprintf("byte %d of the decompressed input", at), Reason: "cannot be decompressed further", Err: err}
}

// decompressed counts and bounds what comes out of a decompressor.
type decompressed struct {
	r    io.Reader
	base *source
	kind string
	n    int64
	max  int64
}

func (d *decompressed) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if d.n += int64(n); d.n > d.max {
		return max(n-int(d.n-d.max), 0), &LimitError{Format: d.kind, Limit: LimitBytes, Max: d.max}
	}
	if err != nil && err != io.EOF {
		err = d.base.explain(d.kind, d.n, err)
	}
	return n, err
}

type errReader struct{ err error }

func (e errReader) Read([]byte) (int, error) { return 0, e.err }
