package browsertest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tacho/internal/jvmtest"
)

// Where there is nothing to show, the page says why and what can be done.
func TestNothingToShow(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	incident := fmt.Sprintf("/r/CollectorServer?from=now-3d&sel=%d-%d", story.incident, story.resolved)
	for _, x := range []struct{ path, note string }{
		{"/r/NoSuchService", "empty: ○ Nothing is recorded for NoSuchService Perhaps the name is misspelt"},
		{incident + "&f=no.such.Method", "empty: ○ No stack of this time has that method Clear “Focus” above"},
		{incident + "&callers=no.such.Method", "empty: ○ No stack of this time has that method Clear “Callers of” above"},
		{fmt.Sprintf("/r/CollectorServer?from=now-3d&sel=%d-%d", story.first-2*minute, story.first-minute), "empty: ○ Nothing was recorded in this time"},
		{incident + "&type=imaginary", "error: ! "},
	} {
		b := newTab(t, s)
		if strings.HasPrefix(x.note, "error") {
			b.tolerate() // the server refuses, and the console says so
		}
		b.open(x.path)
		v := b.wait(x.path+" says "+x.note, soon, func(v *view) bool { return v.notes(x.note) })
		t.Logf("%s: %q", x.path, v.Notes)
	}
}

// Every page has its words for loading, an error and what one may not see.
func TestStates(t *testing.T) {
	s := bare(t)
	for _, x := range []struct {
		status                int64
		message, detail, note string
	}{
		{0, "", "", "loading: "},
		{503, "the store is being repaired", "It answers again in a minute.", "error: ! The store is being repaired It answers again in a minute. Try again"},
		{403, "this server does not answer to the host name of the request", "use localhost", "denied: ! You are not permitted to see this This server does not answer to the host name of the request Use localhost Try again"},
	} {
		b := newTab(t, s)
		b.substitute("*", x.status, x.message, x.detail)
		for _, path := range []string{"/", "/r/orders", "/cmp/orders", "/tl/orders", "/agents", "/files"} {
			b.open(path)
			v := b.wait(path+" says "+x.note, soon, func(v *view) bool { return v.notes(x.note) })
			if len(v.Notes) != 1 || v.Offline != "" || v.Overflow > 0 {
				t.Errorf("%s: notes %q, banner %q", path, v.Notes, v.Offline)
			}
		}
	}
	b := newTab(t, s)
	for path, note := range map[string]string{
		"/": "empty: ○ No service is recorded yet", "/agents": "empty: ○ No agent has reported", "/files": "empty: ○ No file was uploaded yet",
		"/r/orders": "empty: ○ Nothing is recorded for orders", "/cmp/orders": "empty: ○ Nothing is recorded for orders", "/tl/orders": "empty: ○ ",
	} {
		b.open(path)
		b.wait(path+" says "+note, soon, func(v *view) bool { return v.notes(note) })
	}
}

// A JVM that cannot be recorded is a line on the page, with the reason and the
// remedy the server has; the one that can be is another.
func TestAgents(t *testing.T) {
	s := seeded(t)
	spin := jvmtest.Java(t, jvmtest.JDK17, "-XX:+DisableAttachMechanism", "-cp", jvmtest.Compile(t, "../../record/jvm/testdata/Spin.java"), "Spin", "1")
	b := newTab(t, s)
	b.open("/")
	b.wait("the header says that one is refused", time.Minute, func(v *view) bool {
		return v.Status != nil && v.Status.Refused != nil && *v.Status.Refused >= 1 && strings.Contains(v.Status.Text, "refused")
	})
	b.click(hook("agents-status"))
	at := func(v *view, pid int) int {
		return slices.IndexFunc(v.Targets, func(x target) bool { return x.PID == pid })
	}
	v := b.wait("both JVMs", soon, func(v *view) bool { return at(v, spin.PID) >= 0 && at(v, s.demoPID(t)) >= 0 })
	if v.URL != "/agents" || v.Sink != "ok" {
		t.Errorf("address %s, delivery %s", v.URL, v.Sink)
	}
	a, err := s.api.Agents(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range a.Agents[0].Targets {
		i := at(v, want.PID)
		if i < 0 {
			t.Errorf("the page does not show process %d", want.PID)
			continue
		}
		if x := v.Targets[i]; x.State != want.State || x.Reason != want.Reason || x.Service != want.Service || x.Remedy != remedy(want.Remedy) {
			t.Errorf("the page shows %+v, the server has %+v", x, want)
		}
	}
	refused, recorded := v.Targets[at(v, spin.PID)], v.Targets[at(v, s.demoPID(t))]
	if refused.State != "refused" || !strings.Contains(refused.Reason, "DisableAttachMechanism") || refused.Remedy == "" {
		t.Errorf("the refused JVM is shown as %+v", refused)
	}
	if recorded.State != "recording" || recorded.Service != service {
		t.Errorf("the demo's JVM is shown as %+v", recorded)
	}
	t.Logf("%s: %s | %s", refused.Service, refused.Reason, refused.Remedy)
}

func remedy(text string) string {
	if text == "" {
		return ""
	}
	return "What to do: " + text
}
