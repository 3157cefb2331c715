package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"tacho"
)

// WriteCollapsed writes one line a stack, root first: "main;work;read 17".
// Lines are sorted and each stack is there once, so that equal profiles are
// equal files. The kind of a frame is the suffix async-profiler gives it
// (_[j] JIT-compiled, _[i] inlined, _[0] interpreted, _[k] kernel), which
// flamegraph.pl colours by.
//
// The format has no escapes. A name's semicolon becomes a colon, as
// stackcollapse scripts write it, and a control character its \x… form.
func (e *Export) WriteCollapsed(w io.Writer) error {
	names := make([]string, len(e.frames))
	for i, f := range e.frames {
		names[i] = collapsedName(f.Function) + collapsedSuffix(f.Kind)
	}
	sum := map[string]int64{}
	var b strings.Builder
	for id, v := range e.sums() {
		if v == 0 {
			continue
		}
		b.Reset()
		for i, f := range slices.Backward(e.stacks[id]) {
			b.WriteString(names[f])
			if i > 0 {
				b.WriteByte(';')
			}
		}
		sum[b.String()] += v
	}
	lines := make([]string, 0, len(sum))
	for s, v := range sum {
		lines = append(lines, s+" "+strconv.FormatInt(v, 10)+"\n")
	}
	slices.Sort(lines)
	out := bufio.NewWriter(w)
	for _, l := range lines {
		if _, err := out.WriteString(l); err != nil {
			return err
		}
	}
	return out.Flush()
}

func collapsedSuffix(k tacho.FrameKind) string {
	switch k {
	case tacho.KindInterpreted:
		return "_[0]"
	case tacho.KindJIT:
		return "_[j]"
	case tacho.KindInlined:
		return "_[i]"
	case tacho.KindKernel:
		return "_[k]"
	}
	return ""
}

func collapsedName(s string) string {
	if s == "" {
		return "[unknown]"
	}
	if !strings.ContainsFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f || r == ';' }) {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == ';':
			b.WriteByte(':')
		case c < 0x20 || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
