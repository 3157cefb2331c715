package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// verbSays runs a verb and returns its exit code and what it printed.
func verbSays(t *testing.T, in string, args ...string) (code int, out, err string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), stdio{strings.NewReader(in), &o, &e}, args)
	return code, o.String(), e.String()
}

func TestAnalyze(t *testing.T) {
	code, out, errs := verbSays(t, "main;work 3\nmain 1\n", "analyze", "-", "--rate", "100", "--limit", "1", "--color", "never")
	for _, want := range []string{"stdin: collapsed, 2 samples", "types: cpu; shown: cpu", "total 40.0 ms", "1 of 2 methods", "30.0 ms  75.0 %", "work", "100.0 %"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	if code != 0 || errs != "" {
		t.Errorf("%d %s", code, errs)
	}

	// A recording of 2015, as JSON: the store it is analysed in keeps 400 days.
	file := filepath.Join(t.TempDir(), "old.pprof")
	if err := os.WriteFile(file, oneProfile(t, time.Date(2015, 6, 1, 12, 0, 0, 0, time.UTC)), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs = verbSays(t, "", "analyze", file, "--json")
	var a struct {
		File, Format, Type string
		FromMS             int64 `json:"from_ms"`
		Samples            int64
		Types              []struct {
			Name, Unit string
			Total      int64
		}
		Top struct {
			Total   int64
			Seconds float64
			Rows    []struct {
				Function    string
				Self, Total int64
			}
		}
		Icicle struct{ Nodes struct{ Level []int } }
	}
	if err := json.Unmarshal([]byte(out), &a); err != nil || code != 0 {
		t.Fatalf("%d %s %s: %v", code, out, errs, err)
	}
	if a.File != "old.pprof" || a.Format != "pprof" || a.Type != "cpu" || a.FromMS != 1433160000000 || a.Samples != 2 || a.Top.Total != 40e6 || a.Top.Seconds != 10 || len(a.Icicle.Nodes.Level) != 3 ||
		len(a.Types) != 1 || a.Types[0].Total != 40e6 || a.Top.Rows[0].Function != "work" || a.Top.Rows[0].Self != 30e6 {
		t.Errorf("%+v", a)
	}

	for _, c := range []struct {
		in   string
		args []string
		code int
		say  string
	}{
		{"", []string{"analyze"}, 2, "which FILE?"},
		{"", []string{"analyze", "/does/not/exist"}, 75, "no such file"},
		{"", []string{"analyze", t.TempDir()}, 75, "is a directory"},
		{"\x00\x01\x02", []string{"analyze", "-"}, 75, "no decoder knows this file; known are"},
		{"a 1\n", []string{"analyze", "-", "--type", "alloc"}, 75, `the file has no type "alloc", it has samples`},
		{"", []string{"analyze", file, "/does/not/exist"}, 75, "1 of 2 files failed"},
	} {
		if code, _, errs := verbSays(t, c.in, c.args...); code != c.code || !strings.Contains(errs, c.say) {
			t.Errorf("%v: %d %q, want %d with %q", c.args, code, errs, c.code, c.say)
		}
	}
	// What could be read of a damaged file is shown, and that it is damaged.
	small, err := os.ReadFile("../../format/jfr/testdata/small.jfr")
	if err != nil {
		t.Fatal(err)
	}
	code, out, errs = verbSays(t, string(small)+"FLR\x00garbage", "analyze", "-")
	if code != 75 && !strings.Contains(errs, "byte") || !strings.Contains(out, "jfr, 579 samples") {
		t.Errorf("%d %s\n%.300s", code, errs, out)
	}
}

func TestPush(t *testing.T) {
	busy, n := 2, 0
	var queries []string
	var bodies [][]byte
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		n++
		queries, bodies = append(queries, r.URL.RawQuery), append(bodies, b)
		switch {
		case r.Header.Get("Authorization") != "Bearer secret":
			http.Error(w, `{"error":"who are you","detail":"Send a token."}`, http.StatusUnauthorized)
		case n <= busy:
			w.Header().Set("Retry-After", "7")
			http.Error(w, `{"error":"the ingest queue is full","detail":"Later."}`, http.StatusTooManyRequests)
		case bytes.HasPrefix(b, []byte("bad")):
			http.Error(w, `{"error":"collapsed: line 1: no count","detail":"It is damaged.","position":"line 1"}`, 400)
		default:
			fmt.Fprint(w, `{"file":"x","format":"collapsed","service":"shop","instance":"i","from_ms":1790000000000,"until_ms":1790000060000,"samples":2,"types":[{"name":"cpu"}],"warnings":[{"position":"line 2","text":"odd \u001b[31m"}]}`)
		}
	}))
	defer s.Close()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var waits []time.Duration
	p := pushFlags{server: s.URL, token: "secret", service: "shop", typ: "cpu", rate: 99, until: "1790000000", attempts: 5,
		wait: func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }}
	var out, errs bytes.Buffer
	if err := p.push(t.Context(), stdio{strings.NewReader("a;b 2\n"), &out, &errs}, s.Client(), s.URL, "-"); err != nil {
		t.Fatal(err)
	}
	if want := []time.Duration{7 * time.Second, 7 * time.Second}; !reflect.DeepEqual(waits, want) {
		t.Errorf("waited %v, want %v", waits, want)
	}
	for i, q := range queries {
		if q != "name=stdin&rate=99&service=shop&type=cpu&until=1790000000" || string(bodies[i]) != "a;b 2\n" {
			t.Errorf("request %d: %s %q", i, q, bodies[i])
		}
	}
	for _, want := range []string{"stdin: collapsed, 2 samples of cpu", "kept as service shop, instance i", s.URL + "/r/shop?from=1789999980000&until=1790000100000"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %s", want, &out)
		}
	}
	if !strings.Contains(errs.String(), "the ingest queue is full: Later.; trying again in 7s") || !strings.Contains(errs.String(), `stdin: line 2: odd \x1b[31m`) {
		t.Errorf("standard error: %s", &errs)
	}

	for _, c := range []struct {
		in   string
		args []string
		code int
		say  string
	}{
		{"bad", []string{"push", "-", "--server", s.URL, "--token-file", token}, 75, "collapsed: line 1: no count: It is damaged."},
		{"x", []string{"push", "-", "--server", s.URL}, 75, "who are you: Send a token."},
		{"x", []string{"push", "-", "--server", "ftp://x"}, 75, "want http://host:port"},
		{"x", []string{"push", "--server", s.URL}, 2, "which FILE?"},
		{"x", []string{"push", "-", "--nonsense"}, 2, "nonsense"},
		{"x", []string{"push", "-", "--server", "http://127.0.0.1:1", "--attempts", "1"}, 75, "start one with `tacho up`"},
	} {
		if code, _, errs := verbSays(t, c.in, c.args...); code != c.code || !strings.Contains(errs, c.say) {
			t.Errorf("%v: %d %q, want %d with %q", c.args, code, errs, c.code, c.say)
		}
	}
}

