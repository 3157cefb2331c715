package browsertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// From days to squares of 20 ms and back, each step an entry of the history.
func TestHeatZoom(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	b.open("/r/CollectorServer?from=now-3d")
	v := b.wait("three days", soon, func(v *view) bool { return v.Heat != nil && v.Heat.CellsRecorded >= 48*60 && v.settled() })
	at := story.incident + 10*minute
	// A column of squares under the pointer stays under it.
	zoomed := func(what string, span, step int64, rows int) *view {
		t.Helper()
		v := b.wait(what, soon, func(v *view) bool {
			return v.Heat != nil && v.Heat.UntilMS-v.Heat.FromMS == span && v.Heat.StepMS == step && v.Heat.Rows == rows && v.Heat.CellsRecorded > 0 && v.settled()
		})
		if v.Heat.FromMS > at || v.Heat.UntilMS <= at {
			t.Errorf("%s: shown is %s to %s, without %s under the pointer", what, utc(v.Heat.FromMS), utc(v.Heat.UntilMS), utc(at))
		}
		return v
	}
	var urls []string
	for _, x := range []struct {
		span, step int64
		rows       int
		text       string
	}{{24 * hourMS, minute, 60, "60s"}, {6 * hourMS, 10_000, 60, "10s"}, {hourMS, 1000, 60, "1s"}, {10 * minute, 50, 20, "50ms"}, {2 * minute, 20, 50, "20ms"}} {
		mark := b.seen()
		b.hover(v.Heat.at(at))
		b.wheel(v.Heat.at(at), -120)
		v = zoomed("wheel: steps of "+x.text, x.span, x.step, x.rows)
		b.asked(mark, "heatmap", "step", x.text)
		if len(urls) > 0 && urls[len(urls)-1] == v.URL {
			t.Errorf("the address did not change: %s", v.URL)
		}
		urls = append(urls, v.URL)
		b.do(chromedp.Sleep(300_000_000)) // one notch of the wheel is one step
	}

	// Squares of 20 ms are the server's.
	type heatmap struct{ Cells []*float64 }
	a := ask[heatmap](t, s, "heatmap", "type", "cpu", "from", ms(v.Heat.FromMS), "until", ms(v.Heat.UntilMS), "step", "20ms")
	hot, sum, recorded := -1, 0.0, 0
	for i, c := range a.Cells {
		if c != nil {
			recorded, sum = recorded+1, sum+*c
		}
		if hot < 0 && i > 500 && c != nil && *c > 0 {
			hot = i
		}
	}
	var shown float64
	for _, c := range v.Columns {
		shown += c.Sum
	}
	if len(a.Cells) != 6000 || recorded != v.Heat.CellsRecorded || sum != shown || hot < 0 {
		t.Fatalf("the server has %d squares, %d recorded, sum %.0f; shown are %d, %.0f", len(a.Cells), recorded, sum, v.Heat.CellsRecorded, shown)
	}
	// What a square is made of.
	cell := v.Heat.FromMS + int64(hot)*20
	type top struct{ Rows []struct{ Function string } }
	want := ask[top](t, s, "top", "type", "cpu", "from", ms(cell), "until", ms(cell+20), "limit", "1")
	mark := b.seen()
	b.hover(v.Heat.at(cell))
	b.closer("its top method", func(x *squares) bool {
		return x.CursorMS != nil && *x.CursorMS == cell && x.TopName == want.Rows[0].Function
	})
	b.asked(mark, "top", "from", ms(cell), "until", ms(cell+20), "limit", "1")
	v = b.wait("thousandths in the readout", soon, func(v *view) bool { return strings.Contains(v.Heat.Readout, fmt.Sprintf(".%03d – ", cell%1000)) })
	// Here and there again asks nothing: it is remembered.
	b.hover(point{3, 3})
	mark = b.seen()
	b.hover(v.Heat.at(cell))
	b.closer("its top method again", func(x *squares) bool { return x.TopName == want.Rows[0].Function })
	if asked, _ := b.since(mark, "top"); len(asked) > 0 {
		t.Errorf("asked again: %v", asked)
	}

	// One square selected, and what it is made of.
	b.clickAt(v.Heat.at(cell))
	b.wait("a square of 20 ms", soon, func(v *view) bool {
		return v.Heat.Selection == fmt.Sprintf("%d-%d", cell, cell+20) && v.settled() && v.Rows[0].Name == want.Rows[0].Function
	})
	b.back()
	b.wait("no square", soon, func(v *view) bool { return v.Heat.Selection == "" && v.settled() })

	// Reload, Back, Forward.
	b.reload()
	zoomed("after a reload", 2*minute, 20, 50)
	b.back()
	zoomed("Back", 10*minute, 50, 20)
	b.forward()
	zoomed("Forward", 2*minute, 20, 50)

	// Out by key and by button; in by button, to the selection.
	b.hover(point{3, 3})
	b.press("-")
	zoomed("-: ten minutes", 10*minute, 50, 20)
	b.click(hook("zoom-out"))
	zoomed("the button: an hour", hourMS, 1000, 60)
	b.press("+")
	b.wait("+: ten minutes in the middle", soon, func(v *view) bool {
		return v.Heat.StepMS == 50 && v.Heat.UntilMS-v.Heat.FromMS == 10*minute && v.settled()
	})
	b.back()
	v = zoomed("Back: an hour", hourMS, 1000, 60)
	from := story.incident + 4*minute
	b.drag(v.Heat.at(from), v.Heat.at(from+3*minute-1000))
	b.wait("three minutes selected", soon, func(v *view) bool { return v.Heat.Selection == fmt.Sprintf("%d-%d", from, from+3*minute) })
	b.hover(point{3, 3})
	b.click(hook("zoom-in"))
	b.wait("the selection fills it", soon, func(v *view) bool {
		return v.Heat.FromMS == from && v.Heat.UntilMS == from+3*minute && v.Heat.StepMS == 20 && v.Heat.Selection == ""
	})
}

