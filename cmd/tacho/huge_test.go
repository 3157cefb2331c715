package main

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"tacho/internal/jvmtest"
)

// hugeBound is the most memory a server may have had after the inputs below,
// all at the same time. It is in docs/operations.md.
const hugeBound = 640 << 20

// repeated reads the same bytes n times.
func repeated(b []byte, n int) io.Reader {
	rs := make([]io.Reader, n)
	for i := range rs {
		rs[i] = bytes.NewReader(b)
	}
	return io.MultiReader(rs...)
}

// bomb is gzip of unit repeated to total bytes: members may follow each other.
func bomb(t *testing.T, unit string, total int64) (r io.Reader, size int64) {
	t.Helper()
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	const member = 64 << 20
	for n := 0; n < member; n += len(unit) {
		_, _ = io.WriteString(w, unit)
	}
	w.Close()
	n := int(total / member)
	return repeated(z.Bytes(), n), int64(z.Len() * n)
}

// Ten gigabytes in ten megabytes, at every door, and a recording of a gigabyte:
// the bombs are refused by the name of the limit, the recording is stored, and
// neither is held.
func TestHugeInputs(t *testing.T) {
	p, port, _, _ := foreignServer(t, "--max-upload", "1050MiB")
	url := "http://" + jvmtest.Addr(port)
	small, err := os.ReadFile("../../format/jfr/testdata/small.jfr")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	send := func(what, path, contentType string, body io.Reader, size int64, status int, say string) {
		all.Go(func() {
			r, err := http.NewRequest(http.MethodPost, url+path, io.NopCloser(body))
			if err != nil {
				t.Error(err)
				return
			}
			r.ContentLength = size
			r.Header.Set("Content-Type", contentType)
			if contentType == "application/x-protobuf" {
				r.Header.Set("Content-Encoding", "gzip")
			}
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				return
			}
			defer res.Body.Close()
			b, _ := io.ReadAll(res.Body)
			if res.StatusCode != status || !strings.Contains(string(b), say) {
				t.Errorf("%s: %s %.300s, want %d with %q", what, res.Status, b, status, say)
			}
		})
	}
	const ten = 10 << 30
	n := (1<<30 + len(small)) / len(small)
	send("JFR of 1 GB", "/api/v1/upload?name=big.jfr", "", repeated(small, n), int64(len(small)*n), 200, `"format":"jfr"`)
	zeros, size := bomb(t, strings.Repeat("\x00", 1<<20), ten)
	send("zeros as pprof", "/ingest?name=a&format=pprof", "", zeros, size, 413, "more than 67108864")
	zeros, size = bomb(t, strings.Repeat("\x00", 1<<20), ten)
	send("zeros as OTLP", "/v1/traces", "application/x-protobuf", zeros, size, 413, "more than 33554432")
	stacks, size := bomb(t, strings.Repeat(strings.Repeat("work;", 400)+"inner 1\n", 512), ten)
	send("stacks as a file", "/api/v1/upload?name=stacks", "", stacks, size, 413, "more than 1101004800")
	all.Wait()
	peak := peakMemory(t, p.PID)
	t.Logf("peak of the server: %d MiB", peak>>20)
	if peak > hugeBound {
		t.Errorf("the server had %d MiB of memory, want at most %d", peak>>20, hugeBound>>20)
	}
}
