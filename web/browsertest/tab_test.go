package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// open goes to an address of the server: what a person types or was sent.
func (b *tab) open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.s.url + path))
}

// back is the browser's Back button.
func (b *tab) back() {
	b.t.Helper()
	if _, err := eval[any](b, `(history.back(), null)`); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) reload() {
	b.t.Helper()
	b.do(chromedp.Reload())
}

// press types keys into whatever has the focus, as a keyboard does: the text
// comes with the key, and a page that takes the key keeps the text.
func (b *tab) press(keys string, with ...chromedp.Modifier) {
	b.t.Helper()
	for _, r := range keys {
		b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			events := kb.Encode(r)
			down, up := *events[0], *events[len(events)-1]
			if len(events) == 3 {
				down.Text, down.UnmodifiedText = events[1].Text, events[1].UnmodifiedText
			}
			for _, m := range with {
				down.Modifiers |= int64(m)
				up.Modifiers |= int64(m)
			}
			if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, down); err != nil {
				return err
			}
			_, err := cdp.Call(ctx, t, input.DispatchKeyEvent, up)
			return err
		}))
	}
}

// point is where something is on the screen.
type point struct{ X, Y float64 }

// where finds the middle of an element, scrolled into sight, and fails when
// something else lies over it: a person could not click it.
func (b *tab) where(selector string) point {
	b.t.Helper()
	q, _ := json.Marshal(selector)
	p, err := eval[struct {
		point
		Problem string
	}](b, fmt.Sprintf(`(() => {
		const el = document.querySelector(%s);
		if (!el) return { problem: "is not there" };
		el.scrollIntoView({ block: "nearest" });
		const r = el.getBoundingClientRect(), x = r.left + r.width / 2, y = r.top + r.height / 2;
		if (r.width === 0 || r.height === 0) return { problem: "has no size" };
		const top = document.elementFromPoint(x, y);
		if (!top || !el.contains(top)) return { problem: "is covered by " + (top ? top.outerHTML.slice(0, 200) : "nothing: it is outside the window") };
		return { x, y, problem: "" };
	})()`, q))
	if err != nil {
		b.t.Fatal(err)
	}
	if p.Problem != "" {
		b.t.Fatalf("%s %s", selector, p.Problem)
	}
	return p.point
}

// hook is the selector of a data-testid, with further attributes as name, value.
func hook(id string, attrs ...string) string {
	s := fmt.Sprintf(`[data-testid=%q]`, id)
	for i := 0; i < len(attrs); i += 2 {
		v, _ := json.Marshal(attrs[i+1])
		s += fmt.Sprintf(`[data-%s=%s]`, attrs[i], v)
	}
	return s
}

// click moves the mouse to an element and presses its left button.
func (b *tab) click(selector string, with ...chromedp.Modifier) {
	b.t.Helper()
	b.clickAt(b.where(selector), with...)
}

func (b *tab) clickAt(p point, with ...chromedp.Modifier) {
	b.t.Helper()
	b.hover(p)
	b.do(chromedp.MouseClickXY(p.X, p.Y, chromedp.ButtonModifiers(with...)))
}

// hover moves the mouse to a point.
func (b *tab) hover(p point) {
	b.t.Helper()
	b.do(chromedp.MouseEvent(chromedp.MouseMoved, p.X, p.Y))
}

// drag presses the button at one point and lets it go at another, on a
// straight line.
func (b *tab) drag(from, to point) {
	b.t.Helper()
	held := func(p *input.DispatchMouseEventParams) { p.Buttons = 1 }
	b.hover(from)
	b.do(chromedp.MouseEvent(chromedp.MousePressed, from.X, from.Y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
	const steps = 8
	for i := 1; i <= steps; i++ {
		k := float64(i) / steps
		b.do(chromedp.MouseEvent(chromedp.MouseMoved, from.X+(to.X-from.X)*k, from.Y+(to.Y-from.Y)*k, chromedp.ButtonLeft, held))
	}
	b.do(chromedp.MouseEvent(chromedp.MouseReleased, to.X, to.Y, chromedp.ButtonLeft, chromedp.ClickCount(1)))
}

// shot is what is on the screen, as a PNG.
func (b *tab) shot() []byte {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	return png
}

// until waits for a condition.
func (b *tab) until(what string, limit time.Duration, cond func() bool) {
	b.t.Helper()
	for end := time.Now().Add(limit); !cond(); time.Sleep(30 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// wait waits until the page shows what is expected, and returns what it shows.
func (b *tab) wait(what string, limit time.Duration, cond func(*view) bool) *view {
	b.t.Helper()
	for end := time.Now().Add(limit); ; time.Sleep(30 * time.Millisecond) {
		// A page that is being left has nothing to show: asked again.
		v, err := eval[*view](b, look)
		if err == nil && cond(v) {
			return v
		}
		if time.Now().After(end) {
			b.t.Fatalf("not within %v: %s (%v)", limit, what, err)
		}
	}
}

// soon is as long as the page may take for what a person just did. Generous:
// the machine may have other things to do.
const soon = 20 * time.Second

// report says what the tab shows, for a test that failed.
func (b *tab) report() {
	v, err := eval[*view](b, look)
	if err != nil {
		b.t.Logf("the tab shows: %v", err)
		return
	}
	v.Rows, v.Frames, v.Columns = v.Rows[:min(5, len(v.Rows))], v.Frames[:min(12, len(v.Frames))], nil
	text, _ := json.MarshalIndent(v, "", " ")
	b.t.Logf("the tab shows:\n%s", text)
}
