// Package client asks a Tacho server from the terminal. It fetches the JSON of
// docs/api.md into the views of package report, and turns what goes wrong into
// one sentence that says what to do:
//
//  1. the address is built from the server's URL and the question,
//  2. the answer is read up to a limit and decoded,
//  3. an error of the server is shown in the server's own words; a server that
//     is not there, or is no Tacho, is named as such.
//
// Whatever the server wrote is foreign text: in errors it is made visible
// before it can reach a terminal.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tacho/report"
)

// maxAnswer bounds what a server can make a client hold.
const maxAnswer = 1 << 30

// Client asks one server. The zero HTTP is http.DefaultClient; Token is sent
// as a bearer token when there is one.
type Client struct {
	URL   string // http://127.0.0.1:7700
	HTTP  *http.Client
	Token string
}

// Error is what a server said instead of answering.
type Error struct {
	Status   int
	Message  string // one sentence
	Detail   string // what to do, "" if it did not say
	Position string // parameter or offset, "" if none
}

func (e *Error) Error() string {
	s := report.Visible(e.Message)
	if e.Position != "" && !strings.Contains(s, report.Visible(e.Position)) {
		s += " (" + report.Visible(e.Position) + ")"
	}
	if e.Detail != "" {
		s += ": " + report.Visible(e.Detail)
	}
	return s
}

// ErrNoServer is in every error of a server that nothing listens for.
var ErrNoServer = errors.New("start one with `tacho up`")

// get asks and decodes the answer into v.
func (c *Client) get(ctx context.Context, path string, q url.Values, v any) error {
	return c.do(ctx, http.MethodGet, path, q, nil, v)
}

func (c *Client) do(ctx context.Context, method, path string, q url.Values, body []byte, v any) error {
	base, err := url.Parse(c.URL)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return fmt.Errorf("server address %q: want http://HOST:PORT", c.URL)
	}
	base = base.JoinPath(path)
	base.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, method, base.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("asking %s: %w", c.URL, err)
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		req.Header.Set("Authorization", "Bearer "+c.Token)
	}
	hc := c.HTTP
	if hc == nil {
		hc = http.DefaultClient
	}
	res, err := hc.Do(req)
	if err != nil {
		return c.unreachable(ctx, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("reading the answer of the Tacho server at %s: %w", c.URL, err)
	case len(b) > maxAnswer:
		return fmt.Errorf("the answer of the Tacho server at %s is larger than 1 GiB: ask for a shorter range", c.URL)
	case res.StatusCode == http.StatusNoContent, res.StatusCode == http.StatusOK && v == nil:
		return nil
	case res.StatusCode != http.StatusOK:
		return c.refusal(res, b)
	}
	if raw, ok := v.(*[]byte); ok {
		*raw = b
		return nil
	}
	if err := json.Unmarshal(b, v); err != nil {
		return c.stranger(res)
	}
	return nil
}

// unreachable tells a server that is not running from other troubles.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" && !op.Timeout() {
		var dns *net.DNSError
		if !errors.As(err, &dns) {
			return fmt.Errorf("no Tacho server at %s: %w", c.URL, ErrNoServer)
		}
		return fmt.Errorf("no Tacho server at %s: its name is not known (%s)", c.URL, report.Visible(dns.Err))
	}
	// The URL is in the sentence already; take url.Error's copy off.
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("the Tacho server at %s did not answer: %w", c.URL, err)
}

// refusal reads the server's error.
func (c *Client) refusal(res *http.Response, b []byte) error {
	var e struct{ Error, Detail, Position string }
	if json.Unmarshal(b, &e) != nil || e.Error == "" {
		return c.stranger(res)
	}
	return &Error{Status: res.StatusCode, Message: e.Error, Detail: e.Detail, Position: e.Position}
}

func (c *Client) stranger(res *http.Response) error {
	return fmt.Errorf("%s answered %s, but not as a Tacho server does: check the address", c.URL, report.Visible(strconv.Itoa(res.StatusCode)+" "+http.StatusText(res.StatusCode)))
}
