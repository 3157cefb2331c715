package web

import (
	"io"
	"net/http"
)

// Health is the handler of the health listener: /healthz is 200 while the
// process answers at all, /readyz while ready returns nil. It shares nothing
// with New's handler, takes no lock and waits in no line, so it answers while
// every question and every batch is stuck; ready must keep to the same rule.
func Health(ready func() error) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", alive)
	mux.Handle("GET /readyz", readiness(ready))
	return mux
}

func alive(w http.ResponseWriter, r *http.Request) { plain(w, http.StatusOK, "ok") }

func readiness(ready func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ready != nil {
			if err := ready(); err != nil {
				plain(w, http.StatusServiceUnavailable, err.Error())
				return
			}
		}
		plain(w, http.StatusOK, "ok")
	})
}

func plain(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n") // an error here is the client's hanging up
}
