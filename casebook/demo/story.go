package demo

import (
	"math"
	"math/rand/v2"
	"time"
)

const (
	cores   = 2
	filled  = 0.97 // share of the cores a busy service gets at most; the rest of the host is somebody else's
	records = 300  // a chart shows
)

// script is when what happens, in minutes since the Unix epoch.
type script struct {
	first, last        int64 // [first, last)
	deploy             int64
	incident, resolved int64 // [incident, resolved)
}

// newScript puts the deploy at three eighths and the incident at seven eighths
// of the time, so that there is enough of before, between and after.
func newScript(now time.Time, hours int) script {
	last := now.Unix() / 60
	n := int64(hours) * 60
	s := script{first: last - n, last: last}
	s.deploy = s.first + n*3/8
	s.incident = s.first + n*7/8
	s.resolved = s.incident + min(20, n/10)
	return s
}

// scene is one minute.
type scene struct {
	at        int64         // minutes since the Unix epoch
	requests  float64       // charts asked for
	stream    bool          // StreamRecordReader serves them; before the deploy BufferRecordReader did
	wide      float64       // of the incident: charts over two hours of records
	rollup    bool          // the five-minute job runs
	warm      float64       // share of JIT warm-up still ahead after the restart, 1 to 0
	restarted bool          // the deploy is in this minute
	down      time.Duration // of the minute, before the new version answered
}

func (s script) scene(at int64, zone *time.Location, rng *rand.Rand) scene {
	c := scene{at: at, stream: at >= s.deploy, rollup: at%5 == 0, restarted: at == s.deploy}
	noise := 1 + 0.07*rng.NormFloat64()
	c.requests = 60 * perSecond(at) * crowd(time.Unix(at*60, 0).In(zone)) * min(max(noise, 0.7), 1.3)
	if since := at - s.deploy; since >= 0 && since < 8 {
		c.warm = math.Pow(0.5, float64(since))
	}
	if c.restarted {
		c.down = 21 * time.Second
		c.requests *= 1 - c.down.Minutes()
	}
	if at >= s.incident && at < s.resolved {
		// Rises over two minutes, as the word spreads.
		c.wide = 12 * 60 * min(1, float64(at-s.incident+1)/3) * (1 + 0.05*rng.NormFloat64())
	}
	return c
}

// perSecond is the load program's schedule (Schedule.java): the same minutes
// of every hour are busy and quiet, in the past as in the live demo.
func perSecond(at int64) float64 {
	switch m := at % 60; {
	case m%15 == 3 || m%15 == 4:
		return 150
	case m/10%2 == 1:
		return 8
	default:
		return 45
	}
}

// crowd is the share of the people who are at work: by hour and day of week.
func crowd(t time.Time) float64 {
	h := float64(t.Hour()) + float64(t.Minute())/60
	day := 0.0
	if h > 6.5 && h < 21.5 {
		day = math.Pow(math.Sin(math.Pi*(h-6.5)/15), 0.8)
	}
	if d := t.Weekday(); d == time.Saturday || d == time.Sunday {
		day *= 0.45
	}
	return 0.25 + 0.75*day
}
