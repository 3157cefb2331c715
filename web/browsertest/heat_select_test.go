package browsertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

type total struct{ Total int64 }

// All ways to select with the mouse: rectangle, square, extended, hour, hour
// again, baseline, everything.
func TestHeatMouse(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	b.open("/r/CollectorServer?from=now-3d")
	v := b.wait("three days", soon, func(v *view) bool { return v.Heat != nil && v.Heat.CellsRecorded >= 48*60 && v.settled() })
	is := func(what, sel string) *view {
		t.Helper()
		return b.wait(what+": "+sel, soon, func(v *view) bool { return v.Heat != nil && v.Heat.Selection == sel && v.settled() })
	}

	// Alt-drag: minutes 0 to 4 of six hours.
	h := wholeHour(story.incident) - 8*hourMS
	rect := fmt.Sprintf("%d-%d~3600000~300000", h, h+5*hourMS+5*minute)
	mark := b.seen()
	b.dragHeld(v.Heat.at(h), v.Heat.at(h+5*hourMS+4*minute), chromedp.ModifierAlt)
	is("a rectangle", rect)
	for _, endpoint := range []string{"top", "icicle"} {
		b.asked(mark, endpoint, "from", ms(h), "until", ms(h+5*hourMS+5*minute), "every", "3600s", "keep", "300s")
	}
	var want int64
	for k := range int64(6) {
		want += ask[total](t, s, "top", "type", "cpu", "from", ms(h+k*hourMS), "until", ms(h+k*hourMS+5*minute)).Total
	}
	v = b.wait("the sum of the six", soon, func(v *view) bool { return v.settled() && v.Icicle.Total == want })
	contains(t, "readout", v.Heat.Readout, "5 min of every hour", "CPU")
	contains(t, "chip", v.Selection, "5 min of every hour")
	contains(t, "address", v.URL, "sel="+rect)
	b.reload()
	b.wait("the rectangle after a reload", soon, func(v *view) bool {
		return v.Heat != nil && v.Heat.Selection == rect && v.settled() && v.Icicle.Total == want
	})
	b.back()
	v = is("Back: everything", "")

	// One square, then up to another.
	at := h + 17*minute
	b.clickAt(v.Heat.at(at))
	v = is("one square", fmt.Sprintf("%d-%d", at, at+minute))
	b.clickAt(v.Heat.at(at+90*minute), chromedp.ModifierShift)
	v = is("extended", fmt.Sprintf("%d-%d", at, at+91*minute))
	b.clickAt(v.Heat.at(at+80*minute), chromedp.ModifierShift)
	v = is("pulled in", fmt.Sprintf("%d-%d", at, at+81*minute))

	// Ctrl-drag: the hour before is what it is compared with.
	mark = b.seen()
	b.dragHeld(v.Heat.at(h-hourMS), v.Heat.at(h-minute), chromedp.ModifierCtrl)
	base := fmt.Sprintf("%d-%d", h-hourMS, h)
	b.closer("the baseline "+base, func(x *squares) bool { return x.Base == base })
	b.asked(mark, "diff", "from", ms(at), "until", ms(at+81*minute), "base_from", ms(h-hourMS), "base_until", ms(h))
	v = b.wait("both in the readout", soon, func(v *view) bool { return strings.Contains(v.Heat.Readout, "baseline ") })
	contains(t, "address", v.URL, "base="+base, fmt.Sprintf("sel=%d-%d", at, at+81*minute))
	b.reload()
	b.closer("the baseline after a reload", func(x *squares) bool { return x.Base == base })
	b.back()
	b.closer("Back: no baseline", func(x *squares) bool { return x.Base == "" })

	// Double-click: the hour; once more: into it.
	v = is("the selection is still there", fmt.Sprintf("%d-%d", at, at+81*minute))
	b.doubleClick(v.Heat.at(h + 30*minute))
	v = is("the hour", fmt.Sprintf("%d-%d", h, h+hourMS))
	// Not a triple click.
	b.hover(point{5, 5})
	b.do(chromedp.Sleep(600_000_000))
	mark = b.seen()
	b.doubleClick(v.Heat.at(h + 30*minute))
	v = b.wait("in the hour", soon, func(v *view) bool {
		return v.Heat.StepMS == 1000 && v.Heat.FromMS == h && v.Heat.UntilMS == h+hourMS && v.Heat.CellsRecorded > 3000 && v.settled()
	})
	b.asked(mark, "heatmap", "step", "1s", "from", ms(h), "until", ms(h+hourMS))
	contains(t, "address", v.URL, fmt.Sprintf("from=%d&to=%d", h, h+hourMS))
	b.press("a")
	is("A: everything", "")
}

