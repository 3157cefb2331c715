package pyroscope

import (
	"strconv"
	"strings"
	"time"

	"tacho/ingest"
)

// parseTime reads a time as Pyroscope's clients write them. Numbers are told
// apart by size: 10 digits are seconds, 13 milliseconds, 16 microseconds, 19
// nanoseconds; 8 digits that are a date are that day in UTC.
func parseTime(param, s string, now time.Time) (time.Time, error) {
	s = strings.TrimSpace(s)
	if s == "" || s == "now" {
		return now, nil
	}
	if d, ok := strings.CutPrefix(s, "now-"); ok {
		if back, ok := parseAge(d); ok {
			return now.Add(-back), nil
		}
	} else if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 {
		if len(s) == 8 {
			if day, err := time.Parse("20060102", s); err == nil {
				return day, nil
			}
		}
		switch {
		case n < 1e11:
			return time.Unix(n, 0), nil
		case n < 1e14:
			return time.UnixMilli(n), nil
		case n < 1e17:
			return time.UnixMicro(n), nil
		}
		return time.Unix(0, n), nil
	}
	return time.Time{}, ingest.BadParameter(param, "Send Unix seconds, milliseconds, microseconds or nanoseconds, YYYYMMDD, or now-1h.", "%s: %q is not a time", param, s)
}

var ages = []struct {
	suffix string
	unit   time.Duration
}{
	{"min", time.Minute}, {"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour},
	{"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour}, {"M", 30 * 24 * time.Hour}, {"y", 365 * 24 * time.Hour},
}

func parseAge(s string) (time.Duration, bool) {
	for _, a := range ages {
		if digits, ok := strings.CutSuffix(s, a.suffix); ok {
			n, err := strconv.ParseUint(digits, 10, 32)
			if err != nil || n > uint64((1<<62)/a.unit) {
				return 0, false
			}
			return time.Duration(n) * a.unit, true
		}
	}
	return 0, false
}
