package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tacho/store"
)

func TestBadRequests(t *testing.T) {
	h := newServer(sampleData(), nil)
	const ok = "service=orders&type=cpu" + minuteOf
	for _, c := range []struct {
		target   string
		status   int
		position string
	}{
		{"top?type=cpu" + minuteOf, 400, "service"},
		{"top?service=orders" + minuteOf, 400, "type"},
		{"top?service=orders&type=cpu", 400, "from"},
		{"top?service=orders&type=cpu&from=yesterday", 400, "from"},
		{"top?service=orders&type=cpu&from=now-1h&until=soon", 400, "until"},
		{"top?service=orders&type=cpu&from=now&until=now-1h", 400, "until"},
		{"top?service=orders&type=cpu&from=now&until=now", 400, "until"},
		{"top?service=orders&type=cpu&from=now-401d", 400, "from"},
		{"top?service=orders&type=cpu&from=99999999999999999999", 400, "from"},
		{"top?service=orders&type=cpu&from=now-99999999999999d", 400, "from"},
		{"top?service=orders&type=cpu&from=1.2.3", 400, "from"},
		{"top?" + ok + "&match=instance", 400, "match"},
		{"top?" + ok + "&match=instance%3D~%22(%22", 400, "match"},
		{"top?" + ok + strings.Repeat("&match=a%3Db", 33), 400, "match"},
		{"top?" + ok + "&match=a%3D" + strings.Repeat("x", 20_000), 400, "match"},
		{"top?" + ok + "&limit=0", 400, "limit"},
		{"top?" + ok + "&limit=-1", 400, "limit"},
		{"top?" + ok + "&limit=many", 400, "limit"},
		{"top?" + ok + "&sort=name", 400, "sort"},
		{"top?" + ok + "&search=/(/", 400, "search"},
		{"top?" + ok + "&search=" + strings.Repeat("x", 20_000), 400, "search"},
		{"top?" + ok + "&search=%zz", 400, "query"},
		{"top?" + ok + ";x", 400, "query"},
		{"icicle?" + ok + "&min_share=2", 400, "min_share"},
		{"icicle?" + ok + "&min_share=NaN", 400, "min_share"},
		{"icicle?" + ok + "&depth=-1", 400, "depth"},
		{"callers?" + ok, 400, "function"},
		{"heatmap?" + ok + "&step=1ms", 400, "step"},
		{"heatmap?" + ok + "&step=2h", 400, "step"},
		{"heatmap?" + ok + "&step=60", 400, "step"},
		{"heatmap?" + ok + "&step=-5s", 400, "step"},
		{"heatmap?service=orders&type=cpu&from=now-7d&step=10ms", 400, "step"},
		{"heatmap?" + ok + "&search=/(/", 400, "search"},
		{"heatmap?" + ok + "&search=/[/", 400, "search"},
		{"icicle?" + ok + "&filter=/(/", 400, "filter"},
		{"top?" + ok + "&filter=x&filter=" + strings.Repeat("x", 20_000), 400, "filter"},
		{"top?" + ok + strings.Repeat("&exclude=x", 33), 400, "exclude"},
		{"callers?" + ok + "&function=f&collapse=everything", 400, "collapse"},
		{"icicle?" + ok + "&invert=perhaps", 400, "invert"},
		{"icicle?" + ok + "&every=1h", 400, "keep"},
		{"icicle?" + ok + "&keep=1h", 400, "every"},
		{"icicle?" + ok + "&every=often&keep=5m", 400, "every"},
		{"icicle?" + ok + "&every=10ms&keep=5ms", 400, "every"},
		{"diff?" + ok + "&base_from=tomorrow", 400, "base_from"},
		{"diff?" + ok + "&base_from=now&base_until=now-1h", 400, "base_until"},
		{"diff?" + ok + "&base_from=now-900d", 400, "base_from"},
		{"diff?" + ok + "&base_match=instance", 400, "base_match"},
		{"diff?" + ok + "&norm=size", 400, "norm"},
		{"diff?" + ok + "&sort=p", 400, "sort"},
		{"diff?" + ok + "&significance=very", 400, "significance"},
		{"diff?service=nosuch&type=cpu" + minuteOf, 404, "service"},
		{"diff?service=orders&type=lock" + minuteOf, 404, "type"},
		{"timeline?service=orders&rate=yes" + minuteOf, 400, "rate"},
		{"heatmap?service=nosuch&type=cpu" + minuteOf, 404, "service"},
		{"heatmap?service=orders&type=lock" + minuteOf, 404, "type"},
		{"top?service=nosuch&type=cpu" + minuteOf, 404, "service"},
		{"top?service=orders&type=lock" + minuteOf, 404, "type"},
		{"icicle?service=nosuch&type=cpu" + minuteOf, 404, "service"},
		{"callers?service=nosuch&type=cpu&function=f" + minuteOf, 404, "service"},
		{"samples?service=nosuch&type=cpu" + minuteOf, 404, "service"},
		{"samples?service=orders&type=lock" + minuteOf, 404, "type"},
		{"samples?" + ok + "&limit=999", 413, "limit"},
		{"timeline?service=nosuch" + minuteOf, 404, "service"},
		{"timeline?service=orders&step=25h" + minuteOf, 400, "step"},
		{"events?service=nosuch" + minuteOf, 404, "service"},
		{"types?service=nosuch", 404, "service"},
		{"types", 400, "service"},
		{"labels?service=nosuch", 404, "service"},
		{"labels?service=%1b%5b31m", 404, "service"},
	} {
		w := get(t, h, "/api/v1/"+c.target)
		var e struct{ Error, Detail, Position string }
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
			t.Errorf("%s: %v in %s", c.target, err, w.Body)
			continue
		}
		if w.Code != c.status || e.Position != c.position || e.Error == "" {
			t.Errorf("%s: %d %+v, want %d at %q", c.target, w.Code, e, c.status, c.position)
		}
		if len(e.Error) > 400 || strings.Contains(e.Error, "\x1b") {
			t.Errorf("%s: the error repeats what was sent: %q", c.target, e.Error)
		}
	}
}

