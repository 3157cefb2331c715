package wire

import (
	"sync"

	"tacho"
)

// tables is the memory of the large tables of a batch, the bytes of its strings
// included, to be used again for the next: at a million samples a second the
// collector would otherwise run for nothing else.
type tables struct {
	body    []byte // the second section, decompressed
	strings []string
	frames  []tacho.FrameRef
	ids     []uint32
	stacks  [][]uint32
	samples []tacho.Sample
	hashes  []tacho.StackHash
}

var spare = sync.Pool{New: func() any { return new(tables) }}

// take cuts n elements off s, or makes them where s has too few. They hold
// anything.
func take[T any](s *[]T, n int) []T {
	if cap(*s)-len(*s) < n {
		if len(*s) > 0 {
			return make([]T, n) // the second profile of a batch; the first keeps s
		}
		*s = make([]T, 0, n)
	}
	at := len(*s)
	*s = (*s)[:at+n]
	return (*s)[at : at+n : at+n]
}

// release gives the memory back, unless a giant has made it large.
func (t *tables) release() {
	if cap(t.body) > 4<<20 || cap(t.strings) > 1<<15 || cap(t.frames) > 1<<15 || cap(t.ids) > 1<<19 || cap(t.stacks) > 1<<15 || cap(t.samples) > 1<<15 || cap(t.hashes) > 1<<15 {
		return
	}
	clear(t.strings)
	clear(t.stacks)
	t.strings, t.frames, t.ids, t.stacks, t.samples, t.hashes = t.strings[:0], t.frames[:0], t.ids[:0], t.stacks[:0], t.samples[:0], t.hashes[:0]
	spare.Put(t)
}
