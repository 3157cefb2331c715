package web

import (
	"testing"
	"time"

	"tacho/report"
)

func agent(host string, started int64) report.Agent {
	return report.Agent{Host: host, StartedMS: started}
}

func TestParseTime(t *testing.T) {
	now := time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]string{
		"now":                            "2025-03-03T12:00:00Z",
		"now-24h":                        "2025-03-02T12:00:00Z",
		"now-7d":                         "2025-02-24T12:00:00Z",
		"now-1h30m":                      "2025-03-03T10:30:00Z",
		"now-1w":                         "2025-02-24T12:00:00Z",
		"now-20ms":                       "2025-03-03T11:59:59.98Z",
		"now+5m":                         "2025-03-03T12:05:00Z",
		"now 5m":                         "2025-03-03T12:05:00Z", // now+5m, unescaped
		"2025-03-03T13:00:00+01:00":      "2025-03-03T12:00:00Z",
		"2025-03-03T12:00:00.123456789Z": "2025-03-03T12:00:00.123456789Z",
		"1741003200":                     "2025-03-03T12:00:00Z",
		"1741003200000":                  "2025-03-03T12:00:00Z",
		"1741003200123":                  "2025-03-03T12:00:00.123Z",
		"1741003200.5":                   "2025-03-03T12:00:00.5Z",
		"0":                              "1970-01-01T00:00:00Z",
	} {
		got, err := ParseTime(in, now)
		if err != nil || got.UTC().Format(time.RFC3339Nano) != want {
			t.Errorf("ParseTime(%q) = %v, %v, want %s", in, got.UTC(), err, want)
		}
	}
	for _, in := range []string{
		"", "now-", "now24h", "now-24", "now-h", "now--1h", "now-1y", "-5", "1e9", "1.2.3", ".", "1741003200000000", "9300000000",
		"1969-12-31T23:59:59Z", "2300-01-01T00:00:00Z", "now-60y", "now-21000d", "now-99999999999999999999h", "NaN", "2025-03-03", "12:00",
	} {
		if got, err := ParseTime(in, now); err == nil {
			t.Errorf("ParseTime(%q) = %v without an error", in, got)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"now-7d", "1741003200.5", "2025-03-03T12:00:00Z", "now+9w9d", "...."} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := ParseTime(s, base)
		if err == nil && (got.Before(time.Unix(0, 0)) || got.UnixNano() < 0) {
			t.Fatalf("ParseTime(%q) = %v, which nanoseconds cannot hold", s, got)
		}
	})
}

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{"60s": time.Minute, "1m": time.Minute, "20ms": 20 * time.Millisecond, "1h1m1s1ms": 3661001 * time.Millisecond, "0s": 0} {
		if got, err := ParseDuration(in); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "60", "s", "1.5s", "-1s", "1 s", "1x", "106752d", "106751d106751d"} {
		if got, err := ParseDuration(in); err == nil {
			t.Errorf("ParseDuration(%q) = %v without an error", in, got)
		}
	}
}