// Flags may stand before, between and after files.
func TestFilesAmongFlags(t *testing.T) {
	for _, args := range [][]string{{"a", "b", "--service", "s", "--json"}, {"--service", "s", "a", "--json", "b"}, {"--json", "--service=s", "--", "a", "b"}} {
		f := newFlags(stdio{nil, io.Discard, io.Discard}, "x", "", "")
		service, asJSON := f.String("service", "", ""), f.Bool("json", false, "")
		files, done, err := f.parseFiles(args)
		if err != nil || done || !reflect.DeepEqual(files, []string{"a", "b"}) || *service != "s" || !*asJSON {
			t.Errorf("%v: files %v, service %q, json %v: %v", args, files, *service, *asJSON, err)
		}
	}
}

func TestTargetsOfTheConfiguration(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tacho.yaml")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("listen: 127.0.0.1:1\ntargets:\n  - service: orders\n    url: http://127.0.0.1:6060\n    profiles: [cpu, heap]\n    every: 30s\n    labels: {region: eu}\n  - {service: b, url: http://b:1, instance: b-1}\n")
	ts, err := readTargets(file)
	if err != nil || len(ts) != 2 || ts[0].Service != "orders" || ts[0].Every != 30*time.Second || ts[0].Labels["region"] != "eu" || !reflect.DeepEqual(ts[0].Profiles, []string{"cpu", "heap"}) || ts[1].Instance != "b-1" {
		t.Errorf("%+v %v", ts, err)
	}
	f := newFlags(stdio{nil, io.Discard, io.Discard}, "server", "", "")
	f.String("listen", "", "")
	if done, err := f.parse([]string{"--config", file}); done || err != nil {
		t.Errorf("the key is refused by verbs without targets: %v", err)
	}
	for say, text := range map[string]string{
		"line 3: target: ":  "targets:\n  - {service: a, url: http://a:1}\n  - {servise: b, url: http://b:1}\n",
		`"a": every: `:      "targets:\n  - {service: a, url: http://a:1, every: often}\n",
		"targets: yaml":     "targets: 5\n",
		"read the configur": "",
	} {
		write(text)
		path := file
		if text == "" {
			path = file + ".gone"
		}
		if _, err := readTargets(path); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%q: %v, want %q", text, err, say)
		}
	}
	if ts, err := readTargets(""); ts != nil || err != nil {
		t.Errorf("no configuration: %v %v", ts, err)
	}
}
