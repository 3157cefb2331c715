package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	sdk "github.com/grafana/pyroscope-go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"golang.org/x/sys/unix"

	"tacho/internal/jvmtest"
	"tacho/web/client"
)

// foreignServer starts `tacho server` with everything others speak.
func foreignServer(t *testing.T, more ...string) (p *jvmtest.Program, port, otlpHTTP, otlpGRPC int) {
	t.Helper()
	port, otlpHTTP, otlpGRPC = jvmtest.FreePort(t), jvmtest.FreePort(t), jvmtest.FreePort(t)
	args := append([]string{"server", "--listen", jvmtest.Addr(port), "--health-listen", "", "--data", t.TempDir(), "--min-free", "1MiB",
		"--otlp-http", jvmtest.Addr(otlpHTTP), "--otlp-grpc", jvmtest.Addr(otlpGRPC)}, more...)
	return jvmtest.Start(t, exec.Command(built(t), args...), "shows it on"), port, otlpHTTP, otlpGRPC
}

// oneProfile is main → work of 30 ms CPU, and main alone of 10.
func oneProfile(t *testing.T, at time.Time) []byte {
	t.Helper()
	fn := func(id uint64, name string) *profile.Location {
		return &profile.Location{ID: id, Line: []profile.Line{{Function: &profile.Function{ID: id, Name: name, Filename: name + ".go"}, Line: 5}}}
	}
	m, w := fn(1, "main"), fn(2, "work")
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "cpu", Unit: "nanoseconds"}}, DurationNanos: 10e9, TimeNanos: at.UnixNano(),
		Location: []*profile.Location{m, w}, Function: []*profile.Function{m.Line[0].Function, w.Line[0].Function},
		Sample: []*profile.Sample{{Location: []*profile.Location{w, m}, Value: []int64{30e6}}, {Location: []*profile.Location{m}, Value: []int64{10e6}}}}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// total is what the server answers for a type of a service in the last hour.
func total(t *testing.T, c *client.Client, service, typ string) (sum int64, functions []string) {
	t.Helper()
	top, err := c.Top(t.Context(), client.Query{Service: service, Type: typ, From: "now-1h", Until: "now"}, client.TopOptions{Limit: 1000})
	if err != nil {
		t.Fatalf("%s %s: %v", service, typ, err)
	}
	b, err := json.Marshal(top)
	if err != nil {
		t.Fatal(err)
	}
	var x struct {
		Total int64
		Rows  []struct{ Function string }
	}
	if err := json.Unmarshal(b, &x); err != nil {
		t.Fatal(err)
	}
	for _, r := range x.Rows {
		functions = append(functions, r.Function)
	}
	return x.Total, functions
}

