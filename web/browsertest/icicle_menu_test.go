package browsertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tacho/report"
)

func ids(menu []menuItem) (out []string) {
	for _, i := range menu {
		out = append(out, i.ID)
	}
	return out
}

// The menu of a frame: by the right button, by key and by a button one can
// see; and of a row of the table.
func TestFrameMenu(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	whole := s.icicle(t, "cpu", story.incident, story.resolved)
	b := newTab(t, s)
	b.open(story.page(""))
	is := func(what string, cond func(*view) bool) *view { t.Helper(); return b.wait(what, soon, cond) }
	all := func(v *view) bool { return v.calm() && v.Icicle.Total == whole.Total && v.Icicle.ZoomNode == 0 }
	v := is("the incident", all)

	right := func(p point) {
		b.hover(p)
		b.do(chromedp.MouseClickXY(p.X, p.Y, chromedp.ButtonRight))
	}
	right(v.on(v.frame(chart)))
	v = is("the menu", func(v *view) bool { return len(v.Menu) > 0 && v.Icicle.Cursor == chart })
	if want := []string{"zoom", "sandwich", "focus", "hide", "exclude", "mark", "recursion", "package", "invert", "copy"}; !slices.Equal(ids(v.Menu), want) {
		t.Errorf("the menu has %q, want %q", ids(v.Menu), want)
	}
	b.press(kb.Escape)
	is("closed, and nothing else", func(v *view) bool { return len(v.Menu) == 0 && v.Heat.Selection != "" && all(v) })
	right(v.on(v.frame(chart)))
	is("the menu", func(v *view) bool { return len(v.Menu) > 0 })
	mark := b.seen()
	b.click(hook("menu-focus"))
	focused := asked[report.Icicle](t, s, "icicle", story.params("focus", chart, "min_share", "0.0005")...)
	v = is("focused", func(v *view) bool { return v.calm() && v.Chips["focus"] == chart && v.Icicle.Total == focused.Total })
	sameTree(t, "focus", v, focused)
	b.everyAsked(mark, "focus", chart, "icicle", "top")
	b.back()
	is("Back: all", all)

	// By keys: walk down, open, choose, all without the mouse.
	b.do(chromedp.Focus(hook("icicle")))
	b.press(kb.Home + kb.ArrowDown + kb.ArrowDown)
	is("two levels down", func(v *view) bool { return v.Icicle.Cursor == "java.util.concurrent.ThreadPoolExecutor$Worker.run" })
	b.press(kb.F10, chromedp.ModifierShift)
	is("Shift-F10: the menu", func(v *view) bool { return len(v.Menu) > 0 && v.Focus == "menu-zoom" })
	b.press(kb.ArrowUp + kb.ArrowUp + kb.ArrowUp)
	is("from the end upwards", func(v *view) bool { return v.Focus == "menu-package" })
	mark = b.seen()
	b.press(kb.Enter)
	folded := asked[report.Icicle](t, s, "icicle", story.params("collapse", "package:java.util.concurrent.", "min_share", "0.0005")...)
	v = is("java.util.concurrent is one frame", func(v *view) bool {
		return v.calm() && v.Icicle.Nodes == len(folded.Nodes.Level) && tagged(v.Tags, "chip-fold") == "package:java.util.concurrent."
	})
	sameTree(t, "collapsed", v, folded)
	b.everyAsked(mark, "collapse", "package:java.util.concurrent.", "icicle", "top")
	if v.Focus != "icicle" {
		t.Errorf("after the menu the focus is on %q, want icicle", v.Focus)
	}
	b.press("u")
	is("u: all", all)

	// The button one can see is about the current frame.
	b.click(hook("current-more"))
	is("the menu", func(v *view) bool { return len(v.Menu) > 0 })
	b.click(hook("menu-zoom"))
	is("zoomed", func(v *view) bool { return v.calm() && v.Icicle.Zoom == v.Icicle.Cursor && v.Icicle.ZoomNode != 0 })
	b.press("0")
	is("all", all)

	// Copying a name, by the menu of a row.
	if _, err := eval[any](b, `(Object.defineProperty(navigator, "clipboard", { value: { writeText: (t) => { window.copied = t; return Promise.resolve(); } } }), null)`); err != nil {
		t.Fatal(err)
	}
	right(b.where(hook("top-row", "name", reader+".readRecord")))
	v = is("the row's menu", func(v *view) bool { return len(v.Menu) > 0 })
	if slices.Contains(ids(v.Menu), "zoom") || slices.Contains(ids(v.Menu), "hide") {
		t.Errorf("a row has no frame to %q", ids(v.Menu))
	}
	b.click(hook("menu-copy"))
	b.until("the name is copied", soon, func() bool {
		got, err := eval[string](b, `window.copied ?? ""`)
		return err == nil && got == reader+".readRecord"
	})
	b.do(chromedp.Focus(hook("top-row", "name", read0)))
	b.press(kb.F10, chromedp.ModifierShift)
	is("by key", func(v *view) bool { return len(v.Menu) > 0 })
	b.press(kb.Enter)
	is("the first: callers and callees", func(v *view) bool { return v.Chips["callers"] == read0 && v.calm() })
}

