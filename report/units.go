package report

import (
	"math"
	"strconv"
	"strings"
)

type scale struct {
	size float64
	name string
}

var (
	timeScales = []scale{
		{86400e9, "d"}, {3600e9, "h"}, {60e9, "min"}, {1e9, "s"}, {1e6, "ms"}, {1e3, "µs"}, {1, "ns"},
	}
	byteScales = []scale{
		{1 << 50, "PiB"}, {1 << 40, "TiB"}, {1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}, {1, "B"},
	}
	plainScales = []scale{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}}
)

// Format writes a value for people: 1.2 s, 12.3 MiB, 4.5 k. The units are those
// of tacho.ValueType; any other is written after the number.
func Format(v int64, unit string) string { return FormatFloat(float64(v), unit) }

// FormatFloat is Format for means.
func FormatFloat(v float64, unit string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "-"
	}
	switch unit {
	case "nanoseconds":
		return scaled(v, timeScales)
	case "seconds":
		return scaled(v*1e9, timeScales)
	case "bytes":
		return scaled(v, byteScales)
	case "count", "":
		return scaled(v, plainScales)
	}
	return scaled(v, plainScales) + " " + Visible(unit)
}

// scaled takes the largest scale that leaves at least one whole, and one
// decimal except for the smallest scale, where fractions mean nothing.
func scaled(v float64, scales []scale) string {
	if v < 0 {
		return "-" + scaled(-v, scales)
	}
	last := len(scales) - 1
	at := last
	for i, s := range scales {
		if v >= s.size {
			at = i
			break
		}
	}
	// 999.96 ms would print as 1000.0 ms.
	if at > 0 && math.Round(v/scales[at].size*10)/10*scales[at].size >= scales[at-1].size {
		at--
	}
	decimals := 1
	if at == last {
		decimals = 0
		if v != math.Trunc(v) {
			decimals = 1
		}
	}
	out := strconv.FormatFloat(v/scales[at].size, 'f', decimals, 64)
	if scales[at].name == "" {
		return out
	}
	return out + " " + scales[at].name
}

// Percent writes part of whole as 12.3 %, and "-" when there is no whole.
func Percent(part, whole int64) string {
	if whole <= 0 {
		return "-"
	}
	p := float64(part) / float64(whole) * 100
	if part > 0 && p < 0.05 {
		return "<0.1 %"
	}
	return strconv.FormatFloat(p, 'f', 1, 64) + " %"
}

// group writes 1234567 as 1,234,567.
func group(n int) string {
	s := strconv.Itoa(n)
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if i > 0 && s[i-1] != '-' && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
