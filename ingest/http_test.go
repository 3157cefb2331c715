package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tacho"
	"tacho/store"
	"tacho/wire"
)

func body(seqs ...uint64) []byte {
	var buf bytes.Buffer
	w := wire.NewWriter(&buf)
	for _, q := range seqs {
		if err := w.Write(numbered(q)); err != nil {
			panic(err)
		}
	}
	return buf.Bytes()
}

type reply struct {
	status                  int
	Error, Detail, Position string
	Accepted                int
	retryAfter, contentType string
}

func post(t *testing.T, h http.Handler, contentType string, p io.Reader) reply {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, "/api/v1/batches", p)
	req.Header.Set("Content-Type", contentType)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	r := reply{status: rec.Code, retryAfter: rec.Header().Get("Retry-After"), contentType: rec.Header().Get("Content-Type")}
	if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil {
		t.Fatalf("%d %q: %v", rec.Code, rec.Body, err)
	}
	return r
}

func TestPostBatches(t *testing.T) {
	f := &fake{}
	g := start(t, Options{Store: f, FlushEvery: time.Millisecond, Tenant: func(r *http.Request) (string, error) {
		if r.Header.Get("Authorization") == "Bearer no" {
			return "", errors.New("the token is not known")
		}
		return "acme", nil
	}})
	r := post(t, g.Handler(), wire.ContentType, bytes.NewReader(body(1, 2, 3)))
	if r.status != 200 || r.Accepted != 3 || r.contentType != "application/json" || r.Error != "" {
		t.Fatalf("%+v", r)
	}
	if got := f.committed(); !slices.Equal(got, []string{"acme: [1 2 3]"}) {
		t.Fatalf("%q", got)
	}
	req := httptest.NewRequest(http.MethodPost, "/api/v1/batches", bytes.NewReader(body(1)))
	req.Header.Set("Authorization", "Bearer no")
	rec := httptest.NewRecorder()
	g.Handler().ServeHTTP(rec, req)
	if rec.Code != 401 {
		t.Fatalf("%d", rec.Code)
	}
	rec = httptest.NewRecorder()
	g.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/api/v1/batches", nil))
	if rec.Code != 405 || rec.Header().Get("Allow") != "POST" {
		t.Fatalf("%d %v", rec.Code, rec.Header())
	}
}

