package proc

import (
	"bytes"
	"fmt"
	"math"
)

// SyntaxError is a file that does not read as its documentation says.
type SyntaxError struct {
	File         string
	Line, Column int // 1-based; Column counts bytes
	Problem      string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Problem)
}

type schedstat struct{ cpu, wait, slices int64 }

type stat struct {
	state   byte
	ticks   int64 // user + system
	threads int64
	start   uint64
}

// parseSchedstat reads "CPU-ns WAIT-ns TIMESLICES\n".
func parseSchedstat(file fileName, b []byte) (schedstat, error) {
	l := scanner{file: file, b: b, line: 1}
	s := schedstat{cpu: l.number("CPU nanoseconds"), wait: l.number("run-queue wait"), slices: l.number("timeslices")}
	return s, l.err
}

// parseStat reads what is needed of "PID (comm) STATE PPID …". The name may
// hold spaces, parentheses and newlines; only the last ")" ends it.
func parseStat(file fileName, b []byte) (stat, error) {
	l := scanner{file: file, b: b, line: 1}
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		l.fail(`no ")" after the name`)
		return stat{}, l.err
	}
	l.pos = end + 1
	var s stat
	state := l.word("state")
	if len(state) == 1 {
		s.state = state[0]
	} else if l.err == nil {
		l.fail(fmt.Sprintf("state %q is not one letter", state))
	}
	for field := 4; field <= 22; field++ {
		switch field {
		case 14, 15:
			s.ticks += l.number("ticks")
		case 20:
			s.threads = l.number("number of threads")
		case 22:
			s.start = uint64(l.number("start time"))
		default:
			l.word("field")
		}
	}
	if s.ticks < 0 || s.ticks > math.MaxInt64/nsPerTick {
		l.fail("more ticks than nanoseconds fit into 63 bits")
	}
	return s, l.err
}

// parseNSpid returns the last number of the "NSpid:" line; false when the
// kernel is too old to have one.
func parseNSpid(file fileName, b []byte) (int64, bool, error) {
	for line := 1; len(b) > 0; line++ {
		text, rest, _ := bytes.Cut(b, []byte{'\n'})
		if bytes.HasPrefix(text, []byte("NSpid:")) {
			l := scanner{file: file, b: text, line: line, pos: len("NSpid:")}
			id := l.number("thread number")
			for l.err == nil && l.more() {
				id = l.number("thread number")
			}
			return id, l.err == nil, l.err
		}
		b = rest
	}
	return 0, false, nil
}

// scanner takes words off one line. After the first problem it returns zeros.
type scanner struct {
	file fileName
	b    []byte
	line int
	pos  int
	err  error
}

func (l *scanner) fail(problem string) {
	if l.err == nil {
		l.err = &SyntaxError{File: l.file.String(), Line: l.line, Column: l.pos + 1, Problem: problem}
	}
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' }

func (l *scanner) more() bool {
	for l.pos < len(l.b) && blank(l.b[l.pos]) {
		l.pos++
	}
	return l.pos < len(l.b)
}

func (l *scanner) word(what string) []byte {
	if l.err != nil {
		return nil
	}
	if !l.more() {
		l.fail("ends before " + what)
		return nil
	}
	from := l.pos
	for l.pos < len(l.b) && !blank(l.b[l.pos]) {
		l.pos++
	}
	return l.b[from:l.pos]
}

// number reads a decimal number of at most 63 bits.
func (l *scanner) number(what string) int64 {
	w := l.word(what)
	var n int64
	for i, c := range w {
		d := int64(c - '0')
		if c < '0' || c > '9' {
			l.pos += i - len(w)
			l.fail(fmt.Sprintf("%s: %q is not a number", what, w))
			return 0
		}
		if n > (math.MaxInt64-d)/10 {
			l.pos -= len(w)
			l.fail(fmt.Sprintf("%s: %q does not fit into 63 bits", what, w))
			return 0
		}
		n = n*10 + d
	}
	return n
}
