package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"tacho/report"
)

// serve answers every request with status and body and keeps what was asked.
func serve(t *testing.T, status int, body string) (*Client, *http.Request, *string) {
	t.Helper()
	var asked http.Request
	var sent string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		sent = string(b)
		asked = *r.Clone(context.Background())
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(srv.Close)
	return &Client{URL: srv.URL, HTTP: srv.Client(), Token: "secret"}, &asked, &sent
}

func TestQuestions(t *testing.T) {
	ctx := context.Background()
	q := Query{Service: "a b&c", Type: "cpu", From: "now-1h", Until: "now", Match: []string{`instance="x"`, `thread_group=~"http.*"`}}
	const sel = "from=now-1h&match=instance%3D%22x%22&match=thread_group%3D~%22http.%2A%22"
	const end = "&service=a+b%26c&type=cpu&until=now"
	for name, c := range map[string]struct {
		ask  func(*Client) (any, error)
		want string
	}{
		"services": {func(c *Client) (any, error) { return c.Services(ctx) }, "/api/v1/services"},
		"types":    {func(c *Client) (any, error) { return c.Types(ctx, "s") }, "/api/v1/types?service=s"},
		"labels":   {func(c *Client) (any, error) { return c.Labels(ctx, "s") }, "/api/v1/labels?service=s"},
		"agents":   {func(c *Client) (any, error) { return c.Agents(ctx) }, "/api/v1/agents"},
		"heatmap":  {func(c *Client) (any, error) { return c.Heatmap(ctx, q, "60s") }, "/api/v1/heatmap?" + sel + "&service=a+b%26c&step=60s&type=cpu&until=now"},
		"top":      {func(c *Client) (any, error) { return c.Top(ctx, q, TopOptions{}) }, "/api/v1/top?" + sel + end},
		"top all": {func(c *Client) (any, error) {
			return c.Top(ctx, Query{Service: "s"}, TopOptions{Limit: 5, Sort: "total", Search: "/x/"})
		},
			"/api/v1/top?limit=5&search=%2Fx%2F&service=s&sort=total"},
		"icicle": {func(c *Client) (any, error) {
			return c.Icicle(ctx, Query{}, IcicleOptions{Narrow: Narrow{Focus: "f"}, Depth: 3, MinShare: 0.01})
		},
			"/api/v1/icicle?depth=3&focus=f&min_share=0.01"},
		"callers": {func(c *Client) (any, error) {
			return c.Callers(ctx, Query{}, "f", IcicleOptions{Narrow: Narrow{Exclude: []string{"x", "y"}}})
		}, "/api/v1/callers?exclude=x&exclude=y&function=f"},
		"heatmap search": {func(c *Client) (any, error) {
			return c.HeatmapOf(ctx, Query{}, "", Narrow{Filter: []string{"/json/"}, Exclude: []string{"x"}})
		}, "/api/v1/heatmap?exclude=x&filter=%2Fjson%2F"},
		"diff": {func(c *Client) (any, error) {
			return c.Diff(ctx, Query{Service: "s"}, DiffOptions{Base: Query{From: "now-2h", Until: "now-1h", Match: []string{"a=\"b\""}}, Norm: "rate", Significance: true,
				IcicleOptions: IcicleOptions{Narrow: Narrow{Filter: []string{"q"}, Collapse: []string{"recursion"}, Invert: true, Every: "1h", Keep: "5m"}}})
		}, "/api/v1/diff?base_from=now-2h&base_match=a%3D%22b%22&base_until=now-1h&collapse=recursion&every=1h&filter=q&invert=true&keep=5m&norm=rate&service=s&significance=true"},
		"samples":  {func(c *Client) (any, error) { return c.Samples(ctx, Query{}, 7) }, "/api/v1/samples?limit=7"},
		"timeline": {func(c *Client) (any, error) { return c.Timeline(ctx, Query{}, "jvm.", "1s") }, "/api/v1/timeline?name=jvm.&step=1s"},
		"events":   {func(c *Client) (any, error) { return c.Events(ctx, Query{}, "gc.", 9) }, "/api/v1/events?kind=gc.&limit=9"},
	} {
		c2, asked, _ := serve(t, 200, `{"unit":"bytes"}`)
		v, err := c.ask(c2)
		if err != nil || v == nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if asked.RequestURI != c.want {
			t.Errorf("%s asked %s, want %s", name, asked.RequestURI, c.want)
		}
		if got := asked.Header.Get("Authorization"); got != "Bearer secret" {
			t.Errorf("%s: Authorization %q", name, got)
		}
	}
}

