package inflate

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"tacho/internal/madeup"
)

func zip(t testing.TB, level int, parts ...[]byte) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		z, err := gzip.NewWriterLevel(&b, level)
		if err != nil {
			t.Fatal(err)
		}
		z.Name, z.Comment, z.Extra = "a.txt", "of a test", []byte("extra")
		z.Write(p)
		z.Close()
	}
	return b.Bytes()
}

// inputs of all kinds: nothing, noise, text, runs, and what compresses into
// codes of all lengths.
func inputs() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 1))
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	skewed := make([]byte, 200_000)
	for i := range skewed {
		skewed[i] = byte(r.ExpFloat64() * 12)
	}
	var mixed []byte
	for i := 0; len(mixed) < 300_000; i++ {
		mixed = fmt.Appendf(mixed, "line %d of %x\n", i, r.Uint64()>>r.IntN(60))
		if i%50 == 0 {
			mixed = append(mixed, noise[i:i+r.IntN(2000)]...)
		}
	}
	return map[string][]byte{
		"nothing": {}, "byte": {7}, "noise": noise, "skewed": skewed, "mixed": mixed,
		"zeros": make([]byte, 100_000), "period 3": bytes.Repeat([]byte("abc"), 50_000), "text": []byte(strings.Repeat("the quick brown fox ", 17)),
	}
}

func TestAsTheStandardLibrary(t *testing.T) {
	var d Decoder
	for name, in := range inputs() {
		for level := flate.HuffmanOnly; level <= 9; level++ {
			got, err := d.Gzip(nil, zip(t, level, in), len(in))
			if err != nil || !bytes.Equal(got, in) {
				t.Errorf("%s at level %d: %d bytes of %d, %v", name, level, len(got), len(in), err)
			}
		}
	}
	got, err := d.Gzip([]byte("before "), zip(t, 6, []byte("one "), []byte("two")), 7)
	if string(got) != "before one two" || err != nil {
		t.Errorf("two members: %q, %v", got, err)
	}
}

func TestLimit(t *testing.T) {
	var d Decoder
	for name, in := range inputs() {
		for _, less := range []int{1, 100, 50_000} {
			if len(in) < less {
				continue
			}
			for _, level := range []int{0, 1, 6} {
				got, err := d.Gzip(nil, zip(t, level, in), len(in)-less)
				if !errors.Is(err, ErrSize) || cap(got) > len(in)+2*slack+64<<10 {
					t.Errorf("%s less %d: %v, room for %d", name, less, err, cap(got))
				}
			}
		}
	}
	bomb := zip(t, 9, make([]byte, 10<<20))
	if got, err := d.Gzip(nil, bomb, 1000); !errors.Is(err, ErrSize) || cap(got) > 8<<10 {
		t.Errorf("bomb: %v, room for %d", err, cap(got))
	}
}

// What is damaged is damaged, or the same as the standard library reads.
func TestDamage(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	for _, in := range inputs() {
		whole := zip(t, 1+r.IntN(9), in)
		for range 60 {
			bad := bytes.Clone(whole)
			if r.IntN(2) == 0 {
				bad = bad[:r.IntN(len(bad))]
			} else {
				bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
			}
			compare(t, bad)
		}
	}
}

func compare(t *testing.T, data []byte) {
	t.Helper()
	var want []byte
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err == nil {
		want, err = io.ReadAll(io.LimitReader(z, 1<<20))
		if err == nil {
			var one [1]byte
			if n, _ := z.Read(one[:]); n > 0 {
				return // larger than the limit
			}
		}
	}
	var d Decoder
	got, ours := d.Gzip(nil, data, 1<<20)
	if err == nil && (ours != nil || !bytes.Equal(got, want)) {
		t.Errorf("%d bytes, %v; compress/gzip has %d", len(got), ours, len(want))
	}
	if err != nil && ours == nil {
		t.Errorf("read without an error; compress/gzip: %v", err)
	}
}

func FuzzInflate(f *testing.F) {
	for _, in := range inputs() {
		f.Add(zip(f, 6, in[:min(len(in), 3000)]))
		f.Add(zip(f, flate.HuffmanOnly, in[:min(len(in), 3000)]))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		compare(t, data)
		// The fuzzer does not get past a checksum: the same as bare deflate.
		raw := append([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0}, data...)
		want, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), 1<<20))
		var d Decoder
		got, ours := d.Gzip(nil, raw, 1<<20)
		if err == nil && len(want) < 1<<20 && !bytes.Equal(got, want) {
			t.Errorf("%d bytes, %v; compress/flate has %d", len(got), ours, len(want))
		}
	})
}

// A gzipped pprof profile; the limit is the latency of one look-up after the
// other, some 3 ns a symbol.
func BenchmarkGzip(b *testing.B) {
	p := madeup.New(madeup.Service, 1)
	in, err := p.Pprof(p.Profile(1500, 0), time.Unix(1_767_322_000, 0))
	if err != nil {
		b.Fatal(err)
	}
	data := zip(b, 6, in)
	var d Decoder
	buf := make([]byte, 0, len(in)+1024)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if buf, err = d.Gzip(buf[:0], data, len(in)); err != nil {
			b.Fatal(err)
		}
	}
}
