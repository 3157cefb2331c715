package perfscript

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/ianlancetaylor/demangle"

	"tacho"
)

// rawFrame is a frame's line taken apart.
type rawFrame struct {
	addr    uint64
	hasAddr bool
	symbol  string // "" or [unknown] where perf did not know
	module  string
	inlined bool
}

// parseFrame takes a frame's line apart; false if it is none.
func parseFrame(line []byte) (f rawFrame, ok bool) {
	b := bytes.TrimSpace(line)
	if len(b) == 0 {
		return f, false
	}
	word, rest := cutWord(b)
	if addr, isHex := hex(word); isHex {
		f.addr, f.hasAddr = addr, true
		b = bytes.TrimSpace(rest)
	} else if line[0] != '\t' {
		return f, false
	}
	if n := len(b); n > 0 && b[n-1] == ')' {
		// From the end: a symbol may contain parentheses, a module too (deleted).
		depth := 0
		for i := n - 1; i >= 0; i-- {
			if b[i] == ')' {
				depth++
			} else if b[i] == '(' {
				depth--
			}
			if depth == 0 {
				if i == 0 || b[i-1] == ' ' {
					f.module, b = string(b[i+1:n-1]), bytes.TrimSpace(b[:i])
				}
				break
			}
		}
	}
	if f.module == "inlined" {
		f.module, f.inlined = "", true
	}
	f.module = strings.TrimSuffix(f.module, " (deleted)")
	if i := bytes.LastIndex(b, []byte("+0x")); i > 0 {
		if _, isHex := hex(b[i+3:]); isHex {
			b = b[:i]
		}
	}
	f.symbol = string(b)
	return f, f.hasAddr || f.symbol != ""
}

func hex(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 16 {
		return 0, false
	}
	v := uint64(0)
	for _, c := range b {
		switch {
		case c >= '0' && c <= '9':
			v = v<<4 | uint64(c-'0')
		case c >= 'a' && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// frames are the calls of one line, leaf first: several where a perf map tells of
// inlined ones.
func (f *rawFrame) frames(maps *mappings, pid int64) []tacho.Frame {
	kind := f.kind()
	if f.symbol == "" || f.symbol == "[unknown]" {
		return []tacho.Frame{f.unknown(kind, maps, pid)}
	}
	switch kind {
	case tacho.KindJIT:
		return f.jit()
	case tacho.KindInterpreted:
		return []tacho.Frame{{Function: f.symbol, Kind: kind}}
	}
	name := f.symbol
	if strings.HasPrefix(name, "_Z") || strings.HasPrefix(name, "_R") {
		name = demangle.Filter(name, demangle.NoParams, demangle.NoClones, demangle.MaxLength(14))
	}
	return []tacho.Frame{{Function: name, Module: f.module, Kind: kind}}
}

func (f *rawFrame) kind() tacho.FrameKind {
	m := f.module
	switch {
	case f.inlined:
		return tacho.KindInlined
	case strings.HasPrefix(m, "[kernel") || strings.HasPrefix(m, "[guest.kernel") || f.hasAddr && f.addr>>63 == 1 ||
		strings.HasSuffix(m, ".ko") || strings.HasPrefix(m, "/proc/kcore") || strings.Contains(m, "vmlinux"):
		return tacho.KindKernel
	case strings.Contains(m, "/perf-") && strings.HasSuffix(m, ".map") || strings.HasPrefix(m, "[JIT]") || strings.Contains(m, "/jitted-"):
		if f.symbol == "Interpreter" {
			return tacho.KindInterpreted
		}
		return tacho.KindJIT
	case m == "" && !f.hasAddr, m == "[unknown]":
		return tacho.KindUnknown
	}
	return tacho.KindNative
}

// maxRelative is the first address perf cannot have made relative to a file.
const maxRelative = 1 << 32

func (f *rawFrame) unknown(kind tacho.FrameKind, maps *mappings, pid int64) tacho.Frame {
	out := tacho.Frame{Function: "[unknown]", Kind: kind}
	if m := maps.find(pid, f.addr); m != nil {
		return tacho.AddressFrame(m.path, m.buildID, f.addr-m.start+m.offset, kind)
	}
	if f.module == "" || f.module == "[unknown]" {
		return out
	}
	if f.hasAddr && f.addr < maxRelative && f.module[0] == '/' && kind == tacho.KindNative {
		return tacho.AddressFrame(f.module, "", f.addr, kind)
	}
	out.Module = f.module
	out.Function = "[" + strings.Trim(f.module[strings.LastIndexByte(f.module, '/')+1:], "[]") + "]"
	return out
}

// jit reads a name from a JIT compiler's perf map.
func (f *rawFrame) jit() []tacho.Frame {
	// perf-map-agent with unfold: root->…->leaf of what was inlined.
	parts := strings.Split(f.symbol, "->")
	out := make([]tacho.Frame, 0, len(parts))
	for i := len(parts) - 1; i >= 0; i-- {
		fr := jitName(parts[i])
		fr.Kind = tacho.KindJIT
		if i > 0 {
			fr.Kind = tacho.KindInlined
		}
		out = append(out, fr)
	}
	return out
}

func jitName(s string) tacho.Frame {
	// V8: LazyCompile:*render /srv/app.js:12:3, JS:~main file:///srv/a.mjs:1:1
	if tag, name, ok := strings.Cut(s, ":"); ok {
		switch tag {
		case "LazyCompile", "Function", "JS", "Script", "Eval", "RegExp", "Builtin", "BytecodeHandler", "Stub":
			return v8Name(strings.TrimLeft(name, "*~^+"), tag)
		}
	}
	// perf-map-agent: Lcom/acme/Foo;::bar
	if strings.HasPrefix(s, "L") {
		if class, method, ok := strings.Cut(s[1:], ";::"); ok {
			return tacho.Frame{Function: strings.ReplaceAll(class, "/", ".") + "." + method}
		}
	}
	// The JDK's own map: void com.acme.Foo.bar(int, java.lang.String)
	if open := strings.IndexByte(s, '('); open > 0 && strings.HasSuffix(s, ")") {
		name := s[:open]
		if i := strings.LastIndexByte(name, ' '); i >= 0 {
			name = name[i+1:]
		}
		if strings.Contains(name, ".") {
			return tacho.Frame{Function: name}
		}
	}
	return tacho.Frame{Function: s}
}

func v8Name(s, tag string) tacho.Frame {
	name, where, _ := strings.Cut(s, " ")
	f := tacho.Frame{Function: name, File: where}
	for range 2 { // :line:column, or :line
		i := strings.LastIndexByte(f.File, ':')
		if i < 0 {
			break
		}
		n, err := strconv.ParseInt(f.File[i+1:], 10, 32)
		if err != nil || n < 0 {
			break
		}
		f.File, f.Line = f.File[:i], int32(n)
	}
	if f.Function == "" {
		f.Function = "(anonymous)"
		if tag != "LazyCompile" && tag != "JS" && tag != "Function" {
			f.Function = "(" + strings.ToLower(tag) + ")"
		}
	}
	return f
}
