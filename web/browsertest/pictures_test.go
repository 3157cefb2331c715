package browsertest

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"tacho/internal/jvmtest"
)

// The screenshots of docs/images: every page in both themes, and what a page
// shows when it has nothing to show.
//
//	go test ./web/browsertest -run Pictures -pictures "$PWD/docs/images"
//
// With nothing else recorded on the host they show what a newcomer sees.
func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("no -pictures")
	}
	s := seeded(t)
	story := s.story(t)
	// A JVM that cannot be recorded, to show what the page says about it.
	jvmtest.Java(t, jvmtest.JDK17, "-XX:+DisableAttachMechanism", "-cp", jvmtest.Compile(t, "../../record/jvm/testdata/Spin.java"), "Spin", "1")
	for _, f := range []struct{ name, service, at, text string }{
		{"checkout.collapsed", "checkout", "now-50m", "main;checkout;price;tax 310\nmain;checkout;price;round 120\nmain;checkout;stock 90\n"},
		{"nightly-report.collapsed", "", "now-26h", "main;report;join 700\nmain;report;sort 200\n"},
	} {
		q := url.Values{"name": {f.name}, "service": {f.service}, "at": {f.at}, "rate": {"100"}}
		resp, err := http.Post(s.url+"/api/v1/upload?"+q.Encode(), "", strings.NewReader(f.text))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("upload of %s: %s", f.name, resp.Status)
		}
	}

	in := fmt.Sprintf("?from=now-3d&sel=%d-%d", story.incident, story.resolved)
	before := fmt.Sprintf("&base=%d-%d", story.incident-240*minute, story.incident)
	around := fmt.Sprintf("?from=%d&to=%d&sel=%d-%d", story.incident-60*minute, story.resolved+60*minute, story.incident, story.resolved)
	ready := func(v *view) bool {
		return v.placed() && !v.Icicle.Stale && v.Heat.CellsRecorded > 48*60 && v.Top != nil && !v.Top.Stale && v.Live == "true"
	}
	pages := []struct {
		name, path string
		show       func(*view) bool
		then       func(*tab, *view)
	}{
		{"services", "/", func(v *view) bool {
			x := v.listed(service)
			return len(v.Services) >= 4 && x != nil && x.Live == "true" && slices.ContainsFunc(x.Instances, func(i instance) bool { return i.Rate != nil && *i.Rate > 0 })
		}, nil},
		{"recorder", "/r/CollectorServer" + in + "&m=" + read0, func(v *view) bool { return ready(v) && v.Icicle.Cursor == read0 }, nil},
		{"icicle", "/r/CollectorServer" + in + "&q=readrecord", func(v *view) bool {
			return ready(v) && strings.HasPrefix(v.Verdict, "matched") && v.frame(chart) != nil
		}, func(b *tab, v *view) {
			b.clickAt(v.on(v.frame(chart)))
			b.wait("zoomed", soon, func(v *view) bool { return v.Icicle.Zoom == chart && v.settled() })
		}},
		{"callers", "/r/CollectorServer" + in + "&callers=" + url.QueryEscape(reader+".readRecord"), func(v *view) bool {
			return v.Pane == "callers" && v.settled() && v.Callees != nil && !v.Callees.Stale && len(v.Callees.Frames) > 0
		}, nil},
		{"compare", "/cmp/CollectorServer" + in + before, func(v *view) bool { return v.Compare != nil && v.Compare.Fresh && v.settled() && len(v.Rows) > 5 }, nil},
		{"timeline", "/tl/CollectorServer" + around, func(v *view) bool { return v.Timeline == "false" }, nil},
		{"agents", "/agents", func(v *view) bool {
			return v.Status != nil && v.Status.Refused != nil && *v.Status.Refused >= 1 && len(v.Targets) >= 3
		}, nil},
		{"files", "/files", func(v *view) bool { return len(v.Files) == 2 }, nil},
	}
	b := newTab(t, s)
	for _, p := range pages {
		for _, theme := range []string{"light", "dark"} {
			b.color(theme)
			b.open(p.path)
			v := b.wait(p.name, time.Minute, p.show)
			if p.then != nil {
				p.then(b, v)
			}
			b.picture(p.name + "-" + theme)
		}
	}

	empty := bare(t)
	for _, x := range []struct {
		name, path, note string
		status           int64
		message, detail  string
	}{
		{"empty", "/", "empty: ", 0, "", ""},
		{"loading", "/r/orders", "loading: ", 0, "", ""},
		{"error", "/r/orders", "error: ", 503, "the store cannot be read", "Its disk does not answer; tacho store check says more."},
		{"denied", "/r/orders", "denied: ", 403, "this server does not answer to the host name of the request", "use localhost or 127.0.0.1, or add the name to the hosts of the configuration"},
	} {
		b := newTab(t, empty)
		if x.name != "empty" {
			b.substitute("services*", x.status, x.message, x.detail)
		}
		for _, theme := range []string{"light", "dark"} {
			b.color(theme)
			b.open(x.path)
			b.wait(x.name, soon, func(v *view) bool { return v.notes(x.note) })
			b.do(chromedp.EmulateViewport(width, 420))
			b.picture("state-" + x.name + "-" + theme)
		}
		if x.name != "empty" {
			if _, err := chromedp.Call(b.ctx, fetch.Disable, cdp.Empty{}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// picture writes what is on the screen.
func (b *tab) picture(name string) {
	b.t.Helper()
	b.hover(point{2, 2})
	time.Sleep(time.Second) // for the last paint; a picture asserts nothing
	img, err := png.Decode(bytes.NewReader(b.shot()))
	if err != nil {
		b.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, img); err != nil {
		b.t.Fatal(err)
	}
	if out.Len() > 300<<10 {
		b.t.Errorf("%s has %d KiB, want at most 300", name, out.Len()>>10)
	}
	if err := os.WriteFile(filepath.Join(*pictures, name+".png"), out.Bytes(), 0o644); err != nil {
		b.t.Fatal(err)
	}
	b.t.Logf("%s: %d KiB", name, out.Len()>>10)
}
