package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"tacho"
)

// strictly is the served description made strict: an object whose fields are
// listed has no others. Clients must expect new fields, these tests must not:
// what is answered and not described is a mistake.
func strictly(t *testing.T) (http.Handler, *openapi3.T) {
	t.Helper()
	h := newServer(sampleData(), func(o *Options) {
		o.Append = func(context.Context, []*tacho.Batch) error { return nil }
		o.More = symbolRoutes(t)
	})
	var raw any
	if err := json.Unmarshal(get(t, h, "/api/v1/openapi.json").Body.Bytes(), &raw); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(closed(raw))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		t.Fatal(err)
	}
	return h, doc
}

func closed(v any) any {
	switch x := v.(type) {
	case map[string]any:
		if _, fields := x["properties"].(map[string]any); fields && x["type"] == "object" && x["additionalProperties"] == nil {
			x["additionalProperties"] = false
		}
		for k := range x {
			x[k] = closed(x[k])
		}
	case []any:
		for i := range x {
			x[i] = closed(x[i])
		}
	}
	return v
}

// TestDescriptionOfParameters: every name the handlers read is described, and
// every described name is read.
func TestDescriptionOfParameters(t *testing.T) {
	_, doc := strictly(t)
	read := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	reads := regexp.MustCompile(`p\.(?:text|texts|required|time|matchers|duration|step|count|share|oneOf|yes)\("([a-z_]+)"|p\.q\.(?:Get|Has)\("([a-z_]+)"|p\.q\["([a-z_]+)"\]`)
	for _, f := range files {
		if strings.HasSuffix(f, "_test.go") {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range reads.FindAllStringSubmatch(string(b), -1) {
			read[m[1]+m[2]+m[3]] = true
		}
	}
	if len(read) < 25 {
		t.Errorf("only %d names were found in the source: %v", len(read), read)
	}
	told := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for _, op := range item.Operations() {
			for _, p := range op.Parameters {
				if told[p.Value.Name] = true; path != "/api/v1/upload" && p.Value.In == "query" && !read[p.Value.Name] {
					t.Errorf("%s: %s is described and never read", path, p.Value.Name)
				}
			}
		}
	}
	for name := range read {
		if !told[name] {
			t.Errorf("%s is read and not described", name)
		}
	}
}

// TestDescriptionExamples asks every question twice, with the examples of the
// required parameters and of all, and holds request and answer to the schemas.
func TestDescriptionExamples(t *testing.T) {
	h, doc := strictly(t)
	for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		op := doc.Paths.Value(path).Get
		if op == nil {
			continue
		}
		for _, all := range []bool{false, true} {
			q := url.Values{}
			for _, p := range op.Parameters {
				if p.Value.Example == nil || !p.Value.Required && !all {
					continue
				}
				list, many := p.Value.Example.([]any)
				if !many {
					list = []any{p.Value.Example}
				}
				for _, v := range list {
					q.Add(p.Value.Name, fmt.Sprint(v))
				}
			}
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.URL.RawQuery = q.Encode()
			holdTo(t, h, doc, r, nil, http.StatusOK)
		}
	}
}

func TestDescriptionOfPosts(t *testing.T) {
	h, doc := strictly(t)
	for _, c := range []struct {
		path, body string
		status     int
	}{
		{"/api/v1/events", `{"service":"orders","kind":"deploy","name":"v1.5","time":1741003200,"attrs":{"by":"ci"}}`, 200},
		{"/api/v1/events", `{"service":"nobody","kind":"deploy"}`, 404},
		{"/api/v1/agents", `{"host":"h1","targets":[{"pid":7,"state":"recording"}]}`, 204},
	} {
		r := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/json")
		holdTo(t, h, doc, r, []byte(c.body), c.status)
	}
}

// holdTo holds the request to its description, sends it, and does the same to
// the answer.
func holdTo(t *testing.T, h http.Handler, doc *openapi3.T, r *http.Request, body []byte, status int) {
	t.Helper()
	item := doc.Paths.Value(r.URL.Path)
	in := &openapi3filter.RequestValidationInput{Request: r, Route: &routers.Route{Spec: doc, Path: r.URL.Path, PathItem: item, Method: r.Method, Operation: item.GetOperation(r.Method)}}
	if err := openapi3filter.ValidateRequest(t.Context(), in); err != nil {
		t.Errorf("%s %s: the request is not as described: %v", r.Method, r.URL, err)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.Host = "localhost:7700"
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != status {
		t.Errorf("%s %s: %d %s, want %d", r.Method, r.URL, w.Code, w.Body, status)
		return
	}
	if kind := w.Header().Get("Content-Type"); kind != "" && !strings.Contains(kind, "json") {
		return // files have tests of their own
	}
	err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())), Options: &openapi3filter.Options{IncludeResponseStatus: true},
	})
	if err != nil {
		t.Errorf("%s %s: the answer is not as described: %v\n%.600s", r.Method, r.URL, err, w.Body)
	}
}
