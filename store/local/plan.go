package local

// How a range is answered: by days where whole days are rolled up, else by
// hours, else by minutes, and inside minutes by raw samples. All of them give
// the same sums.

type pieceKind uint8

const (
	byDay    pieceKind = iota // day roll-ups
	byHour                    // hour roll-ups
	byMinute                  // blocks of whole minutes
	byOpen                    // a whole minute whose roll-up is not up to date: raw blocks
	byPart                    // part of a minute
)

// piece is n units from first on; from and until only for byPart.
type piece struct {
	kind        pieceKind
	first, n    uint32
	from, until int64
}

// plan cuts [from, until) into pieces, in order of time. Pieces of one kind that
// follow each other within a day are one. Levels below a clean one are clean:
// data is marked at all levels at once, and marks go from below.
func (w *view) plan(from, until int64) []piece {
	var out []piece
	add := func(kind pieceKind, unit uint32, sameDay bool) {
		if n := len(out); n > 0 && sameDay {
			if last := &out[n-1]; last.kind == kind && last.first+last.n == unit {
				last.n++
				return
			}
		}
		out = append(out, piece{kind: kind, first: unit, n: 1})
	}
	until = min(until, lastNano)
	for t := max(from, 0); t < until; {
		day, hour, minute := dayOf(t), hourOf(t), minuteOf(t)
		switch {
		case t%dayNanos == 0 && t+dayNanos <= until && !w.dirty[mark{levelDay, day}]:
			add(byDay, day, false)
			t += dayNanos
		case t%hourNanos == 0 && t+hourNanos <= until && !w.dirty[mark{levelHour, hour}]:
			add(byHour, hour, hour%24 != 0)
			t += hourNanos
		case t%minuteNanos == 0 && t+minuteNanos <= until:
			if w.dirty[mark{levelMinute, minute}] {
				out = append(out, piece{kind: byOpen, first: minute, n: 1})
			} else {
				add(byMinute, minute, minute%1440 != 0)
			}
			t += minuteNanos
		default:
			end := min(until, (int64(minute)+1)*minuteNanos)
			out = append(out, piece{kind: byPart, first: minute, n: 1, from: t, until: end})
			t = end
		}
	}
	return out
}

// lastNano keeps minutes of questions within their number range and away from
// overflow: the year 2261.
const lastNano = 9_180_000_000_000_000_000
