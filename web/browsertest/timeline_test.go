package browsertest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// lanes is what the timeline shows.
type lanes struct {
	URL, Readout, Selection, Chip, Live, Focus string
	FromMS, UntilMS, StepMS                    int64
	Loading                                    bool
	Overflow                                   float64
	Strip, Tables                              int
	CursorMS                                   *int64
	Bands                                      int
	Lanes                                      []lane
	Event                                      *event
}

type lane struct {
	ID, Facts, None string
	Lines, Bars     int
	Top             float64
	Box             box
	Columns         []string
	Rows            []struct {
		FromMS, UntilMS int64
		Values          []*float64
	}
}

type event struct {
	MS          int64
	Kind, Facts string
	Top         []row
	Href, Text  string
}

func (l *lanes) lane(id string) *lane {
	i := slices.IndexFunc(l.Lanes, func(x lane) bool { return x.ID == id })
	if i < 0 {
		return &lane{}
	}
	return &l.Lanes[i]
}

// at is where an instant is in a lane.
func (l *lanes) at(id string, ms int64) point {
	x := l.lane(id).Box
	return point{x.X + x.W*float64(ms-l.FromMS)/float64(l.UntilMS-l.FromMS), x.Y + x.H - 2}
}

const lookLanes = `(() => {
	const one = (id, within = document) => within.querySelector('[data-testid="' + id + '"]');
	const text = (el) => (el ? el.innerText.replace(/\s+/g, " ").trim() : "");
	const box = (el) => { if (!el) return { x: 0, y: 0, w: 0, h: 0 }; const r = el.getBoundingClientRect(); return { x: r.left, y: r.top, w: r.width, h: r.height }; };
	const page = one("timeline"), event = one("event");
	return page && {
		url: location.pathname + location.search, fromMs: Number(page.dataset.fromMs), untilMs: Number(page.dataset.untilMs), stepMs: Number(page.dataset.stepMs),
		loading: page.dataset.loading === "true", readout: text(one("tl-readout")), selection: one("tl-selection")?.textContent ?? "", chip: text(one("selection")),
		live: one("live")?.dataset.live ?? "", overflow: document.documentElement.scrollWidth - innerWidth, strip: Number(one("tl-strip")?.dataset.recorded ?? 0), tables: document.querySelectorAll('[data-testid="lane-table"]').length,
		cursorMs: one("tl-cursor") ? Number(one("tl-cursor").dataset.ms) : null, bands: document.querySelectorAll('[data-testid="tl-sel"]').length,
		focus: document.activeElement?.closest('[data-testid="lane"]')?.dataset.id ?? "",
		lanes: [...document.querySelectorAll('[data-testid="lane"]')].map((e) => ({
			id: e.dataset.id, lines: Number(e.dataset.lines), bars: Number(e.dataset.bars), top: Number(e.dataset.top), facts: text(one("lane-facts", e)), none: text(one("lane-none", e)),
			box: box(one("lane-canvas", e)), columns: [...e.querySelectorAll("thead th")].map((x) => x.textContent),
			rows: [...e.querySelectorAll("tbody tr")].map((r) => ({
				fromMs: Number(r.dataset.fromMs), untilMs: Number(r.dataset.untilMs ?? 0),
				values: r.dataset.value !== undefined ? [Number(r.dataset.value)] : [...r.querySelectorAll("td")].map((d) => (d.dataset.value ? Number(d.dataset.value) : null)),
			})),
		})),
		event: event && {
			ms: Number(event.dataset.ms), kind: event.dataset.kind, facts: text(one("event-facts", event)), text: text(event), href: one("event-recorder", event)?.getAttribute("href") ?? "",
			top: [...event.querySelectorAll('[data-testid="event-top"] li')].map((r) => ({ name: r.dataset.name, self: Number(r.dataset.self) })),
		},
	};
})()`

