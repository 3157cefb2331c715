package web

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"tacho/ingest"
	"tacho/ingest/upload"
	"tacho/symbol"
)

// symbolRoutes are the routes of debug files, as cmd/tacho wires them.
func symbolRoutes(t *testing.T) map[string]http.Handler {
	t.Helper()
	s, err := symbol.Open(symbol.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	h := upload.Symbols(upload.SymbolsOptions{Intake: ingest.NewIntake(ingest.IntakeOptions{}), Store: s})
	return map[string]http.Handler{upload.SymbolsPath: h, upload.SymbolsPath + "/": h}
}

// TestDescriptionOfSymbols sends this test's own program, and holds what is
// answered to the description.
func TestDescriptionOfSymbols(t *testing.T) {
	h, doc := strictly(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	call := func(method, path, described string, body []byte, status int) []byte {
		t.Helper()
		r := httptest.NewRequest(method, path, bytes.NewReader(body))
		r.Host = "localhost:7700"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status {
			t.Fatalf("%s %s: %d %.300s, want %d", method, path, w.Code, w.Body, status)
		}
		item := doc.Paths.Value(described)
		err := openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, Route: &routers.Route{Spec: doc, Path: described, PathItem: item, Method: method, Operation: item.GetOperation(method)}},
			Status:                 w.Code, Header: w.Header(), Body: io.NopCloser(bytes.NewReader(w.Body.Bytes())), Options: &openapi3filter.Options{IncludeResponseStatus: true},
		})
		if err != nil {
			t.Errorf("%s %s: the answer is not as described: %v\n%.600s", method, path, err, w.Body)
		}
		return w.Body.Bytes()
	}
	const path, one = "/api/v1/symbols", "/api/v1/symbols/{build_id}"
	var got struct {
		ID        string   `json:"build_id"`
		IDs       []string `json:"build_ids"`
		Module    string
		Functions int
	}
	if err := json.Unmarshal(call("POST", path+"?name=web.test", path, program, 200), &got); err != nil {
		t.Fatal(err)
	}
	if got.ID == "" || got.Module != "web.test" || got.Functions < 1000 || len(got.IDs) < 2 {
		t.Errorf("%+v", got)
	}
	var list struct{ Files []struct{ Module string } }
	if err := json.Unmarshal(call("GET", path, path, nil, 200), &list); err != nil || len(list.Files) != 1 || list.Files[0].Module != "web.test" {
		t.Errorf("%+v, %v", list, err)
	}
	call("DELETE", path+"/nobody", one, nil, 404)
	call("DELETE", path+"/"+got.IDs[0], one, nil, 204) // Go's own have slashes
	call("DELETE", path+"/"+got.IDs[0], one, nil, 404)
	call("POST", path, path, []byte("#!/bin/sh\n"), 415)
}
