package asyncprof

import (
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Rule is one line of the schedule.
type Rule struct {
	Service  string        // regular expression for all of a service's name; required
	Event    string        // one of Events; default wall
	Interval time.Duration // between samples, of lock: the shortest wait; 0: async-profiler's default
	Bytes    int64         // instead of Interval for alloc and nativemem: bytes between samples
	Length   time.Duration // of one recording; default 60 s
	Every    time.Duration // from one start to the next; default 1 h
	Library  string        // path of libasyncProfiler.so as the JVM sees it; default: the usual places

	service *regexp.Regexp
}

// Events async-profiler can record and Tacho asks it for.
var Events = []string{"cpu", "itimer", "ctimer", "wall", "alloc", "lock", "nativemem"}

// Limits of a rule.
const (
	minLength = time.Second
	maxLength = 10 * time.Minute
	minRest   = time.Second // between two recordings of a rule
	maxEvery  = 7 * 24 * time.Hour
)

// CountsBytes says whether an event is sampled once in so many bytes rather
// than once in a time.
func CountsBytes(event string) bool { return event == "alloc" || event == "nativemem" }

// filled is the rule with its defaults, or why it makes no sense.
func (r Rule) filled() (Rule, error) {
	if r.Service == "" {
		return r, fmt.Errorf("asyncprof: service is missing")
	}
	var err error
	if r.service, err = regexp.Compile(`^(?:` + r.Service + `)$`); err != nil {
		return r, fmt.Errorf("asyncprof: service %q: %w", r.Service, err)
	}
	fail := func(format string, a ...any) (Rule, error) {
		return r, fmt.Errorf("asyncprof %q: %s", r.Service, fmt.Sprintf(format, a...))
	}
	if r.Event == "" {
		r.Event = "wall"
	}
	if r.Length == 0 {
		r.Length = time.Minute
	}
	if r.Every == 0 {
		r.Every = time.Hour
	}
	known := false
	for _, e := range Events {
		known = known || e == r.Event
	}
	switch {
	case !known:
		return fail("event %q is not known: want %s", r.Event, strings.Join(Events, ", "))
	case r.Length < minLength || r.Length > maxLength:
		return fail("length %s: want %s to %s", r.Length, minLength, maxLength)
	case r.Every < r.Length+minRest || r.Every > maxEvery:
		return fail("every %s: want at least %s more than its length of %s, and at most %s", r.Every, minRest, r.Length, maxEvery)
	case CountsBytes(r.Event) && r.Interval != 0, !CountsBytes(r.Event) && r.Bytes != 0:
		return fail("interval: %s is sampled by %s", r.Event, map[bool]string{true: "bytes", false: "time"}[CountsBytes(r.Event)])
	case r.Interval < 0 || r.Bytes < 0:
		return fail("interval: want more than nothing")
	case r.Interval > 0 && r.Interval < 100*time.Microsecond && r.Event != "lock":
		return fail("interval %s: want at least 100µs", r.Interval)
	case r.Library != "" && (!path.IsAbs(r.Library) || strings.ContainsRune(r.Library, 0)):
		return fail("library %q: want an absolute path", r.Library)
	}
	return r, nil
}

// start is what the library is told to begin with.
func (r Rule) start(file, log string, guard time.Duration) string {
	o := "start,event=" + r.Event
	switch {
	case r.Bytes > 0:
		o = "start," + r.Event + "=" + strconv.FormatInt(r.Bytes, 10)
	case r.Interval > 0 && r.Event == "lock":
		o = "start,lock=" + strconv.FormatInt(int64(r.Interval), 10)
	case r.Interval > 0:
		o += ",interval=" + strconv.FormatInt(int64(r.Interval), 10)
	}
	return o + ",jfr,file=" + file + ",log=" + log + ",timeout=" + strconv.FormatInt(int64((r.Length+guard)/time.Second), 10)
}

// stop is what it is told to end with.
func stop(file, log string) string { return "stop,file=" + file + ",log=" + log }
