package perfscript

import (
	"bytes"
	"io"
	"time"

	"tacho/format"
)

// clock turns perf's times into Unix ones. perf's clock is the host's uptime
// (unless recorded with -k CLOCK_REALTIME), so a time says how long after another
// one it is, not when. The first sample is at Options.From where that is given;
// else the last one is at Options.Until or now.
type clock struct {
	known bool
	delta int64 // Unix − perf
	from  time.Time
	end   int64 // Unix ns
	last  int64 // of the input, perf ns; -1: not known
}

func newClock(o format.Options, r io.Reader) clock {
	c := clock{from: o.From, last: lastTime(r)}
	switch {
	case !o.Until.IsZero():
		c.end = o.Until.UnixNano()
	case o.Now != nil:
		c.end = o.Now().UnixNano()
	default:
		c.end = time.Now().UnixNano()
	}
	return c
}

// epoch is where a time cannot be an uptime any more: thirty years.
const epoch = 30 * 365 * 24 * int64(time.Hour)

// first is told the first sample's time.
func (c *clock) first(t int64) {
	switch {
	case c.known:
	case t >= epoch:
		c.known = true // recorded with the wall clock
	case !c.from.IsZero():
		c.known, c.delta = true, c.from.UnixNano()-t
	case c.last >= t:
		c.known, c.delta = true, c.end-1-c.last
	}
}

// settle decides when samples up to the time t have to be handed over and the
// end of the input is not in sight.
func (c *clock) settle(t int64) {
	if !c.known {
		c.known, c.delta = true, c.end-1-t
	}
}

// tailLen is how much of an input's end is looked at for its last sample.
const tailLen = 256 << 10

// lastTime looks for the last sample's time in inputs that can be read from
// their end, -1 for others.
func lastTime(r io.Reader) int64 {
	var tail []byte
	switch x := r.(type) {
	case interface{ Bytes() []byte }:
		tail = x.Bytes()
		tail = tail[max(0, len(tail)-tailLen):]
	case interface {
		io.ReaderAt
		io.Seeker
	}:
		at, err := x.Seek(0, io.SeekCurrent)
		if err != nil {
			return -1
		}
		end, err := x.Seek(0, io.SeekEnd)
		if err != nil {
			return -1
		}
		if _, err := x.Seek(at, io.SeekStart); err != nil {
			return -1
		}
		tail = make([]byte, min(tailLen, max(end-at, 0)))
		n, _ := x.ReadAt(tail, end-int64(len(tail)))
		tail = tail[:n]
	default:
		return -1
	}
	last := int64(-1)
	for len(tail) > 0 {
		i := bytes.LastIndexByte(tail, '\n')
		if h, ok := parseHeader(tail[i+1:]); ok && h.time >= 0 {
			last = max(last, h.time)
			break // samples come in time's order, nearly
		}
		if i < 0 {
			break
		}
		tail = tail[:i]
	}
	return last
}
