package collapsed_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/format"
	"tacho/format/collapsed"
	"tacho/format/formattest"
	"tacho/internal/madeup"
)

var files = []string{"testdata/async.txt", "testdata/crlf.txt"}

func TestCollapsed(t *testing.T) { formattest.Run(t, collapsed.Decoder(), files...) }

func FuzzCollapsed(f *testing.F) { formattest.Fuzz(f, collapsed.Decoder(), files...) }

func TestSaysWhereItStops(t *testing.T) {
	for in, want := range map[string]string{
		"a;b 1\na;c 1.5\n":                         `collapsed: line 2: count "1.5" is not a whole number`,
		"a;b 1\n\na;c -1\n":                        `collapsed: line 3: count "-1" is not a whole number`,
		"a;b 1\na;c\n":                             `collapsed: line 2: not a stack and a count`,
		"a;b 99999999999999999999\n":               `collapsed: line 1: count "99999999999999999999" is not a whole number`,
		"a;b 9223372036854775808\n":                `collapsed: line 1: count "9223372036854775808" is not a whole number`,
		"a;b 1\n  12\n":                            `collapsed: line 2: not a stack and a count`,
		"a " + strings.Repeat("1", 100) + ";b e\n": `collapsed: line 1: count "e" is not a whole number`,
	} {
		res := formattest.Decode(collapsed.Decoder(), strings.NewReader(in), formattest.Options())
		if res.Err == nil || res.Err.Error() != want {
			t.Errorf("%q: error %v, want %s", in, res.Err, want)
		}
		if strings.HasPrefix(in, "a;b 1\n") && (len(res.Batches) != 1 || res.Report.Samples != 1) {
			t.Errorf("%q: what came before is not kept: %+v", in, res.Report)
		}
	}
}

func TestTakesTypeAndRateFromOptions(t *testing.T) {
	for _, c := range []struct {
		typ   tacho.ValueType
		rate  int
		want  tacho.ValueType
		value int64
	}{
		{tacho.ValueType{}, 0, tacho.ValueType{Name: "samples", Unit: "count"}, 7},
		{tacho.Alloc, 0, tacho.Alloc, 7},
		{tacho.ValueType{}, 100, tacho.CPU, 70_000_000},
		{tacho.Lock, 1000, tacho.Lock, 7_000_000},
	} {
		o := formattest.Options()
		o.Type, o.SampleRate = c.typ, c.rate
		res := formattest.Decode(collapsed.Decoder(), strings.NewReader("a;b 7\n"), o)
		if res.Err != nil || res.Batches[0].Profiles[0].Type != c.want || res.Batches[0].Profiles[0].Samples[0].Value != c.value {
			t.Errorf("%v at %d: %+v", c.typ, c.rate, res)
		}
	}
}

func TestSniffsStacksOnly(t *testing.T) {
	for in, want := range map[string]bool{
		"a;b 1\n":                            true,
		"main 12\nother 3\n":                 true,
		"":                                   false,
		"\n\n":                               false,
		"GET /index.html 200\n":              false,
		"a;b 1\nnothing\n":                   false,
		"a;b 0.5\n":                          false,
		"a;\x00b 1\n":                        false,
		`{"a": 1}`:                           false,
		strings.Repeat("frame;", 1000) + "x": true, // a line longer than the head
		strings.Repeat("frame ", 1000) + "x": false,
		"a;b 1\n" + strings.Repeat("frame;", 1000) + "x": true,
	} {
		if got := collapsed.Sniff([]byte(in)[:min(len(in), format.SniffLen)]); got != want {
			t.Errorf("%.40q: %v, want %v", in, got, want)
		}
	}
}

// Collapsed stacks come back as they went in, sorted and summed.
func TestRoundTrip(t *testing.T) {
	p := madeup.New(madeup.Shape{Functions: 300, Stacks: 2000, Rows: 500}, 3)
	in := p.Collapsed(p.Profile(500, 1))
	res := formattest.Decode(collapsed.Decoder(), bytes.NewReader(in), formattest.Options())
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	var out []string
	for _, b := range res.Batches {
		for _, s := range b.Profiles[0].Samples {
			st := b.Stack(s.Stack)
			slices.Reverse(st)
			names := make([]string, len(st))
			for i, f := range st {
				names[i] = f.Function
			}
			out = append(out, fmt.Sprintf("%s %d", strings.Join(names, ";"), s.Value))
		}
	}
	want := strings.Split(strings.TrimSpace(string(in)), "\n")
	slices.Sort(out)
	slices.Sort(want)
	if !slices.Equal(out, want) {
		t.Errorf("%d lines come back as %d others", len(want), len(out))
	}
}

func TestLineTooLong(t *testing.T) {
	o := formattest.Options()
	o.Limits.LineLen = 100
	var limit *format.LimitError
	res := formattest.Decode(collapsed.Decoder(), strings.NewReader("a;b 1\n"+strings.Repeat("c;", 100_000)+"d 1\n"), o)
	if !errors.As(res.Err, &limit) || limit.Limit != format.LimitLineLen || limit.Position != "line 2" {
		t.Errorf("got %v", res.Err)
	}
}

// 20,000 stacks of 40 frames, each of which is found by its bytes: the limit is
// finding its end (memory bandwidth), hashing and comparing it.
func BenchmarkDecode(b *testing.B) {
	p := madeup.New(madeup.Service, 1)
	var rows []madeup.Row
	for n := range 10 {
		rows = append(rows, p.Profile(1500, n)...)
	}
	data := p.Collapsed(rows)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		res := formattest.Decode(collapsed.Decoder(), bytes.NewReader(data), format.Options{Target: formattest.Target, Now: time.Now})
		if res.Err != nil || res.Report.Samples != 15_000 {
			b.Fatal(res.Report, res.Err)
		}
	}
}
