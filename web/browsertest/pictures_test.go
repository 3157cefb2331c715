package browsertest

import (
	"bytes"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"tacho/internal/jvmtest"
)

// The screenshots of docs/images:
//
//	go test ./web/browsertest -run Pictures -pictures "$PWD/docs/images"
//
// With nothing else recorded on the host they show what a newcomer sees.
func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("run with -pictures DIR to write the screenshots")
	}
	s := seeded(t)
	story := s.story(t)
	incident := fmt.Sprintf("/r/CollectorServer?from=now-3d&sel=%d-%d&m=%s", story.incident, story.resolved, read0)
	b := newTab(t, s)
	take := func(name string, high int64) {
		t.Helper()
		b.do(chromedp.EmulateViewport(width, high))
		b.hover(point{2, 2})
		time.Sleep(time.Second) // for the paint in the new size; a picture asserts nothing
		img, err := png.Decode(bytes.NewReader(b.shot()))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, img); err != nil {
			t.Fatal(err)
		}
		if out.Len() > 300<<10 {
			t.Errorf("%s has %d KiB, want at most 300", name, out.Len()>>10)
		}
		if err := os.WriteFile(filepath.Join(*pictures, name), out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d KiB", name, out.Len()>>10)
	}
	for _, theme := range []string{"light", "dark"} {
		b.color(theme)
		b.open(incident)
		b.wait("the incident", soon, func(v *view) bool {
			return v.placed() && !v.Icicle.Stale && v.Icicle.Cursor == read0 && v.Heat.CellsRecorded > 48*60 && v.Live == "true" && *v.Status.Recording >= 2
		})
		take("recorder-"+theme+".png", height)
	}
	b.color("light")
	b.open("/")
	b.wait("the services", time.Minute, func(v *view) bool { return len(v.Services) == 2 && v.Services[1].Recorded > 0 })
	take("services.png", 340)
	// A JVM that cannot be recorded, to show what the page says about it.
	jvmtest.Java(t, jvmtest.JDK17, "-XX:+DisableAttachMechanism", "-cp", jvmtest.Compile(t, "../../record/jvm/testdata/Spin.java"), "Spin", "1")
	b.open("/agents")
	b.wait("the refused JVM", time.Minute, func(v *view) bool {
		return v.Status != nil && v.Status.Refused != nil && *v.Status.Refused == 1 && len(v.Targets) == 3
	})
	take("agents.png", 460)
}
