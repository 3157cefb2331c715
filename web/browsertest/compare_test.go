package browsertest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// comparison is what a test needs of the answer of /api/v1/diff.
type comparison struct {
	Total     int64   `json:"total"`
	BaseTotal int64   `json:"base_total"`
	Width     float64 `json:"width"`
	Scale     float64 `json:"scale"`
	Strings   []string
	States    []string
	Nodes     struct {
		Name, State []int
		Total       []int64
		BaseTotal   []int64 `json:"base_total"`
		Width       []float64
	}
	Rows []struct {
		Function  string
		Self      int64
		Total     int64
		BaseSelf  int64  `json:"base_self"`
		BaseTotal int64  `json:"base_total"`
		State     string `json:"self_state"`
	}
}

// sameComparison checks table and icicle against the server's own answer.
func sameComparison(t *testing.T, what string, v *view, want *comparison) {
	t.Helper()
	if v.Top.Rows != len(want.Rows) || v.Icicle.Nodes != len(want.Nodes.Name) {
		t.Errorf("%s: the page has %d rows and %d nodes, the server %d and %d", what, v.Top.Rows, v.Icicle.Nodes, len(want.Rows), len(want.Nodes.Name))
		return
	}
	rows := map[string]row{}
	for _, r := range v.Rows {
		rows[r.Name] = r
	}
	for _, w := range want.Rows {
		r, shown := rows[w.Function]
		if !shown && len(v.Rows) >= 50 {
			continue // below the first screens
		}
		if r.BaseSelf == nil || r.Self != w.Self || r.Total != w.Total || *r.BaseSelf != w.BaseSelf || *r.BaseTotal != w.BaseTotal || r.State != w.State {
			t.Errorf("%s: the page shows %+v, the server has %+v", what, r, w)
			return
		}
	}
	for _, f := range v.Frames {
		n := want.Nodes
		if f.Base == nil || want.Strings[n.Name[f.Node]] != f.Name || n.Total[f.Node] != f.Total || n.BaseTotal[f.Node] != *f.Base || want.States[n.State[f.Node]] != f.State {
			t.Errorf("%s: frame %+v is not node %d of the server", what, f, f.Node)
			return
		}
		if w := v.Icicle.Box.W * n.Width[f.Node] / want.Width; v.Icicle.ZoomNode == 0 && math.Abs(w-f.W) > 0.6 {
			t.Errorf("%s: %s is %.1f wide; before and after together ask for %.1f", what, f.Name, f.W, w)
			return
		}
	}
}

