package web

import (
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
)

// dist is the built page; `go run ./web/uibuild` writes it.
//
//go:embed dist
var dist embed.FS

// pages is the files of the page, read and compressed once.
type pages struct{ files map[string]*body }

func newPages(assets fs.FS, log *slog.Logger) *pages {
	if assets == nil {
		sub, err := fs.Sub(dist, "dist")
		if err != nil { // "dist" is a valid name
			log.Error("the embedded page cannot be opened", "error", err)
			return &pages{}
		}
		assets = sub
	}
	p := &pages{files: map[string]*body{}}
	err := fs.WalkDir(assets, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(assets, name)
		if err != nil {
			return err
		}
		p.files[name] = newBody(b, contentType(name), true)
		return nil
	})
	if err != nil {
		log.Error("the page cannot be read whole", "error", err)
	}
	return p
}

// index serves the one HTML file whatever the address: the page's own code
// reads the address.
func (p *pages) index() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.send(w, r, "index.html") })
}

// asset serves /assets/NAME. Names are looked up among the files read at the
// start: no path reaches the file system.
func (p *pages) asset(w http.ResponseWriter, r *http.Request) {
	p.send(w, r, strings.TrimPrefix(r.URL.Path, "/assets/"))
}

func (p *pages) send(w http.ResponseWriter, r *http.Request, name string) {
	b, ok := p.files[name]
	if !ok {
		writeError(w, r, &Error{Status: http.StatusNotFound, Message: "the page has no such file"})
		return
	}
	b.send(w, r)
}

// contentType is fixed here: the host's table of types is not the same twice.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".woff2":
		return "font/woff2"
	case ".json", ".map":
		return "application/json"
	}
	return "application/octet-stream"
}
