package pprof_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"tacho/format"
	"tacho/format/formattest"
	"tacho/format/pprof"
)

// message is a protobuf message put together by hand.
type message []byte

func (m message) num(field int, v uint64) message {
	return binary.AppendUvarint(binary.AppendUvarint(m, uint64(field)<<3), v)
}

func (m message) part(field int, b []byte) message {
	m = binary.AppendUvarint(binary.AppendUvarint(m, uint64(field)<<3|2), uint64(len(b)))
	return append(m, b...)
}

// base is a sound profile but for its samples.
func base() message {
	m := message{}.part(1, message{}.num(1, 1).num(2, 2))
	for _, s := range []string{"", "cpu", "nanoseconds", "f", "k", "v"} {
		m = m.part(6, []byte(s))
	}
	m = m.part(5, message{}.num(1, 1).num(2, 3))
	return m.part(4, message{}.num(1, 1).part(4, message{}.num(1, 1).num(2, 7)))
}

func TestSaysWhatIsMalformed(t *testing.T) {
	sample := func(m message) message { return base().part(2, m) }
	good := message{}.part(1, []byte{1}).part(2, []byte{5})
	for name, c := range map[string]struct {
		in   message
		want string
	}{
		"good":                {sample(good), ""},
		"unpacked":            {sample(message{}.num(1, 1).num(2, 5)), ""},
		"unknown fields":      {sample(good).num(99, 1).part(98, []byte("x")), ""},
		"no values":           {sample(message{}.part(1, []byte{1})), "pprof: byte 53: sample has 0 values, there are 1 sample types"},
		"two values":          {sample(message{}.part(1, []byte{1}).part(2, []byte{1, 2})), "pprof: byte 53: sample has 2 values, there are 1 sample types"},
		"negative value":      {sample(message{}.part(1, []byte{1}).num(2, 1<<64-3)), "pprof: byte 53: value -3 of cpu; only what can be summed is kept"},
		"no such location":    {sample(message{}.part(1, []byte{1, 9}).part(2, []byte{5})), "pprof: byte 56: location 9 is not there"},
		"location 0":          {sample(message{}.part(1, []byte{0}).part(2, []byte{5})), "pprof: byte 55: location 0 is not there"},
		"number without end":  {sample(message{}.part(1, []byte{0x80}).part(2, []byte{5})), "pprof: byte 55: number without an end"},
		"label out of table":  {sample(append(good, message{}.part(3, message{}.num(1, 77).num(2, 5))...)), "pprof: byte 53: string 77 of 6"},
		"values as text":      {sample(message{}.part(1, []byte{1}).part(2, []byte{5}).num(3, 1)), "pprof: byte 59: field 3 has wire type 0"},
		"function twice":      {base().part(5, message{}.num(1, 1)), "pprof: byte 53: function id 1 twice or reserved"},
		"location twice":      {base().part(4, message{}.num(1, 1)), "pprof: byte 53: location id 1 twice or reserved"},
		"mapping 0":           {base().part(3, message{}.num(2, 1)), "pprof: byte 53: mapping id 0 twice or reserved"},
		"name out of table":   {base().part(5, message{}.num(1, 2).num(2, 6)), "pprof: byte 53: string 6 of 6"},
		"line of no function": {base().part(4, message{}.num(1, 2).part(4, message{}.num(1, 5))), "pprof: byte 57: a line of function 5, which is not there"},
		"two profiles":        {base().num(9, 1).num(9, 2), "pprof: byte 53: two profiles one behind the other"},
		"field too long":      {append(base(), 0x12, 0x7f), "pprof: byte 51: field 2 is longer than what is left"},
		"no types":            {message{}.part(6, nil).part(2, good), "pprof: byte 4: samples without sample types"},
		"wire type 4":         {append(base(), 0x0c), "pprof: byte 51: wire type 4"},
		"time as text":        {base().part(9, []byte("x")), "pprof: byte 51: field 9 has wire type 2, not 0"},
		"first string":        {message{}.part(6, []byte("a")), "pprof: byte 2: the first string is not the empty one"},
	} {
		res := formattest.Decode(pprof.Decoder(), bytes.NewReader(c.in), formattest.Options())
		if got := ""; res.Err != nil || c.want != "" {
			if res.Err != nil {
				got = res.Err.Error()
			}
			if got != c.want {
				t.Errorf("%s: got %q, want %q", name, got, c.want)
			}
		}
	}
}

