package browsertest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"tacho"
	"tacho/wire"
)

// What a program may be called that somebody else wrote. Whoever executes one
// of them leaves a mark in window.hacked.
var hostile = map[string]string{
	"markup":   `<img src=x onerror="window.hacked=1">`,
	"script":   `"><script>window.hacked=2</script><svg onload=alert(1)>`,
	"long":     strings.Repeat("com.acme.Very", 770), // 10,010 characters
	"unbroken": strings.Repeat("w", 10_000),
	"rtl":      "\u202eשירות.לקוחות\u202c",
	"emoji":    "👩‍👩‍👧‍👦.🔥🏳️‍🌈",
	"control":  "a\x00b\x1b[31m\x7f\u2028c",
	"newline":  "first\nsecond\r\n\tthird",
	"url":      "javascript:window.hacked=3",
	"percent":  "100%/%2e%2e/?a=b&c#d",
	"blank":    " ",
}

// hostileBatch is two minutes of a service all of whose names are foreign.
func hostileBatch(service, instance string, from time.Time) *tacho.Batch {
	x := tacho.NewBuilder()
	names := append([]string{""}, sortedValues(hostile)...)
	at := from.UnixNano()
	for i, name := range names {
		// Under the markup, above the next: every name is a caller and a callee.
		stack := x.Stack(tacho.Stack{
			{Function: name, File: hostile["markup"], Line: int32(i), Kind: tacho.KindJIT},
			{Function: names[(i+1)%len(names)], File: hostile["rtl"], Module: hostile["script"]},
			{Function: hostile["markup"]},
		})
		thread := x.Thread(tacho.Thread{ID: int64(i + 1), Name: name, Group: name})
		for k := range 40 {
			x.Sample(tacho.CPU, tacho.Sample{Time: at + int64(k)*int64(2*time.Second), Value: int64(20+i) * 1e6, Stack: stack, Thread: thread})
		}
		x.Event(tacho.Event{Time: at + int64(i)*1e9, Duration: 5e7, Kind: "gc.pause", Name: name, Thread: name, Attrs: tacho.NewLabels(map[string]string{"cause": name})})
		x.Event(tacho.Event{Time: at + int64(i+20)*1e9, Kind: "deploy", Name: name, Thread: name})
		x.Series(tacho.Series{Name: "cpu.usage", Unit: "cores", Labels: tacho.NewLabels(map[string]string{tacho.LabelThreadGroup: name}),
			Points: []tacho.Point{{Time: at, Value: 1}, {Time: at + int64(time.Minute), Value: 2}}})
	}
	target := tacho.NewLabels(map[string]string{tacho.LabelService: service, tacho.LabelInstance: instance, tacho.LabelHost: hostile["markup"], "team": hostile["rtl"], "odd": hostile["script"]})
	return x.Take(target, "jvm", at, at+int64(2*time.Minute), 1)
}

