package format

import (
	"io"
	"sync"
)

// Whole is all of an input in memory. Free gives the memory back: nothing may
// refer to Data any more, strings have to be copies.
type Whole struct {
	Data []byte
	pool *[]byte
}

var wholes = sync.Pool{New: func() any { return new([]byte) }}

// keepWhole is the largest buffer kept for the next input.
const keepWhole = 16 << 20

// ReadWhole reads r to its end, at most l.Memory bytes. A *bytes.Buffer is not
// copied. What came before an error is in Data too.
func ReadWhole(name string, r io.Reader, l Limits) (*Whole, error) {
	l = l.Filled()
	limit := &LimitError{Format: name, Limit: LimitMemory, Max: l.Memory}
	if w, ok := r.(whole); ok {
		data := w.Bytes()
		if int64(len(data)) > l.Memory {
			return &Whole{}, limit
		}
		return &Whole{Data: data}, nil
	}
	pool := wholes.Get().(*[]byte)
	buf := (*pool)[:0]
	w := &Whole{pool: pool}
	for {
		if len(buf) == cap(buf) {
			grown := make([]byte, len(buf), max(64<<10, 2*cap(buf)))
			copy(grown, buf)
			buf = grown
		}
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		w.Data = buf
		switch {
		case int64(len(buf)) > l.Memory:
			return w, limit
		case err == io.EOF:
			return w, nil
		case err != nil:
			return w, err
		}
	}
}

// Free ends the use of Data.
func (w *Whole) Free() {
	if w.pool != nil && cap(w.Data) <= keepWhole {
		*w.pool = w.Data[:0]
		wholes.Put(w.pool)
	}
	w.Data, w.pool = nil, nil
}
