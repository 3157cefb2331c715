package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"tacho/report"
	"tacho/web/client"
)

// pushFlags say whose a file is, and where it goes.
type pushFlags struct {
	server, token          string
	service, instance, typ string
	from, until, at        string
	rate, attempts         int
	now                    func() time.Time
	wait                   func(ctx context.Context, d time.Duration) error
}

func runPush(ctx context.Context, std stdio, args []string) error {
	f := newFlags(std, "push", "send files to a server: whatever a decoder knows, recognised by content, compressed or not.",
		"  tacho push app.jfr --service orders\n  tacho push cpu.pprof heap.pprof --service orders --instance orders-1\n"+
			"  perf script | tacho push - --service nginx --type cpu --rate 99\n  tacho push old.jfr --at now-1h        as if it had begun an hour ago\n")
	p := pushFlags{now: time.Now, wait: sleep}
	f.StringVar(&p.server, "server", "http://127.0.0.1:7700", "`URL` of the server: http, https or unix:///path")
	f.StringVar(&p.token, "token-file", "", "`FILE` with the token to send")
	f.StringVar(&p.service, "service", "", "`NAME` of the service; without one each file is a service of its own")
	f.StringVar(&p.instance, "instance", "", "`ID` of the instance (default: the file's name)")
	f.StringVar(&p.typ, "type", "", "what values are where the file does not say: `NAME` or NAME:UNIT")
	f.IntVar(&p.rate, "rate", 0, "the file counts samples taken `N` times a second: make time of them")
	f.StringVar(&p.from, "from", "", "start of what a file without times covers, a `TIME`")
	f.StringVar(&p.until, "until", "", "end of what a file without times covers, a `TIME` (default: now)")
	f.StringVar(&p.at, "at", "", "move the file so that it starts at `TIME`: for recordings older than the server keeps")
	f.IntVar(&p.attempts, "attempts", 5, "try `N` times while the server is busy or cannot be reached")
	files, done, err := f.parseFiles(args)
	if done || err != nil {
		return err
	}
	if p.token != "" {
		b, err := os.ReadFile(p.token)
		if err != nil {
			return fmt.Errorf("read the token: %w", err)
		}
		p.token = strings.TrimSpace(string(b))
	}
	if p.until == "" { // once, so that a second attempt is the same request
		p.until = strconv.FormatInt(p.now().UnixMilli(), 10)
	}
	hc, base, err := dialServer(p.server)
	if err != nil {
		return err
	}
	defer hc.CloseIdleConnections()
	return eachFile(std, files, "push", func(name string) error { return p.push(ctx, std, hc, base, name) })
}

// dialServer is a client for a server's URL, and the URL to ask it by.
func dialServer(server string) (*http.Client, string, error) {
	u, err := url.Parse(server)
	tr := &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, TLSHandshakeTimeout: 10 * time.Second}
	hc := &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	switch {
	case err == nil && u.Scheme == "unix" && u.Path != "":
		tr.Proxy, tr.DialContext = nil, func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", u.Path)
		}
		return hc, "http://tacho", nil
	case err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
		return hc, strings.TrimSuffix(server, "/"), nil
	}
	return nil, "", fmt.Errorf("server %q: want http://host:port, https://host:port or unix:///path", server)
}

// pushed is what the server says of a file it has stored.
type pushed struct {
	Format   string
	Service  string
	Instance string
	FromMS   int64 `json:"from_ms"`
	UntilMS  int64 `json:"until_ms"`
	Samples  int64
	Types    []struct{ Name string }
	Warnings []struct{ Position, Text string }
}

