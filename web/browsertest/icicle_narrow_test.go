package browsertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tacho/report"
)

// asked gets a view of the server's own, for parameters "name", value, …
func asked[T any](t *testing.T, s *server, endpoint string, params ...string) *T {
	t.Helper()
	q := url.Values{}
	for i := 0; i < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	r, err := http.Get(s.url + "/api/v1/" + endpoint + "?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", r.Request.URL, r.Status)
	}
	v := new(T)
	if err := json.NewDecoder(r.Body).Decode(v); err != nil {
		t.Fatalf("%s: %v", r.Request.URL, err)
	}
	return v
}

// incident is the time of the incident as parameters, with more of them.
func (x story) params(more ...string) []string {
	return append([]string{"service", service, "type", "cpu", "from", fmt.Sprint(x.incident), "until", fmt.Sprint(x.resolved)}, more...)
}

func (x story) page(more string) string {
	return fmt.Sprintf("/r/%s?from=now-3d&sel=%d-%d%s", service, x.incident, x.resolved, more)
}

// everyAsked reports whether the last question of each endpoint had the value.
func (b *tab) everyAsked(since int, name, value string, endpoints ...string) {
	b.t.Helper()
	for _, e := range endpoints {
		q, _ := b.since(since, e)
		if len(q) == 0 || !slices.Contains(q[len(q)-1][name], value) {
			b.t.Errorf("%s was asked for %v, want %s=%s", e, q, name, value)
		}
	}
}

// calm is settled, wherever the icicle is scrolled to.
func (v *view) calm() bool {
	return v.placed() && !v.Icicle.Stale && v.Top != nil && !v.Top.Stale
}

// Everything that leaves stacks out or folds them: by mouse and by key, in the
// address, in the questions, with a chip that takes it back.
func TestNarrowing(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	whole := s.icicle(t, "cpu", story.incident, story.resolved)
	b := newTab(t, s)
	b.open(story.page(""))
	is := func(what string, cond func(*view) bool) *view { t.Helper(); return b.wait(what, soon, cond) }
	all := func(v *view) bool {
		return v.calm() && v.Icicle.Total == whole.Total && v.Icicle.Nodes == len(whole.Nodes.Level) && len(v.Tags) == 1
	}
	v := is("the incident", all)

	// Alt-click hides one stack, without a question to the server.
	f := v.frame("java.io.DataInputStream.readLong")
	mark := b.seen()
	b.clickAt(v.on(f), chromedp.ModifierAlt)
	v = is("hidden", func(v *view) bool { return v.calm() && v.Icicle.Total == whole.Total-f.Total })
	if v.frame("java.io.DataInputStream.readLong") != nil && v.frame("java.io.DataInputStream.readLong").Total == f.Total {
		t.Error("the hidden frame is still there")
	}
	if !strings.Contains(v.URL, "&hide=") || !slices.Contains(v.Tags, "chip-hidden "+tagged(v.Tags, "chip-hidden")) {
		t.Errorf("address %s, chips %q", v.URL, v.Tags)
	}
	if q, _ := b.since(mark, "icicle"); len(q) != 0 {
		t.Errorf("hiding asked the server %v", q)
	}
	b.reload()
	is("hidden after a reload", func(v *view) bool { return v.calm() && v.Icicle.Total == whole.Total-f.Total })
	b.click(hook("chip-hidden"))
	is("all again", all)
	b.back()
	is("Back: hidden", func(v *view) bool { return v.calm() && v.Icicle.Total < whole.Total })
	b.back()
	is("Back: all", all)

	// h hides the current frame, x leaves out all stacks with its method.
	b.click(hook("top-row", "name", read0))
	is("highlighted", func(v *view) bool { return v.Icicle.Cursor == read0 })
	b.press("h")
	is("h: a stack less", func(v *view) bool {
		return v.calm() && v.Icicle.Total < whole.Total && v.Chips["highlight"] == read0
	})
	b.press("u")
	is("undone", func(v *view) bool { return v.calm() && v.Icicle.Total == whole.Total })
	mark = b.seen()
	b.press("x")
	rest := asked[report.Icicle](t, s, "icicle", story.params("exclude", read0, "min_share", "0.0005")...)
	v = is("x: no stack with it", func(v *view) bool {
		return v.calm() && v.Icicle.Total == rest.Total && tagged(v.Tags, "chip-exclude") == read0
	})
	sameTree(t, "exclude", v, rest)
	b.everyAsked(mark, "exclude", read0, "top", "icicle")
	if v.Rows[0].Name == read0 || !strings.Contains(v.Icicle.Readout, percent(rest.Total, whole.Total)) {
		t.Errorf("first is %s, the readout %q: its share is of the whole time, %s", v.Rows[0].Name, v.Icicle.Readout, percent(rest.Total, whole.Total))
	}
	b.click(hook("chip-exclude"))
	is("all", all)

	// A search becomes a filter.
	b.press("/")
	b.press("/readLong$/")
	is("found", func(v *view) bool { return strings.HasPrefix(v.Verdict, "matched ") })
	mark = b.seen()
	b.press(kb.Enter)
	some := asked[report.Icicle](t, s, "icicle", story.params("filter", "/readLong$/", "min_share", "0.0005")...)
	v = is("only stacks that match", func(v *view) bool {
		return v.calm() && v.Icicle.Total == some.Total && v.Search == "" && tagged(v.Tags, "chip-filter") == "/readLong$/"
	})
	sameTree(t, "filter", v, some)
	b.everyAsked(mark, "filter", "/readLong$/", "top", "icicle")
	if !strings.Contains(v.URL, "&filter=") {
		t.Errorf("the address is %s", v.URL)
	}
	b.reload()
	is("after a reload", func(v *view) bool { return v.calm() && v.Icicle.Total == some.Total })
	b.click(hook("chip-filter"))
	is("all", all)

	// r folds recursion, i inverts; a button does the latter too.
	mark = b.seen()
	b.press("r")
	is("r: folded", func(v *view) bool { return v.calm() && tagged(v.Tags, "chip-fold") == "recursion" })
	b.everyAsked(mark, "collapse", "recursion", "top", "icicle")
	b.press("r")
	is("r: as before", all)
	up := asked[report.Icicle](t, s, "icicle", story.params("invert", "true", "min_share", "0.0005")...)
	inverted := func(v *view) bool {
		return v.calm() && v.Icicle.Nodes == len(up.Nodes.Level) && tagged(v.Tags, "chip-invert") != "-"
	}
	b.press("i")
	v = is("i: from the leaves", inverted)
	sameTree(t, "inverted", v, up)
	if f := v.frame(read0); f == nil || f.Level != 1 {
		t.Errorf("the hottest leaf is at %+v, want level 1", f)
	}
	b.press("i")
	is("i: from the roots", all)
	b.click(hook("invert"))
	is("by mouse", inverted)
	b.click(hook("chip-invert"))
	is("and back", all)
}

