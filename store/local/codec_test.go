package local

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"tacho"
)

func TestTokensRoundTrip(t *testing.T) {
	for name, rows := range map[string]map[uint32]uint64{
		"none":          {},
		"one":           {0: 1},
		"dense":         {0: 1, 1: 2, 2: 3, 3: 250, 4: 251},
		"sparse":        {5: 1, 300: 1, 70_000: 1},
		"large values":  {1: math.MaxUint64, 2: 1},
		"common factor": {1: 20_000_000, 9: 40_000_000, 17: 20_000_000 * 300},
		"edges":         {15: 16, 31: 15, 63: 17, 64: 255, 319: 256, 320: 257},
	} {
		var enc tokens
		ids := make([]uint32, 0, len(rows))
		var total uint64
		for id, v := range rows {
			ids = append(ids, id)
			total += v
		}
		slices.Sort(ids)
		for _, id := range ids {
			enc.add(id, rows[id])
		}
		val := enc.encode(77)
		h, _, err := readTokenHead(nil, val)
		if err != nil || h.at != 77 || h.total != total || h.rows != len(rows) {
			t.Errorf("%s: head %+v, %v", name, h, err)
		}
		dst := make([]int64, 70_001)
		if err := addTokens(dst, nil, val); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for id := range dst {
			if uint64(dst[id]) != rows[uint32(id)] {
				t.Fatalf("%s: stack %d is %d, want %d", name, id, dst[id], rows[uint32(id)])
			}
		}
	}
}

// TestTokensSize pins what the format is for: about one byte a row.
func TestTokensSize(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	zipf := rand.NewZipf(rng, 1.05, 20, 19_999)
	sum := map[uint32]uint64{}
	for range 2500 {
		sum[uint32(zipf.Uint64())] += 20_000_000
	}
	ids := make([]uint32, 0, len(sum))
	for id := range sum {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var enc tokens
	for _, id := range ids {
		enc.add(id, sum[id])
	}
	if perRow := float64(len(enc.encode(0))) / float64(len(ids)); perRow > 1.25 {
		t.Errorf("%.2f bytes a row of %d rows, want at most 1.25", perRow, len(ids))
	}
}

// TestDamagedTokensAddNothing cuts and flips a block everywhere: either it is
// refused and nothing was added, or it was read to the end with its sum right.
func TestDamagedTokensAddNothing(t *testing.T) {
	var enc tokens
	for i := range 200 {
		enc.add(uint32(i*i), uint64(i*i*i+1))
	}
	good := bytes.Clone(enc.encode(0))
	for at := range good {
		for _, bad := range [][]byte{good[:at], flip(good, at, 0x80), flip(good, at, 0x01), flip(good, at, 0xff)} {
			dst := make([]int64, 40_000)
			dst[3] = 5
			err := addTokens(dst, []byte("mkey"), bad)
			if err == nil {
				continue
			}
			if dst[3] != 5 || slices.ContainsFunc(append(dst[:3:3], dst[4:]...), func(v int64) bool { return v != 0 }) {
				t.Fatalf("damage at %d (%v) left something behind", at, err)
			}
			var c *corruptError
			if !errors.As(err, &c) || !strings.Contains(err.Error(), "key m/") {
				t.Fatalf("damage at %d: error %q does not name the key", at, err)
			}
		}
	}
}

func flip(b []byte, at int, mask byte) []byte {
	c := bytes.Clone(b)
	c[at] ^= mask
	return c
}

func TestColumnsRoundTrip(t *testing.T) {
	for name, vals := range map[string][]uint64{
		"none":    {},
		"same":    {7, 7, 7, 7},
		"scaled":  {20_000_000, 40_000_000, 20_000_000, 0},
		"palette": {1 << 60, 1<<60 + 1, 1 << 60, 1<<60 + 1, 1 << 60, 1<<60 + 1, 1 << 60, 1<<60 + 1, 1 << 60, 1<<60 + 1, 1 << 60, 1 << 60},
		"plain":   {math.MaxUint64, math.MaxUint64 - 1, 1 << 63, 1<<63 + 7},
	} {
		var c columns
		b := c.append([]byte{9}, vals)
		b = append(b, 1)
		r := reader{b: b, at: 1}
		got := readColumn(&r, nil, len(vals))
		if r.err != nil || !slices.Equal(got, vals) || r.at != len(b)-1 {
			t.Errorf("%s: %v, %v", name, got, r.err)
		}
	}
}

func someRaw() []byte {
	var e rawEncoder
	threads := []tacho.Thread{{ID: 1, Name: "http-nio-2", Group: "x"}, {ID: -5, JavaID: 7, Name: "http-nio-1", Group: "x"}, {}}
	samples := []tacho.Sample{
		{Time: 60e9, Value: 5, Stack: 0, Thread: 1, Span: 3},
		{Time: 60e9, Value: 5, Stack: 2, Thread: 0},
		{Time: 119e9 + 999_999_999, Value: 0, Stack: 1, Thread: 2, Span: 1 << 63},
	}
	return bytes.Clone(e.encode(60e9, samples, threads, []uint32{40, 3, 40}, []uint32{8, 8, 2}))
}

func TestRawRoundTrip(t *testing.T) {
	var b rawBlock
	if err := b.decode(nil, someRaw(), 41, wantAll); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(b.series, []uint32{2, 8}) || !slices.Equal(b.totals, []uint64{0, 10}) || !slices.Equal(b.stacks, []uint32{3, 40}) {
		t.Errorf("series %v, totals %v, stacks %v", b.series, b.totals, b.stacks)
	}
	if !slices.Equal(b.time, []uint64{0, 0, 59_999_999_999}) || !slices.Equal(b.value, []uint64{5, 5, 0}) || !slices.Equal(b.span, []uint64{3, 0, 1 << 63}) {
		t.Errorf("time %v, value %v, span %v", b.time, b.value, b.span)
	}
	want := []rawThread{{0, tacho.Thread{}}, {1, tacho.Thread{ID: -5, JavaID: 7, Name: "http-nio-1"}}, {1, tacho.Thread{ID: 1, Name: "http-nio-2"}}}
	if !slices.Equal(b.threads, want) || !slices.Equal(b.thread, []uint64{1, 2, 0}) || !slices.Equal(b.stack, []uint64{1, 1, 0}) {
		t.Errorf("threads %v, thread %v, stack %v", b.threads, b.thread, b.stack)
	}
	if err := b.decode(nil, someRaw(), 40, wantAll); err == nil {
		t.Error("a stack id beyond the trie was accepted")
	}
}

func TestWindowMinutes(t *testing.T) {
	for _, c := range []struct {
		from, until int64
		want        uint64
	}{
		{0, 1, 1}, {0, minuteNanos, 1}, {0, minuteNanos + 1, 3}, {minuteNanos - 1, minuteNanos + 1, 3},
		{59 * minuteNanos, hourNanos, 1 << 59}, {0, hourNanos, 1<<60 - 1}, {5, 5, 0},
	} {
		w := window{from: c.from, until: c.until}
		if got := w.minutes(); got != c.want {
			t.Errorf("minutes of [%d, %d) are %b, want %b", c.from, c.until, got, c.want)
		}
	}
}

func TestKeyAfter(t *testing.T) {
	for in, want := range map[string]string{"a": "b", "a\xff": "b", "a\xff\xff": "b", "ab": "ac", "\xff": ""} {
		if got := string(key(in).after()); got != want {
			t.Errorf("after %q is %q, want %q", in, got, want)
		}
	}
}