// Callers above, callees below, of one method.
func TestSandwich(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	const read = "java.io.RandomAccessFile.read"
	b := newTab(t, s)
	b.open(story.page(""))
	is := func(what string, cond func(*view) bool) *view { t.Helper(); return b.wait(what, soon, cond) }
	is("the incident", func(v *view) bool { return v.calm() && v.Icicle.Total > 0 })
	b.do(chromedp.Focus(hook("top-row", "name", read)))
	mark := b.seen()
	b.press(kb.Enter)
	both := func(v *view) bool {
		return v.Pane == "callers" && v.calm() && v.Icicle.Flip && v.Callees != nil && !v.Callees.Stale && len(v.Callees.Frames) > 0
	}
	v := is("both", both)
	above := s.callers(t, "cpu", story.incident, story.resolved, read)
	below := asked[report.Icicle](t, s, "icicle", story.params("focus", read, "min_share", "0.0005")...)
	sameTree(t, "callers", v, above)
	if v.Callees.Total != below.Total || v.Callees.Nodes != len(below.Nodes.Level) {
		t.Errorf("the callees have %d nodes of %d, the server's %d of %d", v.Callees.Nodes, v.Callees.Total, len(below.Nodes.Level), below.Total)
	}
	b.everyAsked(mark, "function", read, "callers")
	b.everyAsked(mark, "focus", read, "icicle")

	// The method is the lowest row above, its callees begin right below it.
	self, callee := v.Frames[0], v.Callees.Frames[0]
	if bottom := self.Y + self.H + 1; bottom != v.Icicle.Box.H {
		t.Errorf("the method ends at %.0f, its canvas at %.0f", bottom, v.Icicle.Box.H)
	}
	if callee.Name != read0 || callee.Level != 1 || callee.Y != 0 {
		t.Errorf("the first callee is %+v, want %s on level 1 at the top", callee, read0)
	}
	if f := v.Frames[1]; f.Level != 1 || f.Y >= self.Y {
		t.Errorf("the first caller is at %.0f, the method at %.0f", f.Y, self.Y)
	}

	// The mouse zooms in the lower half; Back undoes.
	at := point{v.Callees.Box.X + callee.X + callee.W/2, v.Callees.Box.Y + callee.Y + callee.H/2}
	b.clickAt(at)
	v = is("zoomed below", func(v *view) bool {
		return both(v) && v.Callees.Zoom == read0 && v.Icicle.ZoomNode == 0 && v.Chips["zoom"] == read0
	})
	if !strings.Contains(v.URL, "&z=_") || !strings.HasPrefix(v.Icicle.Readout, read0) {
		t.Errorf("address %s, readout %q", v.URL, v.Icicle.Readout)
	}
	b.reload()
	is("after a reload", func(v *view) bool { return both(v) && v.Callees.Zoom == read0 })
	b.back()
	is("Back: not zoomed", func(v *view) bool { return both(v) && v.Callees.ZoomNode == 0 })

	// Keys walk from callers over the method to callees and back.
	b.do(chromedp.Focus(hook("icicle")))
	b.press(kb.ArrowUp)
	is("up is to a caller", func(v *view) bool { return v.Icicle.Cursor != "" && v.Icicle.Cursor != read })
	b.press(kb.ArrowDown)
	is("down is back", func(v *view) bool { return v.Icicle.Cursor == read })
	b.press(kb.ArrowDown)
	is("down to the other half", func(v *view) bool { return v.Focus == "callees" })
	b.press(kb.ArrowDown)
	is("to the callee", func(v *view) bool { return v.Callees.Cursor == read0 && strings.HasPrefix(v.Icicle.Readout, read0) })
	b.press(kb.ArrowUp)
	is("and up again", func(v *view) bool { return v.Focus == "icicle" })
	b.press("s")
	is("s: the icicle", func(v *view) bool { return v.Pane == "icicle" && v.calm() && v.Callees == nil && !v.Icicle.Flip })
}
