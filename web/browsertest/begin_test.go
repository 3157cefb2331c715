package browsertest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// What somebody sees who starts Tacho for the first time, with nothing made
// up: within a minute the address that was printed shows the workload, which
// was started without any option, and what it spends its time on.
func TestWithinAMinute(t *testing.T) {
	browser(t) // a person's browser runs already
	s := fresh(t)
	limit := func() time.Duration { return time.Until(s.began.Add(time.Minute)) }
	after := func() time.Duration { return time.Since(s.began).Round(100 * time.Millisecond) }

	// One who starts at the list of services, and one who was so quick with
	// the link that nothing is recorded yet. Neither reloads.
	b, quick := newTab(t, s), newTab(t, s)
	b.open("/")
	quick.open("/r/" + service)
	v := b.wait("an empty list that says what to do", limit(), func(v *view) bool { return len(v.Notes) > 0 || len(v.Services) > 0 })
	t.Logf("%v: the list shows %q", after(), v.Notes)

	link := hook("service", "name", service) + " " + hook("service-link")
	b.wait("the service in the list", limit(), func(v *view) bool {
		x := v.listed(service)
		return x != nil && x.Live == "true" && x.Demo == "false"
	})
	t.Logf("%v: the service is in the list", after())
	b.click(link)
	v = b.wait("squares of the heat map", limit(), func(v *view) bool { return v.Heat != nil && v.Heat.CellsRecorded >= 1 })
	first := v.Heat.CellsRecorded
	t.Logf("%v: %d squares", after(), first)
	v = b.wait("more squares, live", limit(), func(v *view) bool { return v.Heat.CellsRecorded > first && v.Live == "true" && v.Heat.Live == "true" })
	t.Logf("%v: %d squares, live", after(), v.Heat.CellsRecorded)
	if v.Heat.DemoUntilMS != nil || v.Band != nil {
		t.Error("data is marked as made up; none is")
	}
	if want := "/r/CollectorServer?from=now-1h"; v.URL != want {
		t.Errorf("the address is %s, want %s", v.URL, want)
	}

	const hot = "java.io.RandomAccessFile.read0"
	v = b.wait("the workload's hot method on top", limit(), func(v *view) bool { return slices.Contains(v.names(3), hot) && v.settled() })
	t.Logf("%v: top methods %q, icicle of %d nodes, %d levels", after(), v.names(3), v.Icicle.Nodes, v.Icicle.Depth)
	if v.Icicle.Nodes < 20 || v.Icicle.Depth < 15 {
		t.Errorf("the icicle has %d nodes on %d levels, want at least 20 and 15", v.Icicle.Nodes, v.Icicle.Depth)
	}
	quick.wait("squares and methods, without a reload", limit(), func(v *view) bool {
		return v.Heat != nil && v.Heat.CellsRecorded >= 1 && v.Live == "true" && len(v.Rows) > 0
	})

	// Who calls it: the reader that nobody buffered.
	b.click(hook("top-row", "name", hot))
	b.wait("highlighted", soon, func(v *view) bool { return v.Chips["highlight"] == hot && v.Icicle.Cursor == hot })
	b.click(hook("top-row", "name", hot) + " " + hook("top-callers"))
	v = b.wait("its callers", soon, func(v *view) bool {
		return v.Pane == "callers" && v.settled() && v.frame("org.example.collector.store.StreamRecordReader") != nil
	})
	if f := v.Frames[0]; f.Name != hot || f.Level != 0 {
		t.Errorf("the callers start at %q, want %s", f.Name, hot)
	}
	caller := v.frame("org.example.collector.store.StreamRecordReader")
	t.Logf("%v: %s, level %d of the callers, %.1f %%", after(), caller.Name, caller.Level, 100*float64(caller.Total)/float64(v.Frames[0].Total))
	if caller.Total*2 < v.Frames[0].Total {
		t.Errorf("%s has %d of the %d that pass through %s, want more than half", caller.Name, caller.Total, v.Frames[0].Total, hot)
	}

	noFlags(t, s.demoPID(t))

	// The server goes away: the page says so, and keeps what it has.
	b.tolerate()
	quick.tolerate()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	v = b.wait("that the server is gone", 30*time.Second, func(v *view) bool { return v.Offline != "" })
	if !strings.HasPrefix(v.Offline, "The server cannot be reached.") || len(v.Rows) == 0 || v.Icicle == nil {
		t.Errorf("the page says %q and shows %d methods", v.Offline, len(v.Rows))
	}
}

// noFlags checks how the JVM was started: java, its class path, its class.
func noFlags(t *testing.T, pid int) {
	t.Helper()
	read := func(name string) []string {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	}
	args := read("cmdline")
	t.Logf("the JVM runs as %q", args)
	if len(args) < 4 || !strings.HasSuffix(args[0], "/java") || args[1] != "-cp" || args[3] != "org.example.collector.CollectorServer" {
		t.Errorf("the JVM was started as %q, want java -cp PATH CLASS and nothing between", args)
	}
	for _, v := range read("environ") {
		if strings.HasPrefix(v, "JAVA_TOOL_OPTIONS=") || strings.HasPrefix(v, "JDK_JAVA_OPTIONS=") || strings.HasPrefix(v, "_JAVA_OPTIONS=") {
			t.Errorf("the JVM has options in its environment: %s", v)
		}
	}
}
