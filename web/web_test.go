package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tacho/query"
	"tacho/store"
)

var update = flag.Bool("update", false, "write the golden files")

var testPage = fstest.MapFS{
	"index.html": {Data: []byte("<!doctype html><title>test page</title>")},
	"app.js":     {Data: []byte(strings.Repeat("export const a = 1;\n", 200))},
}

// newServer makes the handler over a store with the test page and clock.
func newServer(st store.Store, change func(*Options)) http.Handler {
	now := func() time.Time { return base.Add(90 * time.Second) }
	reg := prometheus.NewRegistry()
	o := Options{
		Query: query.New(st), Store: st, Assets: testPage, Now: now, Version: "test", Agents: NewAgentTable(now),
		Registerer: reg, Metrics: promhttp.HandlerFor(reg, promhttp.HandlerOpts{}),
		Ingest: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }),
	}
	if change != nil {
		change(&o)
	}
	return New(o)
}

func get(t *testing.T, h http.Handler, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return request(t, h, http.MethodGet, target, nil, header...)
}

func request(t *testing.T, h http.Handler, method, target string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, target, body)
	r.Host = "localhost:7700"
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const minuteOf = "&from=2025-03-03T12:00:00Z&until=2025-03-03T12:01:00Z"

// TestGolden holds the bodies of all answers to testdata, byte for byte.
func TestGolden(t *testing.T) {
	h := newServer(sampleData(), nil)
	report := `{"host":"h1","version":"0.1","started_ms":1,"sink":{"state":"ok"},"targets":[{"pid":7,"service":"orders","state":"recording"}]}`
	if w := request(t, h, http.MethodPost, "/api/v1/agents", strings.NewReader(report)); w.Code != http.StatusNoContent {
		t.Fatalf("agent report: %d %s", w.Code, w.Body)
	}
	evil := url.QueryEscape("evil//../" + evilName)
	for name, target := range map[string]string{
		"services":        "/api/v1/services",
		"types":           "/api/v1/types?service=orders",
		"labels":          "/api/v1/labels?service=orders",
		"heatmap":         "/api/v1/heatmap?service=orders&type=cpu&step=5s" + minuteOf,
		"heatmap-minutes": "/api/v1/heatmap?service=orders&type=wall&from=2025-03-03T11:58:30Z&until=2025-03-03T12:02:10Z",
		"heatmap-clean":   "/api/v1/heatmap?service=idle&type=cpu&step=1m" + minuteOf,
		"top":             "/api/v1/top?service=orders&type=wall" + minuteOf,
		"top-search":      "/api/v1/top?service=orders&type=wall&search=PRICE&limit=1&sort=total" + minuteOf,
		"top-match":       "/api/v1/top?service=orders&type=cpu&match=instance%3D%22a%22&match=thread_group%3D~%22http.*%22" + minuteOf,
		"top-nothing":     "/api/v1/top?service=orders&type=cpu&from=now-7d&until=now-6d",
		"top-hostile":     "/api/v1/top?service=" + evil + "&type=cpu" + minuteOf,
		"icicle":          "/api/v1/icicle?service=orders&type=wall" + minuteOf,
		"icicle-focus":    "/api/v1/icicle?service=orders&type=wall&focus=com.acme.Orders.price" + minuteOf,
		"icicle-pruned":   "/api/v1/icicle?service=orders&type=wall&min_share=0.5&depth=1" + minuteOf,
		"icicle-hostile":  "/api/v1/icicle?service=" + evil + "&type=cpu" + minuteOf,
		"top-narrow":      "/api/v1/top?service=orders&type=wall&filter=ORDERS&exclude=com.acme.Orders.save&collapse=package:java." + minuteOf,
		"icicle-invert":   "/api/v1/icicle?service=orders&type=wall&invert=true&filter=/pri|sav/" + minuteOf,
		"icicle-collapse": "/api/v1/icicle?service=orders&type=wall&collapse=package:com.&collapse=recursion" + minuteOf,
		"icicle-rhythm":   "/api/v1/icicle?service=orders&type=cpu&every=10s&keep=1s" + minuteOf,
		"diff":            "/api/v1/diff?service=orders&type=wall&base_from=2025-03-03T11:59:40Z&base_until=2025-03-03T12:00:20Z&norm=rate" + minuteOf,
		"diff-instances":  "/api/v1/diff?service=orders&type=cpu&match=instance%3D%22a%22&base_match=instance%3D%22b%22&significance=true&limit=1" + minuteOf,
		"diff-nothing":    "/api/v1/diff?service=orders&type=cpu&base_from=now-3d&base_until=now-2d&significance=true&from=now-7d&until=now-6d",
		"heatmap-search":  "/api/v1/heatmap?service=orders&type=wall&step=10s&search=SAVE" + minuteOf,
		"heatmap-narrow":  "/api/v1/heatmap?service=orders&type=wall&step=10s&filter=ORDERS&exclude=com.acme.Orders.price" + minuteOf,
		"timeline-rate":   "/api/v1/timeline?service=orders&step=10s&rate=true" + minuteOf,
		"callers":         "/api/v1/callers?service=orders&type=wall&function=com.acme.Orders.save" + minuteOf,
		"samples":         "/api/v1/samples?service=orders&type=wall&from=1741003200&until=1741003201",
		"samples-nothing": "/api/v1/samples?service=idle&type=cpu" + minuteOf,
		"timeline":        "/api/v1/timeline?service=orders&step=10s&name=jvm." + minuteOf,
		"events":          "/api/v1/events?service=orders&kind=gc." + minuteOf,
		"events-limit":    "/api/v1/events?service=orders&limit=1" + minuteOf,
		"agents":          "/api/v1/agents",
	} {
		t.Run(name, func(t *testing.T) {
			w := get(t, h, target)
			if w.Code != http.StatusOK {
				t.Fatalf("GET %s: %d %s", target, w.Code, w.Body)
			}
			if ct := w.Header().Get("Content-Type"); ct != "application/json" {
				t.Errorf("Content-Type %q", ct)
			}
			// An array that could be null is a mistake the page would trip over.
			for _, field := range []string{"rows", "cells", "missing", "services", "series", "events", "strings", "stacks", "threads"} {
				if bytes.Contains(w.Body.Bytes(), []byte(`"`+field+`":null`)) {
					t.Errorf("%s is null: %s", field, w.Body)
				}
			}
			path := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(path, w.Body.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(w.Body.Bytes(), want) {
				t.Errorf("GET %s\ngot:  %s\nwant: %s", target, w.Body, want)
			}
		})
	}
}

// The numbers, stated: 2 instances, 50 recorded seconds of 10 samples of 20 ms.
func TestNumbers(t *testing.T) {
	h := newServer(sampleData(), nil)
	var v struct {
		Total   int64
		Seconds float64
		Rows    []struct {
			Function, Kind string
			Line           int
			Self, Total    int64
		}
	}
	decode(t, get(t, h, "/api/v1/top?service=orders&type=cpu"+minuteOf), &v)
	if v.Total != 20_000_000_000 || v.Seconds != 50 || len(v.Rows) != 2 {
		t.Fatalf("total %d in %v s, %d rows; want 20000000000 in 50 s, 2 rows", v.Total, v.Seconds, len(v.Rows))
	}
	if r := v.Rows[0]; r.Function != "com.acme.Orders.price" || r.Self != v.Total || r.Line != 120 || r.Kind != "jit" {
		t.Errorf("first row %+v", r)
	}
	var heat struct {
		From  int64    `json:"from_ms"`
		Cells []*int64 `json:"cells"`
		Demo  *int64   `json:"demo_until_ms"`
	}
	decode(t, get(t, h, "/api/v1/heatmap?service=orders&type=cpu&step=10s"+minuteOf), &heat)
	if heat.From != base.UnixMilli() || len(heat.Cells) != 6 || heat.Cells[3] != nil || *heat.Cells[0] != 4_000_000_000 {
		t.Errorf("heat map %+v", heat)
	}
	if heat.Demo == nil || *heat.Demo != base.Add(time.Minute).UnixMilli() {
		t.Errorf("demo_until_ms %v, want %d", heat.Demo, base.Add(time.Minute).UnixMilli())
	}
	var services struct {
		Services []struct {
			Name      string
			Demo      bool
			Instances []struct{ Live bool }
			Strip     struct{ Cells []*int64 }
		}
	}
	decode(t, get(t, h, "/api/v1/services"), &services)
	if len(services.Services) != 3 || services.Services[2].Name != "orders" || !services.Services[2].Demo || !services.Services[2].Instances[0].Live {
		t.Errorf("services %+v", services)
	}
	if c := services.Services[2].Strip.Cells; len(c) != 24 || c[22] != nil || *c[23] != 20_000_000_000 {
		t.Errorf("strip %v", c)
	}
}

// Of the 20 s before the last 10 s, ten have samples of an instance, ten a second.
func TestServicesSayHowManySamplesCome(t *testing.T) {
	h := newServer(sampleData(), func(o *Options) { o.Now = func() time.Time { return base.Add(50 * time.Second) } })
	var v struct {
		Services []struct {
			Name      string
			Instances []struct {
				Instance string
				Cells    []*int64
				Samples  *float64 `json:"samples_per_s"`
			}
		}
	}
	decode(t, get(t, h, "/api/v1/services"), &v)
	in := v.Services[2].Instances
	if v.Services[2].Name != "orders" || len(in) != 2 || *in[0].Samples != 5 || len(in[1].Cells) != 24 || *in[1].Cells[23] != 10_000_000_000 || in[1].Cells[0] != nil {
		t.Errorf("%+v", v.Services[2])
	}
	h = newServer(sampleData(), func(o *Options) { o.Now = func() time.Time { return base.Add(time.Hour) } })
	decode(t, get(t, h, "/api/v1/services"), &v)
	if in := v.Services[2].Instances; in[0].Samples != nil {
		t.Errorf("%v samples a second of an instance that is gone", *in[0].Samples)
	}
}

func decodeAny(t *testing.T, w *httptest.ResponseRecorder, v any) {
	t.Helper()
	if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
}

func decode(t *testing.T, w *httptest.ResponseRecorder, v any) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
}

