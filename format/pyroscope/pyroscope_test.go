package pyroscope

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"tacho"
	"tacho/format/formattest"
)

// The files are made by TestFiles from Pyroscope's sources' description: the SDKs
// that sent these formats are gone.
func TestTree(t *testing.T)  { formattest.Run(t, Tree(), "testdata/app.tree") }
func TestTrie(t *testing.T)  { formattest.Run(t, Trie(), "testdata/app.trie") }
func TestLines(t *testing.T) { formattest.Run(t, Lines(), "testdata/app.lines") }

func FuzzTree(f *testing.F)  { formattest.Fuzz(f, Tree(), "testdata/app.tree") }
func FuzzTrie(f *testing.F)  { formattest.Fuzz(f, Trie(), "testdata/app.trie") }
func FuzzLines(f *testing.F) { formattest.Fuzz(f, Lines(), "testdata/app.lines") }

// n is a node of either format.
type n struct {
	name  string
	value uint64
	kids  []n
}

func (x n) bytes() []byte {
	b := binary.AppendUvarint(nil, uint64(len(x.name)))
	b = append(b, x.name...)
	b = binary.AppendUvarint(b, x.value)
	b = binary.AppendUvarint(b, uint64(len(x.kids)))
	for _, k := range x.kids {
		b = append(b, k.bytes()...)
	}
	return b
}

var tree = n{"", 0, []n{{"main", 1, []n{{"handle", 20, []n{{"parse", 300, nil}}}, {"idle", 4000, nil}}}, {"gc", 5, nil}}}

var trie = n{"", 0, []n{{"main", 1, []n{{";", 0, []n{{"handle", 20, []n{{";parse", 300, nil}}}, {"idle", 4000, nil}}}}}, {"gc", 5, nil}}}

const lines = "main\nmain;handle\nmain;handle\nmain;handle;parse\n\n gc \n"

func TestDecoded(t *testing.T) {
	want := map[string]int64{"main": 1, "main;handle": 20, "main;handle;parse": 300, "main;idle": 4000, "gc": 5}
	for name, got := range map[string]map[string]int64{
		"tree": stacks(t, formattest.Decode(Tree(), bytes.NewReader(tree.bytes()), formattest.Options())),
		"trie": stacks(t, formattest.Decode(Trie(), bytes.NewReader(trie.bytes()), formattest.Options())),
	} {
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	if got, want := stacks(t, formattest.Decode(Lines(), strings.NewReader(lines), formattest.Options())), (map[string]int64{"main": 1, "main;handle": 2, "main;handle;parse": 1, "gc": 1}); !reflect.DeepEqual(got, want) {
		t.Errorf("lines: %v, want %v", got, want)
	}
}

func TestSampleRateMakesTime(t *testing.T) {
	o := formattest.Options()
	o.SampleRate = 100
	res := formattest.Decode(Tree(), bytes.NewReader(tree.bytes()), o)
	if res.Err != nil || res.Batches[0].Profiles[0].Type != tacho.CPU || res.Batches[0].Profiles[0].Samples[0].Value != 10_000_000 {
		t.Errorf("%v, %+v", res.Err, res.Batches)
	}
}

func TestErrorsSayWhere(t *testing.T) {
	whole := tree.bytes()
	deep := n{"f", 1, nil}
	for range 5000 {
		deep = n{"f", 0, []n{deep}}
	}
	for want, res := range map[string]formattest.Result{
		fmt.Sprintf("tree: byte %d: the input ends inside a node", len(whole)-1): formattest.Decode(Tree(), bytes.NewReader(whole[:len(whole)-1]), formattest.Options()),
		"tree: byte 0: the input ends inside a node":                             formattest.Decode(Tree(), bytes.NewReader(nil), formattest.Options()),
		"tree: byte 0: more than 65536 bytes of a name":                          formattest.Decode(Tree(), bytes.NewReader([]byte{0xff, 0xff, 0x7f}), formattest.Options()),
		"more than 4096 frames of a stack":                                       formattest.Decode(Tree(), bytes.NewReader(deep.bytes()), formattest.Options()),
		"trie: byte 10: malformed: an integer of more than 64 bits":              formattest.Decode(Trie(), bytes.NewReader(bytes.Repeat([]byte{0xff}, 12)), formattest.Options()),
	} {
		if res.Err == nil || !strings.Contains(res.Err.Error(), want) {
			t.Errorf("got %v, want %q", res.Err, want)
		}
	}
	// What was read before the end is there.
	if got := stacks(t, formattest.Result{Batches: formattest.Decode(Tree(), bytes.NewReader(whole[:len(whole)-1]), formattest.Options()).Batches}); got["main;handle;parse"] != 300 {
		t.Errorf("got %v", got)
	}
}

func stacks(t *testing.T, res formattest.Result) map[string]int64 {
	t.Helper()
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	m := map[string]int64{}
	for _, b := range res.Batches {
		for _, p := range b.Profiles {
			for _, s := range p.Samples {
				st := b.Stack(s.Stack)
				var names []string
				for i := len(st) - 1; i >= 0; i-- {
					names = append(names, st[i].Function)
				}
				m[strings.Join(names, ";")] += s.Value
			}
		}
	}
	return m
}
