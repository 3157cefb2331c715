package report

import (
	"io"
)

// WriteJSON writes the tables as they are:
//
//	{"service", "type", "unit", "from_ms", "until_ms", "seconds", "total",
//	 "frames": {"function": […], "file": […], "module": […], "line": […], "kind": […]},  // kind indexes kinds
//	 "stacks": [[frame, … leaf first], …], "labels": [{"instance": "a"}, …],
//	 "samples": {"stack": […], "labels": […], "value": […]}, "kinds": […], "notes": […], "missing": […]}
func (e *Export) WriteJSON(w io.Writer) error {
	b := append([]byte(nil), '{')
	b = appendStringMember(b, "service", e.Service)
	b = appendStringMember(b, "type", e.Type.Name)
	b = appendStringMember(b, "unit", e.Type.Unit)
	b = appendIntMember(b, "from_ms", e.From.UnixMilli())
	b = appendIntMember(b, "until_ms", e.Until.UnixMilli())
	b = appendFloatMember(b, "seconds", e.Seconds)
	b = appendIntMember(b, "total", e.Total())
	n := len(e.frames)
	function, file, module := make([]string, n), make([]string, n), make([]string, n)
	line, kind := make([]int32, n), make([]uint16, n)
	for i, f := range e.frames {
		function[i], file[i], module[i], line[i], kind[i] = f.Function, f.File, f.Module, f.Line, uint16(f.Kind)
	}
	b = append(appendKey(b, "frames"), '{')
	b = appendStrings(b, "function", function)
	b = appendStrings(b, "file", file)
	b = appendStrings(b, "module", module)
	b = appendInts(b, "line", line)
	b = appendInts(b, "kind", kind)
	b = append(b, '}')
	b = appendArrays(b, "stacks", e.stacks)
	b = append(appendKey(b, "labels"), '[')
	for i, ls := range e.labels {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '{')
		for _, l := range ls {
			b = appendStringMemberEscaped(b, l.Name, l.Value)
		}
		b = append(b, '}')
	}
	b = append(b, ']')
	stack, labels, value := make([]uint32, len(e.samples)), make([]uint32, len(e.samples)), make([]int64, len(e.samples))
	for i, s := range e.samples {
		stack[i], labels[i], value[i] = s.stack, s.labels, s.value
	}
	b = append(appendKey(b, "samples"), '{')
	b = appendInts(b, "stack", stack)
	b = appendInts(b, "labels", labels)
	b = appendInts(b, "value", value)
	b = append(b, '}')
	b = appendStrings(b, "kinds", Kinds())
	b = appendStrings(b, "notes", e.Notes)
	b = appendStrings(b, "missing", e.Missing)
	_, err := w.Write(append(b, "}\n"...))
	return err
}

// appendStringMemberEscaped is appendStringMember for a key from outside.
func appendStringMemberEscaped(b []byte, key, v string) []byte {
	if n := len(b); n > 0 && b[n-1] != '{' {
		b = append(b, ',')
	}
	b = append(appendString(b, key), ':')
	return appendString(b, v)
}