func (b *tab) lanes(what string, cond func(*lanes) bool) *lanes {
	b.t.Helper()
	return waitEval(b, lookLanes, what, func(l *lanes) bool { return !l.Loading && len(l.Lanes) > 0 && cond(l) })
}

type timeline struct {
	FromMS int64 `json:"from_ms"`
	Series []struct {
		Name   string
		Labels map[string]string
		Values []*float64
	}
}

// Lanes show what the server has, and say what is not recorded.
func TestTimelineLanes(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	// Twelve whole hours of the made-up time: steps of two minutes.
	from := wholeHour(story.first) + hourMS
	until := from + 12*hourMS
	mark := b.seen()
	b.open(fmt.Sprintf("/tl/CollectorServer?from=%d&to=%d", from, until))
	l := b.lanes("the lanes", func(l *lanes) bool { return l.lane("gc").Bars > 100 && l.Strip > 0 })
	b.asked(mark, "timeline", "from", ms(from), "until", ms(until), "step", "120s")
	var ids []string
	for _, x := range l.Lanes {
		ids = append(ids, x.ID)
	}
	want := []string{"cpu", "wait", "heap", "alloc", "gc", "jit", "safepoints", "threads", "classes", "exceptions"}
	if !slices.Equal(ids, want) || l.StepMS != 120_000 || l.Strip != 360 || l.Tables != 7 {
		t.Errorf("lanes %q with steps of %d, %d of the strip recorded, %d tables, want one for the strip and each lane with data", ids, l.StepMS, l.Strip, l.Tables)
	}
	for _, id := range []string{"classes", "exceptions", "safepoints"} {
		if x := l.lane(id); !strings.HasPrefix(x.None, "Not recorded. ") || len(x.None) < 40 {
			t.Errorf("%s says %q, want that it is not recorded, and why", id, x.None)
		}
	}

	// The table behind CPU: means of eight steps, in cores, by thread group.
	cpu := l.lane("cpu")
	a := ask[timeline](t, s, "timeline", "from", ms(from), "until", ms(until), "step", "120s", "name", "cpu.usage")
	if cpu.Lines != 9 || len(cpu.Rows) != 45 || !slices.Contains(cpu.Columns, "dashboard-exec-#") || !slices.Contains(cpu.Columns, "JIT") {
		t.Fatalf("CPU has %d lines, %d rows, columns %q", cpu.Lines, len(cpu.Rows), cpu.Columns)
	}
	own := map[string]string{"JIT C1": "JIT", "JIT C2": "JIT", "JFR": "VM"}
	sums := map[string][]float64{}
	for _, x := range a.Series {
		name := x.Labels["thread_group"]
		if of := own[name]; of != "" {
			name = of
		}
		if sums[name] == nil {
			sums[name] = make([]float64, len(cpu.Rows))
		}
		for i, v := range x.Values {
			sums[name][i/8] += *v / 8
		}
	}
	for i, name := range cpu.Columns[1:] {
		for r, row := range cpu.Rows {
			if got := row.Values[i]; sums[name] == nil || got == nil || math.Abs(*got-sums[name][r]) > 1e-9 {
				t.Fatalf("%s at %s: shown is %v, the server has %v", name, utc(row.FromMS), got, sums[name])
			}
		}
	}
	contains(t, "CPU", cpu.Facts, "dashboard-exec-#", " cores", "JIT", "GC", "VM")
	contains(t, "heap", l.lane("heap").Facts, "before GC", "after GC", "MiB")
	contains(t, "pauses", l.lane("gc").Facts, "GC Pause", "sum, longest")
	contains(t, "threads", l.lane("threads").Facts, "running", "waiting")
	contains(t, "allocation", l.lane("alloc").Facts, "/s")

	// What is shown is painted.
	for _, x := range l.Lanes {
		if x.None != "" || x.ID == "wait" {
			continue
		}
		painted, err := eval[int](b, fmt.Sprintf(`(() => { const c = document.querySelector('[data-testid="lane"][data-id="%s"] canvas'), d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data, seen = new Set();
			for (let i = 0; i < d.length; i += 4) seen.add(d[i] << 16 | d[i + 1] << 8 | d[i + 2]); return seen.size; })()`, x.ID))
		if err != nil || painted < 3 {
			t.Errorf("%s has %d colours (%v)", x.ID, painted, err)
		}
	}

	// One cursor over all lanes; each says what it is there.
	at := from + 5*hourMS + 30*minute
	b.hover(l.at("cpu", at))
	l = b.lanes("the cursor", func(l *lanes) bool { return l.CursorMS != nil && math.Abs(float64(*l.CursorMS-at)) < 120_000 })
	step := from + (*l.CursorMS-from)/120_000*120_000
	contains(t, "readout", l.Readout, clock(step))
	i := (step - from) / 120_000
	for _, x := range a.Series {
		if x.Labels["thread_group"] == "dashboard-exec-#" {
			contains(t, "CPU at the cursor", l.lane("cpu").Facts, fmt.Sprintf("dashboard-exec-# %.3f cores", *x.Values[i]))
		}
	}
}

