package jfr

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// growing is a file as a JVM leaves it at some moment.
type growing struct {
	b      []byte
	onRead func()
}

func (g *growing) ReadAt(p []byte, off int64) (int, error) {
	if g.onRead != nil {
		g.onRead()
	}
	if off >= int64(len(g.b)) {
		return 0, io.EOF
	}
	n := copy(p, g.b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// stages are a chunk at its first flush and at its end. The second flush has
// new metadata with one more type, a thread renamed, another written again
// unchanged, and a stack more.
func stages(fixed bool) (first, second []byte) {
	w := newBuilder(fixed)
	w.metadata(builtTypes)
	w.sample(builtTicks+2000, 7, 5)
	w.sample(builtTicks+3000, 7, 5)
	w.constants()
	w.flush(2, 0, 2000)
	first = bytes.Clone(w.b)

	w.event(tLate, func() { w.long(builtTicks + 5000); w.str("declared after it was written") })
	w.metadata(append([]builtType{{tLate, "test.Late", []builtField{{name: "startTime", typ: tLong}, {name: "text", typ: tString}}}}, builtTypes...))
	w.sample(builtTicks+4000, 7, 5)
	w.sample(builtTicks+4400, 8, 6)
	w.checkpoint(func() {
		w.pool(tThread, 2)
		w.long(7)
		w.str("thread-os")
		w.long(4711)
		w.str("renamed")
		w.long(23)
		w.long(8)
		w.str("VM Thread")
		w.long(4712)
		w.u8(strNull)
		w.long(0)
	})
	w.checkpoint(func() {
		w.pool(tStack, 1)
		w.long(6)
		w.stack(300, 7)
	})
	w.flush(stateFinished, flagFinal, 5000)
	return first, w.b
}

func TestTailOfTwoFlushes(t *testing.T) {
	for name, fixed := range map[string]bool{"compressed": false, "fixed": true} {
		t.Run(name, func(t *testing.T) {
			first, second := stages(fixed)
			g := &growing{}
			tail := NewTail(g, Options{})
			var events []string
			var stacks []*Stack
			poll := func(wantEvents int, want TailState) {
				t.Helper()
				events, stacks = nil, nil
				got, err := tail.Poll(func(e *Event) error {
					name := ""
					if e.Thread != nil {
						name = " " + e.Thread.Name()
					}
					events = append(events, e.Type.Name+name)
					stacks = append(stacks, e.Stack)
					return nil
				})
				if err != nil || got != want || len(events) != wantEvents {
					t.Fatalf("got %+v, %v, events %q, want %+v and %d events", got, err, events, want, wantEvents)
				}
			}
			poll(0, TailState{}) // the file is empty
			empty := newBuilder(fixed)
			empty.flush(1, 0, 0)
			g.b = empty.b
			poll(0, TailState{Start: builtStart, Until: builtStart, Size: headerSize})

			g.b = first
			state := TailState{Start: builtStart, Until: builtStart + 2000, Size: int64(len(first))}
			poll(2, state)
			old := stacks[0]
			if events[0] != "jdk.ExecutionSample worker" || old == nil || len(old.Frames) != 2 || stacks[1] != old {
				t.Errorf("first flush: %q, stacks %p %p", events, stacks[0], stacks[1])
			}
			poll(0, state) // nothing new

			g.b = append(bytes.Clone(second[:68]), second[68:]...)
			g.b[64] = stateUpdating
			tries := 0
			tail.nap = func() { tries++ }
			poll(0, state) // being updated all the time: as it was
			if tries != headerTries {
				t.Errorf("looked %d times at a header being updated, want %d", tries, headerTries)
			}

			// The update ends between two looks.
			tail.nap = func() { g.b[64] = stateFinished }
			poll(3, TailState{Start: builtStart, Until: builtStart + 5000, Size: int64(len(second)), Finished: true, Final: true})
			if events[0] != "test.Late" || events[1] != "jdk.ExecutionSample renamed" || events[2] != "jdk.ExecutionSample VM Thread" {
				t.Errorf("second flush: %q", events)
			}
			if stacks[1] != old {
				t.Error("the stack of the first flush has another pointer in the second")
			}
			if s := stacks[2]; s == nil || len(s.Frames) != 1 || s.Frames[0].Method != "main" || s.Frames[0].Line != 7 {
				t.Errorf("got stack %+v", s)
			}
		})
	}
}

// TestTornHeader changes the header between any two readings of it: the tail
// must never act on a mix.
func TestTornHeader(t *testing.T) {
	first, second := stages(false)
	for at := range 4 {
		g := &growing{b: bytes.Clone(first)}
		reads := 0
		g.onRead = func() {
			if reads == at {
				// Half of the update: the new size with the old offsets.
				g.b = append(bytes.Clone(first), second[len(first):]...)
				copy(g.b[8:16], second[8:16])
				g.b[64] = stateUpdating
			}
			if reads == at+3 {
				g.b = bytes.Clone(second)
			}
			reads++
		}
		tail := NewTail(g, Options{})
		tail.nap = func() {}
		n := 0
		for range 3 {
			if _, err := tail.Poll(func(*Event) error { n++; return nil }); err != nil {
				t.Fatalf("update before read %d: %v", at, err)
			}
		}
		if n != 5 {
			t.Errorf("update before read %d: %d events, want 5", at, n)
		}
	}
}

func TestTailErrors(t *testing.T) {
	first, second := stages(false)
	mine := errors.New("mine")

	g := &growing{b: first}
	tail := NewTail(g, Options{})
	n := 0
	if _, err := tail.Poll(func(*Event) error { n++; return mine }); err != mine || n != 1 {
		t.Errorf("got %v after %d events", err, n)
	}
	if _, err := tail.Poll(func(*Event) error { n++; return nil }); err != nil || n != 2 {
		t.Errorf("going on: %v, %d events, want the second one only", err, n)
	}

	if _, err := NewTail(&growing{b: []byte("not a chunk")}, Options{}).Poll(nil); !errors.Is(err, ErrNotJFR) {
		t.Errorf("got %v, want ErrNotJFR", err)
	}

	// An event of size 0: the rest of this flush is lost, the next one is not.
	bad := bytes.Clone(first)
	w := newBuilder(false)
	w.metadata(builtTypes)
	bad[len(w.b)] = 0
	g = &growing{b: bad}
	tail = NewTail(g, Options{})
	n = 0
	count := func(*Event) error { n++; return nil }
	var syntax *SyntaxError
	if _, err := tail.Poll(count); !errors.As(err, &syntax) || syntax.Offset != int64(len(w.b)) || n != 0 {
		t.Errorf("got %v, %d events", err, n)
	}
	g.b = second
	if s, err := tail.Poll(count); err != nil || n != 3 || !s.Finished {
		t.Errorf("next flush: %+v, %v, %d events", s, err, n)
	}
	g.b = first
	if _, err := tail.Poll(count); !errors.As(err, &syntax) {
		t.Errorf("a chunk that shrank: got %v", err)
	}
}
