package browsertest

import (
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"tacho/web/client"
)

const (
	read0  = "java.io.RandomAccessFile.read0"
	reader = "org.example.collector.store.StreamRecordReader"
	chart  = "org.example.collector.chart.ChartService.chart"
)

// From the list of services to two days of heat map, marked as made up.
func TestTwoDays(t *testing.T) {
	s := seeded(t)
	b := newTab(t, s)
	b.zone("Asia/Kolkata") // half an hour off: columns are the hours of the wall clock
	b.open("/")
	v := b.wait("the services", soon, func(v *view) bool { x := v.listed(service); return x != nil && x.Live == "true" })
	x := v.listed(service)
	if x.Demo != "true" || !strings.Contains(x.Text, "demo data") || x.Recorded < 23 {
		t.Errorf("the list shows %+v, want it marked as demo data, with 23 or 24 hours recorded", x)
	}
	for _, i := range x.Instances {
		// What was made up ends just now, but nobody records it.
		if live := i.Live == "true"; live == (i.Name == "seeded-1") {
			t.Errorf("instance %s is live: %v", i.Name, live)
		}
	}
	b.click(hook("service", "name", service) + " " + hook("service-link"))
	story := s.story(t)
	v = b.wait("the heat map", soon, func(v *view) bool {
		return v.Heat != nil && v.Heat.CellsRecorded >= 48*60 && v.Band != nil && v.settled()
	})
	h := v.Heat
	if v.URL != "/r/CollectorServer?from=now-3d" || v.Title != "CollectorServer – Tacho" || v.Selection != "Whole range" {
		t.Errorf("address %s, title %q, selection %q", v.URL, v.Title, v.Selection)
	}
	if h.StepMS != minute || h.Rows != 60 || h.Cols < 72 || h.Cols > 74 || h.OriginMS%(60*minute) != 30*minute {
		t.Errorf("%d columns of %d squares of %d ms from %d, want the 3 days as hours of minutes, from half past in UTC", h.Cols, h.Rows, h.StepMS, h.OriginMS)
	}
	if !strings.Contains(h.Legend, "UTC+05:30") {
		t.Errorf("the legend does not name the clock: %q", h.Legend)
	}

	// Every hour of the made-up days is what the server says.
	a, err := s.api.Heatmap(t.Context(), s.query("cpu", story.first, story.last), "60s")
	if err != nil {
		t.Fatal(err)
	}
	if h.DemoUntilMS == nil || a.DemoUntilMS == nil || *h.DemoUntilMS != *a.DemoUntilMS {
		t.Errorf("made up until %v, the server says %v", h.DemoUntilMS, a.DemoUntilMS)
	}
	hours, recorded := 0, 0
	for _, c := range v.Columns {
		if c.FromMS < story.first || c.UntilMS > story.last-minute {
			continue
		}
		var n int
		var sum float64
		for ms := c.FromMS; ms < c.UntilMS; ms += minute {
			if v := a.Cells[(ms-a.FromMS)/minute]; v >= 0 {
				n++
				sum += float64(v)
			}
		}
		hours++
		recorded += n
		if n != c.Recorded || sum != c.Sum {
			t.Errorf("hour from %s: %d squares, sum %.0f; the server has %d, %.0f", utc(c.FromMS), c.Recorded, c.Sum, n, sum)
		}
	}
	if hours != 47 || recorded != 47*60 {
		t.Errorf("%d whole hours with %d squares are shown, want 47 with 2820", hours, recorded)
	}
	for _, c := range v.Columns {
		if c.UntilMS <= story.first && c.Recorded != 0 {
			t.Errorf("%d squares before anything was recorded", c.Recorded)
		}
	}

	// The band above starts and ends where the made-up data does, give or take
	// a column.
	begin, end, col := h.at(story.first).X, h.at(story.last).X, h.PlotW/float64(h.Cols)
	if x, y := v.Band.X, v.Band.X+v.Band.W; math.Abs(x-begin) > col || math.Abs(y-end) > 2*col || v.Band.Text != "demo data" {
		t.Errorf("the band %q goes from %.1f to %.1f, the made-up data from %.1f to %.1f", v.Band.Text, x, y, begin, end)
	}
	// What is recorded is painted, and more is darker.
	// Minute 12 of an hour is a calm one: the story's load follows the clock.
	calm := story.incident - 60*minute
	calm += 12*minute - calm%(60*minute)
	c := b.colours(h.at(story.incident+10*minute), h.at(calm))
	if bright(c[0]) > 90 || bright(c[1]) < 180 {
		t.Errorf("colours: incident %v, %s %v", c[0], utc(calm), c[1])
	}
	t.Logf("%d hours equal the server's; colours: incident %v, calm %v", hours, c[0], c[1])
}

func utc(ms int64) string { return time.UnixMilli(ms).UTC().Format("Jan 2 15:04") }