func TestCompressionAndTags(t *testing.T) {
	h := newServer(sampleData(), nil)
	target := "/api/v1/samples?service=orders&type=cpu" + minuteOf
	plain := get(t, h, target)
	packed := get(t, h, target, "Accept-Encoding", "br, gzip;q=0.5")
	if packed.Header().Get("Content-Encoding") != "gzip" || packed.Body.Len() >= plain.Body.Len() {
		t.Fatalf("not compressed: %d of %d bytes, %v", packed.Body.Len(), plain.Body.Len(), packed.Header())
	}
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := io.ReadAll(z); err != nil || !bytes.Equal(b, plain.Body.Bytes()) {
		t.Errorf("unpacks to something else: %v", err)
	}
	if w := get(t, h, target, "Accept-Encoding", "gzip;q=0"); w.Header().Get("Content-Encoding") != "" {
		t.Error("compressed for a client that refuses gzip")
	}
	if w := get(t, h, "/api/v1/types?service=orders", "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "" {
		t.Error("compressed an answer of one packet")
	}
	etag := plain.Header().Get("ETag")
	if !strings.HasPrefix(etag, `W/"`) || plain.Header().Get("Vary") != "Accept-Encoding" {
		t.Errorf("headers %v", plain.Header())
	}
	w := get(t, h, target, "If-None-Match", `"other", `+etag)
	if w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("known tag: %d with %d bytes", w.Code, w.Body.Len())
	}
	if w := get(t, h, target+"&limit=2000", "If-None-Match", `"other"`); w.Code != http.StatusOK {
		t.Errorf("unknown tag: %d", w.Code)
	}
	w = request(t, h, http.MethodHead, target, nil)
	if w.Code != http.StatusOK || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "0" {
		t.Errorf("HEAD: %d with %d bytes, %v", w.Code, w.Body.Len(), w.Header())
	}
}

