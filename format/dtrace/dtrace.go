// Package dtrace reads what DTrace prints of an aggregation of stacks, the input
// of stackcollapse.pl: dtrace -n 'profile-997 { @[stack()] = count(); }'.
//
// A stack is a line a frame, leaf first, and then a line with its count alone;
// blank lines stand between stacks. Lines no count follows are headings.
//
//	CPU     ID                    FUNCTION:NAME
//
//	            libc.so.1`_syscall6+0x1b
//	            node`uv__io_poll+0x1a4
//	              23
//
// A frame is module`function+0xoffset, or an address. The offset says where in
// the function and is dropped: lines it is not.
package dtrace

import (
	"bytes"
	"context"
	"io"
	"strconv"
	"strings"

	"tacho"
	"tacho/format"
)

const name = "dtrace"

// Decoder reads DTrace's stacks.
func Decoder() format.Decoder {
	return format.Decoder{Name: name, Title: "DTrace stacks", Sniff: Sniff, Decode: Decode}
}

// Sniff looks for an indented module`function.
func Sniff(head []byte) bool {
	for line := range bytes.Lines(head) {
		module, _, ok := bytes.Cut(line, []byte("`"))
		word := bytes.TrimLeft(module, " \t")
		if ok && len(word) > 0 && len(word) < len(module) && !bytes.ContainsAny(word, " \t;\"") {
			return true
		}
	}
	return false
}

// Decode reads stacks to the end.
func Decode(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
	e := format.NewEmitter(ctx, name, o, emit)
	lines := format.NewLines(ctx, name, r, e.Limits)
	typ, factor := o.Values()
	var stack tacho.Stack
	for {
		line, ok := lines.Next()
		if !ok {
			if len(stack) > 0 && lines.Err() == nil {
				e.Warn.Add(lines.Position(), "the last stack has no count")
			}
			return e.Finish(lines.Err())
		}
		text := strings.TrimSpace(string(line))
		switch n, err := strconv.ParseInt(text, 10, 64); {
		case text == "" || line[0] != ' ' && line[0] != '\t':
			stack = stack[:0]
		case err != nil && len(stack) >= e.Limits.Depth:
			return e.Finish(e.Limit(format.LimitDepth, int64(e.Limits.Depth), lines.Position()))
		case err != nil:
			stack = append(stack, frame(text))
		case len(stack) == 0 || n < 0 || n > (1<<62)/factor:
			return e.Finish(e.Syntax(lines.Position(), "count "+text+" of no stack, or out of range", nil))
		default:
			if err := e.Add(nil, typ, stack, tacho.Thread{}, tacho.Sample{Value: n * factor}); err != nil {
				return e.Finish(err)
			}
			stack = stack[:0]
		}
	}
}

func frame(text string) tacho.Frame {
	module, function, ok := strings.Cut(text, "`")
	if !ok {
		return tacho.Frame{Function: text}
	}
	if i := strings.LastIndex(function, "+0x"); i > 0 {
		function = function[:i]
	}
	return tacho.Frame{Function: function, Module: module}
}