// Every answer, good or bad, carries the headers that keep the page safe.
func TestHeadersOnEveryAnswer(t *testing.T) {
	h := newServer(sampleData(), nil)
	for _, target := range []string{"/", "/r/x", "/agents", "/assets/app.js", "/api/v1/services", "/api/v1/top", "/nothing", "/metrics", "/healthz", "/readyz"} {
		head := get(t, h, target).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
			"X-Content-Type-Options":  "nosniff",
			"Referrer-Policy":         "no-referrer",
			"Server":                  "tacho/test",
		} {
			if got := head.Get(name); got != want {
				t.Errorf("GET %s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
}

func TestMethods(t *testing.T) {
	h := newServer(sampleData(), nil)
	for _, c := range []struct {
		method, target, allow string
		status                int
	}{
		{"POST", "/api/v1/top", "GET, HEAD", 405},
		{"DELETE", "/api/v1/services", "GET, HEAD", 405},
		{"GET", "/api/v1/batches", "POST", 405},
		{"PUT", "/api/v1/agents", "GET, HEAD, POST", 405},
		{"POST", "/", "GET, HEAD", 405},
		{"OPTIONS", "/api/v1/services", "GET, HEAD", 405},
		{"POST", "/nothing", "", 404},
	} {
		w := request(t, h, c.method, c.target, nil)
		if w.Code != c.status || w.Header().Get("Allow") != c.allow || !strings.HasPrefix(w.Body.String(), `{"error":`) {
			t.Errorf("%s %s: %d Allow %q %s, want %d %q", c.method, c.target, w.Code, w.Header().Get("Allow"), w.Body, c.status, c.allow)
		}
	}
	if w := request(t, h, "POST", "/api/v1/batches", strings.NewReader("bytes")); w.Code != 200 || w.Body.String() != "bytes" {
		t.Errorf("batches: %d %s", w.Code, w.Body)
	}
}

func TestOriginAndHost(t *testing.T) {
	for _, c := range []struct {
		name, listen, method string
		header               []string
		status               int
	}{
		{"a program", "127.0.0.1:7700", "POST", nil, 200},
		{"own page", "127.0.0.1:7700", "POST", []string{"Origin", "http://localhost:7700", "Sec-Fetch-Site", "same-origin"}, 200},
		{"own page, old browser", "127.0.0.1:7700", "POST", []string{"Origin", "http://localhost:7700"}, 200},
		{"another site", "127.0.0.1:7700", "POST", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}, 403},
		{"another site, old browser", "127.0.0.1:7700", "POST", []string{"Origin", "https://evil.example"}, 403},
		{"another port", "127.0.0.1:7700", "POST", []string{"Origin", "http://localhost:3000", "Sec-Fetch-Site", "same-site"}, 403},
		{"sandboxed frame", "127.0.0.1:7700", "POST", []string{"Origin", "null"}, 403},
		{"rebound name", "127.0.0.1:7700", "GET", []string{"Host", "evil.example:7700"}, 403},
		{"rebound name, default listener", "", "GET", []string{"Host", "evil.example"}, 403},
		{"rebound name, localhost listener", "localhost:7700", "GET", []string{"Host", "localhost.evil.example"}, 403},
		{"rebound name, IPv6 listener", "[::1]:7700", "GET", []string{"Host", "evil.example"}, 403},
		{"localhost", "127.0.0.1:7700", "GET", []string{"Host", "LOCALHOST."}, 404},
		{"127.0.0.1", "127.0.0.1:7700", "GET", []string{"Host", "127.0.0.1:7700"}, 404},
		{"IPv6", "127.0.0.1:7700", "GET", []string{"Host", "[::1]:7700"}, 404},
		{"IPv6 without port", "127.0.0.1:7700", "GET", []string{"Host", "[::1]"}, 404},
		{"another number", "127.0.0.1:7700", "GET", []string{"Host", "10.0.0.1:7700"}, 403},
		{"a configured name", "127.0.0.1:7700", "GET", []string{"Host", "Tacho.example:443"}, 404},
		{"any name on an open listener", "0.0.0.0:7700", "GET", []string{"Host", "anything.example"}, 404},
		{"any name on all interfaces", ":7700", "GET", []string{"Host", "anything.example"}, 404},
		{"no name (HTTP/1.0)", "127.0.0.1:7700", "GET", []string{"Host", ""}, 404},
	} {
		h := newServer(sampleData(), func(o *Options) { o.Listen, o.Hosts = c.listen, []string{"tacho.example"} })
		target := "/api/v1/batches"
		if c.method == "GET" {
			target = "/nothing" // 404 is past the guard
		}
		if w := request(t, h, c.method, target, nil, c.header...); w.Code != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.status)
		}
	}
}

