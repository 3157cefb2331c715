package jfr

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestAgreesWithJFRPrint decodes a recording of several chunks and compares
// every event with what the JDK's own reader prints: times, threads, all
// frames, and every field of every type.
func TestAgreesWithJFRPrint(t *testing.T) {
	forEachJDK(t, func(t *testing.T, j jdk) {
		file := j.recordLoad(t, 3000)
		ours, chunks := describe(t, file)
		if chunks < 2 {
			t.Errorf("recording has %d chunk(s), want several", chunks)
		}
		theirs := printed(t, j, file)
		if len(ours) != len(theirs) {
			t.Fatalf("decoded %d events, jfr print has %d", len(ours), len(theirs))
		}
		counts := map[string]int{}
		bad := 0
		for i := range theirs {
			counts[theirs[i].Type]++
			if err := ours[i].equal(&theirs[i]); err != nil {
				t.Errorf("event %d, %s at %s: %v", i, theirs[i].Type, theirs[i].Values["startTime"], err)
				if bad++; bad > 20 {
					t.FailNow()
				}
			}
		}
		for name, least := range map[string]int{
			// A tenth of what a quiet machine makes of it: other tests run beside this one.
			"jdk.ExecutionSample": 5, "jdk.NativeMethodSample": 2, "jdk.ThreadPark": 5, "jdk.ThreadSleep": 10,
			"jdk.JavaMonitorWait": 3, "jdk.FileRead": 10, "jdk.SocketRead": 2, "jdk.ObjectAllocationSample": 10,
			"jdk.GCHeapSummary": 2, "jdk.CPULoad": 1, "jdk.ThreadEnd": 2, "load.Fields": 50, "load.Late": 1,
		} {
			if counts[name] < least {
				t.Errorf("%d events of %s compared, want at least %d: the recording proves too little", counts[name], name, least)
			}
		}
		t.Logf("%d events of %d types in %d chunks agree", len(ours), len(counts), chunks)
		checkAdapter(t, file, theirs)
	})
}

// described is what an Event says, kept beyond its visit.
type described struct {
	name     string
	time     int64
	duration int64
	thread   *Thread
	stack    *Stack
	ints     map[string]int64
	floats   map[string]float64
	texts    map[string]string
}

// describe decodes a file, sorting the events of each chunk by their end as
// jfr print does.
func describe(t *testing.T, file string) (all []described, chunks int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for len(data) > 0 {
		h, err := parseHeader(data[:headerSize])
		if err != nil {
			t.Fatal(err)
		}
		var part []described
		sum, err := Decode(context.Background(), bytes.NewReader(data[:h.size]), Options{}, func(e *Event) error {
			part = append(part, describeEvent(e))
			return nil
		})
		if err != nil || sum.Truncated || sum.Skipped != 0 || sum.Damaged != 0 {
			t.Fatalf("chunk %d: %+v, %v", chunks, sum, err)
		}
		slices.SortStableFunc(part, func(a, b described) int { return cmp.Compare(a.time+a.duration, b.time+b.duration) })
		all = append(all, part...)
		chunks++
		data = data[h.size:]
	}
	return all, chunks
}

func describeEvent(e *Event) described {
	d := described{e.Type.Name, e.Time, e.Duration, e.Thread, e.Stack, map[string]int64{}, map[string]float64{}, map[string]string{}}
	var fields func(prefix string, fs []field)
	fields = func(prefix string, fs []field) {
		for _, f := range fs {
			path := prefix + f.name
			if v, ok := e.Int(path); ok {
				d.ints[path] = v
			}
			if v, ok := e.Float(path); ok {
				d.floats[path] = v
			}
			if v, ok := e.String(path); ok {
				d.texts[path] = v
			}
			if f.typ.kind == kindStruct && f.typ.role == roleNone {
				fields(path+".", f.typ.fields)
			}
		}
	}
	fields("", e.Type.fields)
	return d
}

// printedEvent is an event as jfr print --json has it.
type printedEvent struct {
	Type   string
	Values map[string]json.RawMessage
}

type printedThread struct {
	OSName       string
	OSThreadID   int64
	JavaName     string
	JavaThreadID int64
	Virtual      bool
	Group        *struct{ Name string }
}

