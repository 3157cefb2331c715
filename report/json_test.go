package report

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"testing"
)

// hostile is what names from a target may look like.
var hostile = []string{
	"", "all", "</script><script>alert(1)</script>", "\x1b]0;owned\x07", "quote\"back\\slash", "\u2028\u2029", "nul\x00del\x7f",
	"bad\xff\xc3utf8", "\u202eabc", "漢字😀", "a&b<c>d", "é\xed\xa0\x80",
}

// TestAppendJSON: what the appenders write and what encoding/json writes of the
// same view must be read as the same value.
func TestAppendJSON(t *testing.T) {
	demo := int64(1_700_000_000_000)
	for name, v := range map[string]interface{ AppendJSON([]byte) []byte }{
		"icicle":       sampleIcicle(50),
		"icicle empty": &Icicle{Strings: []string{}, Nodes: emptyNodes(), Kinds: Kinds(), Missing: []string{}},
		"heatmap": &Heatmap{FromMS: 1, UntilMS: 4, StepMS: 1, Unit: "nano\"s", Cells: []Cell{0, NotRecorded, math.MaxInt64},
			DemoUntilMS: &demo, Missing: hostile},
		"heatmap search": &Heatmap{Cells: []Cell{5, NotRecorded}, Matched: []int64{3, 0}, Missing: []string{}},
		"diff":           sampleDiff(true),
		"diff empty": &Diff{Strings: []string{}, Kinds: []string{}, States: []string{}, Rows: []DiffRow{}, Missing: []string{}, Nodes: DiffNodes{
			Level: []int32{}, Name: []int32{}, File: []int32{}, Kind: []uint16{}, Offset: []int64{}, Width: []int64{}, Total: []int64{}, Self: []int64{},
			BaseTotal: []int64{}, BaseSelf: []int64{}, State: []uint16{}}},
		"heatmap empty": &Heatmap{Cells: []Cell{}, Missing: []string{}},
		"samples": &Samples{
			Unit: "nanoseconds", Strings: hostile,
			Frames:    SampleFrames{Function: []uint32{1, math.MaxUint32}, File: []uint32{2, 3}, Line: []int32{-1, 7}, Kind: []uint16{0, 300}},
			Stacks:    [][]uint32{{0, 1}, {1}, {}},
			Threads:   []Thread{{ID: 1, JavaID: -2, Name: hostile[3], Group: hostile[2]}, {}},
			Instances: hostile,
			Samples: SampleColumns{Time: []NanoTime{math.MaxInt64, 0}, Value: []int64{1, math.MaxInt64}, Stack: []uint32{0, 2},
				Thread: []uint32{0, 1}, Instance: []uint32{1, 0}},
			Missing: []string{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			std, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			own := v.AppendJSON(nil)
			var a, b any
			decode(t, std, &a)
			decode(t, own, &b)
			if !reflect.DeepEqual(a, b) {
				t.Errorf("own encoder: %s\nencoding/json: %s", own, std)
			}
			back := reflect.New(reflect.TypeOf(v).Elem()).Interface()
			decode(t, own, back)
			again := back.(interface{ AppendJSON([]byte) []byte }).AppendJSON(nil)
			if string(again) != string(own) {
				t.Errorf("read back and written again: %s\nfirst: %s", again, own)
			}
		})
	}
}

func decode(t *testing.T, b []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatalf("%v in %s", err, b)
	}
}

func TestNullsInJSON(t *testing.T) {
	b, err := json.Marshal(map[string]any{"cells": []Cell{NotRecorded, 0, 5}, "values": []Value{Value(math.NaN()), 1.5, Value(math.Inf(1))}})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"cells":[null,0,5],"values":[null,1.5,null]}`; string(b) != want {
		t.Errorf("got %s, want %s", b, want)
	}
	var back struct {
		Cells  []Cell
		Values []Value
	}
	decode(t, b, &back)
	if want := []Cell{NotRecorded, 0, 5}; !reflect.DeepEqual(back.Cells, want) {
		t.Errorf("cells read back as %v, want %v", back.Cells, want)
	}
	if !math.IsNaN(float64(back.Values[0])) || back.Values[1] != 1.5 {
		t.Errorf("values read back as %v", back.Values)
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var own, std string
		decode(t, appendString(nil, s), &own)
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		decode(t, b, &std)
		if own != std {
			t.Fatalf("%q is read back as %q, encoding/json's as %q", s, own, std)
		}
	})
}

func emptyNodes() Nodes {
	return Nodes{Level: []int32{}, Name: []int32{}, File: []int32{}, Kind: []uint16{}, Offset: []int64{}, Total: []int64{}, Self: []int64{}}
}

// sampleIcicle is a comb of n nodes: every second one is a leaf.
func sampleIcicle(n int) *Icicle {
	v := &Icicle{Unit: "nanoseconds", Total: int64(n) * 1e6, Seconds: 60.5, Strings: hostile, Kinds: Kinds(),
		Pruned: Pruned{Count: 3, Sum: 17}, Missing: []string{"block 7"}}
	for i := len(v.Strings); i < n/4+12; i++ {
		v.Strings = append(v.Strings, fmt.Sprintf("com.acme.module%d.Service.method%d", i%17, i))
	}
	for i := range n {
		v.Nodes.Level = append(v.Nodes.Level, int32(i-i/2))
		v.Nodes.Name = append(v.Nodes.Name, int32(i%len(v.Strings)))
		v.Nodes.File = append(v.Nodes.File, int32(i%7))
		v.Nodes.Kind = append(v.Nodes.Kind, uint16(i%len(v.Kinds)))
		v.Nodes.Offset = append(v.Nodes.Offset, int64(i)*500)
		v.Nodes.Total = append(v.Nodes.Total, int64(n-i)*1e6)
		v.Nodes.Self = append(v.Nodes.Self, int64(i)*1000)
	}
	return v
}

// The limit of both is writing digits: about 7 numbers of up to 12 digits a
// node. encoding/json adds reflection and a copy.
func BenchmarkIcicleJSON(b *testing.B) {
	v := sampleIcicle(100_000)
	size := int64(len(v.AppendJSON(nil)))
	b.Run("append", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf = v.AppendJSON(buf[:0])
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
