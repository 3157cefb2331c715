package jfr

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTailOfALiveJVM follows the chunks of a JVM from its repository while it
// writes them, and compares all it got with a decode of the recording the JVM
// leaves when it ends.
func TestTailOfALiveJVM(t *testing.T) {
	forEachJDK(t, func(t *testing.T, j jdk) {
		dir := t.TempDir()
		file, repository := filepath.Join(dir, "load.jfr"), filepath.Join(dir, "repository")
		cmd := j.load(t, 4000, file, repository)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()

		f := follower{t: t, glob: filepath.Join(repository, "*", "*.jfr")}
		defer f.close()
		for running := true; running; {
			select {
			case err := <-ended:
				if err != nil {
					t.Fatalf("java Load: %v\n%s", err, out.String())
				}
				running = false
			case <-time.After(20 * time.Millisecond):
			}
			f.poll()
		}

		var want []string
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := Decode(context.Background(), bytes.NewReader(data), Options{}, func(e *Event) error {
			want = append(want, line(e))
			return nil
		})
		if err != nil || sum.Truncated {
			t.Fatalf("decoding the recording: %+v, %v", sum, err)
		}
		// A chunk begun and deleted between two looks, as the JVM ends, cannot be
		// tailed. On a busy machine a look is late; one chunk may be lost to that.
		// As it ends it may also rotate once more, after the recording was closed.
		if len(f.chunks) == sum.Chunks+1 {
			defer f.chunks[sum.Chunks].file.Close()
			f.chunks = f.chunks[:sum.Chunks]
		}
		lost := sum.Chunks - len(f.chunks)
		if lost < 0 || lost > 1 || len(f.chunks) == 0 {
			t.Fatalf("tailed %d chunks, recording has %d", len(f.chunks), sum.Chunks)
		}
		var got []string
		polls := 0
		for i, c := range f.chunks {
			if !c.state.Finished || c.state.Final && i != sum.Chunks-1 {
				t.Errorf("chunk %d ended with %+v", i, c.state)
			}
			got = append(got, c.lines...)
			polls += c.flushes
		}
		if polls < 4 {
			t.Errorf("events came in %d polls, want several: nothing was tailed", polls)
		}
		if len(got) > len(want) || lost == 0 && len(got) != len(want) {
			t.Errorf("tailed %d events, recording has %d", len(got), len(want))
		}
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Fatalf("event %d:\n tailed   %s\n recorded %s", i, got[i], want[i])
			}
		}
		t.Logf("%d events in %d chunks and %d flushes agree; %d came after the Until they ended before, at most %v late; a poll lagged at most %v behind the JVM",
			len(got), len(f.chunks), polls, f.late, f.latest, f.lag)
	})
}

// follower tails every chunk that appears in a repository.
type follower struct {
	t      *testing.T
	glob   string
	chunks []*followed
	late   int           // events delivered after the Until they ended before
	latest time.Duration // how long before it at most
	lag    time.Duration
}

type followed struct {
	path    string
	file    *os.File
	tail    *Tail
	state   TailState
	lines   []string
	stacks  map[*Stack]string
	flushes int
}

func (f *follower) close() {
	for _, c := range f.chunks {
		c.file.Close()
	}
}

func (f *follower) poll() {
	paths, _ := filepath.Glob(f.glob)
	slices.Sort(paths)
	for _, p := range paths {
		if slices.ContainsFunc(f.chunks, func(c *followed) bool { return c.path == p }) {
			continue
		}
		file, err := os.Open(p)
		if err != nil {
			continue // the JVM has deleted it in between, as at its end
		}
		f.chunks = append(f.chunks, &followed{path: p, file: file, tail: NewTail(file, Options{}), stacks: map[*Stack]string{}})
	}
	for _, c := range f.chunks {
		if c.state.Finished {
			continue
		}
		before := c.state
		n := len(c.lines)
		var err error
		c.state, err = c.tail.Poll(func(e *Event) error {
			c.lines = append(c.lines, line(e))
			if end := e.Time + e.Duration; end < before.Until {
				f.late++
				f.latest = max(f.latest, time.Duration(before.Until-end))
			}
			if e.Stack != nil {
				s := stackLine(e.Stack)
				if old, ok := c.stacks[e.Stack]; ok && old != s {
					f.t.Errorf("a stack pointer stands for %s and for %s", old, s)
				}
				c.stacks[e.Stack] = s
			}
			return nil
		})
		if err != nil {
			f.t.Fatalf("poll: %v", err)
		}
		if len(c.lines) > n {
			c.flushes++
		}
		if !c.state.Finished && c.state.Until > 0 {
			f.lag = max(f.lag, time.Since(time.Unix(0, c.state.Until)))
		}
	}
}

// line is all an event says.
func line(e *Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d %d", e.Type.Name, e.Time, e.Duration)
	if e.Thread != nil {
		fmt.Fprintf(&b, " %+v", *e.Thread)
	}
	d := describeEvent(e)
	for _, k := range sortedKeys(d.texts) {
		fmt.Fprintf(&b, " %s=%q", k, d.texts[k])
	}
	if e.Stack != nil {
		b.WriteString(stackLine(e.Stack))
	}
	return b.String()
}

func stackLine(s *Stack) string {
	var b strings.Builder
	fmt.Fprintf(&b, " truncated=%t", s.Truncated)
	for i := range s.Frames {
		f := &s.Frames[i]
		fmt.Fprintf(&b, " %s.%s%s:%d@%d(%s)%s", f.Class, f.Method, f.Descriptor, f.Line, f.BCI, f.Type, f.Module)
	}
	return b.String()
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