// Dragging over the dark patch: exactly that time is asked for and shown; then
// one method of it is followed to its callers.
func TestIncident(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	b.open("/r/CollectorServer?from=now-3d")
	v := b.wait("all three days", soon, func(v *view) bool { return v.Heat != nil && v.Heat.CellsRecorded >= 48*60 && v.settled() })
	before := v

	mark := b.seen()
	b.drag(v.Heat.at(story.incident), v.Heat.at(story.resolved-minute))
	sel := fmt.Sprintf("%d-%d", story.incident, story.resolved)
	v = b.wait("the incident alone", soon, func(v *view) bool {
		return v.Heat.Selection == sel && v.settled() && v.Recorder.FromMS == story.incident && v.Icicle.Total != before.Icicle.Total
	})
	if want := "/r/CollectorServer?from=now-3d&sel=" + sel; v.URL != want {
		t.Errorf("the address is %s, want %s", v.URL, want)
	}
	if v.Recorder.UntilMS != story.resolved || !strings.Contains(v.Selection, clock(story.incident)+" – ") || !strings.Contains(v.Selection, clock(story.resolved)+" ✕") {
		t.Errorf("shown is %s to %s, labelled %q", utc(v.Recorder.FromMS), utc(v.Recorder.UntilMS), v.Selection)
	}
	for _, endpoint := range []string{"top", "icicle"} {
		asked, status := b.since(mark, endpoint)
		if len(asked) == 0 {
			t.Errorf("%s was not asked for", endpoint)
		}
		for i, q := range asked {
			if q.Get("from") != fmt.Sprint(story.incident) || q.Get("until") != fmt.Sprint(story.resolved) || q.Get("service") != service || q.Get("type") != "cpu" || status[i] != 200 {
				t.Errorf("%s was asked for %v and answered with %d", endpoint, q, status[i])
			}
		}
	}
	want, tree := s.top(t, "cpu", story.incident, story.resolved), s.icicle(t, "cpu", story.incident, story.resolved)
	sameRows(t, "incident", v, want)
	sameTree(t, "incident", v, tree)

	// The methods changed: byte reads were much, now they are nearly all.
	share := func(v *view) float64 {
		i := slices.IndexFunc(v.Rows, func(r row) bool { return r.Name == read0 })
		return float64(v.Rows[max(i, 0)].Self) / float64(v.Icicle.Total)
	}
	if x, y := share(before), share(v); v.Rows[0].Name != read0 || x > 0.75 || y < 0.85 {
		t.Errorf("%s has %.1f %% of the days and %.1f %% of the incident, want less than 75 and more than 85", v.Rows[0].Name, 100*x, 100*y)
	}
	if v.Rows[1].Name != "java.io.RandomAccessFile.read" || before.Rows[1].Name == v.Rows[1].Name {
		t.Errorf("second is %s, was %s", v.Rows[1].Name, before.Rows[1].Name)
	}
	t.Logf("first three before %q", before.names(3))
	t.Logf("of the incident %q, %.1f %%; %d methods and %d nodes equal the server's", v.names(3), 100*share(v), len(v.Rows), v.Icicle.Nodes)

	// Clicking a method lights it up and fades what is not in it.
	const other = reader + ".readRecord"
	was := b.colours(v.beside(v.frame(read0)), v.beside(v.frame(other)))
	b.click(hook("top-row", "name", read0))
	v = b.wait("highlighted", soon, func(v *view) bool {
		return v.Chips["highlight"] == read0 && v.Icicle.Matches != nil && v.Icicle.Cursor == read0
	})
	covered := percent(want.Rows[0].Self, tree.Total)
	if wantVerdict := fmt.Sprintf("%s of view · %s of range", covered, covered); v.Verdict != wantVerdict || *v.Icicle.Matches < 1 || !v.Rows[0].On {
		t.Errorf("verdict %q, want %q; %d matches, row marked %v", v.Verdict, wantVerdict, *v.Icicle.Matches, v.Rows[0].On)
	}
	if !strings.Contains(v.URL, "&m="+read0) {
		t.Errorf("the address %s does not name the method", v.URL)
	}
	// The chip above has moved the icicle down, and it scrolled to the frame.
	var is []color.RGBA
	b.wait("the method as it was and its callers faded", soon, func(v *view) bool {
		if !v.placed() || v.frame(read0) == nil || v.frame(other) == nil {
			return false
		}
		is = b.colours(v.beside(v.frame(read0)), v.beside(v.frame(other)))
		return is[0] == was[0] && is[1] != was[1] && bright(is[1]) > bright(was[1]) && bright(is[1]) < 250
	})
	t.Logf("the method is %v, its caller went from %v to %v", is[0], was[1], is[1])

	// From the row to its callers.
	b.click(hook("top-row", "name", read0) + " " + hook("top-callers"))
	v = b.wait("the callers", soon, func(v *view) bool {
		return v.Pane == "callers" && v.settled() && len(v.Frames) > 5 && v.Chips["callers"] == read0
	})
	sameTree(t, "callers", v, s.callers(t, "cpu", story.incident, story.resolved, read0))
	caller := v.frame(reader)
	if v.Frames[0].Name != read0 || v.Frames[1].Name != "java.io.RandomAccessFile.read" || caller == nil || caller.Total != want.Rows[0].Self {
		t.Errorf("callers of %s: first %s, and of the reader %+v; all %d come through it", v.Frames[0].Name, v.Frames[1].Name, caller, want.Rows[0].Self)
	}
	b.click(hook("chip-callers"))
	b.wait("the icicle again", soon, func(v *view) bool { return v.Pane == "icicle" && v.settled() && v.Icicle.Total == tree.Total })
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("15:04") }

