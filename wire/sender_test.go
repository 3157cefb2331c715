package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tacho"
)

// server is the other side: it keeps batches by identity, as a store does, and
// can be told how to answer.
type server struct {
	t      *testing.T
	mu     sync.Mutex
	answer func(seqs []uint64, w http.ResponseWriter) bool // false: the batches are not stored
	got    []uint64                                        // in the order of first arrival
	times  map[uint64]int
	token  string
	agents []string
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = r.Header.Get("Authorization")
	if r.URL.Path == "/api/v1/agents" {
		body, _ := io.ReadAll(r.Body)
		s.agents = append(s.agents, string(body))
		return
	}
	if r.Method != http.MethodPost || r.URL.Path != "/api/v1/batches" || r.Header.Get("Content-Type") != ContentType {
		s.t.Errorf("%s %s %s", r.Method, r.URL, r.Header.Get("Content-Type"))
	}
	var seqs []uint64
	for rd := NewReader(r.Body, DefaultLimits()); ; {
		b, err := rd.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			s.t.Error(err)
			return
		}
		seqs = append(seqs, b.Sequence)
	}
	if len(seqs) > 64 {
		s.t.Errorf("%d batches in one request", len(seqs))
	}
	if s.answer != nil && !s.answer(seqs, w) {
		return
	}
	s.store(seqs)
	io.WriteString(w, `{"accepted": 1}`)
}

func (s *server) store(seqs []uint64) {
	if s.times == nil {
		s.times = map[uint64]int{}
	}
	for _, q := range seqs {
		if s.times[q]++; s.times[q] == 1 {
			s.got = append(s.got, q)
		}
	}
}

func (s *server) stored() []uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func refuse(w http.ResponseWriter, status int, sentence string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error": %q, "detail": "do better", "position": "batch 1"}`, sentence)
}

// drain runs the client until the spool is empty, with sleeps that only move
// the clock, and returns them.
func drain(t *testing.T, c *Client, s *Spool, clk *clock) []time.Duration {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var slept []time.Duration
	c.sender.Sleep = func(ctx context.Context, d time.Duration) error {
		slept = append(slept, d)
		clk.add(d)
		if len(slept) > 1000 {
			t.Error("1,000 attempts failed")
			cancel()
		}
		return ctx.Err()
	}
	done := make(chan error)
	go func() { done <- c.Send(ctx, s) }()
	for s.Stats().Batches > 0 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	return slept
}

func newClient(t *testing.T, h http.Handler) (*Client, *clock) {
	ts := httptest.NewServer(h)
	t.Cleanup(ts.Close)
	clk := newClock()
	return &Client{URL: ts.URL, Log: quiet(), Now: clk.now, Token: "secret"}, clk
}

func TestSendInOrder(t *testing.T) {
	sv := &server{t: t}
	c, clk := newClient(t, sv)
	s := open(t, SpoolOptions{Dir: t.TempDir()})
	appendSeqs(t, s, 0, 200)
	drain(t, c, s, clk)
	if got := sv.stored(); !slices.Equal(got, span(0, 200)) {
		t.Fatalf("got %v", got)
	}
	if st := c.Stats(); st.Delivered != 200 || st.LastError != "" || st.Failures != 0 || sv.token != "Bearer secret" {
		t.Fatalf("%+v, token %q", st, sv.token)
	}
}

func TestServerDownForTenMinutes(t *testing.T) {
	clk := newClock()
	until := clk.now().Add(10 * time.Minute)
	sv := &server{t: t, answer: func(_ []uint64, w http.ResponseWriter) bool {
		if clk.now().Before(until) {
			refuse(w, http.StatusServiceUnavailable, "starting")
			return false
		}
		return true
	}}
	ts := httptest.NewServer(sv)
	defer ts.Close()
	c := &Client{URL: ts.URL, Log: quiet(), Now: clk.now}
	s := open(t, SpoolOptions{Dir: t.TempDir(), MaxBytes: 1 << 20, Now: clk.now})
	appendSeqs(t, s, 0, 600) // one a second
	slept := drain(t, c, s, clk)
	if got := sv.stored(); !slices.Equal(got, span(0, 600)) {
		t.Fatalf("%d of 600 arrived", len(got))
	}
	if st := s.Stats(); st.Dropped != 0 || st.DiskBytes > 1<<20 {
		t.Fatalf("%+v", st)
	}
	if slept[0] < 100*time.Millisecond || slept[0] > 200*time.Millisecond {
		t.Errorf("first wait %v, want 0.1 s to 0.2 s", slept[0])
	}
	for i, d := range slept[8:] {
		if d < 7500*time.Millisecond || d > 15*time.Second {
			t.Errorf("wait %d is %v, want 7.5 s to 15 s", 8+i, d)
		}
	}
	if n := len(slept); n < 40 || n > 100 {
		t.Errorf("%d attempts in ten minutes", n)
	}
}