// Dragging selects; the selection goes along to the recorder and back.
func TestTimelineSelection(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	from := wholeHour(story.incident) - 6*hourMS
	until := from + 10*hourMS
	address := fmt.Sprintf("/tl/CollectorServer?from=%d&to=%d", from, until)
	b.open(address)
	l := b.lanes("the lanes", func(l *lanes) bool { return l.lane("cpu").Lines > 0 })
	a, z := from+2*hourMS, from+3*hourMS
	b.drag(l.at("cpu", a+l.StepMS/2), l.at("heap", z-l.StepMS/2))
	sel := fmt.Sprintf("%d-%d", a, z)
	l = b.lanes("the selection "+sel, func(l *lanes) bool { return l.Selection == sel && l.Bands == 1 })
	if want := address + "&sel=" + sel; l.URL != want {
		t.Errorf("the address is %s, want %s", l.URL, want)
	}
	b.reload()
	b.lanes("the selection after a reload", func(l *lanes) bool { return l.Selection == sel && l.Bands == 1 })
	b.click(hook("to-recorder"))
	tree := s.icicle(t, "cpu", a, z)
	v := b.wait("the same hour in the recorder", soon, func(v *view) bool {
		return v.Heat != nil && v.Heat.Selection == sel && v.settled() && v.Icicle.Total == tree.Total
	})
	if want := strings.Replace(address, "/tl/", "/r/", 1) + "&sel=" + sel; v.URL != want {
		t.Errorf("the address is %s, want %s", v.URL, want)
	}
	// And a rectangle of the heat map comes to the timeline as its stretches.
	b.click(hook("view-tl"))
	b.lanes("back by the tab", func(l *lanes) bool { return l.Selection == sel })
	b.open(address + fmt.Sprintf("&sel=%d-%d~3600000~300000", a, a+5*hourMS+5*minute))
	b.lanes("six stretches", func(l *lanes) bool { return l.Bands == 6 })

	// By keys: the cursor by steps, Shift selects, A clears, + zooms to it.
	b.open(address)
	b.lanes("the lanes", func(l *lanes) bool { return l.lane("cpu").Lines > 0 })
	b.do(chromedp.Focus(`[data-id="cpu"] canvas`))
	b.press(kb.Home + kb.ArrowRight + kb.ArrowRight)
	l = b.lanes("the cursor", func(l *lanes) bool { return l.CursorMS != nil && *l.CursorMS == from+2*l.StepMS && l.Focus == "cpu" })
	contains(t, "what is read out", l.Readout, clock(from+2*l.StepMS))
	b.press(kb.ArrowRight+kb.ArrowRight, chromedp.ModifierShift)
	sel = fmt.Sprintf("%d-%d", from+2*l.StepMS, from+5*l.StepMS)
	b.lanes("Shift-arrows: "+sel, func(l *lanes) bool { return l.Selection == sel })
	b.press("+")
	b.lanes("+: the selection fills it", func(l *lanes) bool { return l.Selection == "" && l.UntilMS-l.FromMS < hourMS })
	b.back()
	b.lanes("Back", func(l *lanes) bool { return l.Selection == sel && l.FromMS == from })
	b.press("a")
	b.lanes("A: everything", func(l *lanes) bool { return l.Selection == "" && l.Chip == "Whole range" })
	b.press("[")
	b.lanes("earlier", func(l *lanes) bool { return l.FromMS == from-(until-from)/2 })
	b.press("-")
	b.lanes("-: longer", func(l *lanes) bool { return l.UntilMS-l.FromMS >= 24*hourMS })
}