// Over a Unix socket the host name means nothing.
func TestUnixSocketHost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(newServer(sampleData(), nil))
	srv.Listener = l
	srv.Start()
	defer srv.Close()
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	res, err := c.Get("http://tacho/healthz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestAgentReports(t *testing.T) {
	h := newServer(sampleData(), nil)
	for _, c := range []struct {
		body     string
		status   int
		position string
	}{
		{`{"host":"h"`, 400, "11"},
		{`{"host":7}`, 400, "host"},
		{`[]`, 400, "body"},
		{`{}`, 400, "host"},
		{`{"host":"` + strings.Repeat("h", 1<<20) + `"}`, 413, ""},
		{`{"host":"h","more":"fields may be added"}`, 204, ""},
	} {
		w := request(t, h, "POST", "/api/v1/agents", strings.NewReader(c.body))
		var e struct{ Position string }
		if w.Code != 204 {
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
				t.Fatal(err)
			}
		}
		if w.Code != c.status || e.Position != c.position {
			t.Errorf("%.40s: %d %s, want %d at %q", c.body, w.Code, w.Body, c.status, c.position)
		}
	}
}

func TestPanicIsAnAnswer(t *testing.T) {
	st := sampleData()
	st.before = func(context.Context) error { panic("the store is on fire") }
	var log bytes.Buffer
	h := newServer(st, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	w := get(t, h, "/api/v1/services")
	if w.Code != 500 || !strings.HasPrefix(w.Body.String(), `{"error":"the server made a mistake`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if n := strings.Count(log.String(), "the store is on fire"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
	// The place in line was given back.
	st.before = nil
	for range 10 {
		if w := get(t, h, "/api/v1/services"); w.Code != 200 {
			t.Fatalf("after a panic: %d %s", w.Code, w.Body)
		}
	}
}

// A panic after half an answer cuts the connection.
func TestPanicMidway(t *testing.T) {
	h := newServer(sampleData(), func(o *Options) {
		o.Ingest = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(200)
			panic("midway")
		})
	})
	defer func() {
		if p := recover(); p != http.ErrAbortHandler {
			t.Errorf("recovered %v, want http.ErrAbortHandler", p)
		}
	}()
	request(t, h, "POST", "/api/v1/batches", nil)
	t.Error("the handler returned")
}

func TestStoreErrors(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		logged bool
	}{
		{store.ErrUnknownService, 404, false},
		{store.ErrReadOnly, 503, false},
		{context.DeadlineExceeded, 503, false},
		{errors.New("block 7 cannot be read"), 500, true},
	} {
		st := sampleData()
		st.before = func(context.Context) error { return c.err }
		var log bytes.Buffer
		h := newServer(st, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		w := get(t, h, "/api/v1/top?service=orders&type=cpu"+minuteOf)
		if w.Code != c.status || (log.Len() > 0) != c.logged {
			t.Errorf("%v: %d %s, logged %q", c.err, w.Code, w.Body, log.String())
		}
		if (w.Header().Get("Retry-After") != "") != (c.status == 503) {
			t.Errorf("%v: Retry-After %q", c.err, w.Header().Get("Retry-After"))
		}
	}
}

// A client that hangs up stops its question; nobody is told, and it counts as
// neither an error of the server nor a success.
func TestHangUp(t *testing.T) {
	st := sampleData()
	ctx, cancel := context.WithCancel(context.Background())
	st.before = func(ctx context.Context) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}
	var log bytes.Buffer
	h := newServer(st, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	r := httptest.NewRequest("GET", "/api/v1/top?service=orders&type=cpu"+minuteOf, nil).WithContext(ctx)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 499 || log.Len() > 0 {
		t.Errorf("%d %s, logged %q", w.Code, w.Body, log.String())
	}
}

// Questions beyond the bound wait ten seconds and are then sent away; lists and
// health do not wait behind them. Time here is synctest's.
func TestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := sampleData()
		var busy sync.WaitGroup
		release := make(chan struct{})
		st.before = func(ctx context.Context) error {
			<-release
			return nil
		}
		h := newServer(st, func(o *Options) { o.MaxConcurrentQueries = 2 })
		target := "/api/v1/top?service=orders&type=cpu" + minuteOf
		for range 2 {
			busy.Go(func() {
				if w := get(t, h, target); w.Code != 200 {
					t.Errorf("a question with a place: %d", w.Code)
				}
			})
		}
		synctest.Wait()
		start := time.Now()
		w := get(t, h, target)
		if waited := time.Since(start); w.Code != 503 || w.Header().Get("Retry-After") != "5" || waited != 10*time.Second {
			t.Errorf("%d after %v, Retry-After %q; want 503 after 10s", w.Code, waited, w.Header().Get("Retry-After"))
		}
		if w := get(t, h, "/api/v1/agents"); w.Code != 200 {
			t.Errorf("agents behind busy questions: %d", w.Code)
		}
		if w := get(t, h, "/readyz"); w.Code != 200 || time.Since(start) != 10*time.Second {
			t.Errorf("health behind busy questions: %d", w.Code)
		}
		// One that waits gets the place that becomes free.
		busy.Go(func() {
			if w := get(t, h, target); w.Code != 200 {
				t.Errorf("a question that waited: %d", w.Code)
			}
		})
		synctest.Wait()
		close(release)
		busy.Wait()
	})
}

