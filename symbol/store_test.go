package symbol

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"tacho"
)

// made is an index by hand: function f at 0x1000 with g inlined into it at 0x1010.
func made(id string) *built {
	t := newTables(Limits{}.withDefaults())
	f, _ := t.str("f")
	g, _ := t.str("g")
	file, _ := t.str("a.c")
	whole := t.loc([]uint32{t.call(call{f, file, 3})})
	inner := t.loc([]uint32{t.call(call{g, file, 9}), t.call(call{f, file, 4})})
	return &built{ids: []string{id, "alias-" + id}, lines: true, tables: t, segments: []segment{{Offset: 0x100, Size: 0x2000, Address: 0x1000}},
		ranges: []rng{{0x1000, 0x1010, whole}, {0x1010, 0x1020, inner}, {0x1020, 0x1030, whole}, {0x1100, 0x1110, whole}}}
}

func TestLookup(t *testing.T) {
	var out bytes.Buffer
	if err := made("ab").write(&out, "prog"); err != nil {
		t.Fatal(err)
	}
	x, err := openIndex(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	for offset, want := range map[uint64]string{
		0x100: "f:3", 0x10f: "f:3", 0x110: "g:9 f:4", 0x11f: "g:9 f:4", 0x120: "f:3", 0x12f: "f:3",
		0x130: "", 0x1ff: "", 0x200: "f:3", 0x210: "", 0xff: "", 0: "", 1 << 60: "",
		0x2105: "", // behind the segment: taken as an address, of nothing
	} {
		st, err := x.lookup(offset, "m")
		var got []string
		for _, f := range st {
			got = append(got, f.Function+":"+string(rune('0'+f.Line)))
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%#x: got %v, %v, want %q", offset, got, err, want)
		}
	}
	// Whatever is damaged in an index, a lookup answers or says so.
	for i := range out.Len() {
		bad := bytes.Clone(out.Bytes())
		bad[i] ^= 0xff
		if x, err := openIndex(bytes.NewReader(bad), int64(len(bad))); err == nil {
			x.lookup(0x110, "")
			x.lookup(0x200, "")
		}
	}
}

func TestResolveBatch(t *testing.T) {
	s := open(t)
	if _, err := s.keep(made("ab"), "prog"); err != nil {
		t.Fatal(err)
	}
	b := tacho.NewBuilder()
	main := tacho.Frame{Function: "main", Module: "/opt/prog", Kind: tacho.KindNative}
	known := tacho.AddressFrame("/opt/prog", "ab", 0x115, tacho.KindNative)
	byAlias := tacho.AddressFrame("/opt/prog", "alias-ab", 0x105, tacho.KindUnknown)
	byName := tacho.AddressFrame("/srv/other/prog", "", 0x205, tacho.KindNative)
	gap := tacho.AddressFrame("/opt/prog", "ab", 0x140, tacho.KindNative)
	stranger := tacho.AddressFrame("/opt/lib.so", "cd", 0x105, tacho.KindNative)
	for i, st := range []tacho.Stack{{known, main}, {byAlias, known, main}, {gap, stranger, main}, {byName}, {main}} {
		b.Sample(tacho.CPU, tacho.Sample{Value: int64(i), Stack: b.Stack(st), Thread: b.Thread(tacho.Thread{})})
	}
	batch := b.Take(tacho.NewLabels(map[string]string{tacho.LabelService: "s", tacho.LabelInstance: "i"}), "x", 1, 2, 0)
	resolved, unknown := s.Resolve(batch)
	if resolved != 3 || unknown != 2 {
		t.Errorf("%d resolved, %d unknown, want 3 and 2", resolved, unknown)
	}
	if err := batch.Validate(); err != nil {
		t.Fatal(err)
	}
	f := func(name string, line int32, module string, kind tacho.FrameKind) tacho.Frame {
		return tacho.Frame{Function: name, File: "a.c", Line: line, Module: module, Kind: kind}
	}
	g, f4 := f("g", 9, "/opt/prog", tacho.KindInlined), f("f", 4, "/opt/prog", tacho.KindNative)
	want := []tacho.Stack{{g, f4, main}, {f("f", 3, "/opt/prog", tacho.KindNative), g, f4, main}, {gap, stranger, main}, {f("f", 3, "/srv/other/prog", tacho.KindNative)}, {main}}
	for i, w := range want {
		if got := batch.Stack(uint32(i)); !reflect.DeepEqual(got, w) {
			t.Errorf("stack %d: got %+v, want %+v", i, got, w)
		}
	}
	if r, u := s.Resolve(batch); r != 0 || u != 2 {
		t.Errorf("a second time: %d resolved, %d unknown", r, u)
	}
}

func TestStoreOutlivesAndBounds(t *testing.T) {
	dir := t.TempDir()
	now := time.Unix(1000, 0)
	o := Options{Dir: dir, Now: func() time.Time { now = now.Add(time.Second); return now }}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"aa", "bb", "cc/../x"} {
		if _, err := s.keep(made(id), id); err != nil {
			t.Fatal(err)
		}
	}
	one := s.Files()[0].Bytes
	frame := func(id string) tacho.Frame { return tacho.AddressFrame("m", id, 0x115, tacho.KindNative) }
	if err := os.WriteFile(filepath.Join(dir, "upload-1"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "zz"+suffix), []byte("not an index\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	o.MaxBytes = 3*one + 100
	if s, err = Open(o); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "upload-1")); !os.IsNotExist(err) {
		t.Error("what a killed process left is still there")
	}
	for _, id := range []string{"bb", "cc/../x", "aa"} { // bb was used longest ago now
		if _, ok := s.Frames(frame(id)); !ok {
			t.Errorf("%s is gone after a restart", id)
		}
	}
	if _, err := s.keep(made("dd"), "dd"); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{"aa": true, "bb": false, "cc/../x": true, "dd": true} {
		if _, ok := s.Frames(frame(id)); ok != want {
			t.Errorf("after the fourth of three: %s known: %t", id, ok)
		}
	}
	if ok, err := s.Delete("alias-aa"); !ok || err != nil {
		t.Errorf("delete: %t, %v", ok, err)
	}
	if _, ok := s.Frames(frame("aa")); ok {
		t.Error("aa is known after its deletion")
	}
	if ok, _ := s.Delete("nobody"); ok {
		t.Error("deleted what was not there")
	}
}