func TestRefusals(t *testing.T) {
	lim := wire.DefaultLimits()
	lim.Samples = 1
	whole := body(1, 2)
	damaged := bytes.Clone(whole)
	damaged[len(damaged)-5] ^= 1
	for _, c := range []struct {
		name, contentType string
		body              io.Reader
		o                 Options
		status            int
		reason            string
		sentence          string
		position          string
		retryAfter        string
	}{
		{name: "type", contentType: "text/plain", body: bytes.NewReader(whole), status: 415, reason: "malformed", sentence: "not of type application/x-tacho-batch"},
		{name: "empty", body: strings.NewReader(""), status: 400, reason: "malformed", sentence: "holds no batch", position: "0"},
		{name: "garbage", body: strings.NewReader("\x20 this is not a batch, it is text."), status: 400, reason: "malformed", sentence: "does not start with TBT", position: "batch at byte 1, offset 0"},
		{name: "damaged", body: bytes.NewReader(damaged), status: 400, reason: "malformed", sentence: "checksum", position: fmt.Sprintf("batch at byte %d, offset 4", len(body(1))+2)},
		{name: "short", body: bytes.NewReader(whole[:len(whole)-1]), status: 400, reason: "malformed", sentence: "stream ends inside", position: "batch at byte"},
		{name: "a limit", body: bytes.NewReader(whole), o: Options{Limits: lim}, status: 413, reason: "too_large", sentence: "2 exceeds the limit Samples of 1", position: "of its decompressed body"},
		{name: "long body", body: bytes.NewReader(whole), o: Options{BodyBytes: 100}, status: 413, reason: "too_large", sentence: "larger than 100 bytes"},
		{name: "long body of unknown length", body: io.MultiReader(bytes.NewReader(whole)), o: Options{BodyBytes: 100}, status: 413, reason: "too_large", sentence: "larger than 100 bytes"},
		{name: "too many bodies", body: bytes.NewReader(whole), o: Options{BodiesHeld: 50}, status: 429, reason: "overloaded", sentence: "too many requests are being read", retryAfter: "1"},
		{name: "more than the queue", body: bytes.NewReader(whole), o: Options{QueueBytes: 100}, status: 413, reason: "too_large", sentence: "the queue has 100"},
		{name: "full store", body: bytes.NewReader(whole), o: Options{Store: &fake{on: says(store.ErrFull)}}, status: 507, reason: "full", sentence: "store is full", retryAfter: "10"},
		{name: "closing store", body: bytes.NewReader(whole), o: Options{Store: &fake{on: says(store.ErrReadOnly)}}, status: 503, sentence: "store is closing", retryAfter: "1"},
		{name: "failing store", body: bytes.NewReader(whole), o: Options{Store: &fake{on: says(errors.New("input/output error"))}}, status: 503, reason: "failed", sentence: "the store failed: input/output error", retryAfter: "1"},
		{name: "refusing store", body: bytes.NewReader(whole), o: Options{Store: &fake{on: says(&store.RefusedError{Index: 1, Err: errors.New("too old")})}}, status: 422, reason: "invalid", sentence: "batch 1: too old"},
		{name: "slow store", body: bytes.NewReader(whole), o: Options{Wait: 5 * time.Millisecond, CloseWait: time.Millisecond, Store: &fake{on: func(ctx context.Context, _ string, _ []uint64) error { <-ctx.Done(); return ctx.Err() }}},
			status: 503, reason: "failed", sentence: "the commit takes too long", retryAfter: "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			reg := prometheus.NewRegistry()
			c.o.Registerer, c.o.FlushEvery = reg, time.Millisecond
			if c.o.Store == nil {
				c.o.Store = &fake{}
			}
			if c.contentType == "" {
				c.contentType = wire.ContentType
			}
			g := start(t, c.o)
			r := post(t, g.Handler(), c.contentType, c.body)
			if r.status != c.status || !strings.Contains(r.Error, c.sentence) || r.Detail == "" || r.retryAfter != c.retryAfter ||
				!strings.Contains(r.Position, c.position) || (c.position == "") != (r.Position == "") {
				t.Errorf("%+v", r)
			}
			if c.reason != "" {
				if n := metric(t, reg, "tacho_ingest_rejected_total", c.reason); n != 1 {
					t.Errorf("%v rejected as %s", n, c.reason)
				}
			}
			if f := c.o.Store.(*fake); len(f.committed()) != 0 {
				t.Errorf("stored %q", f.committed())
			}
			if n := g.bodies.Load(); n != 0 {
				t.Errorf("%d bytes of the budget for bodies are not given back", n)
			}
		})
	}
}

func says(err error) func(context.Context, string, []uint64) error {
	return func(context.Context, string, []uint64) error { return err }
}

// TestAgentToStore is the whole way over real HTTP: spool, client, handler,
// group commit; the store refuses one batch and is full for a while.
func TestAgentToStore(t *testing.T) {
	full := true
	f := &fake{}
	f.on = func(_ context.Context, _ string, seqs []uint64) error {
		if full {
			full = false
			return store.ErrFull
		}
		if i := slices.Index(seqs, 30); i >= 0 {
			return &store.RefusedError{Index: i, Err: errors.New("unlucky")}
		}
		return nil
	}
	g := start(t, Options{Store: f, FlushEvery: time.Millisecond, Flushers: 1})
	ts := httptest.NewServer(g.Handler())
	defer ts.Close()
	sp, err := wire.OpenSpool(wire.SpoolOptions{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer sp.Close()
	for i := range uint64(100) {
		if err := sp.Append(t.Context(), numbered(i)); err != nil {
			t.Fatal(err)
		}
	}
	c := &wire.Client{URL: ts.URL}
	var slept []time.Duration
	s := &wire.Sender{Spool: sp, Deliver: c.Deliver, Sleep: func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil }}
	done := make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- s.Run(ctx) }()
	for sp.Stats().Batches > 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-done
	got := map[string]bool{}
	for _, commit := range f.committed() {
		for _, q := range strings.Fields(strings.Trim(commit, ": []")) {
			got[q] = true
		}
	}
	if len(got) != 99 || got["30"] {
		t.Fatalf("%d of 99 stored", len(got))
	}
	if st := s.Stats(); st.Rejected != 1 || !strings.Contains(st.LastReject, "unlucky") || !slices.Equal(slept, []time.Duration{10 * time.Second}) {
		t.Fatalf("%+v, slept %v", st, slept)
	}
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
}

