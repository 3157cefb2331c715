package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

const chromium = "/usr/bin/chromium"

// browser is the one Chromium of this package.
func browser(t *testing.T) context.Context {
	t.Helper()
	if shared.browser != nil {
		return shared.browser
	}
	if _, err := os.Stat(chromium); err != nil {
		t.Fatalf("no Chromium (%v): run `.ci/deps chromium`", err)
	}
	home := filepath.Join(shared.dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium), chromedp.UserDataDir(filepath.Join(home, "profile")), chromedp.Env("HOME="+home, "TZ=UTC"),
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(width, height),
		// A browser that talks to nobody but the server under test: nothing in
		// the background, and names that do not resolve.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	}
	for _, f := range []string{"disable-quic", "disable-background-networking", "disable-component-update", "disable-sync", "disable-extensions",
		"disable-default-apps", "disable-breakpad", "disable-dev-shm-usage", "mute-audio", "hide-scrollbars", "metrics-recording-only",
		// Several tabs at once: none of them may fall asleep.
		"disable-background-timer-throttling", "disable-backgrounding-occluded-windows", "disable-renderer-backgrounding",
	} {
		opts = append(opts, chromedp.Flag(f, true))
	}
	opts = append(opts, chromedp.Flag("headless", "new"), chromedp.Flag("force-color-profile", "srgb"), chromedp.Flag("password-store", "basic"),
		chromedp.Flag("lang", "en-US"))
	alloc, release := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, _ := chromedp.NewContext(alloc)
	began := time.Now()
	if err := chromedp.Do(ctx); err != nil {
		release()
		t.Fatalf("start Chromium: %v", err)
	}
	t.Logf("Chromium started in %v", time.Since(began).Round(time.Millisecond))
	shared.browser = ctx
	shared.quit = func() error {
		end, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		err := chromedp.Cancel(end)
		release()
		if err != nil && !errors.Is(err, context.Canceled) {
			return fmt.Errorf("end Chromium: %w", err)
		}
		return nil
	}
	return ctx
}

// The window most screenshots and tests are taken in.
const width, height = 1440, 900

// tab is a window of the browser with storage of its own.
type tab struct {
	t   *testing.T
	s   *server
	ctx context.Context
	*watch
}

// newTab opens an empty tab for looking at a server. When the test ends it is
// closed, and what the watch noticed fails the test.
func newTab(t *testing.T, s *server) *tab {
	t.Helper()
	w := &watch{host: s.url}
	ctx, _ := chromedp.NewContext(browser(t), chromedp.WithNewBrowserContext(), chromedp.WithListener(w.see))
	b := &tab{t: t, s: s, ctx: ctx, watch: w}
	t.Cleanup(func() {
		if t.Failed() {
			b.report()
		}
		if err := chromedp.Cancel(ctx); err != nil {
			t.Errorf("close the tab: %v", err)
		}
		for _, c := range w.complaints() {
			t.Errorf("the browser noticed: %s", c)
		}
	})
	b.do(chromedp.EmulateViewport(width, height))
	b.color("light")
	// Violations of the policy are also events of the document, which carry
	// more than the console's text does.
	if _, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: violations}); err != nil {
		t.Fatal(err)
	}
	return b
}

// color is what the system prefers: light or dark.
func (b *tab) color(scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// zone is where the person in front of the screen lives.
func (b *tab) zone(name string) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: name}); err != nil {
		b.t.Fatal(err)
	}
}

// do runs steps in the tab. None of them takes long: a minute is a hang.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	// The first use of a context opens the tab, which must outlive the limit.
	if err := chromedp.Do(b.ctx); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// eval evaluates an expression of the page.
func eval[T any](b *tab, expression string) (v T, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[[]byte](expression))
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	return v, err
}
