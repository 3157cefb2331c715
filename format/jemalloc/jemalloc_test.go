package jemalloc

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"tacho/format"
	"tacho/format/formattest"
)

// The files are dumps of a C program by Debian's libjemalloc2 5.3.0
// (MALLOC_CONF=prof:true,prof_accum:true,lg_prof_sample:16 and
// prof:true,lg_prof_sample:17).
var files = []string{"testdata/accum.heap", "testdata/inuse.heap"}

func TestJemalloc(t *testing.T) { formattest.Run(t, Decoder(), files...) }

func FuzzJemalloc(f *testing.F) { formattest.Fuzz(f, Decoder(), files...) }

// TestTotalsAreJeprofs: what `jeprof --text --show_bytes` of jemalloc 5.3.0
// printed as the total of accum.heap, a rounding apart for each stack.
func TestTotalsAreJeprofs(t *testing.T) {
	got := sums(t, file(t, files[0]))
	for name, want := range map[string]int64{"inuse_space": 54838933, "inuse_objects": 8135, "alloc_space": 69785083, "alloc_objects": 10215} {
		if d := got[name] - want; d < -5 || d > 5 {
			t.Errorf("%s: %d, jeprof says %d", name, got[name], want)
		}
	}
	if got := sums(t, file(t, files[1])); got["inuse_space"] == 0 || got["alloc_space"] != 0 {
		t.Errorf("without prof_accum: %v", got)
	}
}

func TestFramesAndScale(t *testing.T) {
	in := "heap_v2/1000\n  t*: 9: 9 [0: 0]\n@ 0x7f0000001101 0x10105 0x20000\n  t*: 2: 2000 [0: 0]\n  t0: 2: 2000 [0: 0]\n\n" +
		"MAPPED_LIBRARIES:\n10000-11000 r-xp 00003000 fe:00 1 /opt/my app (deleted)\n7f0000001000-7f0000002000 r-xp 00000000 fe:00 2 /usr/lib/libjemalloc.so.2\n"
	res := formattest.Decode(Decoder(), strings.NewReader(in), formattest.Options())
	if res.Err != nil || len(res.Batches) != 1 {
		t.Fatal(res.Err, len(res.Batches))
	}
	b := res.Batches[0]
	// 2 objects of 1000 bytes, sampled with probability 1 − 1/e.
	if p := b.Profiles; p[0].Samples[0].Value != 3 || p[1].Samples[0].Value != 3164 {
		t.Errorf("got %d objects, %d bytes, want 3 and 3164", p[0].Samples[0].Value, p[1].Samples[0].Value)
	}
	st := b.Stack(0)
	if len(st) != 2 || st[0].Function != "my app+0x3104" || st[0].Module != "/opt/my app" || st[1].Function != "[unknown]+0x1ffff" {
		t.Errorf("got %+v", st)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	for in, want := range map[string]string{
		"heap_v2/0\n":                     "line 1: heap_v2/ and the sampling interval expected",
		"heap_v2/9\n@ 0x1 zz\n":           "line 2: an address of the stack is not one",
		"heap_v2/9\n@ 0x1\nwhat\n":        "line 3: neither a stack (@), nor counts (t), nor MAPPED_LIBRARIES",
		"heap_v2/99999999999999999999999": "line 1: heap_v2/ and the sampling interval expected",
	} {
		res := formattest.Decode(Decoder(), strings.NewReader(in), formattest.Options())
		if res.Err == nil || !strings.Contains(res.Err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, res.Err, want)
		}
	}
}

func sums(t *testing.T, data []byte) map[string]int64 {
	t.Helper()
	res := formattest.Decode(Decoder(), bytes.NewReader(data), format.Options{Target: formattest.Target, Now: formattest.Now})
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	m := map[string]int64{}
	for _, b := range res.Batches {
		for _, p := range b.Profiles {
			for _, s := range p.Samples {
				m[p.Type.Name] += s.Value
			}
		}
	}
	return m
}

func file(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
