package formattest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/format"
)

// budget is what decoding so many bytes may allocate in all: a decoder keeps
// tables, and a batch is several times its input, but no length in the input
// may decide. 4 MB is for buffers of fixed size.
func budget(n int) uint64 { return 16<<20 + 400*uint64(n) }

// damaged decodes what is left of an input after an accident.
func damaged(t *testing.T, d format.Decoder, data []byte) {
	rng := rand.New(rand.NewPCG(1, uint64(len(data))))
	plain := Plain(t, data)
	var cuts []int
	for n := 1; n < len(plain); n *= 2 {
		cuts = append(cuts, n)
	}
	for range 40 {
		cuts = append(cuts, rng.IntN(len(plain)+1))
	}
	for _, n := range cuts {
		survive(t, d, plain[:n], fmt.Sprintf("cut at %d", n))
	}
	if len(plain) < len(data)*20 && !bytes.Equal(plain, data) {
		for range 10 {
			n := rng.IntN(len(data))
			if res := survive(t, d, data[:n], fmt.Sprintf("compressed, cut at %d", n)); n > 0 && res.Err == nil && len(res.Batches) == 0 {
				t.Errorf("compressed, cut at %d of %d: neither a result nor an error", n, len(data))
			}
		}
	}
	for i := range 100 {
		bad := bytes.Clone(plain)
		for range 1 + rng.IntN(4) {
			switch at := rng.IntN(len(bad)); rng.IntN(3) {
			case 0:
				bad[at] ^= 1 << rng.IntN(8)
			case 1:
				bad[at] = 0xff
			case 2:
				end := min(at+rng.IntN(64), len(bad))
				bad = append(bad[:at], bad[end:]...)
			}
			if len(bad) == 0 {
				break
			}
		}
		survive(t, d, bad, fmt.Sprintf("damage %d", i))
	}
}

// survive decodes foreign bytes and checks what must hold of all of them.
func survive(t testing.TB, d format.Decoder, data []byte, what string) Result {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	res := Decode(d, bytes.NewReader(data), Options())
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > budget(len(data)) {
		t.Errorf("%s: %d bytes allocated for %d bytes of input", what, used, len(data))
	}
	if took > 30*time.Second {
		t.Errorf("%s: took %v", what, took)
	}
	if err := positioned(res.Err); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	check(t, d, res, Options())
	return res
}

// positioned says what is wrong with an error of an input.
func positioned(err error) error {
	var syntax *format.SyntaxError
	var limit *format.LimitError
	switch {
	case err == nil, errors.As(err, &limit):
		return nil
	case errors.As(err, &syntax):
		if syntax.Format == "" || syntax.Position == "" || syntax.Reason == "" {
			return fmt.Errorf("error %#v does not say what, where and why", syntax)
		}
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return nil
	}
	return fmt.Errorf("error %T (%v) is neither a SyntaxError nor a LimitError", err, err)
}

// check is what must hold of every result: batches that can be stored, not
// larger than the limits, told apart from each other.
func check(t testing.TB, d format.Decoder, res Result, o format.Options) {
	t.Helper()
	l := o.Limits.Filled()
	var samples int64
	for i, b := range res.Batches {
		if err := b.Validate(); err != nil {
			t.Errorf("batch %d: %v", i, err)
			return
		}
		if b.Collector != d.Name {
			t.Errorf("batch %d: collector %q, want %q", i, b.Collector, d.Name)
		}
		if b.Sequence != o.Sequence+uint64(i) {
			t.Errorf("batch %d has sequence %d", i, b.Sequence)
		}
		n := 0
		for _, p := range b.Profiles {
			n += len(p.Samples)
		}
		samples += int64(n)
		if n > l.Samples+1000 { // a sample's values stay together
			t.Errorf("batch %d has %d samples, the limit is %d", i, n, l.Samples)
		}
		for _, s := range b.Stacks {
			if len(s) > l.Depth {
				t.Errorf("batch %d has a stack of %d frames, the limit is %d", i, len(s), l.Depth)
			}
		}
		for _, s := range b.Strings {
			if len(s) > l.StringLen+64 {
				t.Errorf("batch %d has a name of %d bytes, the limit is %d", i, len(s), l.StringLen)
			}
		}
		for _, want := range o.Target {
			if b.Target.Get(want.Name) != want.Value {
				t.Errorf("batch %d is of %s, not of %s", i, b.Target, o.Target)
			}
		}
	}
	if res.Err == nil && samples != res.Report.Samples {
		t.Errorf("%d samples in the batches, %d in the report", samples, res.Report.Samples)
	}
	if len(res.Batches) != res.Report.Batches {
		t.Errorf("%d batches, %d in the report", len(res.Batches), res.Report.Batches)
	}
	if len(res.Report.Warnings) > l.Warnings {
		t.Errorf("%d warnings, the limit is %d", len(res.Report.Warnings), l.Warnings)
	}
}

// Plain is the bytes decompressed.
func Plain(t testing.TB, data []byte) []byte {
	t.Helper()
	in, err := format.Open(bytes.NewReader(data), format.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	plain, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// Fuzz decodes what the fuzzer makes of the files.
func Fuzz(f *testing.F, d format.Decoder, files ...string) {
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		plain := Plain(f, data)
		if len(plain) > 64<<10 { // the fuzzer does better with small inputs
			plain = plain[:64<<10]
		}
		f.Add(plain)
		f.Add(plain[:len(plain)/2])
	}
	small := Options()
	small.Limits = format.Limits{Bytes: 1 << 20, Memory: 1 << 20, Samples: 1000, AllSamples: 20_000, Depth: 64, Series: 50, Labels: 8, StringLen: 1 << 10, Strings: 20_000, LineLen: 64 << 10}
	f.Fuzz(func(t *testing.T, data []byte) {
		d.Sniff(data[:min(len(data), format.SniffLen)])
		for _, o := range []format.Options{Options(), small} {
			res := Decode(d, bytes.NewReader(data), o)
			if err := positioned(res.Err); err != nil {
				t.Error(err)
			}
			check(t, d, res, o)
		}
	})
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			other := "nothing"
			if i < len(w) {
				other = w[i]
			}
			return fmt.Sprintf("line %d: got %q, want %q", i+1, g[i], other)
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// maxima of a result, for the limits it is over.
func maxima(batches []*tacho.Batch) (name, depth, labels, series int, samples int64) {
	sets := map[string]bool{}
	for _, b := range batches {
		for _, s := range b.Frames {
			name = max(name, len(b.Strings[s.Function]), len(b.Strings[s.File]))
		}
		for _, s := range b.Stacks {
			depth = max(depth, len(s))
		}
		labels = max(labels, len(b.Target)-len(Target))
		sets[b.Target.String()] = true
		for _, p := range b.Profiles {
			samples += int64(len(p.Samples))
		}
	}
	return name, depth, labels, len(sets), samples
}