// Two times: the incident against the calm before; then sides, measure and
// order are changed, each a step of the history.
func TestCompareTimes(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	base := [2]int64{story.incident - 120*minute, story.incident - 60*minute}
	diff := func(more ...string) *comparison {
		t.Helper()
		return asked[comparison](t, s, "diff", story.params(append([]string{"base_from", fmt.Sprint(base[0]), "base_until", fmt.Sprint(base[1]), "significance", "true", "limit", "200", "min_share", "0.0005"}, more...)...)...)
	}
	b := newTab(t, s)
	is := func(what string, cond func(*view) bool) *view { t.Helper(); return b.wait(what, soon, cond) }
	ready := func(v *view) bool {
		return v.calm() && v.Compare != nil && v.Compare.Fresh && v.Icicle.Color == "diff"
	}
	mark := b.seen()
	b.open(fmt.Sprintf("/cmp/%s?from=now-3d&sel=%d-%d&base=%d-%d", service, story.incident, story.resolved, base[0], base[1]))
	v := is("the comparison", ready)
	sameComparison(t, "by share", v, diff("norm", "share"))
	b.everyAsked(mark, "base_from", fmt.Sprint(base[0]), "diff")
	b.everyAsked(mark, "significance", "true", "diff")
	if q, _ := b.since(mark, "top"); len(q) != 0 {
		t.Errorf("the table of one side was asked for too: %v", q)
	}
	if v.Title != service+" compared – Tacho" || v.Compare.Now != fmt.Sprintf("%d-%d", story.incident, story.resolved) || v.Compare.Base != fmt.Sprintf("%d-%d", base[0], base[1]) {
		t.Errorf("title %q, sides %+v", v.Title, v.Compare)
	}
	if !strings.Contains(v.Compare.BaseText, "CPU in 1 h") || !strings.Contains(v.Compare.NowText, "CPU in 20 min") || !strings.HasPrefix(v.Compare.Test, "Tested on ") {
		t.Errorf("the sides say %q and %q, the test %q", v.Compare.BaseText, v.Compare.NowText, v.Compare.Test)
	}
	// What made the incident grew, significantly; what it crowded out shrank.
	hot, jit := v.Rows[slices.IndexFunc(v.Rows, func(r row) bool { return r.Name == read0 })], v.Rows[slices.IndexFunc(v.Rows, func(r row) bool { return r.Name == "[JIT C2]" })]
	if hot.State != "grew" || !strings.HasPrefix(hot.Cells[3], "▲ +") || jit.State != "shrank" || !strings.HasPrefix(jit.Cells[3], "▼ −") {
		t.Errorf("%s: %s %q; %s: %s %q", hot.Name, hot.State, hot.Cells, jit.Name, jit.State, jit.Cells)
	}
	b.hover(v.on(v.frame(chart)))
	v = is("the tooltip has both sides", func(v *view) bool {
		return strings.HasPrefix(v.Tooltip, chart) && strings.Contains(v.Tooltip, "Before")
	})
	if !strings.Contains(v.Tooltip, "▲") || !strings.Contains(v.Tooltip, "points") {
		t.Errorf("the tooltip says %q", v.Tooltip)
	}

	// By the change: what is not significant comes last.
	if v.Top.Sort != "delta" {
		t.Errorf("the order is by %s, want by the change unless chosen", v.Top.Sort)
	}
	b.click(hook("top-sort-self"))
	is("sorted by self", func(v *view) bool { return v.Top.Sort == "self" && strings.Contains(v.URL, "&sort=self") })
	b.click(hook("top-sort-delta"))
	v = is("sorted by the change", func(v *view) bool {
		return v.Top != nil && v.Top.Sort == "delta" && strings.Contains(v.URL, "&sort=delta")
	})
	if v.Rows[0].Name != read0 || !slices.IsSortedFunc(v.Rows, func(x, y row) int { return cmp.Compare(b2i(x.State == "same"), b2i(y.State == "same")) }) {
		t.Errorf("the order begins with %q, states are not: changed first, unchanged last", v.names(3))
	}
	b.click(hook("norm-rate"))
	rate := diff("norm", "rate")
	v = is("per minute", func(v *view) bool {
		return ready(v) && v.Compare.Norm == "rate" && strings.Contains(v.Rows[0].Cells[1], "/min")
	})
	sameComparison(t, "per minute", v, rate)
	if !strings.Contains(v.URL, "&norm=rate") {
		t.Errorf("the address is %s", v.URL)
	}
	b.back()
	v = is("Back: by share", func(v *view) bool { return ready(v) && v.Compare.Norm == "share" })

	// Swapped: what grew has shrunk.
	b.click(hook("swap"))
	swapped := is("swapped", func(w *view) bool {
		return ready(w) && w.Compare.Base == v.Compare.Now && w.Compare.Now == v.Compare.Base
	})
	i := slices.IndexFunc(swapped.Rows, func(r row) bool { return r.Name == read0 })
	if r := swapped.Rows[i]; r.State != "shrank" || *r.BaseSelf != hot.Self || r.Self != *hot.BaseSelf {
		t.Errorf("swapped, %s is %+v; it was %+v", read0, r, hot)
	}
	b.reload()
	is("swapped after a reload", func(w *view) bool { return ready(w) && w.Compare.Now == v.Compare.Base && w.Top.Sort == "delta" })
	b.back()
	is("Back: not swapped", func(w *view) bool { return ready(w) && w.Compare.Now == v.Compare.Now })

	// Zoom and Back work as in one tree; times can be typed.
	v = is("the tree", func(v *view) bool { return ready(v) && v.frame(chart) != nil })
	b.clickAt(v.on(v.frame(chart)))
	is("zoomed", func(v *view) bool { return ready(v) && v.Icicle.Zoom == chart })
	b.press("u")
	is("undone", func(v *view) bool { return ready(v) && v.Icicle.ZoomNode == 0 })
	set := fmt.Sprintf(`(() => { const el = document.querySelector('[data-testid="base-from"]'); el.value = %q; el.dispatchEvent(new Event("change", { bubbles: true })); })(), null`, utcInput(base[0]-30*minute))
	if _, err := eval[any](b, set); err != nil {
		t.Fatal(err)
	}
	is("the base begins earlier", func(v *view) bool {
		return ready(v) && v.Compare.Base == fmt.Sprintf("%d-%d", base[0]-30*minute, base[1])
	})

	// To the recorder, and with the key c back into a comparison.
	b.click(hook("compare-end"))
	v = is("the recorder", func(v *view) bool {
		return v.calm() && v.Compare == nil && strings.HasPrefix(v.URL, "/r/") && v.Icicle.Color == "kind"
	})
}

