package ingest

import (
	"bytes"
	"io"
	"sync"

	"tacho"
	"tacho/wire"
)

// Bodies are read into memory that is used again.
var bodyPool = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooledBody is the largest body whose memory is kept.
const maxPooledBody = 2 << 20

// readBody reads a body of so many bytes, -1 when that is not known. The caller
// has a share of the budget for bodies, and calls free when it needs the bytes no
// more.
func readBody(r io.Reader, length int64) (raw []byte, free func(), err error) {
	buf := bodyPool.Get().(*bytes.Buffer)
	buf.Reset()
	if length > 0 {
		buf.Grow(int(length) + bytes.MinRead) // so that the end is found without growing
	}
	_, err = buf.ReadFrom(r)
	return buf.Bytes(), func() {
		if buf.Cap() <= maxPooledBody {
			bodyPool.Put(buf)
		}
	}, err
}

// decodeBatches decodes a body, for a store that may need no tables without them:
// then raw belongs to the batches. Their memory is given back by Release of the
// reader, which is for those who know that they are stored.
func decodeBatches(raw []byte, lim wire.Limits, lazy bool) (*wire.Reader, []*tacho.Batch, error) {
	rd := wire.NewBytesReader(raw, lim)
	if lazy {
		rd = wire.NewLazyReader(raw, lim)
	}
	var batches []*tacho.Batch
	for {
		b, err := rd.Next()
		if err == io.EOF {
			return rd, batches, nil
		}
		if err != nil {
			return rd, nil, err
		}
		batches = append(batches, b)
	}
}
