package pyroscope

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"tacho/ingest"
)

func TestNames(t *testing.T) {
	for in, want := range map[string]struct {
		app    string
		labels map[string]string
	}{
		"app":                                    {"app", map[string]string{}},
		"app{}":                                  {"app", map[string]string{}},
		"my.app.cpu{env=prod,region=eu-west-1}":  {"my.app.cpu", map[string]string{"env": "prod", "region": "eu-west-1"}},
		" app { a = x y , otel.scope.name=a/b,}": {"app", map[string]string{"a": "x y", "otel.scope.name": "a/b"}},
		"app{__session_id__=ab12,k=a=b}":         {"app", map[string]string{"__session_id__": "ab12", "k": "a=b"}},
	} {
		app, labels, err := parseName(in)
		if err != nil || app != want.app || !reflect.DeepEqual(labels, want.labels) {
			t.Errorf("%q: %q %v %v", in, app, labels, err)
		}
	}
	for in, say := range map[string]string{
		"": "required", "{a=b}": "required", "app{a=b": "do not end with }", "app{a=b}x": "do not end with }", "app{a}": "not label=value", "app{=b}": "not label=value",
		"a\x00b": "printable", strings.Repeat("x", 1025): "more than 1024 bytes in a name",
		"app{" + strings.Repeat("x", 70) + "=1" + manyLabels(65) + "}": "more than 64 labels",
	} {
		_, _, err := parseName(in)
		var r *ingest.Refusal
		if !errors.As(err, &r) || !strings.Contains(r.Sentence, say) || r.Status/100 != 4 {
			t.Errorf("%.40q: %v, want a 4xx with %q", in, err, say)
		}
	}
}

func manyLabels(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(",l" + strings.Repeat("i", i) + "=v")
	}
	return b.String()
}

func TestTimes(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		"":                    now,
		"now":                 now,
		"now-1h":              now.Add(-time.Hour),
		"now-90s":             now.Add(-90 * time.Second),
		"now-5min":            now.Add(-5 * time.Minute),
		"now-2d":              now.Add(-48 * time.Hour),
		"1790000000":          time.Unix(1_790_000_000, 0),
		"1790000000123":       time.UnixMilli(1_790_000_000_123),
		"1790000000123456":    time.UnixMicro(1_790_000_000_123_456),
		"1790000000123456789": time.Unix(0, 1_790_000_000_123_456_789),
		"20261122":            time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC),
	} {
		if got, err := parseTime("from", in, now); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s %v, want %s", in, got, err, want)
		}
	}
	for _, in := range []string{"x", "-1", "now-", "now-h", "now-1x", "now-99999999999y", "now+1h", "99999999999999999999"} {
		if got, err := parseTime("from", in, now); err == nil {
			t.Errorf("%q: %s, want an error", in, got)
		}
	}
}
