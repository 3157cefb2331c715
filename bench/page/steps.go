package main

import (
	"fmt"
	"strconv"
	"time"
)

// Quiet times that mean a step is over. The peer animates for 750 ms.
const (
	pageQuiet = 400 * time.Millisecond
	peerQuiet = 1500 * time.Millisecond
)

// goTo changes the page's address as a click in it would.
const goTo = `history.pushState({ depth: 1 }, "", %q); dispatchEvent(new PopStateEvent("popstate"))`

// clickOn sends a click to what lies at a place of the element.
const clickOn = `const r = document.querySelector(%[1]q).getBoundingClientRect(), x = r.left + r.width * 0.3, y = r.top + %[2]d,
	el = document.elementFromPoint(x, y), o = { bubbles: true, clientX: x, clientY: y, button: 0, pointerId: 1, isPrimary: true };
	for (const [t, e] of [["pointermove", PointerEvent], ["pointerdown", PointerEvent], ["pointerup", PointerEvent], ["click", MouseEvent]]) el.dispatchEvent(new e(t, o))`

// page measures ours.
func (b *browser) page(s *served, r *recording, rounds int) (*costs, error) {
	c := &costs{}
	path := "/r/frames-" + r.name
	at := func(t time.Time) string {
		return fmt.Sprintf("%s?from=%d&to=%d&sel=%d-%d&type=cpu", path, s.until.Add(-3*time.Hour).UnixMilli(), s.until.UnixMilli(), t.UnixMilli(), t.Add(time.Minute).UnixMilli())
	}
	for range rounds {
		// Opened anew: the first time is what is measured.
		if err := b.open(s.url+at(r.from), pageQuiet); err != nil {
			return nil, err
		}
		x, err := b.step(fmt.Sprintf(goTo, at(r.at)), "/api/v1/icicle", pageQuiet)
		if err != nil {
			return nil, err
		}
		c.add("first_paint", x)
		shown, err := evaluate[string](b, `document.querySelector("[data-testid=icicle]")?.dataset.nodes ?? ""`)
		if err != nil {
			return nil, err
		}
		if want := fmt.Sprint(r.frames + 1); shown != want { // and the root
			return nil, fmt.Errorf("the icicle holds %q frames, want %s", shown, want)
		}
		if x, err = b.step(fmt.Sprintf(clickOn, "[data-testid=icicle]", 70), "", pageQuiet); err != nil {
			return nil, err
		}
		zoomed, err := evaluate[bool](b, `/[?&]z=/.test(location.search)`)
		if err != nil {
			return nil, err
		}
		if !zoomed {
			return nil, fmt.Errorf("a click on the fourth row of the icicle did not zoom")
		}
		c.add("zoom", x)
		if err := b.back(); err != nil {
			return nil, err
		}
		typed := fmt.Sprintf(`const i = document.querySelector("[data-testid=search]"); i.focus(); i.value = %q; i.dispatchEvent(new InputEvent("input", { bubbles: true }))`, r.search)
		// What is searched for lights up at once. The table of methods and the heat
		// map follow when the typing pauses: they ask the server.
		if x, err = b.frame(typed); err != nil {
			return nil, err
		}
		matches, err := evaluate[string](b, `document.querySelector("[data-testid=icicle]").dataset.matches`)
		if err != nil {
			return nil, err
		}
		if n, err := strconv.Atoi(matches); err != nil || n == 0 {
			return nil, fmt.Errorf("in the frame after typing %q the icicle says %q matches", r.search, matches)
		}
		c.add("search", x)
		if x, err = b.step("0", "", pageQuiet); err != nil {
			return nil, err
		}
		c.add("search_follow", x)
	}
	return c, nil
}

func (b *browser) back() error {
	if _, err := evaluate[any](b, `(history.back(), null)`); err != nil {
		return err
	}
	_, err := b.rest(pageQuiet)
	return err
}

// peer measures d3-flame-graph.
func (b *browser) peer(s *served, r *recording, rounds int) (*costs, error) {
	c := &costs{}
	for range rounds {
		if err := b.open(s.url+"/peer/", pageQuiet); err != nil {
			return nil, err
		}
		for _, step := range []struct{ name, do, after string }{
			{"first_paint", fmt.Sprintf("draw(%q)", r.name), "/peer/data/" + r.name},
			{"zoom", "chart.zoomTo(__node)", ""},
			{"search", fmt.Sprintf("chart.search(%q)", r.search), ""},
		} {
			x, err := b.step(step.do, step.after, peerQuiet)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", step.name, err)
			}
			c.add(step.name, x)
			if _, err := evaluate[any](b, widest); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// widest finds the widest frame of the fourth row: the peer's own click handler
// calls zoomTo with it.
const widest = `(() => {
	let best = null;
	for (const d of d3.selectAll("#chart .frame").data()) if (d.depth === 3 && (!best || d.value > best.value)) best = d;
	window.__node = best;
	return null;
})()`

// heatmap measures seven days of minutes, from the answer to the last square.
func (b *browser) heatmap(s *served, rounds int) (*costs, error) {
	c := &costs{}
	at := func(span time.Duration) string {
		return fmt.Sprintf("/r/week?from=%d&to=%d&sel=%d-%d&type=cpu", s.until.Add(-span).UnixMilli(), s.until.UnixMilli(), s.until.Add(-2*time.Minute).UnixMilli(), s.until.Add(-time.Minute).UnixMilli())
	}
	for range rounds {
		if err := b.open(s.url+at(3*time.Hour), pageQuiet); err != nil {
			return nil, err
		}
		x, err := b.step(fmt.Sprintf(goTo, at(7*24*time.Hour)), "/api/v1/heatmap", pageQuiet)
		if err != nil {
			return nil, err
		}
		c.add("heatmap_paint", x)
	}
	return c, nil
}
