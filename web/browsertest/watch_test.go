package browsertest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// violations makes the page tell the console what the policy stopped.
const violations = `document.addEventListener("securitypolicyviolation", (e) =>
	console.error("POLICY " + e.effectiveDirective + " stopped " + (e.blockedURI || e.sourceFile)));`

// watch listens to a tab: what it asks for, and what goes wrong.
type watch struct {
	host string // the only one the page may talk to: http://127.0.0.1:PORT

	mu       sync.Mutex
	wrong    []string
	requests []*request
	byID     map[network.RequestID]*request
	lenient  bool // the server is about to go away: failures are expected
	sends    bool // files are uploaded
	choosers int  // how often the system's dialog for files was asked for
	instead  func(*fetch.EventRequestPaused)
}

// request is something the page asked the server for.
type request struct {
	url    *url.URL
	status int64 // 0 until the answer comes
}

// see is called for each event of the tab, in order.
func (w *watch) see(ev any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventConsoleAPICalled:
		// A page that is in order says nothing at all.
		var text []string
		for _, a := range e.Args {
			text = append(text, strings.Trim(string(a.Value), `"`)+a.Description)
		}
		w.complain("console.%s: %s", e.Type, strings.Join(text, " "))
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if x := e.ExceptionDetails.Exception; x != nil {
			text += " " + x.Description
		}
		w.complain("exception: %s", text)
	case *log.EventEntryAdded:
		if w.lenient && e.Entry.Source == log.EntrySourceNetwork {
			return
		}
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			w.complain("%s %s: %s %s", e.Entry.Source, e.Entry.Level, e.Entry.Text, e.Entry.URL)
		}
	case *page.EventJavascriptDialogOpening:
		w.complain("a dialog: %s %s", e.Type, e.Message)
	case *page.EventFileChooserOpened:
		w.choosers++
	case *fetch.EventRequestPaused:
		if w.instead != nil {
			go w.instead(e) // its command must not wait for this event to be over
		}
	case *network.EventRequestWillBeSent:
		w.asked(e)
	case *network.EventResponseReceived:
		r := w.byID[e.RequestID]
		if r == nil {
			return
		}
		r.status = e.Response.Status
		if r.status >= 400 && !w.lenient {
			w.complain("%d for %s", r.status, r.url)
		}
	case *network.EventLoadingFailed:
		// The page gives up questions whose answer nobody needs any more.
		if r := w.byID[e.RequestID]; !e.Canceled && !w.lenient && r != nil {
			w.complain("%s for %s", e.ErrorText, r.url)
		}
	}
}

func (w *watch) asked(e *network.EventRequestWillBeSent) {
	u, err := url.Parse(e.Request.URL)
	if err != nil {
		w.complain("a request for %q: %v", e.Request.URL, err)
		return
	}
	// A data: address asks nobody; the browser draws its own controls with them.
	if u.Scheme+"://"+u.Host != w.host && u.Scheme != "data" {
		w.complain("a request to a stranger: %s", e.Request.URL)
	}
	if e.Request.Method != "GET" && !(w.sends && e.Request.Method == "POST" && u.Path == "/api/v1/upload") {
		w.complain("the page only asks, but sent %s %s", e.Request.Method, e.Request.URL)
	}
	r := &request{url: u}
	if w.byID == nil {
		w.byID = map[network.RequestID]*request{}
	}
	w.byID[e.RequestID] = r
	w.requests = append(w.requests, r)
}

func (w *watch) complain(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

func (w *watch) complaints() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.wrong)
}

// tolerate failing requests from now on: the server goes away.
func (w *watch) tolerate() { w.set(true) }

func (w *watch) set(lenient bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lenient = lenient
}

// uploads lets the page send files from now on.
func (w *watch) uploads() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sends = true
}

// seen is how many requests there have been.
func (w *watch) seen() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.requests)
}

// since returns the questions asked of an endpoint of the API after a count of
// requests, and their status.
func (w *watch) since(n int, endpoint string) (asked []url.Values, status []int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range w.requests[n:] {
		if r.url.Path == "/api/v1/"+endpoint {
			asked, status = append(asked, r.url.Query()), append(status, r.status)
		}
	}
	return asked, status
}

// The watch is only worth something if it sees what it should: here are all
// the faults it looks for, made on purpose.
func TestTheWatchSees(t *testing.T) {
	s := seeded(t)
	b := newTab(t, s)
	b.open("/agents")
	b.wait("the agents", time.Minute, func(v *view) bool { return len(v.Targets) > 0 })
	if c := b.complaints(); len(c) > 0 {
		t.Errorf("complaints before anything was wrong: %q", c)
	}
	faults := map[string]string{
		"console.error: an error":               `console.error("an error")`,
		"console.log: a word":                   `console.log("a word")`,
		"exception: Uncaught Error: thrown":     `setTimeout(() => { throw new Error("thrown") })`,
		"404 for " + s.url + "/api/v1/nothing":  `fetch("/api/v1/nothing")`,
		"POLICY connect-src stopped http://exa": `fetch("http://example.org/").catch(() => {})`,
		"POLICY script-src-elem stopped inline": `document.body.append(Object.assign(document.createElement("script"), { textContent: "window.bad = 1" }))`,
		"POLICY img-src stopped http://127.0.0": `document.body.append(Object.assign(new Image(), { src: "http://127.0.0.1:9/x.png" }))`,
		"stranger: http://127.0.0.1:9/x.png":    `0`, // that image: its request is seen although the policy stopped it
		"the page only asks, but sent POST":     `fetch("/api/v1/services", { method: "POST", headers: { "Content-Type": "text/plain" } })`,
	}
	for _, js := range faults {
		if _, err := eval[any](b, "("+js+", null)"); err != nil {
			t.Fatalf("%s: %v", js, err)
		}
	}
	for want := range faults {
		b.until(want, 10*time.Second, func() bool {
			return slices.ContainsFunc(b.complaints(), func(c string) bool { return strings.Contains(c, want) })
		})
	}
	if _, err := eval[any](b, `(setTimeout(() => alert("a box")), null)`); err != nil {
		t.Fatal(err)
	}
	b.until("a dialog", 10*time.Second, func() bool { return slices.Contains(b.complaints(), "a dialog: alert a box") })
	if _, err := chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true}); err != nil {
		t.Fatal(err)
	}
	if bad, err := eval[bool](b, `"bad" in window`); err != nil || bad {
		t.Errorf("the inline script ran: %v %v", bad, err)
	}
	b.mu.Lock()
	b.wrong = nil // they were expected
	b.mu.Unlock()
}
