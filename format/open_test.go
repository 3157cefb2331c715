package format_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"tacho/format"
	"tacho/format/formattest"
)

const text = "root;caller;leaf 42\n"

func zstded(t *testing.T, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
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

func TestOpenFindsCompression(t *testing.T) {
	long := bytes.Repeat([]byte(text), 1000)
	for _, plain := range [][]byte{nil, []byte("x"), []byte(text), long} {
		for want, data := range map[string][]byte{
			"":          plain,
			"gzip":      formattest.Gzip(plain),
			"zstd":      zstded(t, plain),
			"lz4":       lz4ed(plain),
			"zstd gzip": zstded(t, formattest.Gzip(plain)),
			"gzip lz4":  formattest.Gzip(lz4ed(plain)),
		} {
			for how, r := range map[string]io.Reader{
				"buffer": bytes.NewBuffer(bytes.Clone(data)),
				"seeker": bytes.NewReader(data),
				"stream": iotest.HalfReader(io.MultiReader(bytes.NewReader(data))),
			} {
				in, err := format.Open(r, format.Limits{})
				if err != nil {
					t.Fatalf("%s of %d bytes, %q: %v", how, len(plain), want, err)
				}
				if !bytes.Equal(in.Head, plain[:min(len(plain), format.SniffLen)]) {
					t.Errorf("%s of %d bytes, %q: head has %d bytes", how, len(plain), want, len(in.Head))
				}
				got, err := io.ReadAll(in)
				if err != nil || !bytes.Equal(got, plain) || strings.Join(in.Compression, " ") != want {
					t.Errorf("%s of %d bytes, %q: %d bytes, compression %v, %v", how, len(plain), want, len(got), in.Compression, err)
				}
				in.Close()
				in.Close()
				if _, err := in.Read(make([]byte, 1)); err == nil {
					t.Error("reads on after Close")
				}
			}
		}
	}
}

// A file stays a file, so that a decoder can read it from any place.
func TestOpenKeepsReadAt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := format.Open(f, format.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, ok := in.Reader.(io.ReaderAt); !ok {
		t.Errorf("reader is %T", in.Reader)
	}
}

func TestOpenBoundsBytes(t *testing.T) {
	data := bytes.Repeat([]byte("a"), 10_000)
	for how, r := range map[string]io.Reader{
		"buffer": bytes.NewBuffer(bytes.Clone(data)), "seeker": bytes.NewReader(data), "stream": io.MultiReader(bytes.NewReader(data)),
		"gzip": bytes.NewReader(formattest.Gzip(data)), "gzip in memory": bytes.NewBuffer(formattest.Gzip(data)), "zstd": bytes.NewReader(zstded(t, data)),
	} {
		n := 0
		in, err := format.Open(r, format.Limits{Bytes: 9999})
		if err == nil {
			var got []byte
			got, err = io.ReadAll(in)
			n = len(got)
			in.Close()
		}
		var limit *format.LimitError
		if !errors.As(err, &limit) || limit.Limit != format.LimitBytes || limit.Max != 9999 || n > 9999 {
			t.Errorf("%s: %d bytes, %v", how, n, err)
		}
	}
}

func TestOpenTellsBrokenBytesFromBrokenConnections(t *testing.T) {
	whole := formattest.Gzip(bytes.Repeat([]byte(text), 10_000))
	broken := errors.New("connection reset")
	read := func(r io.Reader) error {
		in, err := format.Open(r, format.Limits{})
		if err != nil {
			return err
		}
		defer in.Close()
		_, err = io.Copy(io.Discard, in)
		return err
	}
	var syntax *format.SyntaxError
	if err := read(bytes.NewReader(whole[:len(whole)/2])); !errors.As(err, &syntax) || !errors.Is(err, io.ErrUnexpectedEOF) || syntax.Format != "gzip" {
		t.Errorf("cut off: %v", err)
	}
	bad := bytes.Clone(whole)
	bad[len(bad)-6] ^= 1 // the checksum
	for how, r := range map[string]io.Reader{"stream": bytes.NewReader(bad), "memory": bytes.NewBuffer(bad)} {
		if err := read(r); !errors.As(err, &syntax) {
			t.Errorf("damaged, %s: %v", how, err)
		}
	}
	for _, n := range []int{0, 5, len(whole) / 2} {
		if err := read(io.MultiReader(bytes.NewReader(whole[:n]), iotest.ErrReader(broken))); !errors.Is(err, broken) || errors.As(err, &syntax) {
			t.Errorf("broken connection after %d bytes: %v", n, err)
		}
	}
	// net/http's word for a body that ends early must not pass for its end.
	if err := read(io.MultiReader(strings.NewReader("a;b"), iotest.ErrReader(io.ErrUnexpectedEOF))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("short body: %v", err)
	}
}

// bomb is 10 GB of zeros as gzip, 10 MB, made as it is read.
func bomb() io.Reader {
	r, w := io.Pipe()
	go func() {
		z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed)
		zeros := make([]byte, 1<<20)
		for range 10 << 10 {
			if _, err := z.Write(zeros); err != nil {
				break
			}
		}
		w.CloseWithError(z.Close())
	}()
	return r
}

func TestZipBomb(t *testing.T) {
	r := bomb()
	defer r.(io.Closer).Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	in, err := format.Open(r, format.Limits{Bytes: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	whole, err := format.ReadWhole("pprof", in.Reader, format.Limits{Memory: 8 << 20})
	whole.Free()
	var limit *format.LimitError
	if !errors.As(err, &limit) || limit.Limit != format.LimitMemory {
		t.Errorf("held whole: %v", err)
	}
	n, err := io.Copy(io.Discard, in)
	if !errors.As(err, &limit) || limit.Limit != format.LimitBytes || n > 64<<20 {
		t.Errorf("read on for %d bytes: %v", n, err)
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("%d bytes allocated", used)
	}
}
