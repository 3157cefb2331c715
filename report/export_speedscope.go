package report

import (
	"io"
)

// speedscopeSchema names the version of the file format, as
// https://www.speedscope.app wants it.
const speedscopeSchema = "https://www.speedscope.app/file-format-schema.json"

// WriteSpeedscope writes one sampled profile with a sample for each stack: its
// weight is the stack's sum. The order of samples says nothing, so the time
// order view of speedscope is of no use and its left heavy view is meant.
func (e *Export) WriteSpeedscope(w io.Writer) error {
	b := append([]byte(nil), '{')
	b = appendStringMember(b, "$schema", speedscopeSchema)
	b = appendStringMember(b, "exporter", "tacho")
	b = appendStringMember(b, "name", e.title())
	b = append(appendKey(b, "activeProfileIndex"), '0')
	b = append(appendKey(b, "shared"), `{"frames":[`...)
	for i, f := range e.frames {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		b = appendStringMember(b, "name", f.Function)
		if f.File != "" {
			b = appendStringMember(b, "file", f.File)
		}
		if f.Line > 0 {
			b = appendIntMember(b, "line", int64(f.Line))
		}
		b = append(b, '}')
	}
	b = append(b, "]}"...)
	b = append(appendKey(b, "profiles"), `[{`...)
	b = appendStringMember(b, "type", "sampled")
	b = appendStringMember(b, "name", e.title())
	b = appendStringMember(b, "unit", speedscopeUnit(e.Type.Unit))
	b = appendIntMember(b, "startValue", 0)
	b = appendIntMember(b, "endValue", e.Total())
	sums := e.sums()
	b = append(appendKey(b, "samples"), '[')
	var weights []int64
	for id, s := range e.stacks {
		if sums[id] == 0 {
			continue
		}
		if len(weights) > 0 {
			b = append(b, ',')
		}
		b = appendArray(b, reversed(s)) // root first
		weights = append(weights, sums[id])
	}
	b = append(b, ']')
	b = appendInts(b, "weights", weights)
	b = append(b, "}]}\n"...)
	_, err := w.Write(b)
	return err
}

func reversed(s []uint32) []uint32 {
	out := make([]uint32, len(s))
	for i, f := range s {
		out[len(s)-1-i] = f
	}
	return out
}

// speedscopeUnit is the unit in the words the format has.
func speedscopeUnit(unit string) string {
	switch unit {
	case "nanoseconds", "microseconds", "milliseconds", "seconds", "bytes":
		return unit
	}
	return "none"
}
