package browsertest

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"tacho/report"
)

// The ways to colour frames, and what the colours mean.
func TestColours(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	is := func(what string, cond func(*view) bool) *view { t.Helper(); return b.wait(what, soon, cond) }
	b.open(story.page("&type=offcpu"))
	v := is("waiting", func(v *view) bool {
		return v.calm() && v.Icicle.Color == "kind" && strings.Contains(v.Icicle.Kinds, "Native")
	})
	f := v.frame("jdk.internal.misc.Unsafe.park")
	byKind := b.colours(v.beside(f))[0]
	b.do(chromedp.Focus(hook("color")))
	b.press("by thread")
	v = is("by thread state", func(v *view) bool {
		return v.calm() && v.Icicle.Color == "state" && strings.Contains(v.Icicle.Kinds, "Parked") && strings.HasSuffix(v.Icicle.Kinds, "as stacks end")
	})
	if c := b.colours(v.beside(v.frame("jdk.internal.misc.Unsafe.park")))[0]; c == byKind {
		t.Errorf("a parked frame is %v in both", c)
	}
	b.reload()
	is("after a reload", func(v *view) bool {
		return v.calm() && v.Icicle.Color == "state" && strings.Contains(v.URL, "&color=state")
	})
}

// What the server left out is said, and asked for: by the button, and by
// zooming into a frame that has some of it.
func TestSmallFrames(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	whole := s.icicle(t, "cpu", story.incident, story.resolved)
	b := newTab(t, s)
	is := func(what string, cond func(*view) bool) *view { t.Helper(); return b.wait(what, soon, cond) }
	b.open(story.page(""))
	v := is("the incident", func(v *view) bool { return v.calm() && v.Icicle.Pruned == whole.Pruned.Count })
	if v.Icicle.Pruned == 0 {
		t.Fatal("nothing was left out of the made-up incident: the test needs small frames")
	}
	share := func(detail string) *report.Icicle {
		return asked[report.Icicle](t, s, "icicle", story.params("min_share", detail)...)
	}
	text, err := eval[string](b, `document.querySelector('[data-testid="pruned"]')?.innerText ?? ""`)
	want := fmt.Sprintf("%d small frames, ", whole.Pruned.Count)
	if err != nil || text != "" && !strings.HasPrefix(text, want) {
		t.Errorf("the page says %q of %d small frames (%v)", text, whole.Pruned.Count, err)
	}
	finer := share("0.000125")
	mark := b.seen()
	if text != "" {
		b.click(hook("pruned"))
	} else {
		b.open(story.page("&z=~1")) // so little that it is not worth a button
	}
	v = is("smaller frames", func(v *view) bool { return v.calm() && v.Icicle.Nodes == len(finer.Nodes.Level) })
	sameTree(t, "finer", v, finer)
	q, _ := b.since(mark, "icicle")
	if got, err := strconv.ParseFloat(q[len(q)-1].Get("min_share"), 64); err != nil || got != 0.000125 {
		t.Errorf("asked for min_share %v (%v), want a quarter of 0.0005", got, err)
	}
	b.back()
	is("Back: without them", func(v *view) bool { return v.calm() && !strings.Contains(v.URL, "z=") })
}
