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
	main, tabs := bodies(random(rand.New(rand.NewPCG(7, 7))))
	for n := range main {
		_, err := decodeBodies(main[:n], tabs)
		var se *SyntaxError
		if !errors.As(err, &se) || !se.Body || se.Tables || se.Offset > int64(n) {
			t.Fatalf("first section cut at %d of %d: %v", n, len(main), err)
		}
	}
	for n := range tabs {
		_, err := decodeBodies(main, tabs[:n])
		var se *SyntaxError
		if !errors.As(err, &se) || !se.Body || !se.Tables || se.Offset > int64(n) {
			t.Fatalf("second section cut at %d of %d: %v", n, len(tabs), err)
		}
	}
}

// bodies are the sections of a batch.
func bodies(b *tacho.Batch) (main, tabs []byte) {
	return appendMain(nil, b, new(tacho.StackHasher)), appendTables(nil, b)
}

// decodeBodies reads both sections.
func decodeBodies(main, tabs []byte) (*tacho.Batch, error) {
	b, amiss, err := decodeMain(main, new(buffers), new(tables), DefaultLimits())
	if err != nil {
		return nil, err
	}
	if err := decodeTables(tabs, b, amiss, new(buffers), new(tables), DefaultLimits()); err != nil {
		return nil, err
	}
	b.StackHashes = nil
	return b, nil
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

// seal makes a batch of sections that need not be any.
func seal(main, tabs []byte) []byte { return sealAs(block(main, len(main)), block(tabs, len(tabs))) }

// block is a section, announced with a size that need not be its own.
func block(section []byte, size int) []byte {
	p := s2.Encode(nil, section)
	_, n := binary.Uvarint(p)
	return append(binary.AppendUvarint(nil, uint64(size)), p[n:]...)
}

func sealAs(main, tabs []byte) []byte {
	p := append([]byte(magic), 0, 0, 0, 0)
	p = binary.LittleEndian.AppendUint32(p, uint32(len(main)))
	return reseal(append(append(p, main...), tabs...))
}

// reseal puts the right checksum into an altered batch.
func reseal(p []byte) []byte {
	binary.LittleEndian.PutUint32(p[4:], crc32.Checksum(p[crcEnd:], castagnoli))
	return p
}

func TestHostileBodies(t *testing.T) {
	zeros := make([]byte, 100)
	bomb := make([]byte, 64<<20)
	main, tabs := bodies(numbered(1))
	announced := func(n uint32) []byte {
		p := seal(main, tabs)
		binary.LittleEndian.PutUint32(p[crcEnd:], n)
		return reseal(p)
	}
	two := numbered(1)
	two.Stacks = append(two.Stacks, two.Stacks[0])
	_, twoStacks := bodies(two)
	for _, c := range []struct {
		name, want string
		p          []byte
	}{
		{"empty", "ends inside the header", nil},
		{"other file", "does not start with TBT", []byte("PK\x03\x04 and so on")},
		{"earlier version", "version 2 is not known, only 3", []byte("TBT\x02aaaaaaaaaa")},
		{"later version", "version 4 is not known, only 3", []byte("TBT\x04aaaaaaaaaa")},
		{"announces more than the limit", "Decompressed", sealAs(block(bomb, 64<<20), block(tabs, len(tabs)))},
		{"tables announce more than the limit", "Decompressed", sealAs(block(main, len(main)), block(bomb, 64<<20))},
		{"both announce more than the limit", "Decompressed", sealAs(block(zeros, 11<<20), block(zeros, 11<<20))},
		{"unpacks to more than announced", "does not decompress", sealAs(block(bomb, 100), block(tabs, len(tabs)))},
		{"unpacks to less than announced", "does not decompress", sealAs(block(zeros, 200), block(tabs, len(tabs)))},
		{"tables unpack to more than announced", "does not decompress", sealAs(block(main, len(main)), block(bomb, 100))},
		{"garbage section", "does not decompress", sealAs([]byte("\x64garbage"), block(tabs, len(tabs)))},
		{"no varint", "not a varint (batch at byte 0, offset 12)", sealAs(bytes.Repeat([]byte{0xff}, 20), block(tabs, len(tabs)))},
		{"no varint before the tables", "not a varint (batch at byte 0, offset 18)", sealAs(make([]byte, 6), bytes.Repeat([]byte{0xff}, 20))},
		{"first section beyond the end", "longer than the", announced(1 << 31)},
		{"no tables", "not a varint", sealAs(block(main, len(main)), nil)},
		{"length of a string", "longer than the", seal([]byte{100, 1, 2, 3}, tabs)},
		{"huge length", "StringLen", seal(binary.AppendUvarint(nil, 1<<40), tabs)},
		{"no plane", "string length in 0 planes, want 1 to 4 (batch at byte 0, offset 1 of its decompressed tables)", seal(main, []byte{1, 0, 0})},
		{"five planes", "string length in 5 planes", seal(main, []byte{1, 5, 0})},
		{"more stacks than hashes", "2 stacks have 1 hashes", seal(main, twoStacks)},
		{"more after the tables", "1 bytes follow the last stack", seal(main, append(bytes.Clone(tabs), 0))},
		{"more after the events", "1 bytes follow the last event", seal(append(bytes.Clone(main), 0), tabs)},
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
	main, tabs := bodies(numbered(0))
	lim.Stream = 3 * (len(main) + len(tabs))
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
	main, tabs := bodies(typical(2))
	f.Add(seal(main[:len(main)/2], tabs))
	f.Add(seal(main, tabs[:len(tabs)/2]))
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
		r = NewLazyReader(p, lim)
		for {
			b, err := r.Next()
			if err != nil {
				break
			}
			if err := b.Load(); err == nil && b.Validate() != nil {
				t.Fatal(b.Validate())
			} else if err != nil && (!errors.As(err, new(*SyntaxError)) || b.Strings != nil || b.Frames != nil || b.Stacks != nil) {
				t.Fatal(err)
			}
		}
	})
}

