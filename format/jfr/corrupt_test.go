package jfr

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"testing"
)

// repeater decodes variants of a recording, thousands of them, without
// compiling their types and allocating buffers for each anew.
type repeater struct {
	c  *chunk
	in fileInput
}

func newRepeater() *repeater { return &repeater{c: newChunk(Options{})} }

func (r *repeater) decode(data []byte, visit func(*Event) error) (Summary, error) {
	r.in.r, r.in.at, r.in.end = bytes.NewReader(data), 0, int64(len(data))
	d := &decoder{ctx: context.Background(), in: &r.in, chunk: r.c, v: visitor{visit: visit}}
	err := d.run()
	d.sum.Events, d.sum.Skipped, d.sum.Damaged = d.v.events, d.v.skipped, d.v.damaged
	if err == nil && d.first != nil {
		err = d.first
	}
	return d.sum, err
}

// touch reads all of an event, as a careless caller would.
func touch(e *Event) error {
	for i := range e.Type.fields {
		f := e.Type.fields[i].name
		e.Int(f)
		e.Float(f)
		e.String(f)
	}
	if e.Thread != nil {
		_ = e.Thread.Name()
	}
	if e.Stack != nil {
		for i := range e.Stack.Frames {
			e.Stack.Frames[i].Tacho()
		}
	}
	return nil
}

// TestCutAnywhere cuts recordings at every offset. What is left is decoded as
// far as it goes, and never silently: a shorter recording gives fewer events or
// the same, and says that it is cut.
func TestCutAnywhere(t *testing.T) {
	for name, data := range map[string][]byte{"built": built(false), "fixed": built(true), "real": smallFile(t)} {
		c := newRepeater()
		whole, err := c.decode(data, touch)
		if err != nil || whole.Truncated {
			t.Fatalf("%s: whole: %+v, %v", name, whole, err)
		}
		most := int64(0)
		for n := range len(data) {
			sum, err := c.decode(data[:n], touch)
			var syntax *SyntaxError
			switch {
			case n < 4:
				if !errors.Is(err, ErrNotJFR) {
					t.Fatalf("%s cut at %d: got %v, want ErrNotJFR", name, n, err)
				}
			case !errors.As(err, &syntax) || !sum.Truncated || sum.TruncatedAt > int64(n) || syntax.Offset > int64(n):
				t.Fatalf("%s cut at %d: got %+v, %v", name, n, sum, err)
			case sum.Events+sum.Skipped < most-1 || sum.Events > whole.Events:
				t.Fatalf("%s cut at %d: %d events, had %d when shorter, whole %d", name, n, sum.Events, most, whole.Events)
			}
			most = max(most, sum.Events+sum.Skipped)
		}
		if most < whole.Events-1 {
			t.Errorf("%s: at most %d events of %d before the last byte", name, most, whole.Events)
		}
	}
}