// Search says how much matches; zoom is undone by Back and reset by 0.
func TestSearchAndZoom(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	tree := s.icicle(t, "cpu", story.incident, story.resolved)
	b := newTab(t, s)
	b.open(fmt.Sprintf("/r/CollectorServer?from=now-3d&sel=%d-%d", story.incident, story.resolved))
	b.wait("the incident", soon, func(v *view) bool { return v.settled() && v.Icicle.Total == tree.Total })

	b.click(hook("search"))
	b.press("streamrecordreader")
	sum, _ := matched(tree, "StreamRecordReader")
	share := percent(sum, tree.Total)
	verdict := fmt.Sprintf("matched %s of view · %s of range", share, share)
	found, err := s.api.Top(t.Context(), s.query("cpu", story.incident, story.resolved), client.TopOptions{Limit: 200, Search: "streamrecordreader"})
	if err != nil {
		t.Fatal(err)
	}
	v := b.wait("the verdict "+verdict, soon, func(v *view) bool { return v.Verdict == verdict && v.Top.Rows == len(found.Rows) })
	for i, r := range v.Rows {
		if !strings.HasPrefix(r.Name, reader) || r.Self != found.Rows[i].Self {
			t.Errorf("the search leaves %s, self %d; the server finds %s, %d", r.Name, r.Self, found.Rows[i].Function, found.Rows[i].Self)
		}
	}
	t.Logf("%s; %d methods", v.Verdict, len(v.Rows))
	b.click(hook("search-next"))
	b.wait("the largest match", soon, func(v *view) bool { return strings.HasPrefix(v.Icicle.Cursor, reader) })
	b.click(hook("search-clear"))
	b.click(hook("search"))
	b.press("no such method")
	b.wait("nothing matches that", soon, func(v *view) bool { return v.Verdict == "no match" && v.Top.Rows == 0 })
	b.click(hook("search-clear"))
	b.click(hook("search"))
	b.press("/(")
	b.wait("a bad expression is an error", soon, func(v *view) bool { return strings.HasPrefix(v.Verdict, "Bad expression: ") })
	b.click(hook("search-clear"))
	v = b.wait("no search", soon, func(v *view) bool {
		return v.Search == "" && v.Verdict == "" && v.Icicle.Matches == nil && len(v.Rows) > 50
	})

	// Zoom twice; Back undoes one and then the other.
	f := v.frame(chart)
	b.clickAt(v.on(f))
	v = b.wait("zoomed to the chart", soon, func(v *view) bool {
		return v.Icicle.Zoom == chart && v.settled() && v.frame(chart).W > v.Icicle.Box.W-1
	})
	if p := v.frame("org.example.collector.chart.DashboardServer.chart"); p == nil || p.W < v.Icicle.Box.W-1 || v.Chips["zoom"] != chart {
		t.Errorf("the callers of the zoomed frame are not above it: %+v; chips %v", p, v.Chips)
	}
	first := v.URL
	const inner = "java.io.DataInputStream.readLong"
	b.clickAt(v.on(v.frame(inner)))
	v = b.wait("zoomed further", soon, func(v *view) bool {
		return v.Icicle.Zoom == inner && v.settled() && v.frame(inner).W > v.Icicle.Box.W-1
	})
	if v.URL == first || !strings.Contains(v.URL, "&z=") {
		t.Errorf("the address did not change: %s", v.URL)
	}
	b.back()
	b.wait("Back: the chart", soon, func(v *view) bool { return v.Icicle.Zoom == chart && v.URL == first })
	b.back()
	v = b.wait("Back: all", soon, func(v *view) bool {
		return v.Icicle.ZoomNode == 0 && v.settled() && !strings.Contains(v.URL, "&z=") && v.Chips["zoom"] == ""
	})
	b.clickAt(v.on(v.frame(chart)))
	b.wait("zoomed again", soon, func(v *view) bool { return v.Icicle.Zoom == chart })
	b.press("0")
	v = b.wait("0: all", soon, func(v *view) bool { return v.Icicle.ZoomNode == 0 && v.settled() })
	f = v.frame(chart)
	b.hover(v.on(f))
	v = b.wait("the tooltip", soon, func(v *view) bool { return strings.HasPrefix(v.Tooltip, chart) })
	if p := percent(f.Total, tree.Total); !strings.Contains(v.Tooltip, "Total ") || !strings.Contains(v.Tooltip, p) {
		t.Errorf("the tooltip says %q, want %s of the total", v.Tooltip, p)
	}
}