func TestOneBadBatchDoesNotBlock(t *testing.T) {
	bad := []uint64{17, 40, 41}
	sv := &server{t: t}
	sv.answer = func(seqs []uint64, w http.ResponseWriter) bool {
		for _, q := range seqs {
			if slices.Contains(bad, q) {
				refuse(w, 422, "stack index 9 out of 1")
				return false
			}
		}
		return true
	}
	c, clk := newClient(t, sv)
	var logged bytes.Buffer
	c.Log = slog.New(slog.NewTextHandler(&logged, nil))
	s := open(t, SpoolOptions{Dir: t.TempDir()})
	appendSeqs(t, s, 0, 64)
	slept := drain(t, c, s, clk)
	want := slices.DeleteFunc(span(0, 64), func(q uint64) bool { return slices.Contains(bad, q) })
	if got := sv.stored(); !slices.Equal(got, want) {
		t.Fatalf("got %v", got)
	}
	st := c.Stats()
	if st.Rejected != 3 || st.Delivered != 61 || len(slept) != 0 || st.LastReject != "stack index 9 out of 1 (batch 1); do better" {
		t.Fatalf("%+v, waited %v", st, slept)
	}
	if n := strings.Count(logged.String(), "stack index 9 out of 1"); n != 1 {
		t.Fatalf("logged %d times:\n%s", n, logged.String())
	}
	if r := Sink(s.Stats(), st); r.DroppedBatches != 3 || r.State != "ok" {
		t.Fatalf("%+v", r)
	}
}

// TestAnswersThatCostNothing: whatever is wrong between agent and server, the
// batches stay.
func TestAnswersThatCostNothing(t *testing.T) {
	for _, status := range []int{301, 401, 403, 404, 405, 408, 415, 429, 500, 502, 503, 507} {
		sv := &server{t: t}
		tries := 0
		sv.answer = func(_ []uint64, w http.ResponseWriter) bool {
			if tries++; tries > 3 {
				return true
			}
			w.Header().Set("Retry-After", "120")
			w.Header().Set("Location", "/elsewhere")
			refuse(w, status, "not now")
			return false
		}
		c, clk := newClient(t, sv)
		s := open(t, SpoolOptions{Dir: t.TempDir()})
		appendSeqs(t, s, 0, 5)
		slept := drain(t, c, s, clk)
		if got := sv.stored(); !slices.Equal(got, span(0, 5)) || !slices.Equal(slept, []time.Duration{2 * time.Minute, 2 * time.Minute, 2 * time.Minute}) {
			t.Errorf("%d: got %v after waiting %v", status, got, slept)
		}
		if st := c.Stats(); st.Failures != 3 || st.Rejected != 0 || st.LastError != "" {
			t.Errorf("%d: %+v", status, st)
		}
	}
}

// TestLostAnswer: the server commits and the connection breaks before the
// answer. The same batches come again under the same identity.
func TestLostAnswer(t *testing.T) {
	sv := &server{t: t}
	tries := 0
	sv.answer = func(seqs []uint64, w http.ResponseWriter) bool {
		if tries++; tries > 2 {
			return true
		}
		sv.store(seqs)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
		}
		conn.Close()
		return false
	}
	c, clk := newClient(t, sv)
	s := open(t, SpoolOptions{Dir: t.TempDir()})
	appendSeqs(t, s, 0, 10)
	slept := drain(t, c, s, clk)
	if got := sv.stored(); !slices.Equal(got, span(0, 10)) || len(slept) != 2 {
		t.Fatalf("got %v, waited %v", got, slept)
	}
	for q, n := range sv.times {
		if n != 3 {
			t.Errorf("batch %d came %d times, want 3", q, n)
		}
	}
}