// An event: its details, and the stacks of that moment.
func TestTimelineEvent(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	type events struct {
		Events []struct {
			TimeMS     int64 `json:"time_ms"`
			DurationNS int64 `json:"duration_ns"`
			Name       string
			Attrs      map[string]string
		}
	}
	from, until := story.incident+5*minute, story.incident+8*minute
	pauses := ask[events](t, s, "events", "from", ms(from), "until", ms(until), "kind", "gc.pause").Events
	if len(pauses) < 4 {
		t.Fatalf("%d pauses in the incident", len(pauses))
	}
	p := pauses[len(pauses)/2]
	address := fmt.Sprintf("/tl/CollectorServer?from=%d&to=%d", from, until)
	b.open(address)
	l := b.lanes("the pauses", func(l *lanes) bool { return l.lane("gc").Bars == len(pauses) })
	near := l.at("gc", p.TimeMS)
	mark := b.seen()
	b.clickAt(point{near.X + 0.5, near.Y})
	l = b.lanes("the event", func(l *lanes) bool { return l.Event != nil && len(l.Event.Top) > 0 })
	// Pauses may lie as near as pixels do: the longest of them is meant.
	i := slices.IndexFunc(pauses, func(x struct {
		TimeMS     int64 `json:"time_ms"`
		DurationNS int64 `json:"duration_ns"`
		Name       string
		Attrs      map[string]string
	}) bool {
		return x.TimeMS == l.Event.MS
	})
	if i < 0 || math.Abs(float64(pauses[i].TimeMS-p.TimeMS)) > 2000 {
		t.Fatalf("the event is at %d, clicked was on %d", l.Event.MS, p.TimeMS)
	}
	p = pauses[i]
	contains(t, "details", l.Event.Facts, "gc.pause", "VM Thread", "seeded-1", p.Attrs["gcId"], " ms")
	contains(t, "address", l.URL, fmt.Sprintf("&ev=%d.gc.pause", p.TimeMS))
	length := float64(p.DurationNS) / 1e6
	a, z := int64(math.Floor(float64(p.TimeMS)-(1000-length)/2)), int64(math.Ceil(float64(p.TimeMS)+length+(1000-length)/2))
	b.asked(mark, "top", "from", ms(a), "until", ms(z), "limit", "8")
	want := s.top(t, "cpu", a, z)
	for k, r := range l.Event.Top {
		if r.Self != want.Rows[k].Self {
			t.Errorf("method %d of the moment is %s with %d, the server has %s with %d", k, r.Name, r.Self, want.Rows[k].Function, want.Rows[k].Self)
		}
	}
	b.reload()
	b.lanes("the event after a reload", func(l *lanes) bool { return l.Event != nil && l.Event.MS == p.TimeMS && len(l.Event.Top) > 0 })
	b.click(hook("event-recorder"))
	v := b.wait("its stacks in the recorder", soon, func(v *view) bool {
		return v.Heat != nil && v.Heat.Selection == fmt.Sprintf("%d-%d", a, z) && v.settled() && v.Icicle.Total == want.Total
	})
	contains(t, "address", v.URL, "/r/CollectorServer?")
	b.back()
	b.lanes("Back: the event", func(l *lanes) bool { return l.Event != nil && l.Event.MS == p.TimeMS })
	b.press(kb.Escape)
	b.lanes("Esc: closed", func(l *lanes) bool { return l.Event == nil })

	// By keys: n goes from event to event, Enter opens it.
	b.do(chromedp.Focus(`[data-id="gc"] canvas`))
	b.press(kb.Home + "nn")
	second := pauses[1]
	l = b.lanes("the second pause", func(l *lanes) bool { return l.CursorMS != nil && math.Abs(float64(*l.CursorMS-second.TimeMS)) <= 1 })
	b.press("N", chromedp.ModifierShift)
	b.lanes("the first", func(l *lanes) bool { return l.CursorMS != nil && math.Abs(float64(*l.CursorMS-pauses[0].TimeMS)) <= 1 })
	b.press(kb.Enter)
	b.lanes("Enter opens one of that second", func(l *lanes) bool {
		return l.Event != nil && l.Event.Kind == "gc.pause" && math.Abs(float64(l.Event.MS-pauses[0].TimeMS)) <= 1000
	})
	b.click(hook("event-close"))
	b.lanes("closed", func(l *lanes) bool { return l.Event == nil })

	// Thirty hours ago no single samples are left: the minute must do.
	jit := ask[events](t, s, "events", "from", ms(story.deploy-hourMS), "until", ms(story.deploy+hourMS), "kind", "jit.compilation").Events
	b.open(fmt.Sprintf("/tl/CollectorServer?from=%d&to=%d&ev=%d.jit.compilation", story.deploy-hourMS, story.deploy+hourMS, jit[0].TimeMS))
	l = b.lanes("a compilation", func(l *lanes) bool {
		return l.Event != nil && len(l.Event.Top) > 0 && strings.Contains(l.Event.Text, "raw samples around it are gone")
	})
	contains(t, "details", l.Event.Facts, "jit.compilation", "C2 CompilerThread0", "compileLevel 4")
}

