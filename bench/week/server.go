package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tacho/ingest"
	"tacho/query"
	"tacho/store/local"
	"tacho/web"
	"tacho/wire"
)

// clock is the store's: it runs with the data.
type clock struct{ ns atomic.Int64 }

func (c *clock) now() time.Time  { return time.Unix(0, c.ns.Load()).UTC() }
func (c *clock) set(t time.Time) { c.ns.Store(t.UnixNano()) }

// server is what `tacho server` is made of, with a clock of its own. The roller
// runs when it is told to, not by a timer, so that its cost can be told apart.
type server struct {
	store   *local.Store
	ingest  *ingest.Ingester
	batches http.Handler // POST /api/v1/batches
	http    *http.Server
	url     string
	client  *http.Client
	done    chan error
}

func serve(dir string, c *clock, group int) (*server, error) {
	st, err := local.Open(local.Options{
		Dir: dir, Now: c.now, RollEvery: -1, MinFree: 64 << 20,
		Retention: 9 * 24 * time.Hour, // the first day is asked for when it is seven days old, and must not go meanwhile
	})
	if err != nil {
		return nil, err
	}
	s := &server{store: st, done: make(chan error, 1)}
	// A group is what one minute brings: nothing waits for the flush timer.
	s.ingest = ingest.New(ingest.Options{Store: st, FlushBatches: group})
	s.batches = s.ingest.Handler()
	s.http = &http.Server{Handler: web.New(web.Options{Query: query.New(st), Store: st, Ingest: s.batches, Now: c.now})}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.ingest.Close()
		return nil, errors.Join(fmt.Errorf("listen: %w", err), st.Close())
	}
	s.url = "http://" + l.Addr().String()
	s.client = &http.Client{Transport: &http.Transport{DisableCompression: true}}
	go func() { s.done <- s.http.Serve(l) }()
	return s, nil
}

func (s *server) close() error {
	s.client.CloseIdleConnections()
	err := s.http.Shutdown(context.Background())
	if e := <-s.done; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return errors.Join(err, s.ingest.Close(), s.store.Close())
}

// post hands the bodies to the handler of POST /api/v1/batches, each in a request
// of its own and all at once, and waits for the answers.
func (s *server) post(ctx context.Context, bodies [][]byte) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, body := range bodies {
		g.Go(func() error {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/batches", bytes.NewReader(body))
			if err != nil {
				return err
			}
			r.Header.Set("Content-Type", wire.ContentType)
			var a answer
			s.batches.ServeHTTP(&a, r)
			if a.status != http.StatusOK {
				return fmt.Errorf("status %d: %s", a.status, a.text)
			}
			return nil
		})
	}
	return g.Wait()
}

// answer is what the handler says.
type answer struct {
	header http.Header
	status int
	text   []byte
}

func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

func (a *answer) WriteHeader(status int) { a.status = status }

func (a *answer) Write(p []byte) (int, error) {
	a.text = append(a.text, p...)
	return len(p), nil
}

// compact brings the tables to rest.
func (s *server) compact(ctx context.Context) error {
	if err := s.store.Compact(ctx); err != nil {
		return fmt.Errorf("compact: %w", err)
	}
	return quiet(ctx)
}

// get asks the API; the answer is read into buf.
func (s *server) get(ctx context.Context, path string, buf []byte) (status int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return 0, nil, err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body = buf[:0]
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		n, err := res.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == io.EOF {
			return res.StatusCode, body, nil
		}
		if err != nil {
			return 0, nil, fmt.Errorf("read the answer to %s: %w", path, err)
		}
	}
}