// The same by keys.
func TestHeatKeys(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	h := wholeHour(story.incident) - 8*hourMS
	b.open(fmt.Sprintf("/r/CollectorServer?from=now-3d&sel=%d-%d", h, h+minute))
	is := func(what, sel string) *view {
		t.Helper()
		return b.wait(what+": "+sel, soon, func(v *view) bool { return v.Heat != nil && v.Heat.Selection == sel && v.Heat.CellsRecorded > 0 })
	}
	is("the first minute", fmt.Sprintf("%d-%d", h, h+minute))

	b.do(chromedp.Focus(hook("heatmap")))
	b.press(kb.ArrowRight + kb.ArrowDown + kb.ArrowDown)
	at := h + hourMS + 2*minute
	b.closer("the cursor", func(x *squares) bool { return x.CursorMS != nil && *x.CursorMS == at && x.TopName != "" })
	v := b.wait("the readout", soon, func(v *view) bool { return strings.Contains(v.Heat.Readout, clock(at)+" – "+clock(at+minute)) })
	contains(t, "readout", v.Heat.Readout, "CPU", "% of one core", " in ")
	b.press(kb.Enter)
	is("Enter", fmt.Sprintf("%d-%d", at, at+minute))
	b.press(kb.ArrowDown+kb.ArrowDown, chromedp.ModifierShift)
	is("Shift-arrows", fmt.Sprintf("%d-%d", at, at+3*minute))
	b.press(kb.ArrowRight+kb.ArrowRight, chromedp.ModifierShift, chromedp.ModifierAlt)
	v = is("Alt-Shift-arrows: a rectangle", fmt.Sprintf("%d-%d~3600000~180000", at, at+2*hourMS+3*minute))
	contains(t, "readout", v.Selection, "3 min of every hour")
	b.press("c")
	b.press(kb.Enter, chromedp.ModifierShift)
	is("Shift-Enter: the column, and no baseline of a rectangle", fmt.Sprintf("%d-%d", h+3*hourMS, h+4*hourMS))

	// c: the selection is what the next is compared with.
	mark := b.seen()
	b.press("c")
	base := fmt.Sprintf("%d-%d", h+3*hourMS, h+4*hourMS)
	b.closer("the baseline", func(x *squares) bool { return x.Base == base })
	is("nothing selected", "")
	b.press(kb.ArrowRight + kb.Enter)
	b.asked(mark, "diff", "base_from", ms(h+3*hourMS), "base_until", ms(h+4*hourMS))
	b.press(kb.ArrowDown, chromedp.ModifierShift, chromedp.ModifierCtrl)
	b.closer("Ctrl-Shift-arrows draw it too", func(x *squares) bool { return x.Base != base && strings.Count(x.Base, "-") == 1 })
	b.press("a")
	is("A: everything", "")
	b.press("c")
	b.closer("c again: no baseline", func(x *squares) bool { return x.Base == "" })
}

