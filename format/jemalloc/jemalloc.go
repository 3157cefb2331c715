// Package jemalloc reads heap profiles of jemalloc (MALLOC_CONF=prof:true), the
// text that prof.dump and jeprof speak of as heap_v2:
//
//	heap_v2/524288                       bytes between two samples, on average
//	  t*: 761: 4895254 [761: 4895254]    all threads: objects, bytes in use [accumulated]
//	  t0: 761: 4895254 [761: 4895254] …  one thread
//	@ 0x7fab6fea2630 0x55ce00eb5168 …    a stack of return addresses, leaf first
//	  t*: 200: 613364 [200: 613364]      what it allocated
//	  t0: …
//
//	MAPPED_LIBRARIES:
//	55ce00eb5000-55ce00eb6000 r-xp 00001000 fe:00 10010659   /usr/bin/app
//
// (jemalloc's src/prof_data.c; google/pprof reads tcmalloc's older relative, not
// this.) The steps:
//
//  1. read.go reads stacks with their totals and keeps them: the mappings that
//     give the addresses a meaning come last.
//  2. Counts are of sampled allocations. An allocation of s bytes is sampled with
//     probability 1−exp(−s/rate), so counts and bytes of a stack are multiplied by
//     the inverse for its average size, as jeprof does. Per-thread counts are not
//     used: scaling is not linear, their sums would differ from the totals.
//  3. emit.go turns addresses into module+0xoffset, of the call rather than the
//     return, and leaves out jemalloc's own frames at the leaf where it is a
//     library.
//
// Types: inuse_objects, inuse_space, and with prof_accum alloc_objects,
// alloc_space. A heap profile is of an instant, which the file does not say:
// Options.Until or now.
package jemalloc

import (
	"bytes"
	"context"
	"io"

	"tacho"
	"tacho/format"
)

// Name is the decoder's, as format/all knows it.
const Name = "jemalloc"

// The types of a heap profile, as pprof and jeprof call them.
var (
	InuseObjects = tacho.ValueType{Name: "inuse_objects", Unit: "count"}
	InuseSpace   = tacho.ValueType{Name: "inuse_space", Unit: "bytes"}
	AllocObjects = tacho.ValueType{Name: "alloc_objects", Unit: "count"}
	AllocSpace   = tacho.ValueType{Name: "alloc_space", Unit: "bytes"}
)

var magic = []byte("heap_v2/")

// Decoder reads jemalloc heap profiles.
func Decoder() format.Decoder {
	return format.Decoder{Name: Name, Title: "jemalloc heap profile (heap_v2)", Sniff: Sniff, Decode: Decode}
}

// Sniff looks for the first line.
func Sniff(head []byte) bool {
	rest, ok := bytes.CutPrefix(head, magic)
	return ok && len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9'
}

// Decode reads a heap profile.
func Decode(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
	d := &decoder{e: format.NewEmitter(ctx, Name, o, emit)}
	d.lines = format.NewLines(ctx, Name, r, o.Limits)
	err := d.read()
	if d.rate > 0 { // also what came before an error
		if failed := d.emit(); err == nil {
			err = failed
		}
	}
	return d.e.Finish(err)
}
