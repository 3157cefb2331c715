package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/pprof/profile"

	"tacho"
)

// WritePprof writes a gzipped profile.proto, which `go tool pprof` and most
// other tools read. A sample is one stack of one label set: the labels of the
// series are labels of the sample. A frame is a location, so that lines stay
// told apart; a frame that is only an address is a location without a line,
// which pprof can still give a name with the binary at hand.
func (e *Export) WritePprof(w io.Writer) error {
	p := e.Pprof()
	if err := p.CheckValid(); err != nil {
		return fmt.Errorf("check the profile: %w", err)
	}
	return p.Write(w)
}

// Pprof is the export in the words of package profile.
func (e *Export) Pprof() *profile.Profile {
	period := e.PeriodType
	if period == (tacho.ValueType{}) {
		period = e.Type
	}
	b := pprofBuilder{
		p: &profile.Profile{
			SampleType:        []*profile.ValueType{{Type: valid(e.Type.Name), Unit: valid(e.Type.Unit)}},
			DefaultSampleType: valid(e.Type.Name),
			PeriodType:        &profile.ValueType{Type: valid(period.Name), Unit: valid(period.Unit)},
			TimeNanos:         e.From.UnixNano(),
			DurationNanos:     e.Until.Sub(e.From).Nanoseconds(),
		},
		functions: map[[2]string]*profile.Function{},
		locations: map[tacho.Frame]*profile.Location{},
		mappings:  map[[2]string]*profile.Mapping{},
	}
	for _, n := range e.Notes {
		b.p.Comments = append(b.p.Comments, valid(n))
	}
	for _, m := range e.Missing {
		b.p.Comments = append(b.p.Comments, "missing: "+valid(m))
	}
	if f, ok := e.program(); ok {
		buildID, _, _ := f.Address()
		b.mapping(valid(f.Module), valid(buildID))
	}
	frames := make([]*profile.Location, len(e.frames))
	for i, f := range e.frames {
		frames[i] = b.location(f)
	}
	stacks := make([][]*profile.Location, len(e.stacks))
	for i, s := range e.stacks {
		stacks[i] = make([]*profile.Location, len(s))
		for k, f := range s {
			stacks[i][k] = frames[f]
		}
	}
	labels := make([]profile.Sample, len(e.labels))
	for i, ls := range e.labels {
		labels[i] = sampleLabels(ls)
	}
	b.p.Sample = make([]*profile.Sample, len(e.samples))
	for i, s := range e.samples {
		l := &labels[s.labels]
		b.p.Sample[i] = &profile.Sample{Location: stacks[s.stack], Value: []int64{s.value}, Label: l.Label, NumLabel: l.NumLabel, NumUnit: l.NumUnit}
	}
	return b.p
}

// sampleLabels gives labels back as pprof had them. Identities have text only,
// and each name once; the decoders spell what does not fit: a number 4096 in
// bytes is bytes[bytes]="4096", a second value of a name is that of name#2.
func sampleLabels(ls tacho.Labels) (s profile.Sample) {
	s.Label, s.NumLabel, s.NumUnit = map[string][]string{}, map[string][]int64{}, map[string][]string{}
	for _, l := range ls {
		name, value := l.Name, valid(l.Value)
		if i := strings.LastIndexByte(name, '#'); i > 0 && ls.Get(name[:i]) != "" {
			if n, err := strconv.Atoi(name[i+1:]); err == nil && n >= 2 {
				name = name[:i]
			}
		}
		if key, unit, v, ok := (tacho.Label{Name: name, Value: value}).Numeric(); ok {
			key = valid(key)
			s.NumLabel[key] = append(s.NumLabel[key], v)
			s.NumUnit[key] = append(s.NumUnit[key], valid(unit))
			continue
		}
		s.Label[valid(name)] = append(s.Label[valid(name)], value)
	}
	return s
}

// program is a frame of the module most stacks begin in: pprof takes the first
// mapping for the program.
func (e *Export) program() (best tacho.Frame, ok bool) {
	sum := map[string]int64{}
	most := int64(0)
	for id, v := range e.sums() {
		for _, i := range slices.Backward(e.stacks[id]) {
			f := e.frames[i]
			if f.Module == "" {
				continue
			}
			if sum[f.Module] += v; sum[f.Module] > most {
				best, most, ok = f, sum[f.Module], true
			}
			break
		}
	}
	return best, ok
}

type pprofBuilder struct {
	p         *profile.Profile
	functions map[[2]string]*profile.Function
	locations map[tacho.Frame]*profile.Location
	mappings  map[[2]string]*profile.Mapping
}

func (b *pprofBuilder) location(f tacho.Frame) *profile.Location {
	f.Function, f.File, f.Module = valid(f.Function), valid(f.File), valid(f.Module)
	buildID, offset, bare := f.Address()
	f.Kind = tacho.KindUnknown // pprof has no word for it; the same line must not be there twice
	if l := b.locations[f]; l != nil {
		return l
	}
	l := &profile.Location{ID: uint64(len(b.p.Location) + 1)}
	if f.Module != "" || bare {
		l.Mapping = b.mapping(f.Module, buildID)
	}
	if bare {
		l.Address = offset
		l.Mapping.HasFunctions, l.Mapping.HasFilenames, l.Mapping.HasLineNumbers = false, false, false
	} else {
		l.Line = []profile.Line{{Function: b.function(f), Line: int64(f.Line)}}
	}
	b.locations[f] = l
	b.p.Location = append(b.p.Location, l)
	return l
}

// mapping is one that covers the whole file, at its own offsets: addresses of
// frames are offsets into the file.
func (b *pprofBuilder) mapping(file, buildID string) *profile.Mapping {
	key := [2]string{file, buildID}
	m := b.mappings[key]
	if m == nil {
		m = &profile.Mapping{ID: uint64(len(b.p.Mapping) + 1), Limit: math.MaxInt64, File: file, BuildID: buildID,
			HasFunctions: true, HasFilenames: true, HasLineNumbers: true}
		b.mappings[key] = m
		b.p.Mapping = append(b.p.Mapping, m)
	}
	return m
}

func (b *pprofBuilder) function(f tacho.Frame) *profile.Function {
	key := [2]string{f.Function, f.File}
	fn := b.functions[key]
	if fn == nil {
		fn = &profile.Function{ID: uint64(len(b.p.Function) + 1), Name: f.Function, SystemName: f.Function, Filename: f.File}
		b.functions[key] = fn
		b.p.Function = append(b.p.Function, fn)
	}
	return fn
}

// valid is text that is UTF-8: protobuf has no other, and readers refuse a
// whole file for one bad byte.
func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
