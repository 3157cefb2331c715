package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tacho/report"
)

// asked runs a verb against a server that answers everything with v.
func asked(t *testing.T, v any, args ...string) (code int, out, asked, sent string) {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		asked, sent = r.URL.String(), string(b)
		_, _ = w.Write(body)
	}))
	defer srv.Close()
	var buf bytes.Buffer
	code = run(context.Background(), stdio{nil, &buf, &buf}, append(args, "--server", srv.URL, "--service", "orders"))
	return code, buf.String(), asked, sent
}

func TestDiffVerb(t *testing.T) {
	diff := report.Diff{Unit: "nanoseconds", Norm: "share", Scale: 1, Total: 10, BaseTotal: 10, RowCount: 2, Changed: 1, Tested: true, Slices: 48, BaseSlices: 48,
		Rows: []report.DiffRow{{Function: "com.acme.Slow.run", Self: 9, Total: 9, BaseSelf: 1, BaseTotal: 1, State: "grew", SelfState: "grew", P: 0.001}}}
	same, few, plain := diff, diff, diff
	same.Changed, few.Tested, plain.Tested, plain.Slices, plain.BaseSlices = 0, false, false, 0, 0
	base := []string{"diff", "--base-from", "now-2h", "--base-until", "now-1h"}
	for _, c := range []struct {
		answer report.Diff
		args   []string
		code   int
		say    string
	}{
		{diff, base, exitOK, "▲       10.0 %  90.0 %"},
		{diff, append(base, "--exit-code"), exitNo, "1 of 2 methods changed significantly"},
		{same, append(base, "--exit-code"), exitOK, "0 of 2 methods changed significantly"},
		{few, append(base, "--exit-code"), exitFailed, "too little data to tell"},
		{plain, append(base, "--no-test"), exitOK, "no test was made"},
		{diff, append(base, "--no-test", "--exit-code"), exitUsage, "needs the test"},
		{diff, []string{"diff"}, exitUsage, "what to compare with?"},
		{diff, []string{"diff", "--help"}, exitOK, "tacho diff --service orders"},
	} {
		code, out, _, _ := asked(t, c.answer, c.args...)
		if code != c.code || !strings.Contains(out, c.say) {
			t.Errorf("%q: exit %d\n%s\nwant %d and …%s…", c.args, code, out, c.code, c.say)
		}
	}
	_, _, asked, _ := asked(t, diff, "diff", "--base-match", `service_version="v1"`, "--match", `service_version="v2"`, "--filter", "sql", "--collapse", "recursion", "--color", "never")
	want := "/api/v1/diff?base_match=service_version%3D%22v1%22&collapse=recursion&filter=sql&from=now-1h&limit=30&match=service_version%3D%22v2%22" +
		"&min_share=1&norm=share&service=orders&significance=true&sort=self&type=cpu&until=now"
	if asked != want {
		t.Errorf("asked %s\nwant  %s", asked, want)
	}
}

func TestMarkVerb(t *testing.T) {
	code, out, path, sent := asked(t, report.Event{TimeMS: 1_741_003_200_000, Kind: "deploy", Name: "v1.5\x1b"}, "mark", "--name", "v1.5", "--attr", "by=ops", "--duration", "2s")
	if code != exitOK || out != "deploy v1.5\\x1b of orders at 2025-03-03T12:00:00Z\n" {
		t.Errorf("exit %d: %q", code, out)
	}
	if want := `{"service":"orders","time":"now","duration_ns":2000000000,"kind":"deploy","name":"v1.5","attrs":{"by":"ops"}}`; path != "/api/v1/events" || sent != want {
		t.Errorf("sent %s to %s, want %s", sent, path, want)
	}
	if code, out, _, _ = asked(t, nil, "mark", "--attr", "ops"); code != exitUsage || !strings.Contains(out, "want KEY=VALUE") {
		t.Errorf("exit %d: %s", code, out)
	}
}

// The flags that narrow reach the server from every verb that has them.
func TestNarrowingFlags(t *testing.T) {
	heat := report.Heatmap{StepMS: 60_000, UntilMS: 60_000, Unit: "nanoseconds", Cells: []report.Cell{9}, Matched: []int64{4}, Missing: []string{}}
	for _, c := range []struct {
		answer any
		args   []string
		want   string
	}{
		{report.Top{Unit: "bytes"}, []string{"top", "--filter", "a", "--filter", "/b/", "--exclude", "c", "--focus", "d", "--collapse", "package:java."},
			"/api/v1/top?collapse=package%3Ajava.&exclude=c&filter=a&filter=%2Fb%2F&focus=d&from=now-1h&limit=30&service=orders&sort=self&type=cpu&until=now"},
		{report.Icicle{Unit: "bytes"}, []string{"icicle", "--invert", "--every", "1h", "--keep", "5m"},
			"/api/v1/icicle?every=1h&from=now-1h&invert=true&keep=5m&min_share=0.01&service=orders&type=cpu&until=now"},
		{heat, []string{"heatmap", "--filter", "sql", "--exclude", "idle"}, "/api/v1/heatmap?exclude=idle&filter=sql&from=now-24h&service=orders&step=60s&type=cpu&until=now"},
	} {
		code, out, path, _ := asked(t, c.answer, c.args...)
		if code != exitOK || path != c.want {
			t.Errorf("%q: exit %d, asked %s, want %s\n%s", c.args, code, path, c.want, out)
		}
	}
}
