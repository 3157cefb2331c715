package perfscript

import (
	"bytes"
	"math"
)

// header is the first line of a sample.
type header struct {
	comm     []byte
	pid, tid int64
	time     int64 // nanoseconds of perf's clock, -1: none
	period   int64 // 0: none
	event    []byte
	rest     []byte // behind the event
}

// parseHeader takes the first line of a sample apart; false if it is none.
func parseHeader(line []byte) (h header, ok bool) {
	h.time = -1
	after := 0
	if from, to, t, found := findTime(line); found {
		h.time = t
		before := bytes.TrimRight(line[:from], " \t")
		if !h.who(before) {
			return h, false
		}
		after = to
	} else {
		// Without a time the process id is the last number before the event, which
		// ends in the first colon behind it.
		if after = h.whoFirst(line); after < 0 {
			return h, false
		}
	}
	rest := bytes.TrimLeft(line[after:], " \t")
	word, tail := cutWord(rest)
	if n, isNumber := number(word); isNumber && len(bytes.TrimSpace(tail)) > 0 {
		h.period = n
		rest = bytes.TrimLeft(tail, " \t")
		word, tail = cutWord(rest)
	}
	switch {
	case len(word) > 1 && word[len(word)-1] == ':':
		h.event, h.rest = word[:len(word)-1], bytes.TrimSpace(tail)
	case h.time < 0 && len(rest) > 0:
		return h, false // neither time nor event: any line with a number in it
	default:
		h.rest = bytes.TrimSpace(rest)
	}
	return h, h.time >= 0 || len(h.event) > 0
}

// who reads comm, pid/tid, [cpu] and flags: what stands before the time.
func (h *header) who(b []byte) bool {
	for range 3 { // cpu and flags may follow the process id
		i := bytes.LastIndexAny(b, " \t") + 1
		word := b[i:]
		if h.ids(word) {
			h.comm = bytes.TrimSpace(b[:i])
			return true
		}
		if i == 0 {
			return false
		}
		if !(word[0] == '[' && word[len(word)-1] == ']') && len(word) > 8 {
			return false
		}
		b = bytes.TrimRight(b[:i], " \t")
	}
	return false
}

// whoFirst reads a line without a time from its start: the first number that is
// followed by [cpu], a period, or a word ending in a colon. It returns where that
// begins, -1 if there is none.
func (h *header) whoFirst(b []byte) int {
	for i := 0; i < len(b); {
		for i < len(b) && (b[i] == ' ' || b[i] == '\t') {
			i++
		}
		end := i
		for end < len(b) && b[end] != ' ' && b[end] != '\t' {
			end++
		}
		if i > 0 && h.ids(b[i:end]) {
			at := end
			word, tail := cutWord(bytes.TrimLeft(b[at:], " \t"))
			if len(word) > 2 && word[0] == '[' && word[len(word)-1] == ']' {
				at = len(b) - len(tail)
				word, tail = cutWord(bytes.TrimLeft(tail, " \t"))
			}
			if _, isNumber := number(word); isNumber {
				word, _ = cutWord(bytes.TrimLeft(tail, " \t"))
			}
			if len(word) > 1 && word[len(word)-1] == ':' {
				h.comm = bytes.TrimSpace(b[:i])
				return at
			}
		}
		i = end
	}
	return -1
}

// ids reads pid or pid/tid; perf -F tid prints one number, the thread's.
func (h *header) ids(word []byte) bool {
	p, t, both := bytes.Cut(word, []byte("/"))
	pid, ok := number(bytes.TrimPrefix(p, []byte("-")))
	if !ok {
		return false
	}
	h.pid, h.tid = pid, pid
	if both {
		tid, ok := number(bytes.TrimPrefix(t, []byte("-")))
		h.tid = tid
		return ok
	}
	return true
}

// findTime finds the first word like 13408.943040: and where it begins and ends.
func findTime(b []byte) (from, to int, t int64, ok bool) {
	for i := 0; i < len(b); i++ {
		if b[i] != ':' || i+1 < len(b) && b[i+1] != ' ' && b[i+1] != '\t' {
			continue
		}
		k := i
		dots := 0
		for k > 0 && (b[k-1] >= '0' && b[k-1] <= '9' || b[k-1] == '.') {
			k--
			if b[k] == '.' {
				dots++
			}
		}
		if dots != 1 || k == 0 || b[k-1] != ' ' && b[k-1] != '\t' {
			continue
		}
		if t, ok = seconds(b[k:i]); ok {
			return k, i + 1, t, true
		}
	}
	return 0, 0, 0, false
}

// seconds reads a decimal number of seconds as nanoseconds.
func seconds(b []byte) (int64, bool) {
	s, frac, _ := bytes.Cut(b, []byte("."))
	v, ok := number(s)
	if !ok || v > math.MaxInt64/1_000_000_000-1 || len(frac) == 0 || len(frac) > 9 {
		return 0, false
	}
	f, ok := number(frac)
	if !ok {
		return 0, false
	}
	for i := len(frac); i < 9; i++ {
		f *= 10
	}
	return v*1_000_000_000 + f, true
}

// number reads a decimal number of at most 18 digits.
func number(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	v := int64(0)
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}

func cutWord(b []byte) (word, rest []byte) {
	if i := bytes.IndexAny(b, " \t"); i >= 0 {
		return b[:i], b[i:]
	}
	return b, nil
}