func sortedValues(m map[string]string) []string {
	var out []string
	for _, v := range m {
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

// Names are text. Whatever they are, they are shown as it, nothing of them is
// executed, and the page stays as wide as its window.
func TestHostileNames(t *testing.T) {
	s := bare(t)
	c := &wire.Client{URL: s.url}
	from := time.Now().Add(-4 * time.Minute).Truncate(time.Minute)
	for _, name := range sortedValues(hostile) {
		service := name[:min(len(name), 2000)] // an address has to hold it
		for _, instance := range []string{hostile["markup"], hostile["rtl"], hostile["unbroken"][:3000]} {
			if err := c.Deliver(t.Context(), [][]byte{wire.Encode(nil, hostileBatch(service, instance, from))}); err != nil {
				t.Fatalf("service %.40q: %v", service, err)
			}
		}
	}
	var targets []wire.TargetReport
	for i, name := range sortedValues(hostile) {
		targets = append(targets, wire.TargetReport{PID: i + 1, Service: name, Instance: name, Runtime: name, State: []string{"refused", "recording"}[i%2], Reason: name, Remedy: name,
			Counters: map[string]int64{name: 1}})
	}
	if err := c.Report(t.Context(), wire.AgentReport{Host: hostile["markup"], Version: hostile["unbroken"], StartedMS: from.UnixMilli(),
		Sink: wire.SinkReport{State: "waiting", Reason: hostile["script"], SpoolBatches: 3}, Targets: targets}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{hostile["markup"], hostile["rtl"], strings.Repeat("w", 1000)} {
		text := fmt.Sprintf("%s;%s;%s 7\n", hostile["emoji"], hostile["markup"], hostile["unbroken"])
		resp, err := http.Post(s.url+"/api/v1/upload?name="+url.QueryEscape(name), "", bytes.NewReader([]byte(text)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("upload of %.40q: %s", name, resp.Status)
		}
	}

	b := newTab(t, s)
	service := func(page, key string) string {
		name := hostile[key]
		return "/" + page + "/" + url.PathEscape(name[:min(len(name), 2000)])
	}
	all := fmt.Sprintf("?from=%d&to=%d", from.UnixMilli(), from.UnixMilli()+3*minute)
	markup := url.QueryEscape(hostile["markup"])
	halves := fmt.Sprintf("&sel=%d-%d&base=%d-%d", from.UnixMilli()+minute, from.UnixMilli()+2*minute, from.UnixMilli(), from.UnixMilli()+minute)
	names := func(v *view) bool {
		return v.settled() && slices.ContainsFunc(v.Rows, func(r row) bool { return r.Name == hostile["markup"] }) && v.frame(hostile["emoji"]) != nil
	}
	pages := []struct {
		path string
		show func(*view) bool
	}{
		{"/", func(v *view) bool {
			x := v.listed(hostile["markup"])
			return len(v.Services) == len(hostile)+3 && x != nil && strings.Contains(x.Text, "<img src=x onerror=") && len(x.Instances) == 3
		}},
		{"/agents", func(v *view) bool {
			return slices.ContainsFunc(v.Targets, func(x target) bool {
				return x.Service == hostile["script"] && strings.Contains(x.Text, "<script>window.hacked=2</script>")
			}) && len(v.Targets) == len(hostile)
		}},
		{"/files", func(v *view) bool {
			return len(v.Files) == 3 && slices.ContainsFunc(v.Files, func(f struct{ Name, Service, Text, Href string }) bool {
				return strings.HasPrefix(f.Text, "<img src=x onerror=")
			})
		}},
		{service("r", "markup") + all + "&m=" + markup, names},
		{service("r", "unbroken") + all + "&color=package&q=%3Cimg", func(v *view) bool { return v.settled() && strings.HasPrefix(v.Verdict, "matched") }},
		{service("r", "newline") + all + "&color=state&sort=total", names},
		{service("r", "rtl") + all + "&x=" + url.QueryEscape(hostile["unbroken"]) + "&match=" + url.QueryEscape(`instance="`+hostile["rtl"]+`"`) + "&filter=w", func(v *view) bool { return v.settled() && len(v.Tags) > 2 }},
		{service("r", "control") + all + "&callers=" + url.QueryEscape(hostile["unbroken"]), func(v *view) bool {
			return v.Pane == "callers" && v.settled() && len(v.Frames) >= 2 && v.Callees != nil && strings.HasPrefix(v.Chips["callers"], hostile["unbroken"][:200])
		}},
		{service("r", "blank") + all + "&f=" + markup, func(v *view) bool { return v.settled() && v.Chips["focus"] == hostile["markup"] }},
		{service("cmp", "script") + all + halves, func(v *view) bool { return v.Compare != nil && v.Compare.Fresh && v.settled() && len(v.Rows) > 5 }},
		{service("cmp", "percent") + all + halves, func(v *view) bool { return v.Compare != nil && v.Compare.Fresh && v.settled() && len(v.Rows) > 5 }},
		{service("tl", "emoji") + all, func(v *view) bool { return v.Timeline == "false" }},
		{service("tl", "long") + all + fmt.Sprintf("&ev=%d.gc.pause", from.UnixMilli()+3000), func(v *view) bool { return v.Timeline == "false" }},
		{"/r/" + url.PathEscape(hostile["markup"]+" is not there"), func(v *view) bool { return v.notes("empty: ○ Nothing is recorded for <img src=x") }},
	}
	for _, size := range [][2]int64{{1280, 720}, {400, 800}} {
		b.do(chromedp.EmulateViewport(size[0], size[1]))
		for _, p := range pages {
			b.open(p.path)
			v := b.wait(fmt.Sprintf("%.80s at %d", p.path, size[0]), soon, p.show)
			b.harmless(p.path, size[0], v)
		}
	}

	// What comes up over the page: readout, tooltip, menu, and the picker of labels.
	b.do(chromedp.EmulateViewport(1280, 720))
	b.open(pages[3].path)
	v := b.wait("the recorder", soon, names)
	for _, key := range []string{"markup", "emoji", "unbroken"} {
		b.hover(v.on(v.frame(hostile[key][:12])))
		w := b.wait("the tooltip of "+key, soon, func(v *view) bool { return strings.Contains(v.Tooltip, hostile[key][:12]) })
		b.harmless("tooltip of "+key, 1280, w)
	}
	b.clickAt(v.on(v.frame(hostile["emoji"])))
	b.wait("zoomed", soon, func(v *view) bool { return v.settled() && v.Icicle.ZoomNode > 0 })
	b.click(hook("current-more"))
	v = b.wait("the menu", soon, func(v *view) bool { return len(v.Menu) > 3 })
	b.harmless("menu", 1280, v)
	b.press(kb.Escape)
	b.click(hook("match-add"))
	v = b.wait("the picker", soon, func(v *view) bool { return len(v.Picker) > 10 })
	b.harmless("picker", 1280, v)
}

// harmless checks that nothing of a name has become part of the page, and that
// the page is not wider than its window.
func (b *tab) harmless(what string, width int64, v *view) {
	b.t.Helper()
	if v.Overflow > 0 {
		wide, _ := eval[[]string](b, `[...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest("table.sr-only")).slice(0, 8).map((e) => e.tagName + "." + e.className + " " + e.dataset?.testid)`)
		b.t.Errorf("%.80s is %.0f pixels wider than a window of %d: %q", what, v.Overflow, width, wide)
	}
	bad, err := eval[string](b, `(() => {
		if ("hacked" in window) return "executed: " + window.hacked;
		const own = [...document.scripts].every((s) => s.src.startsWith(location.origin + "/assets/"));
		if (!own) return "a script that is not ours";
		const found = [...document.querySelectorAll("img, svg, iframe, object, a[href]")].filter((e) => e.tagName === "A" ? !/^https?:$/.test(e.protocol) || e.origin !== location.origin : !e.src?.startsWith(location.origin + "/assets/"));
		return found.length ? "in the page: " + found[0].outerHTML.slice(0, 200) : "";
	})()`)
	if err != nil {
		b.t.Fatal(err)
	}
	if bad != "" {
		b.t.Errorf("%.80s: %s", what, bad)
	}
	for _, r := range v.Rows {
		if r.Name == hostile["control"] && strings.ContainsAny(r.Cells[0], "\x00\x1b\x7f") {
			b.t.Errorf("%.80s: a row shows control characters: %q", what, r.Cells[0])
		}
	}
}