func (p *pushFlags) push(ctx context.Context, std stdio, hc *http.Client, base, name string) error {
	file, shown, err := openInput(std, name)
	if err != nil {
		return err
	}
	defer file.Close()
	q := url.Values{}
	for k, v := range map[string]string{"service": p.service, "instance": p.instance, "type": p.typ, "from": p.from, "until": p.until, "at": p.at, "name": shown} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if p.rate != 0 {
		q.Set("rate", strconv.Itoa(p.rate))
	}
	target, got := base+"/api/v1/upload?"+q.Encode(), answer(&pushed{})
	if isELF(file) {
		target, got = base+"/api/v1/symbols?"+url.Values{"name": {shown}}.Encode(), &pushedSymbols{}
	}
	for attempt := 1; ; attempt++ {
		again, err := p.send(ctx, std, hc, target, file, shown, got)
		if err == nil {
			break
		}
		if again <= 0 || attempt >= p.attempts {
			return err
		}
		fmt.Fprintf(std.err, "%s: %v; trying again in %s\n", report.Visible(shown), err, again)
		if err := p.wait(ctx, again); err != nil {
			return err
		}
	}
	got.tell(p, std, base, report.Visible(shown))
	return nil
}

// answer is what a server says of a file it has taken.
type answer interface {
	meant() bool // it is one, and not some other program's
	tell(p *pushFlags, std stdio, base, file string)
}

func (got *pushed) meant() bool { return got.Format != "" }

func (got *pushed) tell(p *pushFlags, std stdio, base, file string) {
	var types []string
	for _, t := range got.Types {
		types = append(types, report.Visible(t.Name))
	}
	if len(types) == 0 {
		types = []string{"nothing"}
	}
	fmt.Fprintf(std.out, "%s: %s, %d samples of %s, %s to %s\n  kept as service %s, instance %s\n", file, report.Visible(got.Format), got.Samples, strings.Join(types, ", "),
		time.UnixMilli(got.FromMS).Format("2006-01-02 15:04:05"), time.UnixMilli(got.UntilMS).Format("15:04:05"), report.Visible(got.Service), report.Visible(got.Instance))
	if strings.HasPrefix(p.server, "http") {
		fmt.Fprintf(std.out, "  %s/r/%s?from=%d&until=%d\n", base, url.PathEscape(got.Service), got.FromMS/60_000*60_000, got.UntilMS/60_000*60_000+60_000)
	}
	for _, w := range got.Warnings {
		fmt.Fprintf(std.err, "%s: %s: %s\n", file, report.Visible(w.Position), report.Visible(w.Text))
	}
}

// send posts the file once. again is when to try again, 0 = never.
func (p *pushFlags) send(ctx context.Context, std stdio, hc *http.Client, target string, file *os.File, shown string, got answer) (again time.Duration, err error) {
	size, err := file.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		return 0, fmt.Errorf("read it: %w", err)
	}
	body, done := newProgress(std, io.LimitReader(file, size), shown, size)
	defer done()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, io.NopCloser(body))
	if err != nil {
		return 0, err
	}
	req.ContentLength = size
	if size == 0 {
		req.Body = http.NoBody
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	res, err := hc.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the URL that would be said twice
		}
		if errors.As(err, new(*net.OpError)) {
			return 2 * time.Second, fmt.Errorf("no answer from %s: %w: %w", p.server, err, client.ErrNoServer)
		}
		return 2 * time.Second, fmt.Errorf("no answer from %s: %w", p.server, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return 2 * time.Second, fmt.Errorf("%s broke off its answer: %w", p.server, err)
	}
	if res.StatusCode == http.StatusOK {
		if err := json.Unmarshal(b, got); err != nil || !got.meant() {
			return 0, fmt.Errorf("%s answered, but not as a Tacho server does: check the address", p.server)
		}
		return 0, nil
	}
	var e client.Error
	var said struct{ Error, Detail, Position string }
	if json.Unmarshal(b, &said) != nil || said.Error == "" {
		said.Error = fmt.Sprintf("%s answered %d, and not as a Tacho server does: check the address", p.server, res.StatusCode)
	}
	e = client.Error{Status: res.StatusCode, Message: said.Error, Detail: said.Detail, Position: said.Position}
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		again = time.Second
		if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 && n <= 60 {
			again = time.Duration(n) * time.Second
		}
	}
	return again, &e
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
