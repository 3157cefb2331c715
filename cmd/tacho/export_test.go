package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/google/pprof/profile"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/querier/v1/querierv1connect"

	"tacho"
	"tacho/internal/jvmtest"
	"tacho/wire"
)

// sendStacks hands a running server one batch: main→work 25 ms, main→work→read
// 30 ms of cpu.
func sendStacks(t *testing.T, url string, at time.Time) {
	t.Helper()
	x := tacho.NewBuilder()
	main, work := tacho.Frame{Function: "main", File: "main.go", Line: 10}, tacho.Frame{Function: "work", File: "work.go", Line: 42}
	th := x.Thread(tacho.Thread{ID: 7, Name: "http-1", Group: "http-#"})
	x.Sample(tacho.CPU, tacho.Sample{Time: at.UnixNano(), Value: 25e6, Stack: x.Stack(tacho.Stack{work, main}), Thread: th})
	x.Sample(tacho.CPU, tacho.Sample{Time: at.UnixNano() + 1, Value: 30e6, Stack: x.Stack(tacho.Stack{{Function: "read"}, work, main}), Thread: th})
	target := tacho.NewLabels(map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: "a"})
	var body bytes.Buffer
	if err := wire.NewWriter(&body).Write(x.Take(target, "test", at.UnixNano(), at.Add(time.Second).UnixNano(), 1)); err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(url+"/api/v1/batches", wire.ContentType, &body)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("batch: %s", res.Status)
	}
}

// TestReaders runs what docs/integrations says with the real program: tacho
// export, go tool pprof, and Pyroscope's generated client over HTTP/1 and gRPC.
func TestReaders(t *testing.T) {
	port := jvmtest.FreePort(t)
	server(t, port, t.TempDir())
	url := "http://" + jvmtest.Addr(port)
	at := time.Now().Add(-10 * time.Second)
	sendStacks(t, url, at)

	dir := t.TempDir()
	tachoExport := func(args ...string) (stdout, stderr string, code int) {
		cmd := exec.CommandContext(t.Context(), built(t), append([]string{"export", "--server", url}, args...)...)
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		_ = cmd.Run() // the code says it
		return out.String(), errs.String(), cmd.ProcessState.ExitCode()
	}
	t.Run("export", func(t *testing.T) {
		out, errs, code := tachoExport("--format", "collapsed")
		if want := "main;work 25000000\nmain;work;read 30000000\n"; out != want || code != 0 {
			t.Errorf("collapsed, exit %d, %q:\n%swant\n%s", code, errs, out, want)
		}
		out, errs, code = tachoExport("--service", "orders") // pprof, piped
		p, err := profile.ParseData([]byte(out))
		if err != nil || code != 0 {
			t.Fatalf("pprof, exit %d: %v %s", code, err, errs)
		}
		var sum int64
		for _, s := range p.Sample {
			sum += s.Value[0]
			if s.Label["instance"][0] != "a" || s.Label["thread"][0] != "http-1" || s.Label["thread_group"][0] != "http-#" {
				t.Errorf("labels %v", s.Label)
			}
		}
		if sum != 55e6 || len(p.Sample) != 2 {
			t.Errorf("%d samples of %d ns, want 2 of 55000000", len(p.Sample), sum)
		}
		for name, want := range map[string]string{"x.svg": "<svg ", "x.speedscope.json": `"weights":[25000000,30000000]`, "x.json": `"total":55000000`, "x.folded": "main;work 25000000\n"} {
			file := filepath.Join(dir, name)
			_, errs, code := tachoExport("-o", file)
			b, err := os.ReadFile(file)
			if err != nil || code != 0 || !strings.Contains(string(b), want) || !strings.Contains(errs, file) {
				t.Errorf("-o %s, exit %d, %q: %v, %.200s; want %q in it", name, code, errs, err, b, want)
			}
		}
		if _, errs, code := tachoExport("--format", "parquet"); code != exitUsage || !strings.Contains(errs, "want one of pprof, collapsed") {
			t.Errorf("unknown format: exit %d, %q", code, errs)
		}
		if _, errs, code := tachoExport("--service", "nobody"); code != exitFailed || !strings.Contains(errs, "nobody") {
			t.Errorf("unknown service: exit %d, %q", code, errs)
		}
		if _, errs, code := tachoExport("-o", filepath.Join(dir, "no", "such", "dir")); code != exitFailed || !strings.Contains(errs, "no such file") {
			t.Errorf("a file that cannot be: exit %d, %q", code, errs)
		}
		// script gives it a terminal, on which a binary file has no place.
		if script, err := exec.LookPath("script"); err == nil {
			cmd := exec.CommandContext(t.Context(), script, "-qec", built(t)+" export --server "+url, "/dev/null")
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "not for a terminal") {
				t.Errorf("pprof to a terminal: %v, %.200q", err, out)
			}
		}
	})
	t.Run("go tool pprof", func(t *testing.T) {
		cmd := exec.CommandContext(t.Context(), "go", "tool", "pprof", "-top", "-unit=ms", url+"/api/v1/profile?service=orders&type=cpu&from=now-1h")
		cmd.Env = append(cmd.Environ(), "PPROF_TMPDIR="+dir)
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`30ms 54\.55%.* 30ms 54\.55% +read`, `25ms 45\.45%.* 55ms +100% +work`, ` 55ms +100% +main`} {
			if !regexp.MustCompile(want).Match(out) {
				t.Errorf("no line like %q in\n%s", want, out)
			}
		}
	})
	t.Run("querier", func(t *testing.T) {
		h2 := &http.Transport{Protocols: new(http.Protocols)}
		h2.Protocols.SetUnencryptedHTTP2(true)
		t.Cleanup(h2.CloseIdleConnections)
		for name, c := range map[string]querierv1connect.QuerierServiceClient{
			"connect": querierv1connect.NewQuerierServiceClient(http.DefaultClient, url, connect.WithSendGzip()),
			"gRPC":    querierv1connect.NewQuerierServiceClient(&http.Client{Transport: h2}, url, connect.WithGRPC()),
		} {
			res, err := c.SelectMergeStacktraces(t.Context(), connect.NewRequest(&querierv1.SelectMergeStacktracesRequest{
				ProfileTypeID: "process_cpu:cpu:nanoseconds:cpu:nanoseconds", LabelSelector: `{service_name="orders"}`,
				Start: at.Add(-time.Hour).UnixMilli(), End: at.Add(time.Hour).UnixMilli(),
			}))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			b, _ := json.Marshal(res.Msg.Flamegraph.Names)
			if res.Msg.Flamegraph.Total != 55e6 || string(b) != `["total","main","work","read"]` {
				t.Errorf("%s: %v", name, res.Msg.Flamegraph)
			}
		}
	})
}