func TestServerThatIsNotThere(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	c := &Client{URL: "http://" + ln.Addr().String(), Log: quiet()}
	err = c.Deliver(t.Context(), [][]byte{Encode(nil, numbered(1))})
	want := "server " + c.URL + " cannot be reached: dial tcp " + ln.Addr().String() + ": connect: connection refused"
	if err == nil || err.Error() != want {
		t.Fatalf("got  %v\nwant %s", err, want)
	}
	for _, u := range []string{"", "ftp://x", "127.0.0.1:7700", "http://"} {
		c := &Client{URL: u}
		if err := c.Deliver(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "server URL") {
			t.Errorf("%q: %v", u, err)
		}
	}
}

func TestUnixSocketAndReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	sv := &server{t: t}
	hs := &http.Server{Handler: sv}
	served := make(chan error)
	go func() { served <- hs.Serve(ln) }()
	clk := newClock()
	c := &Client{URL: "unix://" + path, Log: quiet(), Now: clk.now}
	s := open(t, SpoolOptions{Dir: t.TempDir()})
	appendSeqs(t, s, 0, 3)
	drain(t, c, s, clk)
	if got := sv.stored(); !slices.Equal(got, span(0, 3)) {
		t.Fatalf("got %v", got)
	}
	r := AgentReport{Host: "h1", StartedMS: 5, Sink: SinkReport{State: "ok"}, Targets: []TargetReport{{PID: 7, Service: "orders"}}}
	if err := c.Report(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	want := `{"host":"h1","version":"","started_ms":5,"sink":{"state":"ok","reason":"","spool_bytes":0,"spool_batches":0,"dropped_batches":0,"memory_batches":0},` +
		`"targets":[{"pid":7,"service":"orders","instance":"","runtime":"","state":"","reason":"","remedy":"","since_ms":0,"last_ms":0,"counters":null,"labels":null}]}`
	if len(sv.agents) != 1 || sv.agents[0] != want {
		t.Fatalf("got %v", sv.agents)
	}
	c.http.CloseIdleConnections()
	if err := hs.Close(); err != nil {
		t.Fatal(err)
	}
	<-served
}

func TestDecodedDeliversInProcess(t *testing.T) {
	s := open(t, SpoolOptions{Dir: t.TempDir()})
	appendSeqs(t, s, 0, 20)
	ctx, cancel := context.WithCancel(t.Context())
	var got []uint64
	err := Drain(ctx, s, Decoded(DefaultLimits(), func(_ context.Context, bs []*tacho.Batch) error {
		if slices.ContainsFunc(bs, func(b *tacho.Batch) bool { return b.Sequence == 13 }) {
			return &RejectedError{Reason: "unlucky"}
		}
		for _, b := range bs {
			got = append(got, b.Sequence)
		}
		if len(got) == 19 {
			cancel()
		}
		return nil
	}), quiet())
	if want := slices.DeleteFunc(span(0, 20), func(q uint64) bool { return q == 13 }); !errors.Is(err, context.Canceled) || !slices.Equal(got, want) {
		t.Fatalf("%v, got %v", err, got)
	}
	d := Decoded(DefaultLimits(), nil)
	var rejected *RejectedError
	if err := d(t.Context(), [][]byte{[]byte("garbage")}); !errors.As(err, &rejected) || !errors.As(err, new(*SyntaxError)) {
		t.Fatal(err)
	}
	s2 := open(t, SpoolOptions{Dir: t.TempDir()})
	s2.Close()
	if err := Drain(t.Context(), s2, d, nil); err != nil {
		t.Fatalf("a closed spool ends the loop: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for v, want := range map[string]time.Duration{
		"": 0, "x": 0, "-5": 0, "7": 7 * time.Second, "999999999999": 5 * time.Minute, "100000000": 5 * time.Minute,
		"Fri, 02 Jan 2026 03:04:35 GMT": 30 * time.Second, "Fri, 02 Jan 2026 03:04:00 GMT": 0,
	} {
		if got := retryAfter(v, now); got != want {
			t.Errorf("Retry-After %q: %v, want %v", v, got, want)
		}
	}
}
