package jfr

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestVarint(t *testing.T) {
	for _, c := range []struct {
		bytes string
		want  uint64
	}{
		{"\x00", 0}, {"\x7f", 127}, {"\x80\x01", 128}, {"\xff\x7f", 16383}, {"\x80\x80\x01", 16384},
		{"\xff\xff\xff\xff\x0f", math.MaxUint32},
		{"\xff\xff\xff\xff\xff\xff\xff\x7f", 1<<56 - 1},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff", math.MaxUint64}, // the ninth byte has eight bits
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80", 1 << 63},
		{"\x81\x00", 1}, // padded, as sizes are
	} {
		for _, tail := range []string{"", "\x85\x85\x85\x85\x85\x85\x85\x85\x85\x85"} {
			k := cursor{b: []byte(c.bytes + tail)}
			if got := k.varint(); got != c.want || k.p != len(c.bytes) || k.bad {
				t.Errorf("%x: got %d at %d, bad %t, want %d", c.bytes, got, k.p, k.bad, c.want)
			}
		}
		k := cursor{b: []byte(c.bytes[:len(c.bytes)-1])}
		if k.varint(); !k.bad {
			t.Errorf("%x cut: not bad", c.bytes)
		}
	}
}

// TestSkipVarints: skipping n integers at once goes where reading them goes.
func TestSkipVarints(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 2000 {
		w := newBuilder(false)
		w.b = nil
		n := r.IntN(60)
		for range n {
			w.long(int64(r.Uint64() >> r.IntN(64)))
		}
		end := len(w.b)
		w.b = append(w.b, make([]byte, r.IntN(12))...)
		k := cursor{b: w.b}
		if k.skipVarints(n); k.p != end || k.bad {
			t.Fatalf("round %d: %d integers end at %d, skipped to %d", round, n, end, k.p)
		}
		if n > 0 {
			k = cursor{b: w.b[:r.IntN(end)]}
			if k.skipVarints(n); !k.bad {
				t.Fatalf("round %d: skipped over the end", round)
			}
		}
	}
}

func TestStrings(t *testing.T) {
	long := strings.Repeat("é", 40)
	for _, c := range []struct {
		name, bytes string
		fixed       bool
		want        string
	}{
		{"null", "\x00", false, ""},
		{"empty", "\x01", false, ""},
		{"utf-8", "\x03\x06h\xc3\xa9llo", false, "héllo"},
		{"utf-8 fixed", "\x03\x00\x00\x00\x02\xc3\xa9", true, "é"},
		{"not utf-8", "\x03\x03a\xffb", false, "a\ufffdb"},
		{"latin-1", "\x05\x03caf", false, "caf"},
		{"latin-1 high", "\x05\x02\xe9\xfc", false, "éü"},
		{"chars", "\x04\x02\xa2\xde\x01a", false, "漢a"},
		{"chars fixed", "\x04\x00\x00\x00\x01\x6f\x22", true, "漢"},
		{"surrogate pair", "\x04\x02\xbd\xb0\x03\x80\xbc\x03", false, "😀"},
		{"lone surrogate", "\x04\x02\xbd\xb0\x03a", false, "\ufffda"},
		{"cut at a character", "\x03\x50" + long, false, strings.Repeat("é", 31)},
	} {
		k := cursor{b: []byte(c.bytes), fixed: c.fixed}
		got, _, isRef := k.appendString([]byte("x"), 63)
		if string(got) != "x"+c.want || k.bad || isRef || k.p != len(c.bytes) {
			t.Errorf("%s: got %q at %d, bad %t", c.name, got, k.p, k.bad)
		}
		s := cursor{b: []byte(c.bytes), fixed: c.fixed}
		if s.skipString(); s.p != len(c.bytes) || s.bad {
			t.Errorf("%s: skipped to %d, bad %t", c.name, s.p, s.bad)
		}
	}
	k := cursor{b: []byte("\x02\x85\x01")}
	if _, id, isRef := k.appendString(nil, 10); !isRef || id != 133 {
		t.Errorf("constant: got %d, %t", id, isRef)
	}
	for _, bad := range []string{"", "\x06", "\x03", "\x03\x05abc", "\x05\xff\xff\xff\xff\x0f", "\x04\xff\xff\xff\xff\x07a", "\x02", "\x03\xff\xff\xff\xff\x07"} {
		k := cursor{b: []byte(bad)}
		if k.appendString(nil, 1<<20); !k.bad {
			t.Errorf("%x: not bad", bad)
		}
		k = cursor{b: []byte(bad)}
		if k.skipString(); !k.bad {
			t.Errorf("%x skipped: not bad", bad)
		}
	}
}

func TestTable(t *testing.T) {
	var tab table
	for i := range uint64(10_000) {
		tab.put(i*i<<16|i, uint32(i))
	}
	for i := range uint64(10_000) {
		if got := tab.get(i*i<<16 | i); got != uint32(i) {
			t.Fatalf("id of %d gives %d", i, got)
		}
	}
	if got := tab.get(12345 << 40); got != noEntry {
		t.Errorf("an id never put gives %d", got)
	}
	tab.reset()
	if got := tab.get(0); got != noEntry {
		t.Errorf("after reset: %d", got)
	}
}

func TestClock(t *testing.T) {
	for _, c := range []struct{ perSecond, ticks, want int64 }{
		{1e9, 1234, 1234}, {2e9, 3, 1}, {2_600_000_000, 2_600_000_000 * 86400, 86400e9}, {1000, -5, -5e6}, {1e6, 0, 0},
		{3, math.MaxInt64, math.MaxInt64}, {3, math.MinInt64, math.MinInt64}, {1, math.MaxInt64 - 1, math.MaxInt64}, {3, math.MinInt64 + 1, -math.MaxInt64},
	} {
		k := clock{perSecond: c.perSecond}
		if got := k.span(c.ticks); got != c.want {
			t.Errorf("%d ticks of %d a second: got %d ns, want %d", c.ticks, c.perSecond, got, c.want)
		}
	}
}

func TestSourceFile(t *testing.T) {
	for class, want := range map[string]string{
		"com.acme.Foo": "Foo.java", "com.acme.Foo$Bar$1": "Foo.java", "Foo": "Foo.java", "": "", "$Proxy12": "$Proxy12.java",
		"com.acme.Foo$$Lambda$75+0x00007fa71402ac58/1979313356": "Foo.java", "com.acme.Foo$$Lambda/0x000000001e045210": "Foo.java", "byte[]": "byte.java",
	} {
		if got := sourceFile(class); got != want {
			t.Errorf("%s: got %s, want %s", class, got, want)
		}
	}
}

func TestClassName(t *testing.T) {
	c := newChunk(Options{})
	for in, want := range map[string]string{
		"java/lang/String": "java.lang.String", "Foo": "Foo", "[B": "byte[]", "[[Ljava/lang/String;": "java.lang.String[][]", "": "", "[": "[]",
		"com/acme/Foo$$Lambda/0x000000001e045210": "com.acme.Foo$$Lambda/0x000000001e045210",
	} {
		if got := c.className(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
