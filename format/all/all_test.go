package all_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tacho"
	"tacho/format"
	"tacho/format/all"
	"tacho/format/formattest"
)

// Every test file of every room is recognised as that room's, among all.
func TestEachFileIsItsOwnFormat(t *testing.T) {
	golden, err := filepath.Glob("../*/testdata/*.golden")
	if err != nil || len(golden) < 10 {
		t.Fatalf("%d golden files: %v", len(golden), err)
	}
	for _, g := range golden {
		file := strings.TrimSuffix(g, ".golden")
		room := filepath.Base(filepath.Dir(filepath.Dir(file)))
		if room == "pyroscope" {
			continue // is not in the list: only who was told the format can read it
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := all.Decode(context.Background(), f, formattest.Options(), func(*tacho.Batch) error { return nil })
		if r.Format != room || err != nil {
			t.Errorf("%s is taken for %q: %v", file, r.Format, err)
		}
		f.Close()
	}
}

func TestNamesAreUniqueAndFound(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range all.List() {
		if seen[d.Name] || d.Name == "" || strings.ToLower(d.Name) != d.Name {
			t.Errorf("name %q", d.Name)
		}
		seen[d.Name] = true
		if got, ok := all.Named(d.Name); !ok || got.Title != d.Title {
			t.Errorf("%s is not found by its name", d.Name)
		}
	}
	if _, ok := all.Named("gif"); ok {
		t.Error("gif is known")
	}
}

func TestUnknownInput(t *testing.T) {
	for name, in := range map[string][]byte{
		"empty":       nil,
		"text":        []byte("Dear Sir or Madam,\nthis is a letter.\n"),
		"picture":     []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"),
		"json":        []byte(`{"name": "tacho", "version": 1}`),
		"gzipped":     formattest.Gzip([]byte("Dear Sir or Madam")),
		"zeros":       make([]byte, 10_000),
		"access log":  []byte("127.0.0.1 - - [01/Jan/2026:00:00:00 +0000] \"GET / HTTP/1.1\" 200 12\n"),
		"three times": formattest.Gzip(formattest.Gzip(formattest.Gzip([]byte("a;b 1\n")))),
	} {
		_, err := all.Decode(context.Background(), bytes.NewReader(in), formattest.Options(), func(*tacho.Batch) error { return nil })
		if !errors.Is(err, format.ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNestedCompression(t *testing.T) {
	twice := formattest.Gzip(formattest.Gzip([]byte("a;b 1\n")))
	r, err := all.Decode(context.Background(), bytes.NewReader(twice), formattest.Options(), func(*tacho.Batch) error { return nil })
	if r.Format != "collapsed" || r.Samples != 1 || err != nil {
		t.Errorf("got %+v, %v", r, err)
	}
}
