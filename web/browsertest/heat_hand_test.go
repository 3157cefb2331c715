package browsertest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// More of the hand and the eye, for the gestures of the heat map and of the
// timeline.

// dragHeld is drag with keys held down.
func (b *tab) dragHeld(from, to point, with ...chromedp.Modifier) {
	b.t.Helper()
	mods := chromedp.ButtonModifiers(with...)
	held := func(p *input.DispatchMouseEventParams) { p.Buttons = 1 }
	b.hover(from)
	b.do(chromedp.MouseEvent(chromedp.MousePressed, from.X, from.Y, chromedp.ButtonLeft, chromedp.ClickCount(1), mods))
	const steps = 6
	for i := 1; i <= steps; i++ {
		k := float64(i) / steps
		b.do(chromedp.MouseEvent(chromedp.MouseMoved, from.X+(to.X-from.X)*k, from.Y+(to.Y-from.Y)*k, chromedp.ButtonLeft, held, mods))
	}
	b.do(chromedp.MouseEvent(chromedp.MouseReleased, to.X, to.Y, chromedp.ButtonLeft, chromedp.ClickCount(1), mods))
}

// doubleClick is two clicks in a row.
func (b *tab) doubleClick(p point) {
	b.t.Helper()
	b.clickAt(p)
	b.do(chromedp.MouseClickXY(p.X, p.Y, chromedp.ClickCount(2)))
}

// wheel turns the wheel over a point with Ctrl held; up is negative.
func (b *tab) wheel(p point, dy float64) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		// A sideways turn of nothing at all would be left out, and is asked for.
		_, err := cdp.Call(ctx, t, input.DispatchMouseEvent, input.DispatchMouseEventParams{
			Type: input.DispatchMouseEventTypeMouseWheel, X: p.X, Y: p.Y, DeltaX: 1e-9, DeltaY: dy, Modifiers: int64(chromedp.ModifierCtrl),
		})
		return err
	}))
}

// forward is the browser's Forward button.
func (b *tab) forward() {
	b.t.Helper()
	if _, err := eval[any](b, `(history.forward(), null)`); err != nil {
		b.t.Fatal(err)
	}
}

// squares is what the heat map shows beyond the view.
type squares struct {
	Base, Tint, Note, TintLegend, Matched, TopName string
	CursorMS                                       *int64
	Marks                                          []struct {
		MS          int64
		Kind, Label string
	}
	MatchedSum, Sum float64 // of the table's rows
}

const lookCloser = `(() => {
	const one = (id) => document.querySelector('[data-testid="' + id + '"]');
	const text = (el) => (el ? el.innerText.replace(/\s+/g, " ").trim() : "");
	const h = one("heatmap"), rows = [...document.querySelectorAll('[data-testid="heat-table"] tbody tr')];
	return h && {
		base: h.dataset.base, tint: h.dataset.tint, note: text(one("heat-note")), tintLegend: text(one("tint-legend")), matched: text(one("heat-matched")),
		topName: one("heat-top")?.dataset.name ?? "", cursorMs: h.dataset.cursorMs ? Number(h.dataset.cursorMs) : null,
		marks: [...document.querySelectorAll('[data-testid="mark"]')].map((m) => ({ ms: Number(m.dataset.ms), kind: m.dataset.kind, label: m.ariaLabel })),
		matchedSum: rows.reduce((t, r) => t + Number(r.dataset.matched ?? 0), 0), sum: rows.reduce((t, r) => t + Number(r.dataset.sum), 0),
	};
})()`

// closer waits until the heat map shows what is expected.
func (b *tab) closer(what string, cond func(*squares) bool) *squares {
	b.t.Helper()
	return waitEval(b, lookCloser, what, cond)
}

// waitEval waits until an expression of the page has a value that is expected.
func waitEval[T any](b *tab, expression, what string, cond func(*T) bool) *T {
	b.t.Helper()
	for end := time.Now().Add(soon); ; time.Sleep(30 * time.Millisecond) {
		v, err := eval[*T](b, expression)
		if err == nil && v != nil && cond(v) {
			return v
		}
		if time.Now().After(end) {
			text, _ := json.MarshalIndent(v, "", " ")
			b.t.Fatalf("not within %v: %s (%v)\n%s", soon, what, err, text)
		}
	}
}

// ask puts a question to the API: name, value, name, value.
func ask[T any](t *testing.T, s *server, endpoint string, params ...string) (v T) {
	t.Helper()
	q := url.Values{"service": {service}}
	for i := 0; i+1 < len(params); i += 2 {
		q.Add(params[i], params[i+1])
	}
	res, err := http.Get(s.url + "/api/v1/" + endpoint + "?" + q.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil || res.StatusCode != 200 {
		t.Fatalf("%s?%s: status %d, %v", endpoint, q.Encode(), res.StatusCode, err)
	}
	return v
}

func ms(t int64) string { return strconv.FormatInt(t, 10) }

// asked fails unless a question was put since a count of requests with these
// parameters, and answered.
func (b *tab) asked(mark int, endpoint string, params ...string) {
	b.t.Helper()
	var last url.Values
	b.until(fmt.Sprintf("%s asked with %q", endpoint, params), soon, func() bool {
		qs, status := b.since(mark, endpoint)
	next:
		for k, q := range qs {
			last = q
			for i := 0; i+1 < len(params); i += 2 {
				if q.Get(params[i]) != params[i+1] {
					continue next
				}
			}
			if status[k] == 200 {
				return true
			}
		}
		return false
	})
	if b.t.Failed() {
		b.t.Logf("the last was %v", last)
	}
}

const hourMS = 60 * minute

// wholeHour is the first hour of the wall clock (UTC here) at or after an instant.
func wholeHour(ms int64) int64 { return (ms + hourMS - 1) / hourMS * hourMS }

func contains(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%s: %q lacks %q", what, text, p)
		}
	}
}
