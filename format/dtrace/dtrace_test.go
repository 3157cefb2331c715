package dtrace_test

import (
	"testing"

	"tacho/format/dtrace"
	"tacho/format/formattest"
)

func TestDTrace(t *testing.T) { formattest.Run(t, dtrace.Decoder(), "testdata/profile.txt") }

func FuzzDTrace(f *testing.F) { formattest.Fuzz(f, dtrace.Decoder(), "testdata/profile.txt") }