// FuzzBody goes behind checksum and compression, where a fuzzer does not get
// by itself.
func FuzzBody(f *testing.F) {
	main, tabs := bodies(numbered(1))
	f.Add(main, tabs)
	f.Add(main, tabs[:len(tabs)-1])
	f.Add(main[:len(main)-1], tabs)
	for seed := range uint64(20) {
		main, tabs := bodies(random(rand.New(rand.NewPCG(seed, 1))))
		f.Add(main, tabs)
	}
	f.Fuzz(func(t *testing.T, main, tabs []byte) {
		b, err := decodeBodies(main, tabs)
		lazy, lazyErr := lazily(main, tabs)
		if (err == nil) != (lazyErr == nil) || err != nil && !strings.HasPrefix(err.Error(), lazyErr.(*SyntaxError).Msg) {
			t.Fatalf("at once: %v; one section after the other: %v", err, lazyErr)
		}
		if err != nil {
			if !errors.As(err, new(*SyntaxError)) {
				t.Fatal(err)
			}
			return
		}
		if dump(lazy) != dump(b) {
			t.Fatalf("at once\n%s\none section after the other\n%s", dump(b), dump(lazy))
		}
		if err := b.Validate(); err != nil {
			t.Fatalf("decoded, and Validate says %v", err)
		}
		again, err := decodeBodies(bodies(b))
		if err != nil || dump(again) != dump(b) {
			t.Fatalf("%v", err)
		}
	})
}

// lazily reads the sections as a lazy Reader and Load do, and forgets that.
func lazily(main, tabs []byte) (*tacho.Batch, error) {
	b, err := NewLazyReader(AppendFramed(nil, seal(main, tabs)), DefaultLimits()).Next()
	if err == nil {
		err = b.Load()
	}
	if err != nil {
		return nil, err
	}
	b.Tables, b.StackHashes = nil, nil
	return b, nil
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
