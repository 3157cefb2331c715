package web

import (
	_ "embed"
	"net/http"
)

// The API as OpenAPI 3.1, written by hand; openapi_test.go holds every endpoint
// and its answers to it, and it to every endpoint.
//
//go:embed openapi.json
var openapi []byte

// describe answers GET /api/v1/openapi.json.
func describe(w http.ResponseWriter, r *http.Request) {
	newBody(openapi, "application/json", acceptsGzip(r)).send(w, r)
}
