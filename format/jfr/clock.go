package jfr

import (
	"math"
	"math/bits"
)

// clock turns the ticks of a chunk into nanoseconds.
type clock struct {
	startNanos int64 // Unix
	startTicks int64
	perSecond  int64 // > 0
}

// time is the Unix nanoseconds of a tick count.
func (k *clock) time(ticks int64) int64 { return k.startNanos + k.span(ticks-k.startTicks) }

// span is the nanoseconds of a number of ticks. The two extremes mean "none"
// and "forever" to a JVM and stay what they are.
func (k *clock) span(ticks int64) int64 {
	if k.perSecond == 1e9 || ticks == math.MinInt64 || ticks == math.MaxInt64 {
		return ticks
	}
	if ticks < 0 {
		return -k.span(-ticks)
	}
	hi, lo := bits.Mul64(uint64(ticks), 1e9)
	if hi >= uint64(k.perSecond) {
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(k.perSecond))
	if q > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(q)
}
