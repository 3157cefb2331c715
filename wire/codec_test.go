package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/klauspost/compress/s2"

	"tacho"
)

// dump shows floats by their bits, so that NaN equals itself.
func dump(b *tacho.Batch) string {
	c := *b
	c.Series = nil
	s := fmt.Sprintf("%#v", c)
	for _, x := range b.Series {
		s += fmt.Sprintf("\n%q %q %v", x.Name, x.Unit, x.Labels)
		for _, p := range x.Points {
			s += fmt.Sprintf(" %d:%x", p.Time, math.Float64bits(p.Value))
		}
	}
	return s
}

func TestRoundTripIsExact(t *testing.T) {
	for seed := range uint64(500) {
		b := random(rand.New(rand.NewPCG(seed, 0)))
		if err := b.Validate(); err != nil {
			t.Fatalf("seed %d: the generator made an invalid batch: %v", seed, err)
		}
		p := Encode([]byte("prefix"), b)
		got, err := Decode(p[len("prefix"):], DefaultLimits())
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if a, z := dump(b), dump(got); a != z {
			t.Fatalf("seed %d:\n in %s\nout %s", seed, a, z)
		}
	}
}

func TestRoundTripOfOneKnownBatch(t *testing.T) {
	b := numbered(42)
	b.Series = []tacho.Series{{Name: "x", Unit: "1", Points: []tacho.Point{{Time: 5, Value: math.Inf(-1)}, {Time: 3, Value: -0.5}}}}
	got, err := Decode(Encode(nil, b), DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, b) {
		t.Fatalf("got %+v\nwant %+v", got, b)
	}
	if got.Sequence != 42 || got.Frame(0).Function != "com.acme.Orders.sum" || got.Profiles[0].Samples[0].Value != 20_000_000 {
		t.Fatalf("got %+v", got)
	}
}

func TestTypicalBatchIsSmall(t *testing.T) {
	b := typical(1)
	n := 0
	for _, p := range b.Profiles {
		n += len(p.Samples)
	}
	p := Encode(nil, b)
	t.Logf("%d samples, %d stacks, %d frames: %d bytes", n, len(b.Stacks), len(b.Frames), len(p))
	if len(p) > 12_000 {
		t.Errorf("a typical batch of %d samples takes %d bytes, want at most 12,000", n, len(p))
	}
}

func TestEveryTruncationIsASyntaxError(t *testing.T) {
	p := Encode(nil, numbered(1))
	for n := range p {
		_, err := Decode(p[:n], DefaultLimits())
		var se *SyntaxError
		if !errors.As(err, &se) || se.Offset > int64(n) {
			t.Fatalf("cut at %d of %d: %v", n, len(p), err)
		}
	}
	body := appendBody(nil, random(rand.New(rand.NewPCG(7, 7))))
	for n := range body {
		_, err := decodeBody(body[:n], new(buffers), new(tables), DefaultLimits())
		var se *SyntaxError
		if !errors.As(err, &se) || !se.Body || se.Offset > int64(n) {
			t.Fatalf("body cut at %d of %d: %v", n, len(body), err)
		}
	}
}

func TestEveryFlippedBitIsNoticed(t *testing.T) {
	p := Encode(nil, numbered(1))
	for i := range p {
		for bit := range 8 {
			q := bytes.Clone(p)
			q[i] ^= 1 << bit
			if _, err := Decode(q, DefaultLimits()); err == nil {
				t.Fatalf("byte %d bit %d flipped: no error", i, bit)
			}
		}
	}
}

func TestLimitsAreNamed(t *testing.T) {
	var b *tacho.Batch
	for seed := uint64(3); ; seed++ { // one that has at least two of everything
		b = random(rand.New(rand.NewPCG(seed, 0)))
		if len(b.Frames) > 1 && len(b.Stacks) > 1 && len(b.Threads) > 1 && len(b.Profiles) > 1 && len(b.Profiles[0].Samples) > 1 && len(b.Series) > 1 && len(b.Series[0].Points) > 1 && len(b.Events) > 1 {
			break
		}
	}
	p := Encode(nil, b)
	for name, set := range map[string]func(*Limits){
		"Compressed":   func(l *Limits) { l.Compressed = len(p) - 1 },
		"Decompressed": func(l *Limits) { l.Decompressed = 10 },
		"Strings":      func(l *Limits) { l.Strings = 1 },
		"StringLen":    func(l *Limits) { l.StringLen = 2 },
		"Frames":       func(l *Limits) { l.Frames = 1 },
		"Stacks":       func(l *Limits) { l.Stacks = 1 },
		"Depth":        func(l *Limits) { l.Depth = 1 },
		"Threads":      func(l *Limits) { l.Threads = 1 },
		"Profiles":     func(l *Limits) { l.Profiles = 1 },
		"Samples":      func(l *Limits) { l.Samples = 1 },
		"Series":       func(l *Limits) { l.Series = 1 },
		"Points":       func(l *Limits) { l.Points = 1 },
		"Events":       func(l *Limits) { l.Events = 1 },
		"Labels":       func(l *Limits) { l.Labels = 2 },
	} {
		lim := DefaultLimits()
		set(&lim)
		_, err := Decode(p, lim)
		var se *SyntaxError
		if !errors.As(err, &se) || se.Limit != name || !strings.Contains(err.Error(), name) {
			t.Errorf("limit %s: got %v", name, err)
		}
	}
}

