package pprof_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"github.com/klauspost/compress/gzip"

	"tacho"
	"tacho/format"
	"tacho/format/formattest"
	"tacho/format/pprof"
	"tacho/internal/madeup"
)

// A CPU profile of 1,500 stacks. The limit of "plain" is one look-up for each of
// 60,000 frames, and reading and writing them once; of "gzip", inflating.
func BenchmarkDecode(b *testing.B) {
	p := madeup.New(madeup.Service, 1)
	plain, err := p.Pprof(p.Profile(madeup.Service.Rows, 0), time.Unix(1_767_322_000, 0))
	if err != nil {
		b.Fatal(err)
	}
	zipped := formattest.Gzip(plain)
	b.Logf("%d bytes, %d gzipped, %d frames", len(plain), len(zipped), p.Frames(p.Profile(madeup.Service.Rows, 0)))
	for name, data := range map[string][]byte{"plain": plain, "gzip": zipped} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			for b.Loop() {
				in, err := format.Open(bytes.NewBuffer(data), format.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				r, err := pprof.Decode(context.Background(), in.Reader, formattest.Options(), func(*tacho.Batch) error { return nil })
				if err != nil || r.Samples != 3000 {
					b.Fatal(r, err)
				}
				in.Close()
			}
		})
	}
	b.Run("gunzip", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		z := new(gzip.Reader)
		buf := make([]byte, 1<<20)
		for b.Loop() {
			if err := z.Reset(bytes.NewReader(zipped)); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(z, buf); err != io.ErrUnexpectedEOF {
				b.Fatal(err)
			}
		}
	})
	b.Run("google", func(b *testing.B) {
		b.SetBytes(int64(len(plain)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := profile.ParseData(plain); err != nil {
				b.Fatal(err)
			}
		}
	})
}