// What people already run, unchanged, against the real server; and the same over
// the Unix socket.
func TestForeignSenders(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "tacho.sock")
	if err := os.WriteFile(socket, nil, 0o600); err != nil { // what is no socket is never removed
		t.Fatal(err)
	}
	if out, err := exec.Command(built(t), "server", "--listen", jvmtest.Addr(jvmtest.FreePort(t)), "--health-listen", "", "--otlp-http", "", "--otlp-grpc", "", "--data", t.TempDir(), "--socket", socket).CombinedOutput(); err == nil || !strings.Contains(string(out), "in use") {
		t.Errorf("a file in the place of the socket: %v %s", err, out)
	}
	os.Remove(socket)
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	stale.SetUnlinkOnClose(false)
	stale.Close() // left behind by a server that was killed
	p, port, otlpHTTP, otlpGRPC := foreignServer(t, "--socket", socket)
	url := "http://" + jvmtest.Addr(port)
	c := &client.Client{URL: url}

	t.Run("Pyroscope Go SDK", func(t *testing.T) {
		s, err := sdk.Start(sdk.Config{ApplicationName: "checkout", ServerAddress: url, UploadRate: 500 * time.Millisecond, ProfileTypes: []sdk.ProfileType{sdk.ProfileCPU, sdk.ProfileAllocSpace}})
		if err != nil {
			t.Fatal(err)
		}
		for before := cpuUsed(t); cpuUsed(t)-before < time.Second; { // however long that takes here
			spinHere()
		}
		if err := s.Stop(); err != nil {
			t.Fatal(err)
		}
		sum, functions := total(t, c, "checkout", "cpu")
		if sum < int64(200*time.Millisecond) || sum > int64(time.Minute) || !slices.ContainsFunc(functions, func(f string) bool { return strings.HasSuffix(f, ".spinHere") }) {
			t.Errorf("cpu %d in %v", sum, functions)
		}
	})

	now := time.Now().Add(-time.Minute)
	over := func(t *testing.T, hc *http.Client, path, contentType string, body []byte) string {
		t.Helper()
		res, err := hc.Post(path, contentType, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var b bytes.Buffer
		_, _ = b.ReadFrom(res.Body)
		if res.StatusCode != 200 {
			t.Errorf("%s: %s %s", path, res.Status, &b)
		}
		return b.String()
	}
	t.Run("raw pprof as Node sends it", func(t *testing.T) {
		over(t, http.DefaultClient, url+"/pyroscope/ingest?name=web{region=eu}&format=pprof&from=1&until=2", "application/octet-stream", oneProfile(t, now))
		if sum, fs := total(t, c, "web", "cpu"); sum != 40e6 || !slices.Contains(fs, "work") {
			t.Errorf("cpu %d in %v", sum, fs)
		}
	})
	t.Run("upload", func(t *testing.T) {
		got := over(t, http.DefaultClient, url+"/api/v1/upload?service=files&name=cpu.pprof", "", oneProfile(t, now))
		if !strings.Contains(got, `"format":"pprof","service":"files","instance":"cpu.pprof"`) || !strings.Contains(got, `"samples":2`) {
			t.Errorf("answer %s", got)
		}
		if sum, _ := total(t, c, "files", "cpu"); sum != 40e6 {
			t.Errorf("cpu %d", sum)
		}
	})
	for name, exporter := range map[string]func(ctx context.Context) (*otlptrace.Exporter, error){
		"http": func(ctx context.Context) (*otlptrace.Exporter, error) {
			return otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(jvmtest.Addr(otlpHTTP)), otlptracehttp.WithInsecure())
		},
		"grpc": func(ctx context.Context) (*otlptrace.Exporter, error) {
			return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(jvmtest.Addr(otlpGRPC)), otlptracegrpc.WithInsecure(), otlptracegrpc.WithCompressor("gzip"))
		},
		"grpc on the main listener": func(ctx context.Context) (*otlptrace.Exporter, error) {
			return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(jvmtest.Addr(port)), otlptracegrpc.WithInsecure())
		},
	} {
		t.Run("OpenTelemetry SDK over "+name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			exp, err := exporter(ctx)
			if err != nil {
				t.Fatal(err)
			}
			service := "cart-" + strings.Fields(name)[0] + fmt.Sprint(len(name))
			tp := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exp), sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", service))))
			_, span := tp.Tracer("shop").Start(ctx, "GET /cart")
			span.SetAttributes(attribute.Int("items", 3))
			span.End()
			if err := tp.Shutdown(ctx); err != nil {
				t.Fatal(err)
			}
			evs, err := c.Events(ctx, client.Query{Service: service, From: "now-1h", Until: "now"}, "span", 10)
			if err != nil {
				t.Fatal(err)
			}
			b, _ := json.Marshal(evs)
			if len(evs.Events) != 1 || !bytes.Contains(b, []byte(`"trace_id":"`+span.SpanContext().TraceID().String()+`"`)) || !bytes.Contains(b, []byte(`"items":"3"`)) || !bytes.Contains(b, []byte(`"GET /cart"`)) {
				t.Errorf("events %s", b)
			}
		})
	}
	t.Run("Unix socket", func(t *testing.T) {
		fi, err := os.Stat(socket)
		if err != nil || fi.Mode().Perm() != 0o660 {
			t.Fatalf("%v %v, want mode 0660", fi, err)
		}
		hc := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}}}
		defer hc.CloseIdleConnections()
		over(t, hc, "http://tacho/ingest?name=sock", "", oneProfile(t, now))
		over(t, hc, "http://tacho/v1/traces", "application/json", []byte("{}"))
		if sum, _ := total(t, c, "sock", "cpu"); sum != 40e6 {
			t.Errorf("cpu %d", sum)
		}
		var out bytes.Buffer
		file := filepath.Join(t.TempDir(), "a.pprof")
		if err := os.WriteFile(file, oneProfile(t, now), 0o600); err != nil {
			t.Fatal(err)
		}
		if code := run(t.Context(), stdio{strings.NewReader(""), &out, &out}, []string{"push", file, "--service", "pushed", "--server", "unix://" + socket}); code != 0 {
			t.Fatalf("push: %d %s", code, &out)
		}
		if sum, _ := total(t, c, "pushed", "cpu"); sum != 40e6 {
			t.Errorf("cpu %d", sum)
		}
	})
	t.Run("guarded", func(t *testing.T) {
		for _, u := range []string{url + "/ingest?name=evil", "http://" + jvmtest.Addr(otlpHTTP) + "/v1/traces"} {
			r, _ := http.NewRequest(http.MethodPost, u, strings.NewReader("x"))
			r.Host = "evil.example"
			if res, err := http.DefaultClient.Do(r); err != nil || res.StatusCode != 403 {
				t.Errorf("%s by another name: %v %v", u, res, err)
			}
			r, _ = http.NewRequest(http.MethodPost, u, strings.NewReader("x"))
			r.Header.Set("Origin", "http://evil.example")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			if res, err := http.DefaultClient.Do(r); err != nil || res.StatusCode != 403 {
				t.Errorf("%s from another site: %v %v", u, res, err)
			}
		}
		if res, err := http.Get("http://" + jvmtest.Addr(otlpHTTP) + "/api/v1/services"); err != nil || res.StatusCode != 404 {
			t.Errorf("the OTLP port answers other questions: %v %v", res, err)
		}
	})
	p.Signal(syscall.SIGTERM)
	<-p.Done
	if _, err := os.Stat(socket); !os.IsNotExist(err) {
		t.Errorf("the socket was left behind: %v", err)
	}
}

// cpuUsed is what this process has had of the processor.
func cpuUsed(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano())
}

//go:noinline
func spinHere() {
	n := 0
	for i := range 1_000_000 {
		n += i * i
	}
	spun += n
}

var spun int

// A port of OpenTelemetry's that is taken is said, and no reason not to start.
func TestOTLPPortTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := jvmtest.Start(t, exec.Command(built(t), "server", "--listen", jvmtest.Addr(jvmtest.FreePort(t)), "--health-listen", "", "--data", t.TempDir(), "--min-free", "1MiB",
		"--otlp-http", l.Addr().String(), "--otlp-grpc", ""), "shows it on")
	if out := p.Output(); !strings.Contains(out, "another program takes OTLP here already") || !strings.Contains(out, "--otlp-http ADDR") {
		t.Errorf("the log says %s", out)
	}
}