func TestDecodes(t *testing.T) {
	c, _, _ := serve(t, 200, `{"from_ms":60000,"until_ms":240000,"step_ms":60000,"unit":"nanoseconds","cells":[5,null,0],"demo_until_ms":7,"missing":["x"]}`)
	h, err := c.Heatmap(context.Background(), Query{}, "")
	if err != nil {
		t.Fatal(err)
	}
	seven := int64(7)
	want := &report.Heatmap{FromMS: 60000, UntilMS: 240000, StepMS: 60000, Unit: "nanoseconds", Cells: []report.Cell{5, report.NotRecorded, 0},
		DemoUntilMS: &seven, Missing: []string{"x"}}
	if !reflect.DeepEqual(h, want) {
		t.Errorf("got %+v, want %+v", h, want)
	}
}

func TestReportAgent(t *testing.T) {
	c, asked, sent := serve(t, 204, "")
	if err := c.ReportAgent(context.Background(), report.Agent{Host: "h"}); err != nil {
		t.Fatal(err)
	}
	var back report.Agent
	if err := json.Unmarshal([]byte(*sent), &back); err != nil || back.Host != "h" || back.Targets == nil {
		t.Errorf("sent %s: %v", *sent, err)
	}
	if asked.Method != "POST" || asked.URL.Path != "/api/v1/agents" || asked.Header.Get("Content-Type") != "application/json" {
		t.Errorf("asked %s %s %v", asked.Method, asked.URL, asked.Header)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		want   string
	}{
		{400, `{"error":"from is missing","detail":"write now-24h","position":"from"}`, "from is missing: write now-24h"},
		{404, `{"error":"no such service","position":"service"}`, "no such service"},
		{413, `{"error":"too much","position":"limit"}`, "too much (limit)"},
		{500, `{"error":"\u001b]0;owned\u0007"}`, `\x1b]0;owned\x07`},
		{404, "<html>nginx</html>", "URL answered 404 Not Found, but not as a Tacho server does: check the address"},
		{200, "<html>router</html>", "URL answered 200 OK, but not as a Tacho server does: check the address"},
		{502, `{"message":"other"}`, "URL answered 502 Bad Gateway, but not as a Tacho server does: check the address"},
	} {
		cl, _, _ := serve(t, c.status, c.body)
		_, err := cl.Services(context.Background())
		if err == nil {
			t.Errorf("%d %s: no error", c.status, c.body)
			continue
		}
		if got := strings.ReplaceAll(err.Error(), cl.URL, "URL"); got != c.want {
			t.Errorf("%d %s: %q, want %q", c.status, c.body, got, c.want)
		}
		var e *Error
		if errors.As(err, &e) && e.Status != c.status {
			t.Errorf("%d %s: Status %d", c.status, c.body, e.Status)
		}
	}
}

func TestNoServer(t *testing.T) {
	// A port that was just closed: nobody listens there.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	_, err = (&Client{URL: url, HTTP: &http.Client{}}).Services(context.Background())
	if want := "no Tacho server at " + url + ": start one with `tacho up`"; err == nil || err.Error() != want || !errors.Is(err, ErrNoServer) {
		t.Errorf("got %v, want %s", err, want)
	}
	for _, bad := range []string{"", "127.0.0.1:7700", "ftp://x", "http://", "::"} {
		if _, err := (&Client{URL: bad}).Services(context.Background()); err == nil || !strings.Contains(err.Error(), "want http://HOST:PORT") {
			t.Errorf("URL %q: %v", bad, err)
		}
	}
}

func TestCancelled(t *testing.T) {
	c, _, _ := serve(t, 200, "{}")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.Services(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A server that dies in the middle of its answer.
func TestCutShort(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"services":[`)
	}))
	defer srv.Close()
	_, err := (&Client{URL: srv.URL, HTTP: srv.Client()}).Services(context.Background())
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}