// seal makes a batch of a body that need not be one, announced with a size that
// need not be its own.
func seal(body []byte, size uint64) []byte {
	block := s2.Encode(nil, body)
	_, n := binary.Uvarint(block)
	p := append([]byte(magic), 0, 0, 0, 0)
	return reseal(append(binary.AppendUvarint(p, size), block[n:]...))
}

// reseal puts the right checksum into an altered batch.
func reseal(p []byte) []byte {
	binary.LittleEndian.PutUint32(p[4:], crc32.Checksum(p[crcEnd:], castagnoli))
	return p
}

func TestHostileBodies(t *testing.T) {
	zeros := make([]byte, 100)
	bomb := make([]byte, 64<<20)
	huge := binary.AppendUvarint(nil, 1<<40)
	for _, c := range []struct {
		name, want string
		p          []byte
	}{
		{"empty", "ends inside the header", nil},
		{"other file", "does not start with TBT", []byte("PK\x03\x04 and so on")},
		{"earlier version", "version 1 is not known, only 2", []byte("TBT\x01aaaaaaaa")},
		{"later version", "version 3 is not known, only 2", []byte("TBT\x03aaaaaaaa")},
		{"announces more than the limit", "Decompressed", seal(bomb, 64<<20)},
		{"unpacks to more than announced", "does not decompress", seal(bomb, 100)},
		{"unpacks to less than announced", "does not decompress", seal(zeros, 200)},
		{"garbage body", "does not decompress", reseal(append(append([]byte(magic), 0, 0, 0, 0), "\x64garbage"...))},
		{"no varint", "not a varint", reseal(append([]byte(magic+"crc!"), bytes.Repeat([]byte{0xff}, 20)...))},
		{"length of a string", "longer than the", seal([]byte{100, 1, 2, 3}, 4)},
		{"huge length", "StringLen", seal(huge, uint64(len(huge)))},
		{"no plane", "string length in 0 planes", seal(append([]byte{0, 2, 2, 0, 0, 1}, 0, 0), 8)},
		{"five planes", "string length in 5 planes", seal(append([]byte{0, 2, 2, 0, 0, 1}, 5, 0), 8)},
	} {
		_, err := Decode(c.p, DefaultLimits())
		var se *SyntaxError
		if !errors.As(err, &se) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want something with %q", c.name, err, c.want)
		}
	}
}

func TestInvalidBatchesAreRefused(t *testing.T) {
	for _, c := range []struct {
		want string
		do   func(*tacho.Batch)
	}{
		{"stack index 9", func(b *tacho.Batch) { b.Profiles[0].Samples[0].Stack = 9 }},
		{"frame index 77", func(b *tacho.Batch) { b.Stacks[0][1] = 77 }},
		{"labels service_name and instance are required", func(b *tacho.Batch) { b.Target = nil }},
		{"negative value", func(b *tacho.Batch) { b.Profiles[0].Samples[0].Value = -1 }},
		{"start with the empty string", func(b *tacho.Batch) { b.Strings = nil }},
		{"string index out of", func(b *tacho.Batch) { b.Frames[1].Module = 99 }},
		{"thread index 5", func(b *tacho.Batch) { b.Profiles[0].Samples[0].Thread = 5 }},
		{"stack 0 is empty", func(b *tacho.Batch) { b.Stacks[0] = nil }},
		{"outside the window", func(b *tacho.Batch) { b.Profiles[0].Samples[0].Time = b.Until }},
		{"without type or unit", func(b *tacho.Batch) { b.Profiles[0].Type.Unit = "" }},
		{"is not a time range", func(b *tacho.Batch) { b.Until = b.From - 1 }},
	} {
		b := numbered(1)
		c.do(b)
		_, err := Decode(Encode(nil, b), DefaultLimits())
		var se *SyntaxError
		if !errors.As(err, &se) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want something with %q", err, c.want)
		}
	}
}

