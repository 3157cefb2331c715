package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// browser is one Chromium with one tab.
type browser struct {
	ctx     context.Context
	release func()
}

// watchScript runs before a page's own scripts. It notes when something was last
// drawn on a canvas or took the main thread for long, and how many requests are
// under way, so that "done" can be told without asking the page about itself.
const watchScript = `(() => {
	const w = window.__bench = { drawn: 0, busy: 0, asked: 0, open: 0, answered: {} };
	for (const f of ["fillRect", "drawImage", "putImageData", "fillText", "stroke", "fill"]) {
		const was = CanvasRenderingContext2D.prototype[f];
		CanvasRenderingContext2D.prototype[f] = function (...a) { w.drawn = performance.now(); return was.apply(this, a); };
	}
	const was = window.fetch;
	window.fetch = async (...a) => {
		w.open++;
		try {
			const res = await was(...a), text = await res.text();
			w.answered[new URL(res.url).pathname] = performance.now();
			res.json = async () => JSON.parse(text);
			res.text = async () => text;
			return res;
		} finally { w.open--; w.asked = performance.now(); }
	};
	new PerformanceObserver((l) => { for (const e of l.getEntries()) w.busy = Math.max(w.busy, e.startTime + e.duration); }).observe({ entryTypes: ["longtask"] });
	// Resolves when nothing was drawn, asked for or computed for a while.
	w.rest = (quiet) => new Promise((done) => {
		let calm = 0; // looks in a row: a long task is reported some time after its end
		const look = () => {
			const last = Math.max(w.drawn, w.busy, w.asked);
			calm = w.open === 0 && performance.now() - last > quiet ? calm + 1 : 0;
			if (calm > 4) done({ drawn: w.drawn, busy: w.busy, answered: w.answered });
			else setTimeout(look, 50);
		};
		setTimeout(look, 50);
	});
})();`

func openBrowser(ctx context.Context, path, dir string) (*browser, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("no Chromium (%w): run .ci/deps chromium, or name it with -chromium", err)
	}
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return nil, err
	}
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.UserDataDir(filepath.Join(home, "profile")), chromedp.Env("HOME="+home, "TZ=UTC"),
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1440, 900),
		// d3-flame-graph overflows the usual stack with 200,000 frames.
		chromedp.Flag("js-flags", "--stack-size=6000"), chromedp.Flag("headless", "new"), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	}
	for _, f := range []string{"disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions", "disable-dev-shm-usage",
		"disable-background-timer-throttling", "disable-backgrounding-occluded-windows", "disable-renderer-backgrounding"} {
		opts = append(opts, chromedp.Flag(f, true))
	}
	alloc, release := chromedp.NewExecAllocator(ctx, opts...)
	tab, _ := chromedp.NewContext(alloc)
	b := &browser{ctx: tab, release: release}
	err := chromedp.Do(tab, chromedp.EmulateViewport(1440, 900))
	if err == nil {
		_, err = chromedp.Call(tab, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: watchScript})
	}
	if err == nil {
		_, err = chromedp.Call(tab, performance.Enable, performance.EnableParams{TimeDomain: performance.EnableTimeDomainThreadTicks})
	}
	if err != nil {
		b.close()
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	return b, nil
}

func (b *browser) close() {
	end, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	_ = chromedp.Cancel(end) // it is killed below if it will not end
	b.release()
}

// resting is what the watch says when the page has come to rest; times are in
// ms of the page's clock.
type resting struct {
	Drawn, Busy float64
	Answered    map[string]float64
}

func (b *browser) open(url string, quiet time.Duration) error {
	if err := chromedp.Do(b.ctx, chromedp.Navigate(url)); err != nil {
		return err
	}
	_, err := b.rest(quiet)
	return err
}

func (b *browser) rest(quiet time.Duration) (resting, error) {
	return evaluate[resting](b, fmt.Sprintf("__bench.rest(%d)", quiet.Milliseconds()))
}

func evaluate[T any](b *browser, expression string) (v T, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Minute)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		return v, fmt.Errorf("%.80s: %w", expression, err)
	}
	return v, json.Unmarshal(text, &v)
}

// mainThread is the CPU time of the main thread's tasks so far, in ms.
func (b *browser) mainThread() (float64, error) {
	res, err := chromedp.Call(b.ctx, performance.GetMetrics, struct{}{})
	if err != nil {
		return 0, err
	}
	for _, m := range res.Metrics {
		if m.Name == "TaskDuration" {
			return m.Value * 1000, nil
		}
	}
	return 0, fmt.Errorf("the browser counts no TaskDuration")
}

// frame does something and returns what it took until the frame after it was
// painted: what the person who did it waits for.
func (b *browser) frame(do string) (cost, error) {
	before, err := b.mainThread()
	if err != nil {
		return cost{}, err
	}
	wall, err := evaluate[float64](b, "(() => { const t = performance.now(); "+do+`;
		return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - t)))); })()`)
	if err != nil {
		return cost{}, err
	}
	end, err := b.mainThread()
	return cost{end - before, wall}, err
}

// step does something, waits until the page is at rest again, and returns what
// it took. Wall time counts from the answer of after, or from the start where
// that is "", to the last thing drawn or the end of the last long task.
func (b *browser) step(do string, after string, quiet time.Duration) (cost, error) {
	before, err := b.mainThread()
	if err != nil {
		return cost{}, err
	}
	start, err := evaluate[float64](b, "(() => { const t = performance.now(); "+do+"; return t; })()")
	if err != nil {
		return cost{}, err
	}
	r, err := b.rest(quiet)
	if err != nil {
		return cost{}, err
	}
	end, err := b.mainThread()
	if err != nil {
		return cost{}, err
	}
	if after != "" {
		at := r.Answered[after]
		if at < start {
			return cost{}, fmt.Errorf("%s was not asked for", after)
		}
		start = at
	}
	last := max(r.Drawn, r.Busy)
	if last < start {
		return cost{}, fmt.Errorf("nothing was drawn after: %.80s", do)
	}
	return cost{end - before, last - start}, nil
}
