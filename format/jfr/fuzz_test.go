package jfr

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
)

func seeds(f *testing.F) {
	f.Add(built(false))
	f.Add(built(true))
	f.Add(append(built(false), built(true)...))
	f.Add(deepConstants(10))
	f.Add(built(false)[:300])
	if small := smallFile(f); len(small) > 0 {
		f.Add(small)
	}
}

var fuzzOptions = Options{Limits: Limits{MaxChunk: 4 << 20, MaxConstants: 1 << 16, MaxString: 1 << 12}}

// FuzzDecode: whatever the bytes, no panic, an error of a known kind, and the
// same events by ReadAt and as a stream.
func FuzzDecode(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var events [2]int
		var sums [2]Summary
		for i, r := range []io.Reader{bytes.NewReader(data), io.MultiReader(bytes.NewReader(data))} {
			sum, err := Decode(context.Background(), r, fuzzOptions, func(e *Event) error {
				events[i]++
				return touch(e)
			})
			var syntax *SyntaxError
			if err != nil && !errors.Is(err, ErrNotJFR) && !errors.As(err, &syntax) {
				t.Fatalf("error of an unknown kind: %v", err)
			}
			if syntax != nil && !sum.Truncated {
				t.Fatalf("%v, but the summary says that nothing is lost", err)
			}
			if int64(events[i]) != sum.Events {
				t.Fatalf("visited %d events, summary says %d", events[i], sum.Events)
			}
			sums[i] = sum
		}
		if sums[0] != sums[1] {
			t.Fatalf("by ReadAt %+v, as a stream %+v", sums[0], sums[1])
		}
	})
}

// FuzzTail lets the bytes appear in two steps, the second with a new header.
func FuzzTail(f *testing.F) {
	f.Add(built(false), built(false), 200)
	f.Add(built(true), built(true), 300)
	f.Add(built(false), built(true), 100)
	for _, fixed := range []bool{false, true} {
		first, second := stages(fixed)
		f.Add(first, second, len(first))
	}
	f.Fuzz(func(t *testing.T, first, second []byte, cut int) {
		g := &growing{b: first}
		tail := NewTail(g, fuzzOptions)
		tail.nap = func() {}
		for range 2 {
			if _, err := tail.Poll(touch); err != nil {
				known(t, err)
			}
			if cut >= 0 && cut < len(second) {
				g.b = second[:cut]
				if _, err := tail.Poll(touch); err != nil {
					known(t, err)
				}
			}
			g.b = second
		}
	})
}

func known(t *testing.T, err error) {
	t.Helper()
	var syntax *SyntaxError
	if !errors.Is(err, ErrNotJFR) && !errors.As(err, &syntax) {
		t.Fatalf("error of an unknown kind: %v", err)
	}
}
