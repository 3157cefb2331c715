package jfr

import (
	"context"
	"io"
	"testing"

	"tacho"
	"tacho/format"
)

var testTarget = tacho.NewLabels(map[string]string{tacho.LabelService: "s", tacho.LabelInstance: "i"})

// batches decodes data and checks that every batch can be stored.
func batches(t testing.TB, d format.Decoder, r io.Reader, o format.Options) ([]*tacho.Batch, format.Report) {
	t.Helper()
	o.Target = testTarget
	var out []*tacho.Batch
	rep, err := d.Decode(context.Background(), r, o, func(b *tacho.Batch) error { out = append(out, b); return b.Validate() })
	if err != nil {
		t.Fatal(err)
	}
	return out, rep
}

// sums adds up the samples of each type: how many, and their values.
func sums(bs []*tacho.Batch) map[string][2]int64 {
	m := map[string][2]int64{}
	for _, b := range bs {
		for _, p := range b.Profiles {
			x := m[p.Type.Name+"/"+p.Type.Unit]
			for _, s := range p.Samples {
				x[0]++
				x[1] += s.Value
			}
			m[p.Type.Name+"/"+p.Type.Unit] = x
		}
	}
	return m
}
