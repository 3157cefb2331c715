package browsertest

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The keys of the help overlay, by hand on the keyboard alone where they are
// meant for that.
func TestKeys(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	sel := fmt.Sprintf("%d-%d", story.incident, story.resolved)
	tree := s.icicle(t, "cpu", story.incident, story.resolved)
	b := newTab(t, s)
	b.open("/r/CollectorServer?from=now-3d&sel=" + sel)
	v := b.wait("the incident", soon, func(v *view) bool { return v.settled() && v.Icicle.Total == tree.Total && v.Heat.CellsRecorded > 0 })
	is := func(what string, cond func(*view) bool) *view { t.Helper(); return b.wait(what, soon, cond) }

	// ? shows the help; Esc closes it and nothing else.
	b.press("?")
	is("the help", func(v *view) bool { return v.Help == "open" })
	b.press(kb.Escape)
	is("no help, the selection still there", func(v *view) bool { return v.Help == "" && v.Heat.Selection == sel })

	// d: the other theme, and back.
	light := v.Ground
	b.press("d")
	is("the dark theme", func(v *view) bool { return v.Theme == "dark" && v.Ground != light })
	b.press("d")
	is("the light theme", func(v *view) bool { return v.Theme == "" && v.Ground == light })

	// / leads into the search; n and N go through the matches, the largest first.
	b.press("/")
	is("the search has the focus", func(v *view) bool { return v.Focus == "search" })
	b.press("read0")
	is("what was typed, without the slash", func(v *view) bool { return v.Search == "read0" && strings.HasPrefix(v.Verdict, "matched ") })
	b.press(kb.Tab)
	is("out of the field", func(v *view) bool { return v.Focus != "search" })
	_, matches := matched(tree, "read0")
	name := func(k int) string { return tree.Strings[tree.Nodes.Name[matches[k]]] }
	part := func(k int) string { return percent(tree.Nodes.Total[matches[k]], tree.Total) }
	for k := range matches {
		t.Logf("match %d of read0: %s, %s", k, name(k), part(k))
	}
	// The icicle may zoom to show a small one; the current frame says which.
	for _, x := range []struct {
		key  string
		want int
	}{{"n", 0}, {"n", 1}, {"N", 0}, {"N", len(matches) - 1}} {
		b.press(x.key)
		is(fmt.Sprintf("%s: match %d", x.key, x.want), func(v *view) bool {
			return v.Icicle.Cursor == name(x.want) && strings.Contains(v.Icicle.Readout, " "+part(x.want))
		})
	}
	b.press("0")
	is("not zoomed", func(v *view) bool { return v.Icicle.ZoomNode == 0 })

	// Esc: first the search, then the zoom, then the selection.
	b.press(kb.Escape)
	v = is("no search", func(v *view) bool { return v.Search == "" && v.Verdict == "" && v.Heat.Selection == sel && v.settled() })

	// Zoom by mouse, then with arrows and Enter; U undoes, Shift-U redoes.
	b.clickAt(v.on(v.frame("java.lang.Thread.run")))
	is("zoomed", func(v *view) bool { return v.Icicle.Zoom == "java.lang.Thread.run" && v.settled() })
	b.press(kb.ArrowDown)
	is("its largest callee is current", func(v *view) bool { return v.Icicle.Cursor == "java.util.concurrent.ThreadPoolExecutor$Worker.run" })
	b.press(kb.Enter)
	is("zoomed to it", func(v *view) bool { return v.Icicle.Zoom == v.Icicle.Cursor && v.settled() })
	b.press("u")
	is("u: zoomed as before", func(v *view) bool { return v.Icicle.Zoom == "java.lang.Thread.run" })
	b.press("U", chromedp.ModifierShift)
	is("Shift-U: again", func(v *view) bool { return v.Icicle.Zoom == "java.util.concurrent.ThreadPoolExecutor$Worker.run" })
	b.press("s")
	is("s: callers of the current frame", func(v *view) bool {
		return v.Pane == "callers" && v.Chips["callers"] == "java.util.concurrent.ThreadPoolExecutor$Worker.run"
	})
	b.press("s")
	is("s: and back", func(v *view) bool { return v.Pane == "icicle" })
	b.press("u")
	b.press("u")
	is("two steps undone", func(v *view) bool {
		return v.Pane == "icicle" && v.Icicle.Zoom == "java.util.concurrent.ThreadPoolExecutor$Worker.run"
	})
	b.press(kb.Escape)
	is("Esc: no zoom", func(v *view) bool { return v.Icicle.ZoomNode == 0 && v.Heat.Selection == sel })
	b.press(kb.Escape)
	is("Esc: no selection", func(v *view) bool { return v.Heat.Selection == "" && v.Selection == "Whole range" && v.settled() })

	// The table by keys: next row, highlight, callers.
	b.click(hook("top-row", "name", read0))
	is("highlighted", func(v *view) bool { return v.Chips["highlight"] == read0 })
	b.do(chromedp.Focus(hook("top-row", "name", read0)))
	b.press(kb.ArrowDown + " ")
	v = is("the second row highlighted", func(v *view) bool { return v.Rows[1].On && v.Chips["highlight"] == v.Rows[1].Name })
	second := v.Rows[1].Name
	b.press(kb.Enter)
	is("Enter: its callers", func(v *view) bool { return v.Pane == "callers" && v.Chips["callers"] == second })
	b.press(kb.Escape)
	is("Esc: the icicle", func(v *view) bool { return v.Pane == "icicle" && len(v.Chips) == 0 })

	// The heat map by keys, and A.
	b.do(chromedp.Focus(hook("heatmap")))
	b.press(kb.Home + kb.ArrowRight + kb.ArrowRight + kb.ArrowDown + kb.Enter)
	v = is("one square selected", func(v *view) bool { return v.Heat.Selection != "" })
	var from, until int64
	if _, err := fmt.Sscanf(v.Heat.Selection, "%d-%d", &from, &until); err != nil {
		t.Fatalf("selection %q: %v", v.Heat.Selection, err)
	}
	// Home is the range's first square, which moves on by a minute now and then.
	if at := from - v.Heat.FromMS; at != 121*minute && at != 120*minute || until-from != minute {
		t.Errorf("two columns right of the first square and one down is %s", v.Heat.Selection)
	}
	is("nothing recorded there, and it says so", func(v *view) bool {
		return v.notes("empty: ○ Nothing was recorded in this time") && v.Icicle == nil && len(v.Rows) == 0
	})
	b.press(kb.ArrowDown, chromedp.ModifierShift)
	want := fmt.Sprintf("%d-%d", from, from+2*minute)
	is("Shift-Down: two squares", func(v *view) bool { return v.Heat.Selection == want })
	b.press("A", chromedp.ModifierShift)
	is("A: everything", func(v *view) bool { return v.Heat.Selection == "" && v.settled() && v.Live == "true" })

	// [ and ]: half a range back, and forth to now.
	b.press("[")
	v = is("a day and a half earlier: twelve of the hours", func(v *view) bool {
		return v.Live == "false" && !strings.Contains(v.URL, "from=now") && v.Heat.CellsRecorded > 700 && v.Heat.CellsRecorded < 740
	})
	if d := v.Heat.UntilMS - v.Heat.FromMS - 72*60*minute; d < -minute || d > minute {
		t.Errorf("the range is now %s to %s, want three days", utc(v.Heat.FromMS), utc(v.Heat.UntilMS))
	}
	b.press("]")
	is("live again", func(v *view) bool { return v.Live == "true" && strings.Contains(v.URL, "from=now-3d") && v.settled() })
}
