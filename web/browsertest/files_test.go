package browsertest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/pprof/profile"
)

// A file of a profiler becomes a recording: chosen or dropped, sent, stored,
// in the list, and one click from its stacks at its own time.
func TestFiles(t *testing.T) {
	s := bare(t)
	b := newTab(t, s)
	b.uploads()
	b.open("/")
	b.wait("the empty list points there", soon, func(v *view) bool { return strings.Contains(strings.Join(v.Notes, ""), "the files page") })
	b.click(hook("files-link"))
	b.wait("no files yet", soon, func(v *view) bool {
		return v.URL == "/files" && v.Title == "Files – Tacho" && v.notes("empty: ○ No file was uploaded yet")
	})

	// By keyboard: Tab comes to the button, Enter opens the system's dialog.
	if _, err := chromedp.Call(b.ctx, page.SetInterceptFileChooserDialog, page.SetInterceptFileChooserDialogParams{Enabled: true}); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 12; i++ {
		if v := b.wait("the page", soon, func(*view) bool { return true }); v.Focus == "choose" {
			break
		}
		b.press(kb.Tab)
	}
	b.press(" ")
	b.until("the dialog for files", soon, func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.choosers == 1 })

	// Two files at once, one with times of its own, from years ago.
	dir := t.TempDir()
	stacks := filepath.Join(dir, "checkout.collapsed")
	if err := os.WriteFile(stacks, []byte("main;checkout;price 30\nmain;checkout;tax 10\nmain;idle 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	fn := &profile.Function{ID: 1, Name: "acme.old", Filename: "old.go"}
	loc := &profile.Location{ID: 1, Line: []profile.Line{{Function: fn, Line: 7}}}
	past := &profile.Profile{SampleType: []*profile.ValueType{{Type: "cpu", Unit: "nanoseconds"}}, Sample: []*profile.Sample{{Location: []*profile.Location{loc}, Value: []int64{5e9}}},
		Location: []*profile.Location{loc}, Function: []*profile.Function{fn}, TimeNanos: time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC).UnixNano(), DurationNanos: 3e10}
	var buf bytes.Buffer
	if err := past.Write(&buf); err != nil {
		t.Fatal(err)
	}
	old := filepath.Join(dir, "old.pb.gz")
	if err := os.WriteFile(old, buf.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.SetUploadFiles(hook("choose"), []string{stacks, old}, chromedp.NodeReady))
	listed := func(v *view, name string) bool {
		return slices.ContainsFunc(v.Files, func(f struct{ Name, Service, Text, Href string }) bool { return f.Name == name })
	}
	job := func(v *view, name, state string) bool {
		return slices.ContainsFunc(v.Jobs, func(j struct{ Name, State, Text, Href string }) bool { return j.Name == name && j.State == state })
	}
	v := b.tolerated("one stored, one too old", func(v *view) bool {
		return job(v, "checkout.collapsed", "stored") && job(v, "old.pb.gz", "failed") && len(v.Files) == 1
	})
	for _, j := range v.Jobs {
		if j.Name == "old.pb.gz" && (!strings.Contains(j.Text, "retention") || !strings.Contains(j.Text, "Store it as if it began an hour ago")) {
			t.Errorf("a file from before the retention says %q", j.Text)
		}
	}
	b.click(hook("as-now"))
	v = b.wait("both stored", soon, func(v *view) bool { return job(v, "old.pb.gz", "stored") && len(v.Files) == 2 })
	for _, j := range v.Jobs {
		if j.Name == "old.pb.gz" && (!strings.Contains(j.Text, "pprof · ") || !strings.Contains(j.Text, " · 1 sample · ")) {
			t.Errorf("the stored recording says %q", j.Text)
		}
	}

	// One that nobody can read, dropped from the desktop.
	drop := func(name, text string) {
		t.Helper()
		if _, err := eval[any](b, fmt.Sprintf(`(() => {
			const d = new DataTransfer();
			d.items.add(new File([%q], %q));
			for (const kind of ["dragover", "drop"]) document.querySelector('[data-testid="drop"]').dispatchEvent(new DragEvent(kind, { dataTransfer: d, bubbles: true, cancelable: true }));
			return null;
		})()`, text, name)); err != nil {
			t.Fatal(err)
		}
	}
	drop("notes.docx", "Dear all, this is no profile of anything.\n")
	v = b.tolerated("refused", func(v *view) bool { return job(v, "notes.docx", "failed") })
	if text := v.Jobs[0].Text; strings.Contains(text, "Try again") || !strings.Contains(text, "speedscope") {
		t.Errorf("a file nobody knows says %q", text)
	}
	t.Logf("refused: %s", v.Jobs[0].Text)
	drop("broken.json", `{"$schema":"https://www.speedscope.app/file-format-schema.json","shared":{"frames":[{"name":"a"}]},"profiles":[{"type":"sampled","unit":"seconds","startValue":0,"endValue":1,"samples":[[7]],"weights":[1]}]}`)
	v = b.tolerated("broken", func(v *view) bool { return job(v, "broken.json", "failed") })
	if !strings.Contains(v.Jobs[0].Text, "(at byte ") {
		t.Errorf("a damaged file does not say where: %q", v.Jobs[0].Text)
	}
	t.Logf("damaged: %s", v.Jobs[0].Text)

	// As an instance of a service with a name.
	b.do(chromedp.Focus(hook("upload-service")))
	b.press("checkout")
	drop("again.collapsed", "main;checkout;price 5\n")
	b.wait("the third", soon, func(v *view) bool { return job(v, "again.collapsed", "stored") && listed(v, "again.collapsed") })

	// It is in the list of services too, marked, and not taken for live.
	b.open("/")
	v = b.wait("the services", soon, func(v *view) bool { return v.listed("checkout") != nil })
	if x := v.listed("file/checkout.collapsed"); x == nil || x.Live != "false" || !strings.Contains(x.Text, "uploaded") {
		t.Errorf("the list of services shows %+v", x)
	}

	// From the list to the recorder at the file's own time.
	for _, x := range []struct{ file, service, method string }{
		{"checkout.collapsed", "file/checkout.collapsed", "price"},
		{"again.collapsed", "checkout", "price"},
		{"old.pb.gz", "file/old.pb.gz", "acme.old"},
	} {
		b.open("/files")
		b.wait("the files", soon, func(v *view) bool { return listed(v, x.file) })
		b.click(hook("file", "name", x.file) + " " + hook("file-link"))
		v := b.wait("its methods", soon, func(v *view) bool { return v.settled() && len(v.Rows) > 0 && v.Heat.CellsRecorded > 0 })
		if v.Rows[0].Name != x.method {
			t.Errorf("%s: first is %s, want %s", x.file, v.Rows[0].Name, x.method)
		}
		if !strings.HasPrefix(v.Title, x.service+" – ") {
			t.Errorf("%s: the title is %q", x.file, v.Title)
		}
		if v.Recorder.UntilMS <= v.Recorder.FromMS || v.Recorder.UntilMS-v.Recorder.FromMS > 2*60*minute {
			t.Errorf("%s: shown from %s to %s", x.file, utc(v.Recorder.FromMS), utc(v.Recorder.UntilMS))
		}
	}

	b.do(chromedp.EmulateViewport(400, 800))
	b.open("/files")
	v = b.wait("the files on a small screen", soon, func(v *view) bool { return listed(v, "old.pb.gz") })
	if v.Overflow > 0 {
		t.Errorf("the page is %.0f pixels wider than a window of 400", v.Overflow)
	}
	b.where(hook("file", "name", "old.pb.gz") + " " + hook("file-link"))
}

// tolerated waits for something the server refuses on the way: what the browser
// notes about that is no fault.
func (b *tab) tolerated(what string, cond func(*view) bool) *view {
	b.t.Helper()
	b.set(true)
	v := b.wait(what, soon, cond)
	time.Sleep(100 * time.Millisecond) // the browser's note may come after the answer
	b.set(false)
	return v
}
