package jfr

import (
	"strings"

	"tacho"
)

// Stack is a stack trace. Equal constants of one chunk have the same pointer,
// also across Polls of a Tail, so that callers may intern by pointer. It is not
// reused: keeping one is safe.
type Stack struct {
	Frames    []Frame // leaf first
	Truncated bool    // deeper than the JVM's stackdepth: the root is missing
}

// Frame is one call of a stack.
type Frame struct {
	Class      string // dotted: java.util.HashMap$Node
	Method     string
	Descriptor string // (I)V
	Line       int32  // as recorded: 0 or negative if unknown
	BCI        int32  // byte code index, negative if unknown
	Type       string // "Interpreted", "JIT compiled", "Inlined", "Native", …
	Module     string // java.base; "" for the unnamed module

	m *method // where it was resolved from; nil in a Frame made by hand
}

// Tacho is the frame in the domain's words. It allocates nothing for a decoded
// frame.
func (f *Frame) Tacho() tacho.Frame {
	out := tacho.Frame{Module: f.Module, Line: max(f.Line, 0), Kind: kindOf(f.Type)}
	switch {
	case f.m != nil:
		out.Function, out.File = f.m.function, f.m.file
	case f.Method == "" && f.Class == "":
		out.Function = "[unknown]" // the recording does not have the method
	default:
		out.Function, out.File = string(appendFunction(nil, f.Class, f.Method)), sourceFile(f.Class)
	}
	return out
}

func appendFunction(dst []byte, class, method string) []byte {
	if class != "" {
		dst = append(dst, class...)
		dst = append(dst, '.')
	}
	return append(dst, method...)
}

// sourceFile guesses the file from the outermost class: a recording does not
// say which it was.
func sourceFile(class string) string {
	c := class[strings.LastIndexByte(class, '.')+1:]
	if i := strings.IndexAny(c, "$+/["); i > 0 {
		c = c[:i]
	}
	if c == "" {
		return ""
	}
	return c + ".java"
}

func kindOf(frameType string) tacho.FrameKind {
	switch frameType {
	case "Interpreted":
		return tacho.KindInterpreted
	case "JIT compiled":
		return tacho.KindJIT
	case "Inlined":
		return tacho.KindInlined
	case "Native":
		return tacho.KindNative
	}
	return tacho.KindUnknown
}
