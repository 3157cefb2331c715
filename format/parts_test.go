package format_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/format"
	"tacho/format/formattest"
)

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	in := format.NewLines(context.Background(), "f", strings.NewReader("a\r\n\nb\n"+long+"\nend"), format.Limits{})
	var got []string
	for {
		line, ok := in.Next()
		if !ok {
			break
		}
		got = append(got, string(line))
	}
	if want := []string{"a", "", "b", long, "end"}; fmt.Sprint(got) != fmt.Sprint(want) || in.Err() != nil || in.Position() != "line 5" {
		t.Errorf("%d lines, at %s, %v", len(got), in.Position(), in.Err())
	}
}

func TestJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"a": [1, 2.5e1, "12"], "b": {"c": null, "d": [true, {"x": [[]]}]}, "n": "3"}`: "a:1 a:25 a:12 n:3",
		` {}  `:                             "",
		`{"a": []}`:                         "",
		`{"a": [1,]}`:                       `f: byte 9: ']' where a number should be`,
		`{"a": [1 2]}`:                      `f: byte 9: '2' where ',' should be`,
		`{"a" 1}`:                           `f: byte 5: '1' where ':' should be`,
		`{a: 1}`:                            `f: byte 1: 'a' where '"' should be`,
		`{"a": [1.5]}`:                      `f: byte 10: "1.5" is not a whole number`,
		`{"a": [1e400]}`:                    `f: byte 12: "1e400" is not a whole number`,
		`{"a": [9007199254740993]}`:         "a:9007199254740993",
		`{"b": trux}`:                       `f: byte 10: 'x' in true`,
		`{"b": "\q"}`:                       "",
		`{"\q": 1}`:                         `f: byte 4: escape \q`,
		`{"\u00e9\ud83d\ude00\ud800x": 1}`:  "",
		`{"\u12g4": 1}`:                     `f: byte 8: \u12g4`,
		`{"a": [1`:                          `f: byte 8: the input ends inside a value: unexpected EOF`,
		`{} {}`:                             `f: byte 4: '{' after the last value`,
		`{"b": ` + strings.Repeat("[", 600): `f: byte 506: values nested more than 500 deep`,
	} {
		j := format.NewJSON(context.Background(), "f", strings.NewReader(in), format.Limits{})
		var got []string
		err := j.Object(func(key []byte) error {
			k := string(key)
			switch {
			case k == "a":
				return j.Array(func() error {
					n, err := j.Int()
					got = append(got, fmt.Sprintf("a:%d", n))
					return err
				})
			case k == "n":
				n, err := j.Int()
				got = append(got, fmt.Sprintf("n:%d", n))
				return err
			case strings.HasPrefix(k, "é") && k != "é😀\uFFFDx":
				return fmt.Errorf("key %q", k)
			}
			return j.Skip()
		})
		if err == nil {
			err = j.End()
		}
		if err != nil && err.Error() != want || err == nil && strings.Join(got, " ") != want {
			t.Errorf("%.60s: %v, %v; want %s", in, got, err, want)
		}
	}
	j := format.NewJSON(context.Background(), "f", strings.NewReader(`"12345"`), format.Limits{StringLen: 4})
	var limit *format.LimitError
	if _, err := j.String(); !errors.As(err, &limit) || limit.Limit != format.LimitStringLen {
		t.Errorf("long string: %v", err)
	}
}

func TestNumericLabels(t *testing.T) {
	for _, c := range []struct {
		label      tacho.Label
		name, unit string
		value      int64
		ok         bool
	}{
		{tacho.Label{Name: tacho.NumericLabel("bytes", "kb"), Value: "-4096"}, "bytes", "kb", -4096, true},
		{tacho.Label{Name: tacho.NumericLabel("a[0]", ""), Value: "7"}, "a[0]", "", 7, true},
		{tacho.Label{Name: "bytes", Value: "7"}, "", "", 0, false},
		{tacho.Label{Name: "[x]", Value: "7"}, "", "", 0, false},
		{tacho.Label{Name: "list[x]", Value: "many"}, "", "", 0, false},
	} {
		if name, unit, v, ok := c.label.Numeric(); name != c.name || unit != c.unit || v != c.value || ok != c.ok {
			t.Errorf("%v: %q %q %d %v", c.label, name, unit, v, ok)
		}
	}
}

func TestJoinNeverMovesSamplesElsewhere(t *testing.T) {
	got := format.Join(formattest.Target, []tacho.Label{{Name: "service_name", Value: "evil"}, {Name: "instance", Value: "shop-1"}, {Name: "x", Value: ""}, {Name: "a", Value: "b"}})
	if want := `{a="b", exported_service_name="evil", instance="shop-1", service_name="shop"}`; got.String() != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestValues(t *testing.T) {
	for _, c := range []struct {
		o      format.Options
		typ    tacho.ValueType
		factor int64
	}{
		{format.Options{}, tacho.ValueType{Name: "samples", Unit: "count"}, 1},
		{format.Options{SampleRate: 100}, tacho.CPU, 10_000_000},
		{format.Options{Type: tacho.Wall, SampleRate: 1000}, tacho.Wall, 1_000_000},
		{format.Options{Type: tacho.Alloc}, tacho.Alloc, 1},
		{format.Options{SampleRate: 2_000_000_000}, tacho.CPU, 1},
	} {
		if typ, factor := c.o.Values(); typ != c.typ || factor != c.factor {
			t.Errorf("%+v: %v × %d", c.o, typ, factor)
		}
	}
}

func TestThreadGroup(t *testing.T) {
	for name, want := range map[string]string{"http-nio-8080-exec-31": "http-nio-#-exec-#", "main": "main", "": "", "9": "#"} {
		if got := format.ThreadGroup(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestWindows(t *testing.T) {
	now := formattest.Now()
	at := func(d time.Duration) int64 { return now.Add(d).UnixNano() }
	for name, c := range map[string]struct {
		o           format.Options
		set         func(*format.Emitter)
		sample      int64
		from, until int64
	}{
		"nothing known":         {from: at(-time.Second), until: at(0)},
		"options":               {o: format.Options{From: now.Add(-time.Hour), Until: now.Add(-time.Minute)}, from: at(-time.Hour), until: at(-time.Minute)},
		"until only":            {o: format.Options{Until: now.Add(-time.Minute)}, from: at(-61 * time.Second), until: at(-time.Minute)},
		"the input's own":       {o: format.Options{From: now}, set: func(e *format.Emitter) { e.Window(at(-time.Hour), at(-30*time.Minute)) }, from: at(-time.Hour), until: at(-30 * time.Minute)},
		"duration":              {set: func(e *format.Emitter) { e.Duration(int64(time.Minute)) }, from: at(-time.Minute), until: at(0)},
		"duration, from given":  {o: format.Options{From: now.Add(-time.Hour), Until: now}, set: func(e *format.Emitter) { e.Duration(int64(time.Minute)) }, from: at(-time.Hour), until: at(0)},
		"timed samples":         {sample: at(-time.Minute), from: at(-time.Minute), until: at(-time.Minute) + 1},
		"timed beyond a window": {o: format.Options{From: now.Add(-time.Hour), Until: now.Add(-time.Minute)}, sample: at(0), from: at(-time.Hour), until: at(0) + 1},
	} {
		c.o.Target, c.o.Now = formattest.Target, formattest.Now
		var b *tacho.Batch
		e := format.NewEmitter(context.Background(), "f", c.o, func(got *tacho.Batch) error { b = got; return nil })
		if c.set != nil {
			c.set(e)
		}
		err := e.Add(nil, tacho.CPU, tacho.Stack{{Function: "f"}}, tacho.Thread{}, tacho.Sample{Time: c.sample, Value: 1})
		if _, err = e.Finish(err); err != nil || b == nil {
			t.Fatal(name, err)
		}
		if b.From != c.from || b.Until != c.until {
			t.Errorf("%s: [%v, %v) before now", name, time.Duration(at(0)-b.From), time.Duration(at(0)-b.Until))
		}
		if err := b.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEmitterBoundsWhatItHolds(t *testing.T) {
	o := formattest.Options()
	o.Limits = format.Limits{Memory: 64 << 10, Warnings: 2}
	largest, batches := 0, 0
	e := format.NewEmitter(context.Background(), "f", o, func(b *tacho.Batch) error {
		batches++
		largest = max(largest, len(b.Strings))
		return nil
	})
	for i := range 10_000 {
		name := fmt.Sprintf("%0100d", i)
		if err := e.Add(nil, tacho.CPU, tacho.Stack{{Function: name}}, tacho.Thread{}, tacho.Sample{Value: 1}); err != nil {
			t.Fatal(err)
		}
		e.Warn.Add("here", "odd %d", i)
	}
	r, err := e.Finish(nil)
	if err != nil || largest > 200 || batches < 50 || r.Samples != 10_000 || r.Batches != batches || len(r.Warnings) != 2 || r.Dropped != 9998 {
		t.Errorf("%d names in the largest of %d batches; %+v, %v", largest, batches, r, err)
	}
}

// The frame table gives the same batches as whole frames do, also across batches.
func TestFramesAreAddedAlike(t *testing.T) {
	frames := []tacho.Frame{{Function: "a"}, {Function: "b", Line: 2}, {Function: "c", Kind: tacho.KindJIT}}
	stacks := [][]uint32{{0, 1}, {2}, {0, 1}, {1, 1, 1}, {2, 0}}
	run := func(table bool) map[string]int64 {
		o := formattest.Options()
		o.Limits.Samples = 2
		var out []*tacho.Batch
		e := format.NewEmitter(context.Background(), "f", o, func(b *tacho.Batch) error { out = append(out, b); return nil })
		f := e.Frames(frames)
		for i, st := range stacks {
			labels := []tacho.Label{{Name: "n", Value: fmt.Sprint(i % 2)}}
			var whole tacho.Stack
			for _, k := range st {
				whole = append(whole, frames[k])
			}
			s := tacho.Sample{Value: int64(i + 1)}
			if err := e.Add(labels, tacho.CPU, whole, tacho.Thread{}, s); err != nil {
				t.Fatal(err)
			}
			if !table {
				continue
			}
			if err := f.Add(labels, tacho.CPU, st, tacho.Thread{}, s); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := e.Finish(nil); err != nil {
			t.Fatal(err)
		}
		return formattest.Sums(out)
	}
	whole, both := run(false), run(true)
	if len(whole) != len(both) || len(whole) == 0 {
		t.Fatalf("%d and %d stacks", len(whole), len(both))
	}
	for k, v := range whole {
		if both[k] != 2*v {
			t.Errorf("%s: %d, want twice %d", k, both[k], v)
		}
	}
}
