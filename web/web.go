package web

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tacho"
	"tacho/query"
	"tacho/report"
	"tacho/store"
)

// Agents is the list of agents that report to this server. AgentTable is one.
type Agents interface {
	// List gives what every agent said last, in a stable order.
	List() []report.Agent
	// Report takes what an agent says about itself now.
	Report(a report.Agent) error
}

// Options is what the server is made of. Query and Store are required.
type Options struct {
	Query  *query.Engine
	Store  store.Store
	Ingest http.Handler // POST /api/v1/batches; nil = this server takes no batches
	Agents Agents       // nil = this server keeps no list of agents
	// Append stores batches made here: events that somebody posts. It returns when
	// they are durable; nil = this server takes no events.
	Append func(context.Context, []*tacho.Batch) error
	// More are other protocols' handlers by path, for every method; a path that
	// ends in a slash stands for all below it. They answer in their own words, and
	// are guarded like the rest.
	More map[string]http.Handler

	Version string       // in the Server header; "" = no header
	Ready   func() error // returns nil when able to store; a nil func is always ready

	// Listen is the address of the main listener as configured. When it is
	// loopback (or unknown: "") the Host header must name loopback or one of
	// Hosts, so that a page elsewhere cannot reach in through DNS rebinding.
	Listen string
	Hosts  []string // names this server is also known by, without port

	Registerer prometheus.Registerer // where the latency histogram goes; nil = nowhere
	Metrics    http.Handler          // GET /metrics; nil = 404

	Assets fs.FS // replaces the embedded page, for tests

	MaxConcurrentQueries int           // 0 = 4
	QueryWait            time.Duration // in line, before 503; 0 = 10 s

	Log *slog.Logger     // nil = discard
	Now func() time.Time // nil = time.Now
}

type server struct {
	Options
	pages  *pages
	heavy  limiter // questions that read samples
	light  limiter // questions that read indexes: they do not wait behind heavy ones
	timing *timing
}

// New makes the handler of the main listener.
func New(o Options) http.Handler {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Ready == nil {
		o.Ready = func() error { return nil }
	}
	if o.MaxConcurrentQueries <= 0 {
		o.MaxConcurrentQueries = 4
	}
	if o.QueryWait <= 0 {
		o.QueryWait = 10 * time.Second
	}
	s := &server{Options: o}
	s.pages = newPages(o.Assets, o.Log)
	s.heavy = newLimiter(o.MaxConcurrentQueries, o.QueryWait)
	s.light = newLimiter(o.MaxConcurrentQueries, o.QueryWait)
	s.timing = newTiming(o.Registerer, o.Log)
	return s.guard(s.router())
}
