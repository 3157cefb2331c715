package main

import (
	"bytes"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/pprof/profile"
	sdk "github.com/grafana/pyroscope-go"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/querier/v1/querierv1connect"

	"tacho/internal/jvmtest"
)

// TestNodeSDK: a Node program with @pyroscope/nodejs, unchanged, sends to
// Tacho, and Pyroscope's client reads the same values from it.
func TestNodeSDK(t *testing.T) {
	modules, err := filepath.Abs("../../build/programs/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, "@pyroscope/nodejs")); err != nil {
		t.Fatalf("no @pyroscope/nodejs (%v): run `.ci/deps programs node`", err)
	}
	s := readAlong(t)
	node := exec.CommandContext(t.Context(), "node", "testdata/burn.js", s.proxy, "2000")
	node.Env = append(node.Environ(), "NODE_PATH="+modules)
	if out, err := node.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("stopped true")) {
		t.Fatalf("node: %v\n%s", err, out)
	}
	s.compare(t, `{service_name="shop", region="eu", instance="node-1"}`, map[string]string{
		"samples": "process_cpu:samples:count:cpu:nanoseconds", "cpu": "process_cpu:cpu:nanoseconds:cpu:nanoseconds", "wall": "wall:wall:nanoseconds:wall:nanoseconds",
		"inuse_space": "memory:inuse_space:bytes:space:bytes", "inuse_objects": "memory:inuse_objects:count:space:bytes",
	})
}

// TestGoSDK: the same of a Go program with pyroscope-go, this one.
func TestGoSDK(t *testing.T) {
	s := readAlong(t)
	p, err := sdk.Start(sdk.Config{ApplicationName: "checkout", ServerAddress: s.proxy, UploadRate: 500 * time.Millisecond, Tags: map[string]string{"region": "eu"},
		ProfileTypes: []sdk.ProfileType{sdk.ProfileCPU, sdk.ProfileAllocObjects, sdk.ProfileAllocSpace, sdk.ProfileInuseObjects, sdk.ProfileInuseSpace, sdk.ProfileGoroutines}})
	if err != nil {
		t.Fatal(err)
	}
	var held [][]byte
	for end := time.Now().Add(1200 * time.Millisecond); time.Now().Before(end); {
		burnProcessor()
		held = append(held, make([]byte, 64<<10))
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(held)
	s.compare(t, `{service_name="checkout", region="eu"}`, map[string]string{
		"cpu": "process_cpu:cpu:nanoseconds:cpu:nanoseconds", "samples": "process_cpu:samples:count:cpu:nanoseconds", "goroutine": "goroutine:goroutine:count:goroutine:count",
		"alloc_space": "memory:alloc_space:bytes:space:bytes", "alloc_objects": "memory:alloc_objects:count:space:bytes",
		"inuse_space": "memory:inuse_space:bytes:space:bytes", "inuse_objects": "memory:inuse_objects:count:space:bytes",
	})
}

//go:noinline
func burnProcessor() (x float64) {
	for i := range 200_000 {
		x += math.Sqrt(float64(i))
	}
	return x
}

// readAlong starts the server, and a proxy before it that reads along.
func readAlong(t *testing.T) *sentProfiles {
	t.Helper()
	port := jvmtest.FreePort(t)
	server(t, port, t.TempDir())
	to, err := url.Parse("http://" + jvmtest.Addr(port))
	if err != nil {
		t.Fatal(err)
	}
	s := &sentProfiles{server: to.String(), forward: httputil.NewSingleHostReverseProxy(to), began: time.Now(), sums: map[string]int64{}}
	proxy := httptest.NewServer(s)
	t.Cleanup(proxy.Close)
	s.proxy = proxy.URL
	return s
}

// compare reads everything back with Pyroscope's client: the totals of all
// types, by id, and the processor time of one function.
func (s *sentProfiles) compare(t *testing.T, selector string, ids map[string]string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.bad) > 0 || s.burned == 0 {
		t.Fatalf("sent %v, of it %d in burnProcessor; %q", s.sums, s.burned, s.bad)
	}
	c := querierv1connect.NewQuerierServiceClient(http.DefaultClient, s.server)
	ask := func(id string) *querierv1.FlameGraph {
		res, err := c.SelectMergeStacktraces(t.Context(), connect.NewRequest(&querierv1.SelectMergeStacktracesRequest{
			ProfileTypeID: id, LabelSelector: selector, Start: s.began.Add(-time.Minute).UnixMilli(), End: time.Now().Add(time.Minute).UnixMilli()}))
		if err != nil {
			t.Fatal(err)
		}
		return res.Msg.Flamegraph
	}
	for typ, id := range ids {
		if got := ask(id).Total; got != s.sums[typ] || got == 0 {
			t.Errorf("%s: sent %d, read %d as %s", typ, s.sums[typ], got, id)
		}
	}
	for typ := range s.sums {
		if ids[typ] == "" {
			t.Errorf("a type %s was sent that nobody asked back", typ)
		}
	}
	var self int64
	g := ask(ids["cpu"])
	for _, l := range g.Levels {
		for i := 0; i+3 < len(l.Values); i += 4 {
			if strings.Contains(g.Names[l.Values[i+3]], "burnProcessor") {
				self += l.Values[i+2]
			}
		}
	}
	if self != s.burned {
		t.Errorf("burnProcessor: sent %d ns of cpu, read %d", s.burned, self)
	}
}

// sentProfiles reads along what an SDK sends, and passes it on.
type sentProfiles struct {
	server, proxy string
	forward       http.Handler
	began         time.Time

	mu     sync.Mutex
	sums   map[string]int64 // by type
	burned int64            // cpu of burnProcessor itself
	bad    []string
}

func (s *sentProfiles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.mu.Lock()
	if err == nil {
		err = s.read(r.Header.Get("Content-Type"), body)
	}
	if err != nil {
		s.bad = append(s.bad, err.Error())
	}
	s.mu.Unlock()
	s.forward.ServeHTTP(w, r)
}

// read takes a profile out of what was sent: bare (Node) or as the first part
// of a form (Go).
func (s *sentProfiles) read(kind string, body []byte) error {
	if media, params, err := mime.ParseMediaType(kind); err == nil && media == "multipart/form-data" {
		part, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).NextPart()
		if err != nil {
			return err
		}
		if body, err = io.ReadAll(part); err != nil {
			return err
		}
	}
	p, err := profile.ParseData(body)
	if err != nil {
		return err
	}
	for _, one := range p.Sample {
		for i, v := range one.Value {
			s.sums[p.SampleType[i].Type] += v
			if p.SampleType[i].Type == "cpu" && len(one.Location) > 0 && strings.Contains(one.Location[0].Line[0].Function.Name, "burnProcessor") {
				s.burned += v
			}
		}
	}
	return nil
}