func TestStream(t *testing.T) {
	var buf bytes.Buffer
	w := NewWriter(&buf)
	var ends []int // of the batches in the stream
	for i := range uint64(5) {
		if err := w.Write(numbered(i)); err != nil {
			t.Fatal(err)
		}
		ends = append(ends, buf.Len())
	}
	all := buf.Bytes()
	readAll := func(r *Reader) (n int, err error) {
		for {
			b, err := r.Next()
			if err != nil {
				return n, err
			}
			if b.Sequence != uint64(n) {
				t.Fatalf("batch %d has sequence %d", n, b.Sequence)
			}
			n++
		}
	}
	read := func(p []byte, lim Limits) (n int, err error) {
		n, err = readAll(NewReader(bytes.NewReader(p), lim))
		inMemory := NewBytesReader(p, lim)
		if m, err2 := readAll(inMemory); m != n || fmt.Sprint(err2) != fmt.Sprint(err) {
			t.Fatalf("from a stream %d batches and %v, from memory %d and %v", n, err, m, err2)
		}
		inMemory.Release()
		return n, err
	}
	if n, err := read(all, DefaultLimits()); n != 5 || err != io.EOF {
		t.Fatalf("got %d batches, %v", n, err)
	}
	whole, start := 0, 0
	for cut := range all {
		if cut == ends[whole] {
			whole, start = whole+1, cut
		}
		n, err := read(all[:cut], DefaultLimits())
		if n != whole {
			t.Fatalf("cut at %d: %d batches, want %d", cut, n, whole)
		}
		var se *SyntaxError
		if atEnd := cut == start; atEnd != (err == io.EOF) || (!atEnd && (!errors.As(err, &se) || se.At != int64(start))) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
	lim := DefaultLimits()
	lim.Stream = 3 * len(appendBody(nil, numbered(0)))
	n, err := read(all, lim)
	var se *SyntaxError
	if n != 3 || !errors.As(err, &se) || se.Limit != "Stream" || se.At != int64(ends[2]+2) {
		t.Fatalf("limit of the stream: %d batches, %v", n, err)
	}
	if _, err := read(bytes.Repeat([]byte{0x80}, 20), DefaultLimits()); err == nil || !strings.Contains(err.Error(), "not a varint") {
		t.Fatalf("got %v", err)
	}
	if _, err := read([]byte{0xff, 0xff, 0xff, 0xff, 0x7f}, DefaultLimits()); !errors.As(err, &se) || se.Limit != "Compressed" {
		t.Fatalf("got %v", err)
	}
	failing := io.MultiReader(bytes.NewReader(all[:ends[0]/2]), failingReader{})
	if _, err := NewReader(failing, DefaultLimits()).Next(); !errors.Is(err, errFailing) || errors.As(err, new(*SyntaxError)) {
		t.Fatalf("a failing connection is no syntax error: %v", err)
	}
}

// Memory that is used again must not show: every batch is as if it were alone.
func TestReleasedMemoryIsUsedAgain(t *testing.T) {
	var body bytes.Buffer
	w, want := NewWriter(&body), []string{}
	for seed := range uint64(40) {
		b := random(rand.New(rand.NewPCG(seed, 3)))
		want = append(want, dump(b))
		if err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	for round := range 5 {
		r := NewBytesReader(body.Bytes(), DefaultLimits())
		var got []*tacho.Batch
		for range want {
			b, err := r.Next()
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, b)
		}
		for i, b := range got {
			if dump(b) != want[i] {
				t.Fatalf("round %d, batch %d:\n in %s\nout %s", round, i, want[i], dump(b))
			}
		}
		r.Release()
	}
}

var errFailing = errors.New("connection reset")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errFailing }

func FuzzDecode(f *testing.F) {
	f.Add(Encode(nil, numbered(1)))
	f.Add(Encode(nil, typical(1)))
	f.Fuzz(func(t *testing.T, p []byte) {
		lim := DefaultLimits()
		lim.Decompressed = 1 << 20
		check := func(b *tacho.Batch, err error) {
			if err != nil {
				if b != nil || !errors.As(err, new(*SyntaxError)) {
					t.Fatalf("%v, %v", b, err)
				}
				return
			}
			again, err := Decode(Encode(nil, b), DefaultLimits())
			if err != nil || dump(again) != dump(b) {
				t.Fatalf("%v", err)
			}
		}
		check(Decode(p, lim))
		if len(p) > crcEnd { // past the checksum
			check(Decode(reseal(bytes.Clone(p)), lim))
		}
		r := NewReader(bytes.NewReader(p), lim)
		for {
			if b, err := r.Next(); err != nil {
				break
			} else if err := b.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzBody goes behind checksum and compression, where a fuzzer does not get
// by itself.
func FuzzBody(f *testing.F) {
	f.Add(appendBody(nil, numbered(1)))
	for seed := range uint64(20) {
		f.Add(appendBody(nil, random(rand.New(rand.NewPCG(seed, 1)))))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, err := decodeBody(body, new(buffers), new(tables), DefaultLimits())
		if err != nil {
			if !errors.As(err, new(*SyntaxError)) {
				t.Fatal(err)
			}
			return
		}
		if err := b.Validate(); err != nil {
			t.Fatalf("decoded, and Validate says %v", err)
		}
		again, err := decodeBody(appendBody(nil, b), new(buffers), new(tables), DefaultLimits())
		if err != nil || dump(again) != dump(b) {
			t.Fatalf("%v", err)
		}
	})
}

// BenchmarkEncode: two seconds of one JVM. 1 % of a core would be 20 ms.
func BenchmarkEncode(b *testing.B) {
	batch := typical(1)
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = Encode(dst[:0], batch)
	}
	b.SetBytes(int64(len(dst)))
}

func BenchmarkDecode(b *testing.B) {
	p := Encode(nil, typical(1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(p, DefaultLimits()); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(p)))
}
