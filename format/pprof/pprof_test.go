package pprof_test

import (
	"testing"

	"tacho/format/formattest"
	"tacho/format/pprof"
)

var files = []string{"testdata/all.pb.gz", "testdata/gocpu.pb.gz", "testdata/goheap.pb.gz", "testdata/heap.txt", "testdata/contention.txt", "testdata/goroutine.txt", "testdata/cpu.bin"}

func TestPprof(t *testing.T) { formattest.Run(t, pprof.Decoder(), files...) }

func FuzzPprof(f *testing.F) { formattest.Fuzz(f, pprof.Decoder(), files...) }
