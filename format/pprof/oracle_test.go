package pprof_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"tacho"
	"tacho/format"
	"tacho/format/formattest"
	"tacho/format/pprof"
)

// oracle sums a profile by label set, type and stack, as google/pprof reads it.
// ok is false for profiles the store could not keep.
func oracle(p *profile.Profile) (sums map[string]int64, ok bool) {
	sums = map[string]int64{}
	has := func(suffix string) bool {
		return slices.ContainsFunc(p.SampleType, func(t *profile.ValueType) bool { return strings.HasSuffix(t.Type, suffix) })
	}
	heap := has("_space") && has("_objects")
	for _, s := range p.Sample {
		var stack []string
		for _, l := range s.Location {
			if len(l.Line) == 0 {
				stack = append(stack, address(l))
			}
			for _, line := range l.Line {
				name := line.Function.Name
				if name == "" {
					name = line.Function.SystemName
				}
				module := ""
				if l.Mapping != nil {
					module = l.Mapping.File
				}
				stack = append(stack, fmt.Sprintf("%s|%s|%d|%s", name, line.Function.Filename, max(line.Line, 0), module))
			}
		}
		if len(stack) == 0 {
			stack = []string{"[no stack]||0|"}
		}
		labels := map[string]int{}
		for k, vs := range s.Label {
			for _, v := range vs {
				if k != "" {
					labels[k+"="+v]++
				}
			}
		}
		for k, vs := range s.NumLabel {
			for i, v := range vs {
				unit := ""
				if u := s.NumUnit[k]; i < len(u) {
					unit = u[i]
				}
				if k != "" && !(heap && k == "bytes") {
					labels[fmt.Sprintf("%s[%s]=%d", k, unit, v)]++
				}
			}
		}
		for i, v := range s.Value {
			if v < 0 {
				return nil, false
			}
			t := p.SampleType[i].Type
			if n := map[string]int64{"microseconds": 1e3, "milliseconds": 1e6, "seconds": 1e9}[p.SampleType[i].Unit]; n != 0 && t == "cpu" {
				if v > math.MaxInt64/n {
					return nil, false
				}
				v *= n
			}
			if v != 0 {
				sums[fmt.Sprint(i, labels, "\n", strings.Join(stack, "\n"))] += v
			}
		}
	}
	return sums, true
}

func address(l *profile.Location) string {
	a, file, build := l.Address, "", ""
	if l.Mapping != nil {
		file, build = l.Mapping.File, l.Mapping.BuildID
		if a >= l.Mapping.Start {
			a = a - l.Mapping.Start + l.Mapping.Offset
		}
	}
	base := filepath.Base(file)
	if i := strings.LastIndexByte(file, '/'); file == "" || i == len(file)-1 {
		base = "[unknown]"
	}
	if build != "" {
		build = "build-id:" + build
	}
	return fmt.Sprintf("%s+0x%x|%s|0|%s", base, a, build, file)
}

// ours is the same of batches.
func ours(batches []*tacho.Batch) map[string]int64 {
	sums := map[string]int64{}
	for _, b := range batches {
		labels := map[string]int{}
		for _, l := range b.Target {
			if formattest.Target.Get(l.Name) == l.Value {
				continue
			}
			name, _, _ := strings.Cut(strings.TrimPrefix(l.Name, format.Exported), "#")
			labels[name+"="+l.Value]++
		}
		for i, p := range b.Profiles {
			for _, s := range p.Samples {
				var stack []string
				for _, f := range b.Stack(s.Stack) {
					stack = append(stack, fmt.Sprintf("%s|%s|%d|%s", f.Function, f.File, f.Line, f.Module))
				}
				sums[fmt.Sprint(i, labels, "\n", strings.Join(stack, "\n"))] += s.Value
			}
		}
	}
	return sums
}

// compare decodes with both.
func compare(t *testing.T, data []byte) {
	t.Helper()
	p, err := profile.ParseUncompressed(data)
	if err == nil {
		err = p.CheckValid()
	}
	res := formattest.Decode(pprof.Decoder(), bytes.NewBuffer(data), formattest.Options())
	if err != nil {
		return // it checks fields we do not read
	}
	if p.DropFrames != "" && p.RemoveUninteresting() != nil {
		return
	}
	want, ok := oracle(p)
	if ok != (res.Err == nil) {
		t.Fatalf("google/pprof reads it, storable %v, we say: %v", ok, res.Err)
	}
	if !ok {
		return
	}
	got := ours(res.Batches)
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %d, want %d", k, got[k], v)
		}
	}
	for k, v := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%s: %d, which google/pprof does not have", k, v)
		}
	}
}