// tagged is the name of a chip, "-" when there is none.
func tagged(tags []string, id string) string {
	for _, x := range tags {
		if name, ok := strings.CutPrefix(x, id+" "); ok {
			return name
		}
		if x == id {
			return ""
		}
	}
	return "-"
}

// Labels: chosen from what there is, applied to heat map, methods and icicle.
func TestLabelFilters(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	b.open(story.page(""))
	is := func(what string, cond func(*view) bool) *view { t.Helper(); return b.wait(what, soon, cond) }
	before := is("the incident", func(v *view) bool { return v.calm() && v.Heat.CellsRecorded > 0 })

	const pool = "dashboard-exec-#"
	one := `thread_group="` + pool + `"`
	mark := b.seen()
	b.click(hook("match-add"))
	v := is("the groups", func(v *view) bool { return len(v.Picker) > 3 })
	if !slices.ContainsFunc(v.Picker, func(p struct {
		Label, Value string
		On           bool
	}) bool {
		return p.Label == "thread_group" && p.Value == pool && !p.On
	}) {
		t.Fatalf("the picker offers %v", v.Picker)
	}
	b.click(hook("label-value", "value", pool))
	want := asked[report.Icicle](t, s, "icicle", story.params("match", one, "min_share", "0.0005")...)
	v = is("one pool", func(v *view) bool {
		return v.calm() && v.Icicle.Total == want.Total && tagged(v.Tags, "match") == one
	})
	sameTree(t, "one pool", v, want)
	sameRows(t, "one pool", v, asked[report.Top](t, s, "top", story.params("match", one, "limit", "200")...))
	b.everyAsked(mark, "match", one, "top", "icicle", "heatmap")
	is("the heat map too", func(v *view) bool { return v.Heat.CellsRecorded > 0 && v.Heat.Readout != before.Heat.Readout })

	// By keys: the next value, Space, Esc.
	b.press(kb.ArrowDown)
	b.press(" ")
	is("two groups", func(v *view) bool { return v.calm() && strings.Contains(v.URL, "match=thread_group%3D~") })
	b.press(kb.Escape)
	is("the picker is gone, the filter is not, the button has the focus", func(v *view) bool {
		return len(v.Picker) == 0 && v.Focus == "match-add" && strings.HasPrefix(tagged(v.Tags, "match"), `thread_group=~"dashboard-exec-#|`)
	})
	b.reload()
	is("after a reload", func(v *view) bool { return v.calm() && strings.HasPrefix(tagged(v.Tags, "match"), "thread_group=~") })
	b.back()
	is("Back: one pool", func(v *view) bool { return v.calm() && v.Icicle.Total == want.Total })
	b.click(hook("match"))
	is("none", func(v *view) bool {
		return v.calm() && v.Icicle.Total == before.Icicle.Total && tagged(v.Tags, "match") == "-"
	})
}