func TestPutRefuses(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir, Limits: Limits{Upload: 100}})
	if err != nil {
		t.Fatal(err)
	}
	for want, data := range map[error]string{ErrTooLarge: strings.Repeat("x", 101), ErrNotELF: "hello"} {
		if _, err := s.Put(t.Context(), "x", strings.NewReader(data)); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ctx, "x", strings.NewReader("hello")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	s.Close()
	if _, err := s.keep(made("aa"), "aa"); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestLayers(t *testing.T) {
	for _, c := range []struct{ base, top, want []rng }{
		{[]rng{{10, 20, 1}}, nil, []rng{{10, 20, 1}}},
		{nil, []rng{{10, 20, 2}}, []rng{{10, 20, 2}}},
		{[]rng{{10, 20, 1}}, []rng{{12, 15, 2}}, []rng{{10, 12, 1}, {12, 15, 2}, {15, 20, 1}}},
		{[]rng{{10, 20, 1}, {20, 30, 3}, {40, 50, 4}}, []rng{{15, 45, 2}}, []rng{{10, 15, 1}, {15, 45, 2}, {45, 50, 4}}},
		{[]rng{{10, 20, 1}}, []rng{{5, 10, 2}, {10, 11, 3}, {19, 25, 4}}, []rng{{5, 10, 2}, {10, 11, 3}, {11, 19, 1}, {19, 25, 4}}},
		{[]rng{{10, 20, 1}}, []rng{{12, 13, 2}, {14, 15, 3}}, []rng{{10, 12, 1}, {12, 13, 2}, {13, 14, 1}, {14, 15, 3}, {15, 20, 1}}},
	} {
		if got := overlay(append([]rng(nil), c.base...), c.top); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v under %v: got %v, want %v", c.base, c.top, got, c.want)
		}
	}
}

func TestPerfMap(t *testing.T) {
	m, err := ReadPerfMap(strings.NewReader("1000 100 LazyCompile:~a x.js:1\n0x1200 0x10 b\nnonsense\n1080 10 c d e\n1000 20 newer\nffffffffffffffff 10 over\n3000 5"))
	if err != nil || m.Bad != 2 { // the last line is still being written
		t.Errorf("%v, %d bad lines", err, m.Bad)
	}
	for addr, want := range map[uint64]string{0x1000: "newer", 0x101f: "newer", 0x1080: "c d e", 0x1209: "b", 0x1210: "", 0xfff: ""} {
		if got, _ := m.Lookup(addr); got != want {
			t.Errorf("%#x: got %q, want %q", addr, got, want)
		}
	}
}

func FuzzPerfMap(f *testing.F) {
	f.Add([]byte("1000 100 a\n1080 10 b\n1000 20 c\n"), uint64(0x1005))
	f.Fuzz(func(t *testing.T, data []byte, addr uint64) {
		m, err := ReadPerfMap(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		m.Lookup(addr)
		for i := 1; i < len(m.entries); i++ {
			if m.entries[i-1].end > m.entries[i].start {
				t.Fatalf("entries overlap: %+v", m.entries[i-1:i+1])
			}
		}
	})
}
