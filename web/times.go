package web

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseTime reads an instant: RFC 3339, Unix seconds or milliseconds (told
// apart by size: 100,000,000,000 is March 1973 in milliseconds and the year
// 5138 in seconds), or relative to now: now, now-24h, now-1h30m, now+5m.
func ParseTime(s string, now time.Time) (time.Time, error) {
	t, err := parseTime(s, now)
	if err != nil {
		return time.Time{}, err
	}
	if t.Before(time.Unix(0, 0)) || t.After(time.Unix(0, math.MaxInt64)) {
		return time.Time{}, fmt.Errorf("time %q lies outside the years 1970 to 2262", clip(s))
	}
	return t, nil
}

func parseTime(s string, now time.Time) (time.Time, error) {
	if rest, ok := strings.CutPrefix(s, "now"); ok {
		if rest == "" {
			return now, nil
		}
		d, err := ParseDuration(rest[1:])
		if err != nil {
			return time.Time{}, fmt.Errorf("time %q: %w", clip(s), err)
		}
		switch rest[0] {
		case '-':
			return now.Add(-d), nil
		case '+', ' ': // an unescaped + in a query is a space
			return now.Add(d), nil
		}
		return time.Time{}, fmt.Errorf("time %q: now is followed by - or +", clip(s))
	}
	if s != "" && strings.Trim(s, "0123456789.") == "" {
		return unix(s)
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time", clip(s))
	}
	return t, nil
}

func unix(s string) (time.Time, error) {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time", clip(s))
	}
	const millisFrom = 1e11
	switch {
	case v >= 1e14:
		return time.Time{}, fmt.Errorf("time %q is neither seconds nor milliseconds since 1970", clip(s))
	case v >= millisFrom:
		return time.UnixMilli(int64(v)), nil
	case v > math.MaxInt64/1e9:
		return time.Time{}, fmt.Errorf("time %q lies outside the years 1970 to 2262", clip(s))
	}
	return time.UnixMilli(int64(math.Round(v * 1000))), nil
}

var errDuration = errors.New("a duration is written like 90s, 20ms, 1h30m or 7d")

var units = []struct {
	name string
	d    time.Duration
}{
	{"ms", time.Millisecond}, {"s", time.Second}, {"m", time.Minute}, {"h", time.Hour},
	{"d", 24 * time.Hour}, {"w", 7 * 24 * time.Hour},
}

// ParseDuration reads whole numbers with the units ms, s, m, h, d and w.
func ParseDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, errDuration
	}
	var sum time.Duration
	for s != "" {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
		n, err := strconv.ParseInt(s[:digits], 10, 64)
		if err != nil {
			return 0, errDuration
		}
		s = s[digits:]
		var unit time.Duration
		for _, u := range units {
			if rest, ok := strings.CutPrefix(s, u.name); ok {
				unit, s = u.d, rest
				break
			}
		}
		if unit == 0 {
			return 0, errDuration
		}
		if n > int64(math.MaxInt64-sum)/int64(unit) {
			return 0, fmt.Errorf("the duration is too long: %w", errDuration)
		}
		sum += time.Duration(n) * unit
	}
	return sum, nil
}

// clip keeps what a client wrote from filling the answer.
func clip(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
