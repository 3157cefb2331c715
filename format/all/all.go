// Package all is the one list of decoders, and what is done with all of them:
// recognising an input by its content and decoding it.
//
// A new format is one line in List, at a place that its Sniff allows: formats
// with a magic number first, then JSON by the keys it must have, then text by
// its grammar. collapsed is last, since "word number" is nearly everything.
package all

import (
	"context"
	"fmt"
	"io"

	"tacho"
	"tacho/format"
	"tacho/format/collapsed"
	"tacho/format/cpuprofile"
	"tacho/format/dtrace"
	"tacho/format/jemalloc"
	"tacho/format/jfr"
	"tacho/format/otlp"
	"tacho/format/perfscript"
	"tacho/format/pprof"
	"tacho/format/speedscope"
)

// List is every decoder, in the order in which they are asked.
func List() []format.Decoder {
	return []format.Decoder{
		jfr.Decoder(),
		otlp.Decoder(), // before pprof, whose protobuf begins alike
		pprof.Decoder(),
		cpuprofile.Decoder(),
		speedscope.Decoder(),
		jemalloc.Decoder(),
		perfscript.Decoder(),
		dtrace.Decoder(),
		collapsed.Decoder(),
	}
}

// Sniff finds the decoder of an input by its first bytes, decompressed.
func Sniff(head []byte) (format.Decoder, bool) {
	for _, d := range List() {
		if d.Sniff(head) {
			return d, true
		}
	}
	return format.Decoder{}, false
}

// Named finds a decoder by its name.
func Named(name string) (format.Decoder, bool) {
	for _, d := range List() {
		if d.Name == name {
			return d, true
		}
	}
	return format.Decoder{}, false
}

// Decode recognises and reads an input, decompressing it first. Report.Format
// says what it was; an input nobody knows is format.ErrUnknown.
func Decode(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
	in, err := format.Open(r, o.Limits)
	if err != nil {
		return format.Report{}, fmt.Errorf("open the input: %w", err)
	}
	defer in.Close()
	d, ok := Sniff(in.Head)
	if !ok {
		return format.Report{}, format.ErrUnknown
	}
	return d.Decode(ctx, in.Reader, o, emit)
}
