package hotspot

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"tacho"
)

// dumpLimits bound what a dump may cost: the text is the JVM's, and so is its
// length.
type dumpLimits struct {
	threads int // further ones are dropped
	depth   int // frames kept of a stack, from the leaf
	frames  int // of all threads together
}

var defaultDumpLimits = dumpLimits{threads: 20_000, depth: 512, frames: 1_000_000}

var errNoDump = errors.New("no line \"Full thread dump\" in it")

// parseDump reads the reply to "threaddump" of JDK 8 to 25:
//
//	"name" #12 [6228] daemon prio=5 os_prio=0 cpu=1.5ms elapsed=3s tid=0x7f nid=0x1854 waiting on condition  [0x…]
//	   java.lang.Thread.State: TIMED_WAITING (sleeping)
//		at java.lang.Thread.sleep(java.base@17.0.15/Native Method)
//		- locked <0x…> (a java.lang.Object)
//
// A carrier of 21 and later has "   Carrying virtual thread #24" before its own
// frames, no state and no nid, and after them "   Mounted virtual thread #24"
// with that one's frames: a thread of its own here.
//
// Names may contain anything, quotes and line ends included; the rest of the
// line never has a quote, so the last one ends the name. Lines that are not
// understood are skipped: newer JDKs add some.
func parseDump(b []byte, lim dumpLimits) (*Dump, error) {
	d := &Dump{}
	in := interner{}
	var t *Thread
	frames := 0
	seen := false
	for len(b) > 0 {
		line := nextLine(&b)
		switch {
		case !seen:
			if vm, ok := bytes.CutPrefix(line, []byte("Full thread dump ")); ok {
				d.VM, seen = strings.TrimSuffix(string(vm), ":"), true
			}
		case len(line) > 0 && line[0] == '"':
			head, ok := headerLine(line, &b)
			if !ok {
				continue
			}
			if t = nil; len(d.Threads) >= lim.threads {
				d.Cut = true
				continue
			}
			d.Threads = append(d.Threads, parseHeader(head))
			t = &d.Threads[len(d.Threads)-1]
		case t == nil:
		case bytes.HasPrefix(line, []byte("\tat ")):
			if len(t.Frames) >= lim.depth || frames >= lim.frames {
				d.Cut = true
				continue
			}
			t.Frames = append(t.Frames, in.frame(line[len("\tat "):]))
			frames++
		case bytes.HasPrefix(line, []byte("   java.lang.Thread.State: ")):
			state, detail, _ := strings.Cut(string(line[len("   java.lang.Thread.State: "):]), " ")
			t.State = state
			t.Detail = strings.TrimSuffix(strings.TrimPrefix(detail, "("), ")")
		case bytes.HasPrefix(line, []byte("   Carrying virtual thread #")):
			t.Carrying, _ = strconv.ParseInt(string(line[len("   Carrying virtual thread #"):]), 10, 64)
		case bytes.HasPrefix(line, []byte("   Mounted virtual thread #")):
			id, err := strconv.ParseInt(string(line[len("   Mounted virtual thread #"):]), 10, 64)
			if nid := t.NID; err != nil || len(d.Threads) >= lim.threads {
				t, d.Cut = nil, d.Cut || err == nil
			} else {
				d.Threads = append(d.Threads, Thread{JavaID: id, NID: nid, Virtual: true})
				t = &d.Threads[len(d.Threads)-1]
			}
		case len(line) == 0:
			t = nil
		}
	}
	if !seen {
		return nil, errNoDump
	}
	return d, nil
}

func nextLine(b *[]byte) []byte {
	line, rest, _ := bytes.Cut(*b, []byte{'\n'})
	*b = rest
	return bytes.TrimSuffix(line, []byte{'\r'})
}

// maxName is how long a name over several lines may get.
const maxName = 4096