func TestAgentTable(t *testing.T) {
	now := base
	table := NewAgentTable(func() time.Time { return now })
	report := func(host string, started int64) {
		t.Helper()
		if err := table.Report(agent(host, started)); err != nil {
			t.Fatal(err)
		}
	}
	hosts := func() string {
		var out []string
		for _, a := range table.List() {
			out = append(out, a.Host+string(rune('0'+a.StartedMS)))
		}
		return strings.Join(out, " ")
	}
	report("b", 1)
	report("a", 1)
	report("a", 1)
	if got := hosts(); got != "a1 b1" {
		t.Errorf("two agents: %s", got)
	}
	report("a", 2)
	if got := hosts(); got != "a2 b1" {
		t.Errorf("after a restart on a: %s", got)
	}
	report("a", 1) // it was alive after all: two agents on one host
	report("a", 2)
	if got := hosts(); got != "a1 a2 b1" {
		t.Errorf("two agents on a: %s", got)
	}
	now = now.Add(4 * time.Minute)
	report("b", 1)
	now = now.Add(61 * time.Second)
	if got := hosts(); got != "b1" {
		t.Errorf("five minutes later: %s", got)
	}
	for i := range 1000 {
		_ = table.Report(agent("many", int64(i))) // each new run replaces the one before
	}
	for i := range 1000 {
		_ = table.Report(agent("host"+strings.Repeat("x", i), 1))
	}
	if n := len(table.List()); n != 1000 {
		t.Errorf("the table holds %d agents, want 1000", n)
	}
	if err := table.Report(agent("one more", 1)); asError(context.Background(), err).Status != 429 {
		t.Errorf("a full table: %v", err)
	}
}

// The whole way over a real connection, with a slow reader.
func TestOverTheWire(t *testing.T) {
	srv := httptest.NewServer(newServer(sampleData(), func(o *Options) { o.Listen = "127.0.0.1:0" }))
	defer srv.Close()
	res, err := srv.Client().Get(srv.URL + "/api/v1/samples?service=orders&type=cpu" + minuteOf)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || !json.Valid(b) || !res.Uncompressed {
		t.Errorf("%v, %d bytes, uncompressed by the transport: %v", err, len(b), res.Uncompressed)
	}
}
