package report

import (
	"math"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{0, "nanoseconds", "0 ns"},
		{999, "nanoseconds", "999 ns"},
		{1_500, "nanoseconds", "1.5 µs"},
		{20_000_000, "nanoseconds", "20.0 ms"},
		{999_960_000, "nanoseconds", "1.0 s"}, // not 1000.0 ms
		{1_200_000_000, "nanoseconds", "1.2 s"},
		{59_990_000_000, "nanoseconds", "1.0 min"},
		{90_000_000_000, "nanoseconds", "1.5 min"},
		{5_400_000_000_000, "nanoseconds", "1.5 h"},
		{math.MaxInt64, "nanoseconds", "106752.0 d"},
		{-1_200_000_000, "nanoseconds", "-1.2 s"},
		{1023, "bytes", "1023 B"},
		{1024, "bytes", "1.0 KiB"},
		{12.3 * (1 << 20), "bytes", "12.3 MiB"},
		{7, "count", "7"},
		{4_500, "count", "4.5 k"},
		{0.25, "count", "0.2"},
		{3, "threads", "3 threads"},
		{3, "a\x1bb", `3 a\x1bb`},
		{90, "seconds", "1.5 min"},
		{math.NaN(), "bytes", "-"},
	} {
		if got := FormatFloat(c.v, c.unit); got != c.want {
			t.Errorf("FormatFloat(%v, %q) = %q, want %q", c.v, c.unit, got, c.want)
		}
	}
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        string
	}{
		{0, 100, "0.0 %"}, {123, 1000, "12.3 %"}, {1000, 1000, "100.0 %"}, {1, 1_000_000, "<0.1 %"}, {5, 0, "-"},
	} {
		if got := Percent(c.part, c.whole); got != c.want {
			t.Errorf("Percent(%d, %d) = %q, want %q", c.part, c.whole, got, c.want)
		}
	}
}

func TestGroup(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := group(n); got != want {
			t.Errorf("group(%d) = %q, want %q", n, got, want)
		}
	}
}