func TestReadsAsGoogleDoes(t *testing.T) {
	for i := range 200 {
		var b bytes.Buffer
		if err := random(rand.New(rand.NewPCG(7, uint64(i)))).WriteUncompressed(&b); err != nil {
			t.Fatal(err)
		}
		if compare(t, b.Bytes()); t.Failed() {
			t.Fatalf("profile %d", i)
		}
	}
	for _, f := range []string{"testdata/gocpu.pb.gz", "testdata/goheap.pb.gz"} {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		compare(t, formattest.Plain(t, data))
	}
}

// random is a valid profile of any shape.
func random(r *rand.Rand) *profile.Profile {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	id := func(i int) uint64 {
		if r.IntN(4) == 0 {
			return uint64(i) + 1<<40
		}
		return uint64(i) + 1
	}
	p := &profile.Profile{TimeNanos: 1_767_322_000_000_000_000, DurationNanos: int64(r.IntN(3)) * 1e9}
	for i := range 1 + r.IntN(4) {
		p.SampleType = append(p.SampleType, &profile.ValueType{Type: pick("cpu", "alloc_space", "inuse_objects", "wall") + strings.Repeat("x", i), Unit: pick("count", "bytes", "microseconds", "nanoseconds")})
	}
	for i := range r.IntN(4) {
		start := uint64(r.IntN(1 << 20))
		p.Mapping = append(p.Mapping, &profile.Mapping{ID: id(i), Start: start, Limit: start + 1<<20, Offset: uint64(r.IntN(5000)), File: pick("", "/usr/bin/shop", "[vdso]", "lib.so"), BuildID: pick("", "ab", "cd")})
	}
	for i := range 1 + r.IntN(8) {
		p.Function = append(p.Function, &profile.Function{ID: id(i), Name: pick("", "main", "malloc", "operator()(int)", "(anonymous namespace)::f(x)", ".tail") + fmt.Sprint(r.IntN(6)), SystemName: pick("", "_Z1f"), Filename: pick("", "a.go", "b.cc")})
	}
	for i := range 1 + r.IntN(20) {
		l := &profile.Location{ID: id(i), Address: uint64(r.IntN(1 << 21))}
		if len(p.Mapping) > 0 && r.IntN(3) > 0 {
			l.Mapping = p.Mapping[r.IntN(len(p.Mapping))]
		}
		for range r.IntN(4) {
			l.Line = append(l.Line, profile.Line{Function: p.Function[r.IntN(len(p.Function))], Line: int64(r.IntN(300)) - 3})
		}
		p.Location = append(p.Location, l)
	}
	for range r.IntN(40) {
		s := &profile.Sample{}
		for range r.IntN(12) {
			s.Location = append(s.Location, p.Location[r.IntN(len(p.Location))])
		}
		for range p.SampleType {
			s.Value = append(s.Value, int64(r.IntN(5)))
		}
		if r.IntN(2) == 0 {
			s.Label = map[string][]string{pick("endpoint", "tenant"): []string{pick("a", "b"), "c"}[:1+r.IntN(2)]}
		}
		if r.IntN(3) == 0 {
			s.NumLabel = map[string][]int64{pick("bytes", "n"): {1 + int64(r.IntN(3))}}
			s.NumUnit = map[string][]string{"bytes": {"kb"}}
		}
		p.Sample = append(p.Sample, s)
	}
	slices.SortFunc(p.Function, func(a, b *profile.Function) int { return strings.Compare(a.Name, b.Name) })
	if r.IntN(3) == 0 {
		p.DropFrames, p.KeepFrames = pick("malloc.*", "main[0-3]", ".*operator.*", "tail."), pick("", "malloc2", "main1")
	}
	return p
}

// FuzzAgainstGoogle: whatever google/pprof reads, we read alike.
func FuzzAgainstGoogle(f *testing.F) {
	for i := range 20 {
		var b bytes.Buffer
		if err := random(rand.New(rand.NewPCG(8, uint64(i)))).WriteUncompressed(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 0 && data[0] < 8 { // the older formats have no first field
			return
		}
		compare(t, data)
	})
}
