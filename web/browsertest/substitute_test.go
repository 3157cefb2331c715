package browsertest

import (
	"fmt"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

// What the server cannot be brought to say when a test wants it is said in its
// place, in its form.

// substitute answers what the page asks of an endpoint of the API (a pattern
// with *) with a status and an error; status 0 never answers.
func (b *tab) substitute(endpoint string, status int64, message, detail string) {
	b.t.Helper()
	b.tolerate()
	b.mu.Lock()
	b.instead = func(e *fetch.EventRequestPaused) {
		if status == 0 {
			return
		}
		body := fmt.Sprintf(`{"error":%q,"detail":%q}`, message, detail)
		// The tab may be gone by then, and what it asked for with it.
		_, _ = chromedp.Call(b.ctx, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: e.RequestID, ResponseCode: status, Body: []byte(body),
			ResponseHeaders: []*fetch.HeaderEntry{{Name: "Content-Type", Value: "application/json"}}})
	}
	b.mu.Unlock()
	if _, err := chromedp.Call(b.ctx, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: b.s.url + "/api/v1/" + endpoint}}}); err != nil {
		b.t.Fatal(err)
	}
}
