package web

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"tacho"
	"tacho/web/pyroscope"
)

// described is the description as a client gets it.
func described(t *testing.T, h http.Handler) *openapi3.T {
	t.Helper()
	w := get(t, h, "/api/v1/openapi.json")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	doc, err := openapi3.NewLoader().LoadFromData(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Components.Schemas {
		strict(s)
	}
	return doc
}

// strict makes a field that is not described a mistake. Clients must bear new
// fields, so the description itself does not say so.
func strict(s *openapi3.SchemaRef) {
	if s == nil || s.Ref != "" || s.Value == nil {
		return
	}
	v := s.Value
	if no := false; len(v.Properties) > 0 && v.AdditionalProperties.Schema == nil {
		v.AdditionalProperties.Has = &no
	}
	for _, p := range v.Properties {
		strict(p)
	}
	strict(v.Items)
	strict(v.AdditionalProperties.Schema)
	for _, list := range []openapi3.SchemaRefs{v.AllOf, v.AnyOf, v.OneOf} {
		for _, p := range list {
			strict(p)
		}
	}
}

// TestOpenAPI asks every described endpoint, and holds the answers, good and
// bad, to what is described.
func TestOpenAPI(t *testing.T) {
	st := sampleData()
	h := newServer(st, func(o *Options) {
		o.Append = func(ctx context.Context, bs []*tacho.Batch) error { return st.Append(ctx, "", bs) }
		o.More = symbolRoutes(t)
	})
	doc := described(t, h)
	const ok = "?service=orders&type=cpu" + minuteOf
	const narrow = "&filter=a&filter=/o/&exclude=x&collapse=recursion&collapse=package:com.&every=10s&keep=5s&match=instance%3D%22a%22"
	report := `{"host":"h","version":"v","started_ms":1,"sink":{"state":"ok"},"targets":[{"pid":7,"service":"s","state":"recording"}]}`
	asked := map[string]bool{
		"POST /api/v1/upload":               true, // the intake's own tests call it
		"DELETE /api/v1/symbols/{build_id}": true, // TestDescriptionOfSymbols does
	}
	for _, c := range []struct{ method, target, body string }{
		{"POST", "/api/v1/agents", report},
		{"GET", "/api/v1/agents", ""},
		{"GET", "/api/v1/services", ""},
		{"GET", "/api/v1/types?service=orders", ""},
		{"GET", "/api/v1/labels?service=orders&type=cpu", ""},
		{"GET", "/api/v1/heatmap" + ok + "&step=5s", ""},
		{"GET", "/api/v1/heatmap" + ok + "&search=price&filter=run&exclude=x&match=instance%3D%22b%22", ""},
		{"GET", "/api/v1/top" + ok + narrow + "&limit=5&sort=total&search=a", ""},
		{"GET", "/api/v1/icicle" + ok + narrow + "&invert=true&depth=3&min_share=0.1", ""},
		{"GET", "/api/v1/icicle" + ok + "&focus=com.acme.Orders.price", ""},
		{"GET", "/api/v1/callers" + ok + narrow + "&function=com.acme.Orders.price", ""},
		{"GET", "/api/v1/diff" + ok + "&base_from=2025-03-03T11:00:00Z&base_until=2025-03-03T12:00:30Z&base_match=instance%3D%22b%22&norm=rate&sort=total&significance=true", ""},
		{"GET", "/api/v1/diff" + ok + narrow + "&limit=1", ""},
		{"GET", "/api/v1/profile" + ok + "&format=json", ""},
		{"GET", "/api/v1/profile" + ok + "&format=collapsed", ""},
		{"GET", "/api/v1/profile" + ok + "&format=svg", ""},
		{"GET", "/api/v1/profile" + ok, ""},
		{"GET", "/api/v1/samples" + ok + "&limit=5000", ""},
		{"GET", "/api/v1/timeline?service=orders&step=10s&name=jvm.&rate=true" + minuteOf, ""},
		{"POST", "/api/v1/events", `{"service":"orders","kind":"deploy","name":"v1","time":"2025-03-03T12:00:30Z"}`},
		{"GET", "/api/v1/events?service=orders&kind=&limit=5" + minuteOf, ""},
		{"POST", "/api/v1/batches", "a batch"},
		{"GET", "/api/v1/symbols", ""},
		{"POST", "/api/v1/symbols?name=shop", "no ELF file"},
		{"GET", "/api/v1/openapi.json", ""},
		{"GET", "/api/v1/top?service=nosuch&type=cpu&from=now-1h", ""}, // errors are described too
		{"GET", "/api/v1/diff" + ok + "&norm=size", ""},
		{"POST", "/api/v1/events", `{}`},
	} {
		path, _, _ := strings.Cut(c.target, "?")
		asked[c.method+" "+path] = true
		op := operation(doc, c.method, path)
		if op == nil {
			t.Errorf("%s %s is not described", c.method, path)
			continue
		}
		u, err := url.Parse(c.target)
		if err != nil {
			t.Fatal(err)
		}
		for name := range u.Query() {
			if op.Parameters.GetByInAndName("query", name) == nil {
				t.Errorf("%s %s: parameter %s is not described", c.method, path, name)
			}
		}
		w := request(t, h, c.method, c.target, strings.NewReader(c.body), "Content-Type", "application/json")
		if err := held(op, w.Code, w.Header().Get("Content-Type"), w.Body.Bytes()); err != "" {
			t.Errorf("%s %s: %d %s: %.600s", c.method, c.target, w.Code, err, w.Body)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if strings.HasPrefix(path, "/api/v1/") && !asked[method+" "+path] {
				t.Errorf("%s %s is described and never asked here", method, path)
			}
		}
	}
}

func operation(doc *openapi3.T, method, path string) *openapi3.Operation {
	if item := doc.Paths.Value(path); item != nil {
		return item.Operations()[method]
	}
	return nil
}

// held says where an answer differs from its description, "" when nowhere.
func held(op *openapi3.Operation, status int, contentType string, body []byte) string {
	res := op.Responses.Status(status)
	if res == nil {
		if res = op.Responses.Default(); res == nil || status < 400 {
			return "this status is not described"
		}
	}
	if len(body) == 0 || len(res.Value.Content) == 0 {
		return ""
	}
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return "Content-Type: " + err.Error()
	}
	content := res.Value.Content.Get(kind)
	if content == nil {
		return "content of type " + kind + " is not described"
	}
	if kind != "application/json" {
		return ""
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err.Error()
	}
	if err := content.Schema.Value.VisitJSON(v); err != nil {
		return err.Error()
	}
	return ""
}

// TestEveryEndpointIsDescribed: a route of this API that is not in the
// description is a mistake.
func TestEveryEndpointIsDescribed(t *testing.T) {
	doc := described(t, newServer(sampleData(), nil))
	s := &server{Options: Options{Store: sampleData(), Agents: NewAgentTable(nil), Ingest: http.NotFoundHandler(),
		Append: func(context.Context, []*tacho.Batch) error { return nil }}, pages: newPages(testPage, nil)}
	var foreign []string // Pyroscope describes its own
	for _, e := range pyroscope.Endpoints() {
		foreign = append(foreign, e.Path)
	}
	n := 0
	for path, rt := range s.routes() {
		if !strings.HasPrefix(path, "/api/v1/") || slices.Contains(foreign, path) {
			continue // pages, health and metrics are no part of the API
		}
		n++
		if rt.get != nil && operation(doc, "GET", path) == nil || rt.post != nil && operation(doc, "POST", path) == nil {
			t.Errorf("%s is not described", path)
		}
	}
	if n < 15 {
		t.Errorf("only %d endpoints looked at", n)
	}
}
