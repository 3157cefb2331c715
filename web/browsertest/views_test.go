package browsertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Every type of the service: its rows and its tree are the server's, in its
// own unit.
func TestTypes(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	b.open(fmt.Sprintf("/r/CollectorServer?from=now-3d&sel=%d-%d", story.incident, story.resolved))
	v := b.wait("the incident", soon, func(v *view) bool { return v.settled() && v.Recorder.Type == "cpu" })
	if want := []string{"CPU", "Off-CPU", "Alloc", "Lock", "Wall"}; !slices.Equal(v.Types, want) {
		t.Errorf("the types are %q, want %q", v.Types, want)
	}
	for _, x := range []struct{ typ, hottest, unit, noun, legend string }{
		{"alloc", reader + ".readRecord", "GiB", "GiB allocated", "MiB/s allocated"},
		{"lock", "org.example.collector.store.RecordReader.read", "min", "min blocked", "threads blocked"},
		{"offcpu", "jdk.internal.misc.Unsafe.park", "h", "h waiting", "threads waiting"},
		{"wall", "jdk.internal.misc.Unsafe.park", "h", "h wall", "threads UTC"},
		{"cpu", read0, "min", "min CPU", "% of one core"},
	} {
		b.click(hook("type-" + x.typ))
		tree := s.icicle(t, x.typ, story.incident, story.resolved)
		v := b.wait("the type "+x.typ, soon, func(v *view) bool {
			return v.Recorder.Type == x.typ && v.settled() && v.Icicle.Total == tree.Total && strings.Contains(v.Heat.Legend, x.legend)
		})
		sameRows(t, x.typ, v, s.top(t, x.typ, story.incident, story.resolved))
		sameTree(t, x.typ, v, tree)
		if !strings.Contains(v.URL, "&type="+x.typ) {
			t.Errorf("the address %s does not say %s", v.URL, x.typ)
		}
		if r := v.Rows[0]; r.Name != x.hottest || !strings.HasSuffix(r.Cells[0], " "+x.unit) {
			t.Errorf("%s: first is %s with %s, want %s in %s", x.typ, r.Name, r.Cells[0], x.hottest, x.unit)
		}
		for _, readout := range []string{v.Icicle.Readout, v.Heat.Readout} {
			if !strings.Contains(readout, x.noun) {
				t.Errorf("%s: the page reads %q, want %q in it", x.typ, readout, x.noun)
			}
		}
		t.Logf("%s: %s, %s; %s", x.typ, v.Rows[0].Name, v.Rows[0].Cells[0], v.Icicle.Readout)
	}
}

// kept is what an address brings back.
func kept(v *view) string {
	return fmt.Sprintf("%s\n%s\n%+v\n%s\n%s\n%v\n%s %d %d %d %d %s\n%+v %q", v.URL, v.Selection, *v.Recorder, v.Search, v.Verdict, v.Chips,
		v.Icicle.Zoom, v.Icicle.ZoomNode, v.Icicle.Nodes, v.Icicle.Total, *v.Icicle.Matches, v.Icicle.Color, *v.Top, v.names(20))
}

// The address is the view: reloading it, or sending it to a colleague, brings
// back selection, type, search, zoom and what else was chosen.
func TestAddressIsTheView(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	b.open("/r/CollectorServer?from=now-3d")
	v := b.wait("three days", soon, func(v *view) bool { return v.Heat != nil && v.Heat.CellsRecorded > 0 && v.settled() })
	b.drag(v.Heat.at(story.resolved-minute), v.Heat.at(story.incident)) // backwards is the same time
	sel := fmt.Sprintf("%d-%d", story.incident, story.resolved)
	b.wait("the selection", soon, func(v *view) bool { return v.Heat.Selection == sel && v.settled() })
	b.click(hook("type-alloc"))
	b.wait("bytes", soon, func(v *view) bool { return v.Recorder.Type == "alloc" && v.settled() })
	b.click(hook("top-sort-total"))
	b.do(chromedp.Focus(hook("color")))
	b.press("by package")
	v = b.wait("sorted, by package", soon, func(v *view) bool {
		return v.Top != nil && v.Top.Sort == "total" && v.Icicle.Color == "package" && v.settled()
	})
	b.clickAt(v.on(v.frame(chart)))
	b.wait("zoomed", soon, func(v *view) bool { return v.Icicle.Zoom == chart && v.settled() })
	b.click(hook("search"))
	b.press("readrecord")
	v = b.wait("found", soon, func(v *view) bool { return strings.HasPrefix(v.Verdict, "matched ") && v.settled() && v.Top.Rows == 1 })
	for _, part := range []string{"from=now-3d", "sel=" + sel, "type=alloc", "q=readrecord", "z=", "color=package", "sort=total"} {
		if !strings.Contains(v.URL, part) {
			t.Errorf("the address %s lacks %s", v.URL, part)
		}
	}
	want := kept(v)
	same := func(v *view) bool {
		return v.settled() && v.Icicle.Matches != nil && v.Top.Rows == 1 && kept(v) == want
	}
	b.reload()
	b.wait("the same after a reload:\n"+want, soon, same)
	b.back()
	b.wait("Back undoes the zoom, after a reload too", soon, func(v *view) bool { return v.Icicle != nil && v.Icicle.ZoomNode == 0 })

	colleague := newTab(t, s)
	colleague.open(v.URL)
	colleague.wait("the same for a colleague:\n"+want, soon, same)
	t.Logf("brought back:\n%s", want)
}

// A narrow window stacks; nothing sticks out.
func TestNarrow(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	for _, width := range []int64{360, 768, 1100} {
		b.do(chromedp.EmulateViewport(width, 800))
		for _, page := range []string{"/", "/agents", fmt.Sprintf("/r/CollectorServer?from=now-3d&sel=%d-%d&m=%s", story.incident, story.resolved, read0)} {
			b.open(page)
			v := b.wait(page, soon, func(v *view) bool {
				return len(v.Services) > 0 || len(v.Targets) > 0 || v.placed() && !v.Icicle.Stale && v.Chips["highlight"] == read0 && v.Heat.CellsRecorded > 0
			})
			if v.Overflow > 0 {
				t.Errorf("%s is %.0f pixels wider than a window of %d", page, v.Overflow, width)
			}
		}
	}
}