// Deploys are marked on the time edge; one press compares before and after.
func TestHeatMarks(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	type events struct {
		Events []struct {
			TimeMS int64 `json:"time_ms"`
			Name   string
		}
	}
	a := ask[events](t, s, "events", "from", ms(story.first), "until", ms(story.last), "kind", "deploy")
	if len(a.Events) != 1 {
		t.Fatalf("%d deploys, want 1", len(a.Events))
	}
	deploy := a.Events[0].TimeMS
	b.open("/r/CollectorServer?from=now-3d")
	x := b.closer("the deploy", func(x *squares) bool {
		return len(x.Marks) > 0 && x.Marks[0].Kind == "deploy" && x.Marks[0].MS == deploy && x.Sum > 0
	})
	contains(t, "label", x.Marks[0].Label, "Deploy: "+a.Events[0].Name, clock(deploy))
	b.do(chromedp.Focus(hook("mark", "kind", "deploy")))
	tip := waitEval(b, `(() => { const t = document.querySelector('[data-kind="deploy"] .mark-tip'); return t && { shown: getComputedStyle(t).display, text: t.innerText, x: t.getBoundingClientRect().left, end: innerWidth - t.getBoundingClientRect().right }; })()`,
		"the tooltip", func(v *struct {
			Shown, Text string
			X, End      float64
		}) bool {
			return v.Shown != "none"
		})
	contains(t, "tooltip", tip.Text, "Deploy: "+a.Events[0].Name)
	if tip.X < 0 || tip.End < 0 {
		t.Errorf("the tooltip sticks out: %+v", tip)
	}
	b.press(kb.Enter)
	second := (deploy + 500) / 1000 * 1000
	base, sel := fmt.Sprintf("%d-%d", second-hourMS, second), fmt.Sprintf("%d-%d", second, second+hourMS)
	b.closer("the hour before", func(x *squares) bool { return x.Base == base })
	v := b.wait("the hour after", soon, func(v *view) bool { return v.Heat.Selection == sel })
	contains(t, "address", v.URL, "sel="+sel, "base="+base)
}

// A search tints the squares by what it covers of each.
func TestHeatSearchTint(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	b.open("/r/CollectorServer?from=now-3d")
	v := b.wait("three days", soon, func(v *view) bool { return v.Heat != nil && v.Heat.CellsRecorded >= 48*60 && v.settled() })
	b.hover(point{2, 2})
	before := b.colours(v.Heat.at(story.incident + 5*minute))[0]
	mark := b.seen()
	b.click(hook("search"))
	b.press("read0")
	x := b.closer("the tint", func(x *squares) bool { return x.Tint == "read0" && x.MatchedSum > 0 })
	b.asked(mark, "heatmap", "search", "read0", "step", "60s")
	contains(t, "legend", x.TintLegend, "search matches 0 %", "≥ ", " %")

	type heatmap struct {
		Cells, Matched []*float64
	}
	v = b.wait("squares", soon, func(v *view) bool { return v.Heat != nil })
	a := ask[heatmap](t, s, "heatmap", "type", "cpu", "from", ms(story.incident), "until", ms(story.resolved), "step", "60s", "search", "read0")
	var cells, matched float64
	for i := range a.Cells {
		cells, matched = cells+*a.Cells[i], matched+*a.Matched[i]
	}
	if share := matched / cells; share < 0.85 || x.MatchedSum < matched || x.MatchedSum > x.Sum {
		t.Errorf("the search covers %.3f of the incident; the table has %.0f of %.0f", share, x.MatchedSum, x.Sum)
	}
	b.hover(v.Heat.at(story.incident + 5*minute))
	b.closer("the share under the pointer", func(x *squares) bool {
		return strings.HasPrefix(x.Matched, "search ") && strings.HasSuffix(x.Matched, " %")
	})
	b.hover(point{2, 2})
	after := b.colours(v.Heat.at(story.incident + 5*minute))[0]
	if before.R <= before.B || after.B <= after.R {
		t.Errorf("the incident was %v and is %v, want red and then blue", before, after)
	}
	b.click(hook("search-clear"))
	b.closer("no tint", func(x *squares) bool { return x.Tint == "" && x.TintLegend == "" })
}