type printedClass struct {
	Name    string
	Package *struct{ Module *struct{ Name string } }
}

type printedMethod struct {
	Type       printedClass
	Name       string
	Descriptor string
}

type printedStack struct {
	Truncated bool
	Frames    []struct {
		Method        printedMethod
		LineNumber    int32
		BytecodeIndex int32
		Type          string
	}
}

func printed(t *testing.T, j jdk, file string) []printedEvent {
	t.Helper()
	out := filepath.Join(t.TempDir(), "events.json")
	f, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := exec.Command(j.tool("jfr"), "print", "--json", "--stack-depth", "64", file)
	cmd.Stdout, cmd.Stderr = f, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("jfr print: %v", err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(f)
	for range 5 { // { "recording" : { "events" : [
		if _, err := d.Token(); err != nil {
			t.Fatal(err)
		}
	}
	var events []printedEvent
	for d.More() {
		var e printedEvent
		if err := d.Decode(&e); err != nil {
			t.Fatalf("event %d of jfr print: %v", len(events), err)
		}
		events = append(events, e)
	}
	return events
}

// clockTolerance is how far jfr print may be off: it converts the ticks of
// later chunks with the clock base of the first.
const clockTolerance = 2 * time.Microsecond

func (d *described) equal(p *printedEvent) error {
	if d.name != p.Type {
		return fmt.Errorf("type is %s", d.name)
	}
	for name, raw := range p.Values {
		var err error
		switch name {
		case "startTime":
			err = near(d.time, raw)
		case "duration":
			err = sameSpan(d.duration, raw)
		case "eventThread", "sampledThread":
			err = sameThread(d.thread, raw)
		case "stackTrace":
			err = sameStack(d.stack, raw)
		default:
			err = d.field(name, raw)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func near(got int64, raw json.RawMessage) error {
	var want time.Time
	if err := json.Unmarshal(raw, &want); err != nil {
		return err
	}
	if d := time.Unix(0, got).Sub(want).Abs(); d > clockTolerance {
		return fmt.Errorf("got %s, want %s", time.Unix(0, got).UTC(), want)
	}
	return nil
}

func sameSpan(got int64, raw json.RawMessage) error {
	want, err := isoSpan(strings.Trim(string(raw), `"`))
	if err == nil && got != want {
		err = fmt.Errorf("got %d ns, want %d ns", got, want)
	}
	return err
}

var isoRE = regexp.MustCompile(`^PT(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?)(\d+)(?:\.(\d+))?S)?$`)

// isoSpan reads java.time.Duration's form: PT1M2.5S. What is longer than an
// int64 of nanoseconds is one of the extremes.
func isoSpan(s string) (int64, error) {
	m := isoRE.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("duration %q", s)
	}
	num := func(s string) float64 { v, _ := strconv.ParseFloat("0"+s, 64); return v }
	if strings.HasPrefix(m[1], "-") && len(m[1]) > 10 {
		return math.MinInt64, nil
	}
	v := int64(num(m[1]))*3600e9 + int64(num(m[2]))*60e9 + int64(num(m[4]))*1e9 + int64(num((m[5] + "000000000")[:9]))
	if m[3] == "-" {
		v = -v
	}
	return v, nil
}

func sameThread(got *Thread, raw json.RawMessage) error {
	var want *printedThread
	if err := json.Unmarshal(raw, &want); err != nil {
		return err
	}
	if want == nil || got == nil {
		if want != nil || got != nil {
			return fmt.Errorf("got %+v, want %+v", got, want)
		}
		return nil
	}
	w := Thread{OSID: want.OSThreadID, JavaID: want.JavaThreadID, OSName: want.OSName, JavaName: want.JavaName, Virtual: want.Virtual}
	if want.Group != nil {
		w.Group = want.Group.Name
	}
	if *got != w {
		return fmt.Errorf("got %+v, want %+v", *got, w)
	}
	return nil
}

func sameStack(got *Stack, raw json.RawMessage) error {
	var want *printedStack
	if err := json.Unmarshal(raw, &want); err != nil {
		return err
	}
	if want == nil || got == nil {
		if want != nil || got != nil {
			return fmt.Errorf("got %+v, want %+v", got, want)
		}
		return nil
	}
	if got.Truncated != want.Truncated || len(got.Frames) != len(want.Frames) {
		return fmt.Errorf("got %d frames, truncated %t, want %d, %t", len(got.Frames), got.Truncated, len(want.Frames), want.Truncated)
	}
	for i, w := range want.Frames {
		g := got.Frames[i]
		g.m = nil
		f := Frame{Class: dotted(w.Method.Type.Name), Method: w.Method.Name, Descriptor: w.Method.Descriptor,
			Line: w.LineNumber, BCI: w.BytecodeIndex, Type: w.Type}
		if p := w.Method.Type.Package; p != nil && p.Module != nil {
			f.Module = p.Module.Name
		}
		if g != f {
			return fmt.Errorf("frame %d: got %+v, want %+v", i, g, f)
		}
	}
	return nil
}

var hiddenRE = regexp.MustCompile(`\.(\d)`)

// dotted is the name java.lang.Class.getTypeName gives a class of the load.
func dotted(name string) string {
	dims := strings.Count(name, "[")
	name = strings.TrimLeft(name, "[")
	if dims > 0 {
		switch {
		case name == "B":
			name = "byte"
		case name == "I":
			name = "int"
		case name == "C":
			name = "char"
		case name == "J":
			name = "long"
		default:
			name = strings.TrimSuffix(strings.TrimPrefix(name, "L"), ";")
		}
	}
	name = hiddenRE.ReplaceAllString(strings.ReplaceAll(name, "/", "."), "/$1")
	return name + strings.Repeat("[]", dims)
}

// field compares any other field by what it is in JSON.
func (d *described) field(path string, raw json.RawMessage) error {
	var want any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&want); err != nil {
		return err
	}
	text, isText := d.texts[path]
	number, isInt := d.ints[path]
	switch w := want.(type) {
	case nil:
		if text != "" {
			return fmt.Errorf("got %q, want null", text)
		}
	case bool:
		if !isInt || number != 0 != w || text != strconv.FormatBool(w) {
			return fmt.Errorf("got %d, %q, want %t", number, text, w)
		}
	case json.Number:
		if n, err := w.Int64(); err == nil && isInt {
			if n != number {
				return fmt.Errorf("got %d, want %d", number, n)
			}
			return nil
		}
		f, err := w.Float64()
		if got := d.floats[path]; err != nil || got != f && float32(got) != float32(f) {
			return fmt.Errorf("got %g, want %s", got, w)
		}
	case string:
		switch {
		case isInt && strings.HasPrefix(w, "PT"):
			return sameSpan(number, raw)
		case isInt && len(w) > 15 && w[len(w)-1] == 'Z':
			return near(number, raw)
		case isInt && w == "-999999999-01-01T00:00+18:00": // OffsetDateTime.MIN: no time
			if number != math.MinInt64 {
				return fmt.Errorf("got %d, want none", number)
			}
		case isInt: // a char
			if r := []rune(w); len(r) != 1 || int64(r[0]) != number {
				return fmt.Errorf("got character %d, want %q", number, w)
			}
		case !isText || text != w:
			return fmt.Errorf("got %q, want %q", text, w)
		}
	case map[string]any:
		return d.object(path, w, raw)
	default:
		return fmt.Errorf("cannot compare %s", raw)
	}
	return nil
}

func (d *described) object(path string, w map[string]any, raw json.RawMessage) error {
	want := ""
	_, hasDescriptor := w["descriptor"]
	_, hasModifiers := w["modifiers"]
	_, hasOSName := w["osName"]
	switch {
	case hasDescriptor:
		var m printedMethod
		if err := json.Unmarshal(raw, &m); err != nil {
			return err
		}
		want = dotted(m.Type.Name) + "." + m.Name
	case hasModifiers:
		want = dotted(w["name"].(string))
	case hasOSName:
		if want, _ = w["javaName"].(string); want == "" {
			want, _ = w["osName"].(string)
		}
	default:
		var nested map[string]json.RawMessage
		if err := json.Unmarshal(raw, &nested); err != nil {
			return err
		}
		for name, value := range nested {
			if err := d.field(path+"."+name, value); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		return nil
	}
	if d.texts[path] != want {
		return fmt.Errorf("got %q, want %q", d.texts[path], want)
	}
	return nil
}
