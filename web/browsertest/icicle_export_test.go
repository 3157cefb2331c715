package browsertest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/chromedp/chromedp/kb"
)

func utcInput(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05") }

// What is on the screen as files, a picture and a link.
func TestExport(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	is := func(what string, cond func(*view) bool) *view { t.Helper(); return b.wait(what, soon, cond) }
	b.open(story.page("&filter=readLong&x=java.io.DataInputStream.readInt"))
	v := is("a part of the incident", func(v *view) bool { return v.settled() && v.Icicle.Total > 0 })
	total := v.Icicle.Total
	// The browser of the test has no clipboard and saves no files: what the
	// page hands over is kept instead.
	if _, err := eval[any](b, `(() => {
		Object.defineProperty(navigator, "clipboard", { value: { writeText: (t) => { window.copied = t; return Promise.resolve(); } } });
		const was = URL.createObjectURL;
		URL.createObjectURL = (blob) => { window.saved = { size: blob.size, type: blob.type }; return was(blob); };
		HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download; };
	})(), null`); err != nil {
		t.Fatal(err)
	}
	b.click(hook("export"))
	v = is("the menu", func(v *view) bool { return len(v.Menu) == 7 })
	for _, item := range v.Menu {
		if item.Href == "" {
			continue
		}
		u, err := url.Parse(item.Href)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		if u.Path != "/api/v1/profile" || q.Get("format") != item.ID || q.Get("from") != fmt.Sprint(story.incident) || q.Get("until") != fmt.Sprint(story.resolved) ||
			q.Get("type") != "cpu" || q.Get("filter") != "readLong" || q.Get("exclude") != "java.io.DataInputStream.readInt" {
			t.Errorf("%s leads to %s", item.ID, item.Href)
		}
		body := fetched(t, s.url+item.Href)
		switch item.ID {
		case "pprof":
			z, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatalf("pprof: %v", err)
			}
			p, err := profile.Parse(z)
			if err != nil {
				t.Fatalf("pprof: %v", err)
			}
			var sum int64
			for _, x := range p.Sample {
				sum += x.Value[len(x.Value)-1]
			}
			if sum != total {
				t.Errorf("the pprof file has %d, the page shows %d", sum, total)
			}
		case "collapsed":
			if !bytes.Contains(body, []byte("java.io.DataInputStream.readLong")) || bytes.Contains(body, []byte("DataInputStream.readInt;")) {
				t.Errorf("the collapsed stacks are %.200s", body)
			}
		case "svg":
			if !bytes.Contains(body[:min(400, len(body))], []byte("<svg")) {
				t.Errorf("the SVG begins %.200s", body)
			}
		default:
			if !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
				t.Errorf("%s begins %.200s", item.ID, body)
			}
		}
	}
	// By keys: the first is the link, the last the picture.
	b.press(kb.Enter)
	is("said so", func(v *view) bool { return v.Said == "Link copied" && len(v.Menu) == 0 && v.Focus == "export" })
	link, err := eval[string](b, `window.copied`)
	if err != nil || !strings.HasPrefix(link, s.url+"/r/"+service+"?from=1") || strings.Contains(link, "now") || !strings.Contains(link, "filter=readLong") {
		t.Errorf("the link is %s (%v)", link, err)
	}
	b.press(kb.Enter)
	is("the menu", func(v *view) bool { return len(v.Menu) == 7 })
	b.press(kb.End + kb.Enter)
	b.until("the picture", soon, func() bool {
		got, err := eval[string](b, "(window.saved?.type ?? '') + (window.saved?.size > 5000) + (window.savedAs ?? '')")
		return err == nil && strings.HasPrefix(got, "image/pngtrue"+service+"-cpu-") && strings.HasSuffix(got, ".png")
	})
	// The link shows the same elsewhere.
	b.open(strings.TrimPrefix(link, s.url))
	is("the same", func(v *view) bool { return v.settled() && v.Icicle.Total == total && v.Live == "false" })
}

func fetched(t *testing.T, address string) []byte {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusOK {
		t.Errorf("%s: %s %.200s", address, r.Status, body)
	}
	return body
}
