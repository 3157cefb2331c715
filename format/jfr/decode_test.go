package jfr

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math"
	"os"
	"testing"
	"testing/iotest"

	"tacho"
)

func TestDecodeBuiltChunk(t *testing.T) {
	for name, fixed := range map[string]bool{"compressed": false, "fixed": true} {
		t.Run(name, func(t *testing.T) {
			n := 0
			sum, err := Decode(context.Background(), bytes.NewReader(built(fixed)), Options{}, func(e *Event) error {
				n++
				switch n {
				case 1:
					checkSample(t, e)
				case 2:
					checkWait(t, e)
				case 3:
					if e.Thread != nil || e.Stack != nil {
						t.Errorf("constants the chunk does not have became %v, %v", e.Thread, e.Stack)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if want := (Summary{Chunks: 1, Events: 3, Start: builtStart, End: builtStart + 10_000}); sum != want {
				t.Errorf("got %+v, want %+v", sum, want)
			}
		})
	}
}

func checkSample(t *testing.T, e *Event) {
	t.Helper()
	if e.Type.Name != "jdk.ExecutionSample" || e.Time != builtStart+1000 || e.Duration != 0 {
		t.Errorf("got %s at %d for %d", e.Type.Name, e.Time, e.Duration)
	}
	if want := (Thread{OSID: 4711, JavaID: 23, OSName: "thread-os", JavaName: "worker"}); e.Thread == nil || *e.Thread != want || e.Thread.Name() != "worker" {
		t.Errorf("got thread %+v, want %+v", e.Thread, want)
	}
	if e.Stack == nil || len(e.Stack.Frames) != 2 {
		t.Fatalf("got stack %+v, want two frames", e.Stack)
	}
	leaf, root := e.Stack.Frames[0], e.Stack.Frames[1]
	if want := (tacho.Frame{Function: "com.acme.Foo$Bar.run", File: "Foo.java", Line: 42, Kind: tacho.KindJIT}); leaf.Tacho() != want {
		t.Errorf("got leaf %+v, want %+v", leaf.Tacho(), want)
	}
	if want := (tacho.Frame{Function: "com.acme.Main.main", File: "Main.java", Kind: tacho.KindInterpreted}); root.Tacho() != want {
		t.Errorf("got root %+v, want %+v", root.Tacho(), want)
	}
	leaf.m = nil
	if want := (Frame{Class: "com.acme.Foo$Bar", Method: "run", Descriptor: "(I)V", Line: 42, BCI: 3, Type: "JIT compiled"}); leaf != want {
		t.Errorf("got leaf %+v, want %+v", leaf, want)
	}
	if root.Line != -1 || root.BCI != 5 {
		t.Errorf("got root line %d, bci %d, want -1, 5", root.Line, root.BCI)
	}
}

func checkWait(t *testing.T, e *Event) {
	t.Helper()
	if e.Type.Name != "test.Wait" || e.Time != builtStart+2000 || e.Duration != 3000 || e.Stack != nil {
		t.Errorf("got %s at %d for %d, stack %v", e.Type.Name, e.Time, e.Duration, e.Stack)
	}
	if e.Thread == nil || e.Thread.Name() != "VM Thread" {
		t.Errorf("got thread %+v, want the VM Thread", e.Thread)
	}
	for field, want := range map[string]int64{"timeout": 250e6, "signed": -5, "unsigned": math.MaxUint32 - 4, "space.used": 1 << 33, "eventThread.osThreadId": 4712} {
		if got, ok := e.Int(field); !ok || got != want {
			t.Errorf("Int(%s) = %d, %t, want %d", field, got, ok, want)
		}
	}
	for field, want := range map[string]string{"text": "héllo", "eventThread": "VM Thread", "space.owner": "com.acme.Foo$Bar", "signed": "-5", "space.owner.name": "com/acme/Foo$Bar"} {
		if got, ok := e.String(field); !ok || got != want {
			t.Errorf("String(%s) = %q, %t, want %q", field, got, ok, want)
		}
	}
	for field, want := range map[string]float64{"ratio": 0.25, "signed": -5} {
		if got, ok := e.Float(field); !ok || got != want {
			t.Errorf("Float(%s) = %g, %t, want %g", field, got, ok, want)
		}
	}
	for _, field := range []string{"", "none", "numbers", "numbers.x", "text.x", "space.none", ".", "space."} {
		if v, ok := e.Int(field); ok {
			t.Errorf("Int(%q) = %d, want nothing", field, v)
		}
	}
	if _, ok := e.String("numbers"); ok {
		t.Error("an array has no text")
	}
}

// TestReadersAgree decodes the same bytes through ReadAt, as a stream of whole
// reads and as one of single bytes.
func TestReadersAgree(t *testing.T) {
	small := smallFile(t)
	data := append(append(bytes.Clone(small), built(true)...), small...)
	var want []string
	sum, err := Decode(context.Background(), bytes.NewReader(data), Options{}, func(e *Event) error { want = append(want, line(e)); return nil })
	if err != nil || sum.Chunks != 3 {
		t.Fatalf("%+v, %v", sum, err)
	}
	for name, r := range map[string]io.Reader{
		"stream": io.MultiReader(bytes.NewReader(data)),
		"bytes":  iotest.OneByteReader(bytes.NewReader(data)),
		"eof":    iotest.DataErrReader(bytes.NewReader(data)),
	} {
		i := 0
		got, err := Decode(context.Background(), r, Options{}, func(e *Event) error {
			if i >= len(want) || line(e) != want[i] {
				t.Fatalf("%s: event %d differs", name, i)
			}
			i++
			return nil
		})
		if err != nil || got != sum {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, sum)
		}
	}
}

func TestOnlyWantedEvents(t *testing.T) {
	data := smallFile(t)
	all := map[string]int64{}
	if _, err := Decode(context.Background(), bytes.NewReader(data), Options{}, func(e *Event) error { all[e.Type.Name]++; return nil }); err != nil {
		t.Fatal(err)
	}
	// As jfr summary counts them in testdata/small.jfr.
	if all["jdk.ExecutionSample"] != 20 || all["jdk.FileRead"] != 171 || all["load.Late"] != 7 {
		t.Errorf("got %v", all)
	}
	total := int64(0)
	for _, n := range all {
		total += n
	}
	sum, err := Decode(context.Background(), bytes.NewReader(data), Options{Events: []string{"jdk.ExecutionSample", "load.Late"}}, func(e *Event) error {
		if n := e.Type.Name; n != "jdk.ExecutionSample" && n != "load.Late" {
			t.Errorf("got an event of %s, which nobody wanted", n)
		}
		return nil
	})
	if err != nil || sum.Events != 27 || sum.Skipped != total-27 {
		t.Errorf("got %+v, %v, want 27 events of %d", sum, err, total)
	}
}

func TestErrorsOfOthers(t *testing.T) {
	mine := errors.New("mine")
	n := 0
	sum, err := Decode(context.Background(), bytes.NewReader(built(false)), Options{}, func(*Event) error { n++; return mine })
	if err != mine || n != 1 || sum.Events != 1 {
		t.Errorf("visit's error: got %v after %d events, %+v", err, n, sum)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Decode(ctx, bytes.NewReader(built(false)), Options{}, func(*Event) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
	broken := io.MultiReader(bytes.NewReader(built(false)[:200]), iotest.ErrReader(mine))
	if _, err := Decode(context.Background(), broken, Options{}, func(*Event) error { return nil }); !errors.Is(err, mine) {
		t.Errorf("broken reader: got %v", err)
	}
}

func TestNotARecording(t *testing.T) {
	for _, s := range []string{"", "FL", "hello, world", "\x1f\x8b\x08\x00", "PK\x03\x04"} {
		if _, err := Decode(context.Background(), bytes.NewReader([]byte(s)), Options{}, nil); !errors.Is(err, ErrNotJFR) {
			t.Errorf("%q: got %v, want ErrNotJFR", s, err)
		}
	}
	old := built(false)
	old[5] = 0
	old[4] = 0
	var syntax *SyntaxError
	if _, err := Decode(context.Background(), bytes.NewReader(old), Options{}, nil); !errors.As(err, &syntax) || syntax.Msg != "version 0.0 is not supported, only 1.x and 2.x are (JDK 9 and later)" {
		t.Errorf("version 0.0: got %v", err)
	}
}

// TestSteadyStateAllocatesNothing reads events whose constants have been
// resolved.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	data := smallFile(t)
	c := newChunk(Options{})
	h, err := parseHeader(data)
	if err != nil {
		t.Fatal(err)
	}
	d := &decoder{ctx: context.Background(), chunk: c, v: visitor{visit: func(*Event) error { return nil }}}
	if err := d.contents(h, memory(data), h.size); err != nil {
		t.Fatal(err)
	}
	fields := []string{"state", "objectClass", "weight", "path", "cause", "heapSpace.committedSize"}
	var sink int64
	d.v.visit = func(e *Event) error {
		for _, f := range fields {
			s, _ := e.String(f)
			sink += int64(len(s))
			if s == "" {
				n, _ := e.Int(f)
				sink += n
			}
		}
		if e.Stack != nil {
			for i := range e.Stack.Frames {
				sink += int64(len(e.Stack.Frames[i].Tacho().Function))
			}
		}
		return nil
	}
	src := source(memory(data))
	for _, name := range []string{"jdk.ExecutionSample", "jdk.ThreadPark", "jdk.NativeMethodSample", "jdk.GarbageCollection"} {
		for _, ty := range c.meta.all {
			ty.wanted = ty.Name == name
		}
		events := d.v.events
		run := func() {
			if _, syntax, err := c.deliver(context.Background(), src, headerSize, h.size, &d.v); syntax != nil || err != nil {
				t.Fatal(syntax, err)
			}
		}
		if n := testing.AllocsPerRun(5, run); n != 0 {
			t.Errorf("%s: %.0f allocations, want none", name, n)
		}
		if d.v.events == events {
			t.Errorf("no events of %s", name)
		}
	}
}

func smallFile(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/small.jfr")
	if err != nil {
		t.Fatal(err)
	}
	return data
}
