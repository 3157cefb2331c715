package hotspot

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPerfOfRealJVM(t *testing.T) {
	eachJDK(t, func(t *testing.T, home string) {
		c := startChild(t, childOptions{java: home + "/bin/java"})
		p := c.process()
		f, err := OpenPerf(p)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		first, err := f.Read()
		if err != nil {
			t.Fatal(err)
		}
		ints, texts := first.Names()
		t.Logf("%d numbers, %d texts", len(ints), len(texts))
		if len(ints) < 100 || len(texts) < 20 {
			t.Errorf("%d numbers, %d texts", len(ints), len(texts))
		}
		if v, ok := first.String("sun.rt.javaCommand"); !ok || v != "Target "+c.tag {
			t.Errorf("sun.rt.javaCommand %q, %v", v, ok)
		}
		if v, ok := first.Int("sun.os.hrt.frequency"); !ok || v != 1_000_000_000 {
			t.Errorf("sun.os.hrt.frequency %d, %v", v, ok)
		}
		if _, ok := first.Int("sun.rt.javaCommand"); ok {
			t.Error("a text is also a number")
		}
		if _, ok := first.String("no.such"); ok {
			t.Error("there is no such counter")
		}
		const full = "sun.gc.collector.1.invocations"
		before, ok := first.Int(full)
		if _, err := attach(t, p).Jcmd(t.Context(), "GC.run"); err != nil || !ok {
			t.Fatal(ok, err)
		}
		second, err := f.Read()
		if err != nil {
			t.Fatal(err)
		}
		after, _ := second.Int(full)
		if same, _ := first.Int(full); after != before+1 || same != before {
			t.Errorf("collections %d then %d; the first snapshot now says %d", before, after, same)
		}
		c.end(quiet)
		if _, err := f.Read(); err != nil {
			t.Errorf("after the end of the JVM: %v", err)
		}

		none := startChild(t, childOptions{java: home + "/bin/java", jvm: []string{"-XX:-UsePerfData"}})
		if _, err := OpenPerf(none.process()); !errors.Is(err, ErrNoPerfData) {
			t.Errorf("without performance data: %v", err)
		}
		none.end(quiet)
	})
}

// perfImage builds a file with one number and one text.
func perfImage(order binary.ByteOrder) []byte {
	b := make([]byte, perfHeader)
	binary.BigEndian.PutUint32(b, 0xcafec0c0)
	if order == binary.LittleEndian {
		b[4] = 1
	}
	b[5], b[7] = 2, 1
	order.PutUint64(b[16:], 77)
	order.PutUint32(b[24:], perfHeader)
	order.PutUint32(b[28:], 2)
	entry := func(length, name, vector int, kind byte, at int) []byte {
		e := make([]byte, length)
		order.PutUint32(e, uint32(length))
		order.PutUint32(e[4:], uint32(name))
		order.PutUint32(e[8:], uint32(vector))
		e[12] = kind
		order.PutUint32(e[16:], uint32(at))
		return e
	}
	num := entry(32, 20, 0, 'J', 24)
	copy(num[20:], "n\x00")
	order.PutUint64(num[24:], 42)
	text := entry(40, 20, 16, 'B', 24)
	copy(text[20:], "s\x00")
	copy(text[24:], "hello\x00junk")
	return append(append(b, num...), text...)
}

