// Package formattest is the suite every decoder passes. A room's test is
//
//	func TestPprof(t *testing.T) { formattest.Run(t, pprof.Decoder(), "testdata/cpu.pb.gz", …) }
//	func FuzzPprof(f *testing.F) { formattest.Fuzz(f, pprof.Decoder(), "testdata/cpu.pb.gz", …) }
//
// Of every file Run checks:
//
//  1. golden: it is recognised, and decodes to FILE.golden (go test -update
//     writes it).
//  2. input: neither its name, nor how its bytes arrive, nor what they are
//     compressed with matters.
//  3. cut off at every power of two and at random places, and damaged at random
//     places: an error with a position or a result, no panic, no hang, batches
//     that can be stored, and memory in proportion to the input.
//  4. limits: each one, when it is exceeded, is the error's.
package formattest

import (
	"bytes"
	"context"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"tacho"
	"tacho/format"
)

var update = flag.Bool("update", false, "write the golden files")

// Target is whose profiles the suite decodes.
var Target = tacho.NewLabels(map[string]string{tacho.LabelService: "shop", tacho.LabelInstance: "shop-1"})

// Now is the suite's clock.
func Now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// Options are those the suite decodes with.
func Options() format.Options { return format.Options{Target: Target, Now: Now} }

// Result is what an input came to.
type Result struct {
	Batches []*tacho.Batch
	Report  format.Report
	Err     error
}

// Decode opens and decodes an input.
func Decode(d format.Decoder, r io.Reader, o format.Options) (res Result) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	in, err := format.Open(r, o.Limits)
	if err != nil {
		res.Err = err
		return res
	}
	defer in.Close()
	res.Report, res.Err = d.Decode(ctx, in.Reader, o, func(b *tacho.Batch) error {
		res.Batches = append(res.Batches, b)
		return nil
	})
	return res
}

// Run is the suite.
func Run(t *testing.T, d format.Decoder, files ...string) {
	if d.Name == "" || d.Title == "" || d.Sniff == nil || d.Decode == nil {
		t.Fatalf("decoder %+v is not complete", d)
	}
	if len(files) == 0 {
		t.Fatal("no files to test with")
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Run("golden", func(t *testing.T) { golden(t, d, file, data) })
			t.Run("input", func(t *testing.T) { inputs(t, d, data) })
			t.Run("damaged", func(t *testing.T) { damaged(t, d, data) })
			t.Run("limits", func(t *testing.T) { limits(t, d, data) })
		})
	}
	t.Run("context", func(t *testing.T) { cancelled(t, d, files[0]) })
}

func golden(t *testing.T, d format.Decoder, file string, data []byte) {
	in, err := format.Open(bytes.NewReader(data), format.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if !d.Sniff(in.Head) {
		t.Errorf("%s does not recognise it", d.Name)
	}
	in.Close()
	res := Decode(d, bytes.NewReader(data), Options())
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	check(t, d, res, Options())
	got := Text(res)
	path := file + ".golden"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("decodes differently from %s: %s", path, firstDifference(got, string(want)))
	}
}

// inputs decodes the same bytes arriving in other ways.
func inputs(t *testing.T, d format.Decoder, data []byte) {
	want := Text(Decode(d, bytes.NewReader(data), Options()))
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for how, r := range map[string]io.Reader{
		"file of another name": f,
		"buffer":               bytes.NewBuffer(bytes.Clone(data)),
		"byte by byte":         iotest.OneByteReader(bytes.NewReader(data)),
		"end with the data":    iotest.DataErrReader(io.MultiReader(bytes.NewReader(data))),
		"gzip":                 bytes.NewReader(Gzip(data)),
		"zstd":                 bytes.NewReader(zstded(data)),
		"lz4":                  io.MultiReader(bytes.NewReader(lz4ed(data))),
	} {
		res := Decode(d, r, Options())
		if res.Err != nil {
			t.Errorf("%s: %v", how, res.Err)
		} else if got := Text(res); got != want {
			t.Errorf("%s: decodes differently: %s", how, firstDifference(got, want))
		}
	}
}

// cancelled: a decoder ends with its context.
func cancelled(t *testing.T, d format.Decoder, file string) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := format.Open(f, format.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := d.Decode(ctx, in.Reader, Options(), func(*tacho.Batch) error { return nil }); err == nil {
		t.Error("decodes to the end although its context is over")
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	again, err := format.Open(f, format.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	calls := 0
	_, err = d.Decode(context.Background(), again.Reader, Options(), func(*tacho.Batch) error { calls++; return io.ErrClosedPipe })
	if err == nil || calls != 1 {
		t.Errorf("after an error of emit: %d calls of it, error %v", calls, err)
	}
}

// Gzip is the bytes gzipped.
func Gzip(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zstded(b []byte) []byte {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		panic(err) // its options are constant
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

func lz4ed(b []byte) []byte {
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}
