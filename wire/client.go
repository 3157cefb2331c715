package wire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ContentType of a request body with batches.
const ContentType = "application/x-tacho-batch"

// Client speaks to a server. URL is required: http://host:7700, https://…, or
// unix:///run/tacho.sock. The fields must not change once it is used.
type Client struct {
	URL     string
	HTTP    *http.Client // default: one of its own; not used for unix URLs
	Token   string       // sent as a bearer token when not empty
	Log     *slog.Logger
	Now     func() time.Time
	Timeout time.Duration // of one request, default 30 s

	once   sync.Once
	http   *http.Client
	base   string
	err    error
	sender Sender
}

func (c *Client) setup() error {
	c.once.Do(func() {
		if c.Timeout <= 0 {
			c.Timeout = 30 * time.Second
		}
		if c.Now == nil {
			c.Now = time.Now
		}
		u, err := url.Parse(c.URL)
		switch {
		case err != nil:
			c.err = fmt.Errorf("server URL %q: %w", c.URL, err)
			return
		case u.Scheme == "unix":
			path := u.Path
			c.base = "http://tacho"
			c.http = &http.Client{Transport: &http.Transport{
				DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "unix", path)
				},
				MaxIdleConns:    2,
				IdleConnTimeout: time.Minute,
			}}
		case (u.Scheme == "http" || u.Scheme == "https") && u.Host != "":
			c.base = strings.TrimSuffix(u.String(), "/")
			c.http = c.HTTP
			if c.http == nil {
				c.http = &http.Client{Transport: &http.Transport{
					Proxy:               http.ProxyFromEnvironment,
					DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
					TLSHandshakeTimeout: 10 * time.Second,
					MaxIdleConns:        2,
					IdleConnTimeout:     time.Minute,
				}}
			}
		default:
			c.err = fmt.Errorf("server URL %q: want http://host:port, https://host:port or unix:///path", c.URL)
			return
		}
		// A redirected POST would arrive as a GET without its batches.
		direct := *c.http
		direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		c.http = &direct
		c.sender.Deliver, c.sender.Log, c.sender.Now = c.Deliver, c.Log, c.Now
	})
	return c.err
}

// Send empties the spool into the server until the context ends or the spool
// is closed. Call it once.
func (c *Client) Send(ctx context.Context, spool *Spool) error {
	if err := c.setup(); err != nil {
		return err
	}
	c.sender.Spool = spool
	defer c.http.CloseIdleConnections()
	return c.sender.Run(ctx)
}

// Stats is how Send goes.
func (c *Client) Stats() SendStats { return c.sender.Stats() }

// Deliver posts encoded batches once. See Deliverer for its errors.
func (c *Client) Deliver(ctx context.Context, batches [][]byte) error {
	var body []byte
	for _, b := range batches {
		body = AppendFramed(body, b)
	}
	return c.post(ctx, "/api/v1/batches", ContentType, body)
}

// Report posts an agent's report of itself.
func (c *Client) Report(ctx context.Context, r AgentReport) error {
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode the agent's report: %w", err)
	}
	return c.post(ctx, "/api/v1/agents", "application/json", body)
}

func (c *Client) post(ctx context.Context, path, contentType string, body []byte) error {
	if err := c.setup(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("post to %s: %w", c.URL, err)
	}
	req.Header.Set("Content-Type", contentType)
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err // without the method and the URL that would be said twice
		}
		return fmt.Errorf("server %s cannot be reached: %w", c.URL, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 == 2 {
		if err != nil {
			return fmt.Errorf("server %s broke off its answer: %w", c.URL, err)
		}
		return nil
	}
	return c.refusal(resp, text)
}

// refusal turns an answer other than 2xx into the error a Sender acts on. Only
// answers about the batches themselves give them up: a wrong token, a wrong
// path or a proxy in between must not cost a single batch.
func (c *Client) refusal(resp *http.Response, body []byte) error {
	sentence := serverSentence(resp, body)
	switch resp.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &RejectedError{Reason: sentence}
	}
	return &RetryError{
		After: retryAfter(resp.Header.Get("Retry-After"), c.Now()),
		Err:   fmt.Errorf("server %s answers %d: %s", c.URL, resp.StatusCode, sentence),
	}
}

// serverSentence is what the server says in the API's error form, or else the
// start of whatever it says.
func serverSentence(resp *http.Response, body []byte) string {
	var e struct{ Error, Detail, Position string }
	if json.Unmarshal(body, &e) == nil && e.Error != "" {
		s := e.Error
		if e.Position != "" {
			s += " (" + e.Position + ")"
		}
		if e.Detail != "" {
			s += "; " + e.Detail
		}
		return s
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(body)), "\n")
	if len(line) > 200 {
		line = strings.ToValidUTF8(line[:200], "") + "…"
	}
	if line == "" {
		return http.StatusText(resp.StatusCode)
	}
	return line
}

// retryAfter reads both forms of RFC 9110, 10.2.3; 0 when there is none.
func retryAfter(v string, now time.Time) time.Duration {
	if sec, err := strconv.Atoi(v); err == nil && sec > 0 {
		return min(time.Duration(min(sec, 1<<20))*time.Second, maxAsked)
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}
