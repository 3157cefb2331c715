package pprof

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"

	"github.com/google/pprof/profile"

	"tacho"
	"tacho/format"
)

// countLine begins the count profiles of Go's /debug/pprof?debug=1.
var countLine = regexp.MustCompile(`^(goroutine|threadcreate|[a-zA-Z]+) profile: total \d+$`)

// legacyLines begin the text formats that came before profile.proto.
var legacyLines = []string{
	"heap profile:", "--- heapz ", "--- growthz ", "--- contentionz ", "--- mutex:", "--- contention:", "--- threadz ", "--- heap ", "--- cpuz ",
}

// legacy recognises what google/pprof reads beside profile.proto.
func legacy(head []byte) bool {
	first := line(head)
	for _, s := range legacyLines {
		if bytes.HasPrefix(first, []byte(s)) {
			return true
		}
	}
	if len(first) < 100 && countLine.Match(first) {
		return true
	}
	return legacyCPU(head)
}

// legacyCPU recognises gperftools' binary CPU profile: machine words 0, 3, 0,
// sampling period, 0.
func legacyCPU(head []byte) bool {
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, size := range []int{4, 8} {
			if len(head) < 5*size {
				continue
			}
			word := func(i int) uint64 {
				if size == 4 {
					return uint64(order.Uint32(head[4*i:]))
				}
				return order.Uint64(head[8*i:])
			}
			if word(0) == 0 && word(1) == 3 && word(2) == 0 && word(3) > 0 && word(3) < 1e9 && word(4) == 0 {
				return true
			}
		}
	}
	return false
}

// maxLegacy bounds what google/pprof makes of it, which is many times larger.
const maxLegacy = 32 << 20

// decodeLegacy reads through google/pprof, which does not promise to stand
// foreign bytes.
func decodeLegacy(data []byte, o format.Options, e *format.Emitter) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = e.Syntax("byte 0", fmt.Sprintf("google/pprof's reader gave up: %v", p), nil)
		}
	}()
	if len(data) > maxLegacy {
		return e.Limit(format.LimitMemory, maxLegacy, "")
	}
	p, err := profile.ParseData(data)
	if err != nil {
		return e.Syntax("byte 0", "not a profile after all", err)
	}
	if err := p.RemoveUninteresting(); err != nil {
		e.Warn.Add("", "drop_frames is not applied: %v", err)
	}
	if p.TimeNanos > 0 && p.DurationNanos >= 0 {
		e.Window(p.TimeNanos, p.TimeNanos+max(p.DurationNanos, 1))
	} else if p.DurationNanos > 0 {
		e.Duration(p.DurationNanos)
	}
	types := make([]valueType, len(p.SampleType))
	for i, t := range p.SampleType {
		types[i] = typeOf(t.Type, t.Unit)
	}
	nameTypes(types)
	for _, t := range types {
		if err := e.Declare(nil, t.ValueType); err != nil {
			return err
		}
	}
	var st tacho.Stack
	for n, s := range p.Sample {
		if st = stackOf(st[:0], s); len(st) == 0 {
			st = append(st, tacho.Frame{Function: "[no stack]"})
		}
		labels := labelsOf(s, types)
		for i, raw := range s.Value {
			v, ok := types[i].scaled(raw)
			if !ok {
				return e.Syntax(fmt.Sprintf("sample %d", n+1), fmt.Sprintf("value %d of %s; only what can be summed is kept", raw, types[i].Name), nil)
			}
			if v == 0 {
				continue
			}
			if err := e.Add(labels, types[i].ValueType, st, tacho.Thread{}, tacho.Sample{Value: v}); err != nil {
				return err
			}
		}
	}
	return nil
}

func stackOf(st tacho.Stack, s *profile.Sample) tacho.Stack {
	for _, loc := range s.Location {
		module, build, address := "", "", loc.Address
		if m := loc.Mapping; m != nil {
			module, build = m.File, m.BuildID
			if address >= m.Start {
				address += m.Offset - m.Start
			}
		}
		if len(loc.Line) == 0 {
			st = append(st, tacho.AddressFrame(module, build, address, tacho.KindUnknown))
		}
		for _, l := range loc.Line {
			if l.Function != nil {
				st = append(st, tacho.Frame{Function: l.Function.Name, File: l.Function.Filename, Module: module, Line: int32(l.Line)})
			}
		}
	}
	return st
}

func labelsOf(s *profile.Sample, types []valueType) []tacho.Label {
	var out []tacho.Label
	for name, values := range s.Label {
		for _, v := range values {
			out = add(out, name, v)
		}
	}
	for name, values := range s.NumLabel {
		if name == "bytes" && isHeap(types) {
			continue
		}
		for i, v := range values {
			unit := ""
			if units := s.NumUnit[name]; i < len(units) {
				unit = units[i]
			}
			out = add(out, tacho.NumericLabel(name, unit), fmt.Sprint(v))
		}
	}
	slices.SortFunc(out, func(a, b tacho.Label) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	return out
}