func b2i(x bool) int {
	if x {
		return 1
	}
	return 0
}

// Two instances and two groups of threads at the same time, by label values;
// and a baseline pinned on the recorder.
func TestCompareLabels(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	is := func(what string, cond func(*view) bool) *view { t.Helper(); return b.wait(what, soon, cond) }
	ready := func(v *view) bool {
		return v.calm() && v.Compare != nil && v.Compare.Fresh && v.Icicle.Color == "diff"
	}
	b.open(fmt.Sprintf("/cmp/%s?from=now-3d&sel=%d-%d", service, story.incident, story.resolved))
	v := is("the same on both sides", ready)
	for _, r := range v.Rows {
		if r.State != "same" || r.BaseSelf == nil || *r.BaseSelf != r.Self {
			t.Errorf("compared with itself, %s is %+v", r.Name, r)
			break
		}
	}
	const before, after = "agent-io-#", "dashboard-exec-#"
	b.click(hook("match-base-add"))
	is("the groups", func(v *view) bool { return len(v.Picker) > 3 })
	b.click(hook("label-value", "value", before))
	b.press("\x1b")
	is("one side is chosen", func(v *view) bool {
		return len(v.Picker) == 0 && tagged(v.Tags, "match-base") == `thread_group="`+before+`"` && tagged(v.Tags, "match-now") == "-"
	})
	b.click(hook("match-now-add"))
	is("the groups", func(v *view) bool { return len(v.Picker) > 3 })
	mark := b.seen()
	b.click(hook("label-value", "value", after))
	b.press("\x1b")
	want := asked[comparison](t, s, "diff", story.params("base_from", fmt.Sprint(story.incident), "base_until", fmt.Sprint(story.resolved), "match", `thread_group="`+after+`"`,
		"base_match", `thread_group="`+before+`"`, "norm", "share", "significance", "true", "limit", "200", "min_share", "0.0005")...)
	v = is("two groups of threads", func(v *view) bool {
		return ready(v) && tagged(v.Tags, "match-now") == `thread_group="`+after+`"` && v.Top.Rows == len(want.Rows)
	})
	sameComparison(t, "groups", v, want)
	b.everyAsked(mark, "base_match", `thread_group="`+before+`"`, "diff")
	if i := slices.IndexFunc(v.Rows, func(r row) bool { return r.State == "new" }); i < 0 || !strings.HasPrefix(v.Rows[i].Cells[3], "▲ +") {
		t.Error("no method of one group alone is shown as new")
	}
	if i := slices.IndexFunc(v.Rows, func(r row) bool { return r.State == "removed" }); i < 0 || !strings.HasPrefix(v.Rows[i].Cells[3], "▼ −") {
		t.Error("no method of the other group alone is shown as gone")
	}
	b.reload()
	is("after a reload", func(v *view) bool { return ready(v) && v.Top.Rows == len(want.Rows) })
	b.click(hook("swap"))
	is("swapped", func(v *view) bool {
		return ready(v) && tagged(v.Tags, "match-base") == `thread_group="`+after+`"` && tagged(v.Tags, "match-now") == `thread_group="`+before+`"`
	})

	// The recorder with a baseline: what Ctrl-drag leaves in the address.
	b.open(story.page(fmt.Sprintf("&base=%d-%d", story.incident-60*minute, story.incident-30*minute)))
	is("compared on the recorder", ready)
	b.click(hook("top-row", "name", read0))
	b.click(hook("top-row", "name", read0) + " " + hook("top-callers"))
	is("callers of the present side, the table still compares", func(v *view) bool {
		return v.Pane == "callers" && v.calm() && v.Icicle.Color == "kind" && v.Compare != nil && v.Rows[0].BaseSelf != nil
	})
	b.press("s")
	is("back", ready)
	b.click(hook("compare-open"))
	is("its own page", func(v *view) bool { return ready(v) && strings.HasPrefix(v.URL, "/cmp/") })
	b.back()
	is("the recorder", func(v *view) bool { return ready(v) && strings.HasPrefix(v.URL, "/r/") })
	b.do(chromedp.Focus(hook("compare-end")))
	b.press("\r")
	is("no comparison", func(v *view) bool {
		return v.calm() && v.Compare == nil && v.Icicle.Color == "kind" && !strings.Contains(v.URL, "base=")
	})
}