// Where raw samples have expired minutes are shown, and it says so.
func TestHeatExpired(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	h := wholeHour(story.first) + 2*hourMS
	b.open(fmt.Sprintf("/r/CollectorServer?from=%d&to=%d", h, h+hourMS))
	b.wait("minutes", soon, func(v *view) bool {
		return v.Heat != nil && v.Heat.StepMS == minute && v.Heat.Rows == 10 && v.Heat.CellsRecorded == 60
	})
	x := b.closer("the note", func(x *squares) bool { return x.Note != "" })
	contains(t, "note", x.Note, "Raw samples of this time have expired")
	// A range that reaches into the time whose samples are kept.
	b.open(fmt.Sprintf("/r/CollectorServer?from=%d&to=%d", story.last-28*hourMS, story.last-18*hourMS))
	b.wait("ten seconds", soon, func(v *view) bool { return v.Heat != nil && v.Heat.StepMS == 10_000 && v.Heat.CellsRecorded > 1000 })
	x = b.closer("the note", func(x *squares) bool { return x.Note != "" })
	contains(t, "note", x.Note, "Raw samples before ", "have expired: zoom out")
}

// While recording goes on the squares grow, at any zoom that reaches now.
func TestHeatLive(t *testing.T) {
	b := newTab(t, seeded(t))
	b.open("/r/CollectorServer?from=now-600s")
	v := b.wait("ten minutes to now", soon, func(v *view) bool {
		return v.Heat != nil && v.Heat.StepMS == 50 && v.Heat.Live == "true" && v.Heat.CellsRecorded > 0
	})
	first := v.Heat.UntilMS
	b.wait("it goes on", soon, func(v *view) bool {
		return v.Heat.UntilMS >= first+3000 && v.Heat.Live == "true" && v.Heat.CellsRecorded > 0
	})
}
