package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"tacho"
	"tacho/internal/jvmtest"
	"tacho/web/client"
	"tacho/wire"
)

// sendHours sends two hours of a service, a sample for each function a minute;
// in the second hour one of them costs more.
func sendHours(t *testing.T, url string, from time.Time) {
	t.Helper()
	var body bytes.Buffer
	w := wire.NewWriter(&body)
	for m := range 120 {
		x := tacho.NewBuilder()
		at := from.Add(time.Duration(m) * time.Minute)
		th := x.Thread(tacho.Thread{Name: "t", Group: "http-#"})
		for i := range 10 {
			v := int64(1000 + (m*7+i*13)%50)
			if i == 3 && m >= 60 {
				v *= 2
			}
			s := tacho.Stack{{Function: fmt.Sprint("com.acme.F", i, ".run")}, {Function: "com.acme.Server.serve"}}
			x.Sample(tacho.CPU, tacho.Sample{Time: at.UnixNano(), Value: v, Stack: x.Stack(s), Thread: th})
		}
		target := tacho.NewLabels(map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: "a"})
		if err := w.WriteRaw(wire.Encode(nil, x.Take(target, "test", at.UnixNano(), at.Add(time.Minute).UnixNano(), uint64(m)))); err != nil {
			t.Fatal(err)
		}
	}
	res, err := http.Post(url+"/api/v1/batches", wire.ContentType, &body)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if b, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		t.Fatalf("batches: %d %s", res.StatusCode, b)
	}
}

// TestMarkAndCompare: a deploy that was marked survives the server's death, and
// the verbs find, over the real store, which method it made more expensive.
func TestMarkAndCompare(t *testing.T) {
	port, data := jvmtest.FreePort(t), t.TempDir()
	url := "http://" + jvmtest.Addr(port)
	s := server(t, port, data)
	from := time.Now().Add(-3 * time.Hour).Truncate(time.Minute)
	at := func(m int) string { return from.Add(time.Duration(m) * time.Minute).Format(time.RFC3339) }
	sendHours(t, url, from)
	verb := func(args ...string) (int, string) {
		out, err := exec.Command(built(t), append(args, "--server", url)...).CombinedOutput()
		code := 0
		if err != nil {
			code = err.(*exec.ExitError).ExitCode()
		}
		return code, string(out)
	}
	if code, out := verb("mark", "--name", "v1.5", "--time", at(60)); code != 0 || !strings.HasPrefix(out, "deploy v1.5 of orders at ") {
		t.Fatalf("mark: exit %d\n%s", code, out)
	}
	s.Signal(syscall.SIGKILL)
	<-s.Done
	server(t, port, data)
	c := &client.Client{URL: url}
	evs, err := c.Events(context.Background(), client.Query{Service: "orders", From: at(0), Until: at(121)}, "deploy", 0)
	if err != nil || len(evs.Events) != 1 || evs.Events[0].Name != "v1.5" || evs.Events[0].TimeMS != from.Add(time.Hour).UnixMilli() || evs.Events[0].Instance != "" {
		t.Fatalf("events after the kill: %+v, %v", evs, err)
	}

	halves := []string{"diff", "--base-from", at(0), "--base-until", at(60), "--from", at(60), "--until", at(120)}
	code, out := verb(append(halves, "--exit-code", "--norm", "rate")...)
	if code != exitNo || !strings.Contains(out, "2 of 11 methods changed significantly (30 slices of time, 30 of the base") ||
		!strings.Contains(strings.Split(out, "\n")[4], "com.acme.F3.run") {
		t.Errorf("diff: exit %d\n%s", code, out)
	}
	// Without the one that changed the two halves are the same.
	if code, out = verb(append(halves, "--exit-code", "--norm", "rate", "--exclude", "com.acme.F3.run")...); code != exitOK || !strings.Contains(out, "0 of 10 methods") {
		t.Errorf("diff without F3: exit %d\n%s", code, out)
	}
	few := []string{"diff", "--base-from", at(0), "--base-until", at(3), "--from", at(60), "--until", at(63), "--exit-code"}
	if code, out = verb(few...); code != exitFailed || !strings.Contains(out, "inconclusive") {
		t.Errorf("diff of three minutes: exit %d\n%s", code, out)
	}
	if code, out = verb("top", "--from", at(0), "--until", at(120), "--filter", "/f[12]\\.RUN/", "--collapse", "package:com."); code != exitOK ||
		!strings.Contains(out, "1 of 1 methods") || !strings.Contains(out, "com.acme.Server.serve") {
		t.Errorf("top: exit %d\n%s", code, out)
	}
	if code, out = verb("top", "--from", at(0), "--until", at(120), "--filter", "/f[/"); code != exitFailed || !strings.Contains(out, "missing closing ]") {
		t.Errorf("top with half an expression: exit %d\n%s", code, out)
	}
}