func TestParsePerf(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		c, index, err := parsePerf(perfImage(order), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, ok := c.Int("n"); n != 42 || !ok {
			t.Errorf("n = %d, %v", n, ok)
		}
		if s, ok := c.String("s"); s != "hello" || !ok {
			t.Errorf("s = %q, %v", s, ok)
		}
		if _, again, _ := parsePerf(perfImage(order), index); again != index {
			t.Error("an unchanged file is indexed again")
		}
		if _, _, err := parsePerf(perfImage(order)[:80], index); err == nil {
			t.Error("a known index is used beyond the end")
		}
	}
	put := func(off int, v uint32) func([]byte) []byte {
		return func(b []byte) []byte { binary.LittleEndian.PutUint32(b[off:], v); return b }
	}
	for name, tt := range map[string]struct {
		spoil func([]byte) []byte
		want  string
	}{
		"cut header":    {func(b []byte) []byte { return b[:31] }, "offset 31: header"},
		"magic":         {func(b []byte) []byte { b[0] = 0; return b }, "offset 0: magic"},
		"order":         {func(b []byte) []byte { b[4] = 9; return b }, "offset 4: byte order 9"},
		"version":       {func(b []byte) []byte { b[5] = 3; return b }, "offset 5: version 3.0"},
		"many entries":  {put(28, 1<<30), "offset 28: 1073741824 entries"},
		"negative":      {put(28, 1<<31), "offset 28: -2147483648 entries"},
		"first outside": {put(24, 1<<30), "offset 1073741824: entry 0 of 2 lies outside"},
		"first before":  {put(24, 4), "offset 4: entry 0"},
		"length 0":      {put(32, 0), "offset 32: entry 0 has 0 bytes"},
		"length":        {put(32, 1<<20), "offset 32: entry 0 has 1048576 bytes"},
		"name":          {put(36, 1<<31-1), "offset 36: name at 2147483647"},
		"data":          {put(48, 25), "offset 48: number at 25"},
		"vector":        {put(64+8, 1<<31-1), "offset 80: 2147483647 bytes at 24"},
		"second":        {put(28, 3), "offset 104: entry 2 of 3 lies outside"},
	} {
		_, _, err := parsePerf(tt.spoil(perfImage(binary.LittleEndian)), nil)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	young := perfImage(binary.LittleEndian)
	young[7] = 0
	if _, _, err := parsePerf(young, nil); !errors.Is(err, errStarting) {
		t.Errorf("not accessible yet: %v", err)
	}
}

// TestOpenPerfDistrusts: what lies in /tmp under the right name need not be a
// JVM's.
func TestOpenPerfDistrusts(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "tmp", "hsperfdata_x")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := Process{PID: 7, NSPID: 7, UID: os.Geteuid(), Root: root, PerfFile: "hsperfdata_x/7"}
	file := filepath.Join(dir, "7")
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, perfImage(binary.LittleEndian), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func() error{
		"nothing":   func() error { return nil },
		"directory": func() error { return os.Mkdir(file, 0o755) },
		"link":      func() error { return os.Symlink(outside, file) },
		"empty":     func() error { return os.WriteFile(file, nil, 0o644) },
		"huge":      func() error { return errors.Join(os.WriteFile(file, nil, 0o644), os.Truncate(file, 1<<40)) },
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
		f, err := OpenPerf(p)
		if err == nil {
			f.Close()
			t.Errorf("%s is opened", name)
		}
		if errors.Is(err, ErrNoPerfData) != (name == "nothing") {
			t.Errorf("%s: %v", name, err)
		}
		os.RemoveAll(file)
	}
	if err := os.WriteFile(file, perfImage(binary.LittleEndian), 0o644); err != nil {
		t.Fatal(err)
	}
	q := p
	q.UID = 54321 // and if the file is root's, it is another's still
	if os.Geteuid() == 0 {
		if err := os.Chown(file, 4321, 4321); err != nil {
			t.Fatal(err)
		}
		p.UID = 4321
	}
	if f, err := OpenPerf(q); err == nil {
		f.Close()
		t.Error("another user's file is opened")
	}
	f, err := OpenPerf(p)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if c, err := f.Read(); err != nil {
		t.Error(err)
	} else if n, _ := c.Int("n"); n != 42 {
		t.Errorf("n = %d", n)
	}
	q = p
	q.perfInode = 1 << 31
	if f, err := OpenPerf(q); err == nil {
		f.Close()
		t.Error("a file that is not the one mapped is opened")
	}
}

func FuzzPerf(f *testing.F) {
	f.Add(perfImage(binary.LittleEndian))
	f.Add(perfImage(binary.BigEndian))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, index, err := parsePerf(b, nil)
		if err != nil {
			return
		}
		ints, texts := c.Names()
		for _, n := range ints {
			c.Int(n)
		}
		for _, n := range texts {
			c.String(n)
		}
		if _, _, err := parsePerf(b[:len(b)/2], index); err == nil && len(b) > 1 && len(ints)+len(texts) > 0 {
			for _, n := range ints {
				if index.ints[n]+8 > len(b)/2 {
					t.Fatalf("%s lies beyond the end", n)
				}
			}
		}
	})
}
