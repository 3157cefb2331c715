package main

import (
	"bytes"
	"io"
	"testing"

	"tacho"
	"tacho/wire"
)

// BenchmarkDecode is decoding the requests of a minute, as they come: each batch
// of ten was in no cache before. Limit: unpacking, then a pass over the columns.
func BenchmarkDecode(b *testing.B) {
	bodies, rows := requests(b, 20)
	b.ResetTimer()
	n := 0
	for b.Loop() {
		r := wire.NewBytesReader(bodies[n%len(bodies)], wire.DefaultLimits())
		for {
			if _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				b.Fatal(err)
			}
		}
		r.Release()
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*rows), "ns/row")
}

// requests are bodies of a minute each, and how many rows one of them has.
func requests(b *testing.B, minutes int) (bodies [][]byte, rows int) {
	targets := make([]tacho.Labels, 10)
	for i := range targets {
		targets[i] = tacho.NewLabels(map[string]string{tacho.LabelService: weekService, tacho.LabelInstance: string(rune('a' + i))})
	}
	g := newGenerator(newWorld(weekShape), targets)
	x := &tacho.Batch{}
	for m := range minutes {
		var body bytes.Buffer
		w := wire.NewWriter(&body)
		for t := range targets {
			g.profile(t, m, x)
			if err := w.Write(x); err != nil {
				b.Fatal(err)
			}
		}
		bodies = append(bodies, body.Bytes())
	}
	b.Logf("%d bytes a batch", len(bodies[0])/10)
	return bodies, int(g.rows) / minutes
}

// BenchmarkEncode is what an agent does for the batch of a minute, hashes of its
// stacks included. Limit: SHA-256 of 16 bytes a frame reference, and a block of 64
// for each frame and string: about 1 ms.
func BenchmarkEncode(b *testing.B) {
	g := newGenerator(newWorld(weekShape), []tacho.Labels{tacho.NewLabels(map[string]string{tacho.LabelService: weekService, tacho.LabelInstance: "a"})})
	batches := make([]tacho.Batch, 10)
	for m := range batches {
		g.profile(0, m, &batches[m])
	}
	var hash tacho.StackHasher
	b.Run("all", func(b *testing.B) {
		var p []byte
		for n := 0; b.Loop(); n++ {
			p = wire.Encode(p[:0], &batches[n%len(batches)])
		}
	})
	b.Run("hashes", func(b *testing.B) {
		for n := 0; b.Loop(); n++ {
			x := &batches[n%len(batches)]
			hash.Begin(x)
			for _, s := range x.Stacks {
				hash.Hash(s)
			}
		}
	})
}