// headerLine completes a header whose name contains line ends. A line is
// complete when fields follow its last quote.
func headerLine(line []byte, rest *[]byte) ([]byte, bool) {
	if completeHeader(line) {
		return line, true
	}
	joined := bytes.Clone(line)
	for ahead := *rest; len(ahead) > 0 && len(joined) < maxName; {
		next := nextLine(&ahead)
		joined = append(append(joined, '\n'), next...)
		if completeHeader(joined) {
			*rest = ahead
			return joined, true
		}
	}
	return nil, false
}

// completeHeader: every header, of Java threads and of the JVM's own, has an
// os_prio or, on JDK 8, a tid field after the name.
func completeHeader(line []byte) bool {
	end := bytes.LastIndexByte(line, '"')
	return end > 0 && (bytes.Contains(line[end:], []byte(" tid=0x")) || bytes.Contains(line[end:], []byte(" os_prio=")))
}

func parseHeader(line []byte) Thread {
	end := bytes.LastIndexByte(line, '"')
	t := Thread{Name: strings.ToValidUTF8(string(line[1:end]), "\uFFFD")}
	rest := string(line[end+1:])
	for {
		rest = strings.TrimLeft(rest, " ")
		f, after, _ := strings.Cut(rest, " ")
		key, value, hasValue := strings.Cut(f, "=")
		switch {
		case f == "":
			return t
		case f == "daemon":
			t.Daemon = true
		case f[0] == '#':
			t.JavaID, _ = strconv.ParseInt(f[1:], 10, 64)
		case strings.HasPrefix(f, "[0x"): // a stack address
			return t
		case f[0] == '[' && t.NID == 0:
			// The native id (21 and later): the only one a carrier has.
			t.NID, _ = strconv.ParseInt(strings.Trim(f, "[]"), 10, 64)
		case key == "prio":
			t.Prio, _ = strconv.Atoi(value)
		case key == "cpu":
			t.CPU = jvmDuration(value)
		case key == "elapsed":
			t.Elapsed = jvmDuration(value)
		case key == "nid":
			// Hexadecimal with 0x up to 20, decimal from 21: base 0 takes both.
			t.NID, _ = strconv.ParseInt(value, 0, 64)
		case !hasValue:
			// Words: "waiting on condition  [0x00007fa1467fe000]".
			status, _, _ := strings.Cut(rest, " [0x")
			t.Status = strings.TrimSpace(status)
			return t
		}
		rest = after
	}
}

// jvmDuration reads "24.17ms" and "3.73s"; 0 for anything else.
func jvmDuration(s string) time.Duration {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0
	}
	return d
}

// interner keeps one string of equal texts: a thousand threads of a pool share
// most of their frames.
type interner struct{ frames map[string]tacho.Frame }

func (in *interner) frame(line []byte) tacho.Frame {
	if f, ok := in.frames[string(line)]; ok {
		return f
	}
	if in.frames == nil {
		in.frames = map[string]tacho.Frame{}
	}
	s := strings.ToValidUTF8(string(line), "\uFFFD")
	f := parseFrame(s)
	in.frames[string(line)] = f
	return f
}

// parseFrame reads
//
//	com.acme.Foo.bar(Foo.java:12)
//	java.lang.Thread.sleep(java.base@17.0.15/Native Method)
//	com.acme.Foo$$Lambda/0x00007f91c8001400.run(Unknown Source)
func parseFrame(s string) tacho.Frame {
	open := strings.LastIndexByte(s, '(')
	if open < 0 || !strings.HasSuffix(s, ")") {
		return tacho.Frame{Function: s}
	}
	f := tacho.Frame{Function: s[:open]}
	where := s[open+1 : len(s)-1]
	if module, file, ok := strings.Cut(where, "/"); ok {
		f.Module, _, _ = strings.Cut(module, "@")
		where = file
	}
	switch where {
	case "Native Method":
		f.Kind = tacho.KindNative
		return f
	case "Unknown Source", "Redefined":
		return f
	}
	f.File = where
	if file, line, ok := strings.Cut(where, ":"); ok {
		if n, err := strconv.ParseInt(line, 10, 32); err == nil && n > 0 {
			f.File, f.Line = file, int32(n)
		}
	}
	return f
}