// needy is a store that takes batches without their tables, and loads those of odd
// sequence.
type needy struct{ trusting }

func (s *needy) AppendValid(ctx context.Context, tenant string, batches []*tacho.Batch) error {
	for i, b := range batches {
		if b.Tables == nil || b.Strings != nil {
			return fmt.Errorf("batch %d came with its tables", i)
		}
		if b.Sequence%2 == 0 {
			continue
		}
		if err := b.Load(); err != nil {
			return &store.RefusedError{Index: i, Err: fmt.Errorf("read the tables: %w", err)}
		}
		if b.Stack(0)[0].Function != "main" {
			return errors.New("the body was overwritten")
		}
		b.Unload()
	}
	var whole []*tacho.Batch
	for _, b := range batches {
		whole = append(whole, numbered(b.Sequence))
	}
	return s.fake.Append(ctx, tenant, whole)
}

// Tables that are broken cost their own request, when they are needed, with their
// place; the rest of the group is stored. Tables nobody needs are not looked at.
func TestBrokenTables(t *testing.T) {
	broken := func(seq uint64) []byte {
		b := numbered(seq)
		b.Frames[0].Module = 99
		return wire.AppendFramed(body(seq+10), wire.Encode(nil, b))
	}
	f, reg := &needy{}, prometheus.NewRegistry()
	g := start(t, Options{Store: f, FlushEvery: time.Hour, FlushBatches: 4, Registerer: reg})
	replies := make([]reply, 3)
	var wg sync.WaitGroup
	for i, p := range [][]byte{body(1), broken(3), body(5)} {
		before := g.queued.Load()
		wg.Go(func() { replies[i] = post(t, g.Handler(), wire.ContentType, bytes.NewReader(p)) })
		if i < 2 {
			waitQueued(g, before+1)
		}
	}
	wg.Wait()
	r := replies[1]
	if r.status != 400 || !strings.Contains(r.Error, "string index out of 2") || r.Position != fmt.Sprintf("batch at byte %d, offset %d of its decompressed tables", len(body(13))+2, tablesOf(numbered(3))) {
		t.Errorf("%+v", r)
	}
	if replies[0].status != 200 || replies[2].status != 200 || !slices.Equal(f.committed(), []string{": [1 5]"}) {
		t.Errorf("%+v, stored %q", replies, f.committed())
	}
	if n := metric(t, reg, "tacho_ingest_rejected_total", "malformed"); n != 1 {
		t.Errorf("%v rejected as malformed", n)
	}
	if n := g.bodies.Load(); n != 0 {
		t.Errorf("%d bytes of the budget for bodies are not given back", n)
	}

	g = start(t, Options{Store: f, FlushEvery: time.Millisecond})
	if r := post(t, g.Handler(), wire.ContentType, bytes.NewReader(broken(4))); r.status != 200 {
		t.Errorf("%+v", r)
	}
}

// tablesOf is how long the tables of a numbered batch are: 2 strings, a frame, a
// stack of it; columns of small numbers take a byte more.
func tablesOf(*tacho.Batch) int { return 1 + (1 + 2) + 4 + 1 + 4*(1+1) + 1 + 1 + (1 + 1) + (1 + 1) }

// A request that is given up while its batches wait leaves them their body.
func TestBodyLivesAsLongAsItsBatches(t *testing.T) {
	f := &needy{}
	g := start(t, Options{Store: f, FlushEvery: 100 * time.Millisecond, FlushBatches: 1000, Wait: time.Millisecond})
	for i := range uint64(20) {
		if r := post(t, g.Handler(), wire.ContentType, bytes.NewReader(body(2*i+1))); r.status != 503 {
			t.Fatalf("%+v", r)
		}
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	stored := 0
	for _, c := range f.committed() {
		stored += len(strings.Fields(c)) - 1
	}
	if stored != 20 {
		t.Errorf("stored %q", f.committed())
	}
}

func BenchmarkAppend(b *testing.B) {
	g := New(Options{Store: &fake{}, FlushEvery: time.Millisecond, FlushBatches: 1})
	defer g.Close()
	batch := one(1)
	for b.Loop() {
		if err := g.Append(context.Background(), "", batch); err != nil {
			b.Fatal(err)
		}
	}
}