// Narrow, wide, at twice the pixels and in the dark: nothing sticks out.
func TestTimelineSizes(t *testing.T) {
	s := seeded(t)
	b := newTab(t, s)
	for _, x := range []struct{ w, h int64 }{{400, 800}, {1280, 720}, {3840, 2160}} {
		b.do(chromedp.EmulateViewport(x.w, x.h))
		for _, page := range []string{"/tl/CollectorServer?from=now-6h", "/r/CollectorServer?from=now-24h"} {
			b.open(page)
			var over float64
			if strings.HasPrefix(page, "/tl") {
				l := b.lanes("lanes", func(l *lanes) bool { return l.lane("cpu").Lines > 0 && l.Live == "true" })
				over = l.Overflow
				if c := l.lane("cpu").Box; c.W < 300 || c.H < 50 {
					t.Errorf("at %d the lane is %.0f by %.0f", x.w, c.W, c.H)
				}
			} else {
				over = b.wait("squares", soon, func(v *view) bool { return v.Heat != nil && v.Heat.CellsRecorded > 0 && v.settled() }).Overflow
			}
			if over > 0 {
				t.Errorf("%s is %.0f pixels wider than a window of %d", page, over, x.w)
			}
		}
	}
	b.color("dark")
	b.do(chromedp.EmulateViewport(1280, 720, chromedp.EmulateScale(2)))
	b.open("/tl/CollectorServer?from=now-6h")
	b.lanes("lanes", func(l *lanes) bool { return l.lane("cpu").Lines > 0 })
	if ratio, err := eval[float64](b, `(() => { const c = document.querySelector('[data-id="cpu"] canvas'); return c.width / c.getBoundingClientRect().width; })()`); err != nil || math.Abs(ratio-2) > 0.01 {
		t.Errorf("%.2f pixels of the canvas to one of the page (%v), want 2", ratio, err)
	}
}