func TestPage(t *testing.T) {
	h := newServer(sampleData(), nil)
	for _, target := range []string{"/", "/agents", "/files", "/r/orders", "/cmp/orders", "/tl/orders", "/r/a%2F%2Fb/..", "/r/" + url.PathEscape(evilName)} {
		w := get(t, h, target)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "test page") || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			t.Errorf("GET %s: %d %s", target, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "script>\x1b") {
			t.Errorf("GET %s repeats its address", target)
		}
	}
	w := get(t, h, "/assets/app.js", "Accept-Encoding", "gzip")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" || w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("asset: %d %v", w.Code, w.Header())
	}
	for _, target := range []string{"/assets/", "/assets/../web.go", "/assets/%2e%2e/web.go", "/assets/none.js", "/x", "/api/v1/nothing", "/api/v1/top/"} {
		if w := get(t, h, target); w.Code != http.StatusNotFound || !strings.HasPrefix(w.Body.String(), `{"error":`) {
			t.Errorf("GET %s: %d %s, want a 404 in JSON", target, w.Code, w.Body)
		}
	}
}

// The page that is built in is there, and needs nothing the policy forbids.
func TestEmbeddedPage(t *testing.T) {
	h := newServer(sampleData(), func(o *Options) { o.Assets = nil })
	w := get(t, h, "/")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "/assets/app.js") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for _, inline := range []string{"<style", "style=", "onload=", "javascript:", "<script>"} {
		if strings.Contains(w.Body.String(), inline) {
			t.Errorf("index.html has %s, which the policy forbids", inline)
		}
	}
	for _, name := range []string{"app.js", "app.css"} {
		if w := get(t, h, "/assets/"+name); w.Code != http.StatusOK {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

func TestHealthAndMetrics(t *testing.T) {
	var sick error
	h := newServer(sampleData(), func(o *Options) { o.Ready = func() error { return sick } })
	health := Health(func() error { return sick })
	for _, x := range []http.Handler{h, health} {
		sick = nil
		if w := get(t, x, "/healthz"); w.Code != http.StatusOK || w.Body.String() != "ok\n" {
			t.Errorf("healthz: %d %q", w.Code, w.Body)
		}
		if w := get(t, x, "/readyz"); w.Code != http.StatusOK {
			t.Errorf("readyz: %d", w.Code)
		}
		sick = store.ErrFull
		if w := get(t, x, "/readyz"); w.Code != http.StatusServiceUnavailable || w.Body.String() != "store is full\n" {
			t.Errorf("readyz of a full store: %d %q", w.Code, w.Body)
		}
		if w := get(t, x, "/healthz"); w.Code != http.StatusOK {
			t.Errorf("healthz of a full store: %d", w.Code)
		}
	}
	get(t, h, "/api/v1/top?service=orders")
	get(t, h, "/no/such/address/"+url.PathEscape(evilName))
	text := get(t, h, "/metrics").Body.String()
	for _, want := range []string{
		`tacho_http_request_duration_seconds_count{code="400",endpoint="top"} 1`,
		`tacho_http_request_duration_seconds_count{code="404",endpoint="unknown"} 1`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("metrics lack %s:\n%s", want, text)
		}
	}
}

func TestTwoServersOneRegistry(t *testing.T) {
	reg := prometheus.NewRegistry()
	var log bytes.Buffer
	for range 2 {
		h := newServer(sampleData(), func(o *Options) { o.Registerer, o.Log = reg, slog.New(slog.NewTextHandler(&log, nil)) })
		get(t, h, "/healthz")
	}
	if log.Len() > 0 {
		t.Errorf("logged: %s", log.String())
	}
}