// TestAnyByteWrong changes single bytes. Nothing panics, and nothing makes the
// decoder allocate what the size of the recording does not justify.
func TestAnyByteWrong(t *testing.T) {
	for name, data := range map[string][]byte{"built": built(false), "fixed": built(true), "real": smallFile(t)} {
		step := 1
		if len(data) > 10_000 {
			step = 271
		}
		for first, change := range []func(byte) byte{
			func(b byte) byte { return b ^ 0xff },
			func(b byte) byte { return b ^ 0x80 },
			func(b byte) byte { return b + 1 },
			func(byte) byte { return 0x7f },
			func(byte) byte { return 0 },
		} {
			c := newRepeater()
			bad := bytes.Clone(data)
			for at := 11 * first % step; at < len(data); at += step {
				bad[at] = change(data[at])
				before := allocated()
				_, _ = c.decode(bad, touch)
				if used := allocated() - before; used > 24<<20+200*uint64(len(data)) {
					t.Errorf("%s with byte %d wrong: allocated %d MB", name, at, used>>20)
				}
				bad[at] = data[at]
			}
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// TestDamageInTheMiddle leaves what is before and after a damaged chunk.
func TestDamageInTheMiddle(t *testing.T) {
	good := built(false)
	bad := bytes.Clone(good)
	w := newBuilder(false)
	w.metadata(builtTypes)
	first := len(w.b) // the first event, in good too
	bad[first] = 0    // size 0: what follows in the chunk cannot be found
	data := append(append(bytes.Clone(good), bad...), good...)
	n := 0
	sum, err := Decode(context.Background(), bytes.NewReader(data), Options{}, func(*Event) error { n++; return nil })
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || *syntax != (SyntaxError{Chunk: 1, Offset: int64(len(good) + first), Msg: "event has an impossible size"}) {
		t.Errorf("got %#v", err)
	}
	if n != 6 || sum.Chunks != 3 || sum.Events != 6 || !sum.Truncated || sum.TruncatedAt != int64(len(good)+first) {
		t.Errorf("got %d events, %+v, want those of two chunks", n, sum)
	}

	// An event that ends inside a field costs only itself.
	w.event(tSample, func() { w.long(builtTicks) })
	w.sample(builtTicks+2000, 7, 5)
	w.constants()
	w.flush(stateFinished, 0, 10)
	sum, err = Decode(context.Background(), bytes.NewReader(w.b), Options{}, func(*Event) error { return nil })
	if !errors.As(err, &syntax) || syntax.Msg != "event ends inside a field" || syntax.Offset != int64(first) || sum.Events != 1 || sum.Damaged != 1 {
		t.Errorf("got %+v, %v", sum, err)
	}
}

// TestCopyOfALiveChunk is what a copy of the repository of a running or killed
// JVM is: flushed up to a point, with more behind it.
func TestCopyOfALiveChunk(t *testing.T) {
	w := newBuilder(false)
	w.metadata(builtTypes)
	w.sample(builtTicks+2000, 7, 5)
	w.constants()
	w.flush(3, 0, 10_000)
	flushed := len(w.b)
	data := append(w.b, 0x20, 0x64, 0x01)
	for name, r := range map[string]io.Reader{"file": bytes.NewReader(data), "stream": io.MultiReader(bytes.NewReader(data))} {
		sum, err := Decode(context.Background(), r, Options{}, func(*Event) error { return nil })
		if want := (Summary{Chunks: 1, Events: 1, Start: builtStart, End: builtStart + 10_000, Truncated: true, TruncatedAt: int64(flushed)}); err != nil || sum != want {
			t.Errorf("%s: got %+v, %v, want %+v", name, sum, err, want)
		}
	}
	// Killed before its first flush: the header knows nothing.
	clear(data[8:32])
	data[15] = headerSize
	data = data[:flushed]
	sum, err := Decode(context.Background(), bytes.NewReader(data), Options{}, func(e *Event) error {
		if e.Stack == nil || len(e.Stack.Frames) != 2 {
			t.Errorf("got stack %v", e.Stack)
		}
		return nil
	})
	if err != nil || sum.Events != 1 || !sum.Truncated {
		t.Errorf("never flushed: got %+v, %v", sum, err)
	}
}

func TestLimits(t *testing.T) {
	var syntax *SyntaxError
	_, err := Decode(context.Background(), bytes.NewReader(built(false)), Options{Limits: Limits{MaxChunk: 1000}}, func(*Event) error { return nil })
	if !errors.As(err, &syntax) || syntax.Offset != 8 {
		t.Errorf("MaxChunk: got %v", err)
	}
	sum, err := Decode(context.Background(), bytes.NewReader(built(false)), Options{Limits: Limits{MaxConstants: 7}}, func(e *Event) error { return touch(e) })
	if !errors.As(err, &syntax) || syntax.Msg != "more than 7 constants in one chunk" || sum.Events != 3 {
		t.Errorf("MaxConstants: got %+v, %v", sum, err)
	}
	_, err = Decode(context.Background(), bytes.NewReader(built(false)), Options{Limits: Limits{MaxString: 64}}, func(e *Event) error { return touch(e) })
	if err != nil {
		t.Errorf("MaxString: %v", err)
	}
}

// deepConstants is a chunk whose classes are named by other classes, each by
// the next, and the last by the first.
func deepConstants(n int) []byte {
	types := append([]builtType{}, builtTypes...)
	for i := range types {
		if types[i].id == tClass {
			types[i].fields = []builtField{{name: "name", typ: tClass, constant: true}}
		}
	}
	w := newBuilder(false)
	w.metadata(types)
	w.wait(builtTicks, 1, 7, func() { w.u8(strNull) })
	w.checkpoint(func() {
		w.pool(tClass, n)
		for i := range n {
			w.long(int64(i + 1))
			w.long(int64((i+1)%n + 1))
		}
	})
	w.flush(stateFinished, 0, 1)
	return w.b
}

func TestConstantsInACircle(t *testing.T) {
	for _, n := range []int{1, 2, 100_000} {
		sum, err := Decode(context.Background(), bytes.NewReader(deepConstants(n)), Options{}, touch)
		if err != nil || sum.Events != 1 {
			t.Errorf("%d classes: %+v, %v", n, sum, err)
		}
	}
}

// TestTypesThatExplode are types that contain themselves, or so many of each
// other that their plan would never end.
func TestTypesThatExplode(t *testing.T) {
	self := append([]builtType{{200, "test.Self", []builtField{{name: "me", typ: 200}}}}, builtTypes...)
	many := append([]builtType{}, builtTypes...)
	for i := range 10 {
		fields := make([]builtField, 10)
		for k := range fields {
			fields[k] = builtField{name: "f", typ: 201 + i}
		}
		many = append(many, builtType{200 + i, "test.Many", fields})
	}
	many = append(many, builtType{210, "test.Last", []builtField{{name: "i", typ: tInt}}})
	dangling := append([]builtType{{200, "test.Dangling", []builtField{{name: "x", typ: 999}}}}, builtTypes...)
	for want, types := range map[string][]builtType{
		"metadata: type test.Self is nested deeper than 12, or in itself":        self,
		"metadata: types expand to more than 1048576 fields":                     many,
		"metadata: field x of test.Dangling has type 999, which is not declared": dangling,
	} {
		w := newBuilder(false)
		w.metadata(types)
		w.flush(stateFinished, 0, 1)
		var syntax *SyntaxError
		if _, err := Decode(context.Background(), bytes.NewReader(w.b), Options{}, touch); !errors.As(err, &syntax) || syntax.Msg != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
