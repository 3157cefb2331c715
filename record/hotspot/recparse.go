package hotspot

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// RecordingInfo is one recording as JFR.check has it.
type RecordingInfo struct {
	ID       int64
	Name     string
	State    string        // new, delayed, running, stopped, closed
	MaxSize  int64         // bytes, rounded as JFR.check prints it ("2.9MB"); 0: unlimited
	MaxAge   time.Duration // 0: unlimited
	Duration time.Duration // 0: until stopped
}

// Running says whether it records now.
func (r RecordingInfo) Running() bool { return r.State == "running" }

// maxRecordings bounds what a reply may make us keep.
const maxRecordings = 10_000

// parseCheck reads the reply to JFR.check:
//
//	No available recordings.
//
//	Recording 1: name=tacho duration=1m maxsize=10.0MB maxage=90s (running)
//
// up to 16: "Recording: recording=1 name="tacho" (running)". Names may contain
// blanks and "=": what follows them is recognised from the end.
func parseCheck(text string) ([]RecordingInfo, error) {
	var rs []RecordingInfo
	at := 0
	for line := range strings.Lines(text) {
		start := at
		at += len(line)
		rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n "), "Recording")
		if !ok {
			continue
		}
		r, ok := parseCheckLine(rest)
		if !ok {
			return nil, fmt.Errorf("JFR.check at offset %d: %.80q is not a recording", start, line)
		}
		if len(rs) == maxRecordings {
			return nil, fmt.Errorf("JFR.check at offset %d: more than %d recordings", start, maxRecordings)
		}
		rs = append(rs, r)
	}
	if rs == nil && !strings.Contains(text, "No available recordings") {
		return nil, fmt.Errorf("JFR.check: %.200q lists no recordings and does not say that there are none", text)
	}
	return rs, nil
}

// parseCheckLine reads what follows "Recording".
func parseCheckLine(s string) (r RecordingInfo, ok bool) {
	var id string
	if rest, ok := strings.CutPrefix(s, ": recording="); ok { // JDK 8 to 16
		id, s, _ = strings.Cut(rest, " ")
	} else {
		id, s, ok = strings.Cut(strings.TrimPrefix(s, " "), ": ")
		if !ok {
			return r, false
		}
	}
	var err error
	if r.ID, err = strconv.ParseInt(id, 10, 64); err != nil {
		return r, false
	}
	if s, ok = strings.CutPrefix(s, "name="); !ok {
		return r, false
	}
	open := strings.LastIndex(s, " (")
	if open < 0 || !strings.HasSuffix(s, ")") {
		return r, false
	}
	r.State = s[open+2 : len(s)-1]
	s = s[:open]
	for { // fields from the end, each at most once, until something else: the name
		blank := strings.LastIndexByte(s, ' ')
		if blank < 0 {
			break
		}
		key, value, _ := strings.Cut(s[blank+1:], "=")
		if key == "maxage" && r.MaxAge == 0 {
			if r.MaxAge, ok = jfrDuration(value); !ok {
				break
			}
		} else if key == "maxsize" && r.MaxSize == 0 {
			if r.MaxSize, ok = jfrSize(value); !ok {
				break
			}
		} else if key == "duration" && r.Duration == 0 {
			if r.Duration, ok = jfrDuration(value); !ok {
				break
			}
		} else {
			break
		}
		s = s[:blank]
	}
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	r.Name = s
	return r, true
}

var timeUnits = []struct {
	name string
	unit time.Duration
}{ // longer names first where one ends with another
	{"ns", 1}, {"us", time.Microsecond}, {"ms", time.Millisecond}, {"s", time.Second},
	{"m", time.Minute}, {"h", time.Hour}, {"d", 24 * time.Hour},
}

// jfrDuration reads "90s", "26h", "500ms".
func jfrDuration(s string) (time.Duration, bool) {
	for _, u := range timeUnits {
		if digits, ok := strings.CutSuffix(s, u.name); ok {
			n, err := strconv.ParseUint(digits, 10, 63)
			if err != nil {
				continue
			}
			if time.Duration(n) > (1<<63-1)/u.unit {
				return 0, false
			}
			return time.Duration(n) * u.unit, true
		}
	}
	return 0, false
}

// jfrSize reads "10.0MB", "2.9MB", "512 bytes" as "512B", and plain bytes.
func jfrSize(s string) (int64, bool) {
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || s[end] == '.') {
		end++
	}
	f, err := strconv.ParseFloat(s[:end], 64)
	if err != nil {
		return 0, false
	}
	switch strings.ToUpper(s[end:]) {
	case "", "B":
	case "K", "KB":
		f *= 1 << 10
	case "M", "MB":
		f *= 1 << 20
	case "G", "GB":
		f *= 1 << 30
	case "T", "TB":
		f *= 1 << 40
	default:
		return 0, false
	}
	if f >= 1<<62 {
		return 0, false
	}
	return int64(f), true
}

// parseProperties reads what java.util.Properties.store writes: one key=value
// a line, "#" comments, backslash escapes in both.
func parseProperties(b []byte) map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" || line[0] == '#' {
			continue
		}
		key, rest := unescapeTo(line, true)
		value, _ := unescapeTo(rest, false)
		m[key] = value
	}
	return m
}

// unescapeTo resolves escapes up to the end or, for a key, up to the first
// bare "=" or ":".
func unescapeTo(s string, key bool) (text, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if key && (c == '=' || c == ':') {
			return b.String(), s[i+1:]
		}
		if c != '\\' || i+1 == len(s) {
			b.WriteByte(c)
			continue
		}
		i++
		switch s[i] {
		case 't':
			b.WriteByte('\t')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 'f':
			b.WriteByte('\f')
		case 'u':
			if i+5 <= len(s) {
				if n, err := strconv.ParseUint(s[i+1:i+5], 16, 16); err == nil {
					r := rune(n)
					if !utf8.ValidRune(r) { // half of a surrogate pair
						r = utf8.RuneError
					}
					b.WriteRune(r)
					i += 4
					continue
				}
			}
			b.WriteByte('u')
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), ""
}
