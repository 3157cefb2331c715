package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"tacho"
	"tacho/query"
	"tacho/store/local"
	"tacho/web"
)

// served is a store with the recordings, behind the real handlers.
type served struct {
	url        string
	until      time.Time // of the seven days
	recordings []*recording
	store      *local.Store
	http       *http.Server
	done       chan error
}

func serve(ctx context.Context, dir string, withPeer bool) (_ *served, err error) {
	peer := ""
	if withPeer {
		if peer, err = installPeer(ctx); err != nil {
			return nil, err
		}
	}
	st, err := local.Open(local.Options{Dir: filepath.Join(dir, "store"), Retention: 9 * 24 * time.Hour, RawRetention: 24 * time.Hour, MinFree: 64 << 20})
	if err != nil {
		return nil, err
	}
	hour := time.Now().UTC().Truncate(time.Hour)
	s := &served{store: st, until: hour, done: make(chan error, 1)}
	s.recordings = []*recording{record("50k", 50_000, hour.Add(-time.Hour)), record("200k", 200_000, hour.Add(-time.Hour))}
	batches := weekOf(hour)
	for _, r := range s.recordings {
		batches = append(batches, r.batches...)
		r.batches = nil
	}
	for len(batches) > 0 {
		n := min(100, len(batches))
		if err := st.Append(ctx, "", batches[:n]); err != nil {
			return nil, errors.Join(fmt.Errorf("fill the store: %w", err), st.Close())
		}
		batches = append([]*tacho.Batch(nil), batches[n:]...)
	}
	mux := http.NewServeMux()
	mux.Handle("/", whole(web.New(web.Options{Query: query.New(st), Store: st})))
	mux.HandleFunc("GET /peer/{$}", peerPage)
	mux.HandleFunc("GET /peer/data/{name}", func(w http.ResponseWriter, r *http.Request) {
		for _, x := range s.recordings {
			if x.name == r.PathValue("name") {
				_ = json.NewEncoder(w).Encode(x.root) // the browser is gone if this fails
				return
			}
		}
		http.NotFound(w, r)
	})
	mux.Handle("GET /peer/lib/", http.StripPrefix("/peer/lib/", http.FileServerFS(os.DirFS(peer))))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen: %w", err), st.Close())
	}
	s.url = "http://" + l.Addr().String()
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

// whole asks for the whole tree, whatever the page asks for: the server leaves
// out what nobody could see, and then there would be nothing to measure.
func whole(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/icicle" {
			q := r.URL.Query()
			q.Set("min_share", "0")
			r.URL.RawQuery = q.Encode()
		}
		h.ServeHTTP(w, r)
	})
}

func (s *served) close() {
	s.http.Close()
	<-s.done
	s.store.Close()
}

// The peer comes from npm into build/page, which is not part of the checkout.
const (
	peerVersion = "4.1.3"
	d3Version   = "7.9.0"
)

func installPeer(ctx context.Context) (string, error) {
	dir := filepath.Join("build", "page")
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "d3-flame-graph", "dist", "d3-flamegraph.js")); err == nil {
		return modules, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", dir, "d3-flame-graph@"+peerVersion, "d3@"+d3Version)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("install d3-flame-graph (-peer-rounds 0 does without): %w\n%s", err, out)
	}
	return modules, nil
}

// peerPage draws what /peer/data says with d3-flame-graph as its README does.
func peerPage(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, `<!doctype html><meta charset="utf-8"><title>d3-flame-graph</title>
<link rel="stylesheet" href="lib/d3-flame-graph/dist/d3-flamegraph.css">
<script src="lib/d3/dist/d3.min.js"></script>
<script src="lib/d3-flame-graph/dist/d3-flamegraph.js"></script>
<div id="chart"></div>
<script>
const chart = flamegraph().width(960).cellHeight(18).inverted(true);
async function draw(name) {
	const data = await (await fetch("data/" + name)).json();
	d3.select("#chart").datum(data).call(chart);
}
</script>`)
}
