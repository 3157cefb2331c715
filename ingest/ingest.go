package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tacho"
	"tacho/store"
	"tacho/wire"
)

// ErrOverloaded is returned when there is no room in the queue. The caller
// should come back after RetryAfter.
var ErrOverloaded = errors.New("the ingest queue is full")

// RetryAfter is what an overloaded server asks for.
const RetryAfter = time.Second

// Appender is what ingest needs of a store. Append has the semantics of
// store.Store; a *store.RefusedError costs one request, any other error is
// taken for the store's own trouble and the sender tries again. It keeps nothing
// of the batches' tables. If the store has a method Health() error, it is part of
// readiness; if it has AppendValid, with the signature of Append, that is called
// instead: batches are checked here, once, a million indexes of a busy second. Some
// of them come without their tables, and are checked but for these
// (tacho.Batch.Load).
type Appender interface {
	Append(ctx context.Context, tenant string, batches []*tacho.Batch) error
}

// Options: only Store is required.
type Options struct {
	Store Appender
	// Tenant names the tenant of a request from its credential, never from
	// anything else it says; nil: all requests are of the default tenant.
	Tenant       func(*http.Request) (string, error)
	Limits       wire.Limits   // of one batch, default wire.DefaultLimits
	BodyBytes    int64         // of one request as sent, default 16 MiB
	BodiesHeld   int64         // of all requests being read, default 64 MiB
	QueueBytes   int64         // in memory, of each tenant, default 64 MiB
	FlushEvery   time.Duration // default 100 ms
	FlushBatches int           // so many are not waited with any longer, default 300
	Flushers     int           // commits at the same time, of different tenants, default 2
	Decoders     int           // requests decoded at the same time, default 2
	Wait         time.Duration // for a commit, on behalf of a request, default 20 s
	StaleAfter   time.Duration // a queue this old makes Ready fail, default 10 s
	CloseWait    time.Duration // for the last commits, default 10 s
	Log          *slog.Logger
	Now          func() time.Time
	Registerer   prometheus.Registerer // nil: metrics are kept and not shown
}

func (o *Options) defaults() {
	def(&o.BodyBytes, 16<<20)
	def(&o.BodiesHeld, 64<<20)
	def(&o.QueueBytes, 64<<20)
	def(&o.FlushEvery, 100*time.Millisecond)
	def(&o.FlushBatches, 300)
	def(&o.Flushers, 2)
	def(&o.Decoders, 2)
	def(&o.Wait, 20*time.Second)
	def(&o.StaleAfter, 10*time.Second)
	def(&o.CloseWait, 10*time.Second)
	if o.Limits == (wire.Limits{}) {
		o.Limits = wire.DefaultLimits()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

func def[T int | int64 | time.Duration](p *T, v T) {
	if *p <= 0 {
		*p = v
	}
}

// Ingester is the way into a store. Safe for concurrent use.
type Ingester struct {
	o       Options
	store   func(ctx context.Context, tenant string, batches []*tacho.Batch) error
	lazy    bool // it takes batches without their tables
	metrics *metrics
	decode  chan struct{} // a slot for each decoder
	bodies  atomic.Int64  // bytes reserved for requests being read

	mu      sync.Mutex
	queues  map[string]*queue // of tenants with something waiting or under way
	closing bool
	kick    chan struct{} // wakes one flusher

	ctx    context.Context // of commits
	cancel context.CancelFunc
	done   sync.WaitGroup

	// For Ready and the metrics, without mu.
	queued atomic.Int64           // bytes
	oldest atomic.Int64           // Unix nanoseconds of the oldest request without an answer, 0 = none
	failed atomic.Pointer[string] // what the last commit failed with, nil = it went well
}

// New starts the flushers; Close stops them.
func New(o Options) *Ingester {
	o.defaults()
	g := &Ingester{
		o:      o,
		decode: make(chan struct{}, o.Decoders),
		queues: map[string]*queue{},
		kick:   make(chan struct{}, 1),
	}
	g.store = o.Store.Append
	if v, ok := o.Store.(interface {
		AppendValid(context.Context, string, []*tacho.Batch) error
	}); ok {
		g.store, g.lazy = v.AppendValid, true
	}
	g.metrics = newMetrics(o.Registerer, g)
	g.ctx, g.cancel = context.WithCancel(context.Background())
	for range o.Flushers {
		g.done.Add(1)
		go func() {
			defer g.done.Done()
			g.flusher()
		}()
	}
	return g
}

// Append queues the batches and returns when they are durable, all of them. It
// returns ErrOverloaded without waiting when there is no room, a
// *wire.RejectedError when they can never be stored, and what the store said
// otherwise. When ctx ends first the batches may be stored all the same. The
// batches belong to the Ingester afterwards.
func (g *Ingester) Append(ctx context.Context, tenant string, batches []*tacho.Batch) error {
	for i, b := range batches {
		if err := b.Validate(); err != nil {
			g.metrics.reject("invalid")
			return &wire.RejectedError{Reason: fmt.Sprintf("batch %d: %v", i, err), Err: err}
		}
	}
	return g.appendValid(ctx, tenant, batches)
}

// appendValid is Append of batches that Validate accepts, or package wire has
// decoded.
func (g *Ingester) appendValid(ctx context.Context, tenant string, batches []*tacho.Batch) error {
	if len(batches) == 0 {
		return nil
	}
	var size int64
	for _, b := range batches {
		size += cost(b)
	}
	if size > g.o.QueueBytes {
		g.metrics.reject("too_large")
		err := &tooLargeError{fmt.Sprintf("%d batches take %d bytes of memory, the queue has %d", len(batches), size, g.o.QueueBytes)}
		return &wire.RejectedError{Reason: err.Error(), Err: err}
	}
	r := &request{batches: batches, size: size, at: g.o.Now(), due: time.Now().Add(g.o.FlushEvery), done: make(chan error, 1)}
	if err := g.enqueue(tenant, r); err != nil {
		return err
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for the commit of %d batches: %w", len(batches), ctx.Err())
	}
}

// tooLargeError is a rejection that fewer batches at once would avoid.
type tooLargeError struct{ msg string }

func (e *tooLargeError) Error() string { return e.msg }

// Ready returns why the server should not be sent batches, nil when it should.
func (g *Ingester) Ready() error {
	if msg := g.failed.Load(); msg != nil {
		return fmt.Errorf("the last commit failed: %s", *msg)
	}
	if age := g.age(); age > g.o.StaleAfter {
		return fmt.Errorf("the oldest batch has been waiting for its commit for %v", age.Round(time.Second))
	}
	if h, ok := g.o.Store.(interface{ Health() error }); ok {
		if err := h.Health(); err != nil {
			return fmt.Errorf("the store is not well: %w", err)
		}
	}
	return nil
}

// age is how long the oldest request has been waiting.
func (g *Ingester) age() time.Duration {
	if at := g.oldest.Load(); at != 0 {
		return max(g.o.Now().Sub(time.Unix(0, at)), 0)
	}
	return 0
}

// Close takes no more batches and returns when those in the queue have had
// their answer, after CloseWait by cancelling what the store is at.
func (g *Ingester) Close() error {
	g.mu.Lock()
	g.closing = true
	g.mu.Unlock()
	g.wake()
	late := time.AfterFunc(g.o.CloseWait, g.cancel)
	g.done.Wait()
	late.Stop()
	g.cancel()
	return nil
}

func (g *Ingester) wake() {
	select {
	case g.kick <- struct{}{}:
	default:
	}
}

// unwell reports whether trying smaller groups is useless.
func unwell(err error) bool {
	return errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrReadOnly) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