// What came before a bad sample is kept.
func TestKeepsWhatCameBefore(t *testing.T) {
	good := message{}.part(1, []byte{1}).part(2, []byte{5})
	in := base().part(2, good).part(2, good).part(2, message{}.part(1, []byte{9})).part(2, good)
	res := formattest.Decode(pprof.Decoder(), bytes.NewReader(in), formattest.Options())
	if res.Err == nil || res.Report.Samples != 2 || len(res.Batches) != 1 {
		t.Errorf("got %+v, %v", res.Report, res.Err)
	}
}

func TestLimitsOfPprof(t *testing.T) {
	sample := message{}.part(1, bytes.Repeat([]byte{1}, 100)).part(2, []byte{5})
	labels := sample
	for range 10 {
		labels = labels.part(3, message{}.num(1, 4).num(2, 5))
	}
	types := message{}
	for range 100 {
		types = types.part(1, message{}.num(1, 0))
	}
	for name, c := range map[string]struct {
		in   message
		l    format.Limits
		want string
	}{
		"names":  {base(), format.Limits{Strings: 5}, format.LimitStrings},
		"name":   {base(), format.Limits{StringLen: 10}, format.LimitStringLen},
		"memory": {base(), format.Limits{Memory: 20}, format.LimitMemory},
		"labels": {base().part(2, labels), format.Limits{Labels: 9}, format.LimitLabels},
		"types":  {types, format.Limits{}, "sample types"},
	} {
		o := formattest.Options()
		o.Limits = c.l
		var limit *format.LimitError
		res := formattest.Decode(pprof.Decoder(), bytes.NewReader(c.in), o)
		if !errors.As(res.Err, &limit) || limit.Limit != c.want {
			t.Errorf("%s: %v", name, res.Err)
		}
	}
	o := formattest.Options()
	o.Limits.Depth = 30
	res := formattest.Decode(pprof.Decoder(), bytes.NewReader(base().part(2, sample)), o)
	if res.Err != nil || len(res.Batches[0].Stacks[0]) != 30 || len(res.Report.Warnings) != 1 {
		t.Errorf("a deep stack: %v, %+v", res.Err, res.Report)
	}
}

// Bytes of Go heap profiles and ids of requests would make a series of
// everything; see the package comment.
func TestLabelsThatAreNoIdentity(t *testing.T) {
	p := everything()
	p.SampleType = []*profile.ValueType{{Type: "alloc_objects", Unit: "count"}, {Type: "alloc_space", Unit: "bytes"}}
	for i, s := range p.Sample {
		s.Label = map[string][]string{"trace_id": {strings.Repeat("a", i+1)}}
		s.NumLabel, s.NumUnit = map[string][]int64{"bytes": {int64(i + 1)}}, nil
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	res := formattest.Decode(pprof.Decoder(), &b, formattest.Options())
	if res.Err != nil || len(res.Batches) != 1 || res.Batches[0].Target.String() != formattest.Target.String() {
		t.Errorf("%d batches, %v", len(res.Batches), res.Err)
	}
}

func TestSniffsProfilesOnly(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want bool
	}{
		"profile":       {base(), true},
		"cut":           {base()[:20], true},
		"strings first": {message{}.part(6, nil).part(6, []byte("cpu")), true},
		"text":          {[]byte("hello world\n"), false},
		"digits":        {[]byte("\n\x03abc"), false},
		"otlp":          {message{}.part(1, message{}.part(1, []byte("x"))), false},
		"empty":         {nil, false},
		"heap":          {[]byte("heap profile: 1: 2 [3: 4] @ heapprofile\n"), true},
		"goroutines":    {[]byte("goroutine profile: total 7\n"), true},
		"prose":         {[]byte("a heap profile: 1"), false},
	} {
		if got := pprof.Sniff(c.in); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
