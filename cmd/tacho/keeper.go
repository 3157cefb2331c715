package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"tacho"
	"tacho/ingest"
	"tacho/internal/tuning"
	"tacho/query"
	"tacho/report"
	"tacho/store/local"
	"tacho/store/named"
	"tacho/symbol"
	"tacho/web"
	"tacho/wire"
)

// keeperFlags are the flags of the verbs that keep and show.
type keeperFlags struct {
	listen, health, socket string
	hosts                  listFlag
	retention, raw         time.Duration
	minFree, maxSize       sizeFlag
	symbolsSize            sizeFlag
	tenants                tenantFlag
	foreign                foreignFlags
}

func (k *keeperFlags) add(f *flags) {
	k.minFree, k.symbolsSize = 512<<20, 2<<30
	f.StringVar(&k.listen, "listen", "127.0.0.1:7700", "serve page and API on `ADDR`")
	f.StringVar(&k.health, "health-listen", "127.0.0.1:7701", "serve /healthz, /readyz and /metrics on `ADDR`; empty: only on the main one")
	f.StringVar(&k.socket, "socket", "", "also serve the API on a Unix socket at `PATH`")
	f.Var(&k.hosts, "allow-host", "also answer to host `NAME` (repeatable); loopback names always work")
	f.DurationVar(&k.retention, "retention", 7*24*time.Hour, "keep everything for `DURATION`")
	f.DurationVar(&k.raw, "raw-retention", 24*time.Hour, "keep single samples, with their time and thread, for `DURATION`")
	f.Var(&k.minFree, "min-free", "refuse batches when less than `SIZE` is left on the disk; below twice that the oldest day is dropped")
	k.foreign.add(f)
	f.Var(&k.maxSize, "max-size", "drop the oldest day when the store is larger than `SIZE`; 0: no such limit")
	f.Var(&k.symbolsSize, "symbols-size", "keep at most `SIZE` of what debug files say; those unused longest go first")
	f.Var(&k.tenants, "tenant-limit", "keep of a tenant less or more than of the others: `NAME=DURATION[/SIZE]` or NAME=/SIZE, the size before compression (repeatable, or with commas)")
}

// requestsAtOnce bounds what a listener works on. A batch waits some 100 ms for
// its commit, so that these are a few thousand requests a second.
const requestsAtOnce = 256

// keeper is the keeping half: store, ingest and page.
type keeper struct {
	flags  *keeperFlags
	log    *slog.Logger
	store  *local.Store
	ingest *ingest.Ingester
	agents *web.AgentTable
	main   net.Listener
	health net.Listener
	unix   net.Listener
	otlp   [2]net.Listener // HTTP and gRPC
	intake *ingest.Intake
	names  *symbol.Store
	data   string
	reg    *prometheus.Registry
}

// openKeeper opens the store and the listeners, so that what is wrong with
// either is said before anything starts.
func openKeeper(k *keeperFlags, data string, log *slog.Logger) (_ *keeper, err error) {
	x := &keeper{flags: k, log: log, data: data, agents: web.NewAgentTable(time.Now), reg: prometheus.NewRegistry()}
	defer func() {
		if err != nil {
			x.close()
		}
	}()
	tuning.Server()
	x.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if x.main, err = listen(k.listen, "--listen"); err != nil {
		return nil, err
	}
	if k.health != "" {
		if x.health, err = listen(k.health, "--health-listen"); err != nil {
			return nil, err
		}
	}
	if k.socket != "" {
		if x.unix, err = listenUnix(k.socket); err != nil {
			return nil, err
		}
	}
	if x.otlp[0], err = listenOTLP(k.foreign.otlpHTTP, "--otlp-http", log); err != nil {
		return nil, err
	}
	if x.otlp[1], err = listenOTLP(k.foreign.otlpGRPC, "--otlp-grpc", log); err != nil {
		return nil, err
	}
	x.store, err = local.Open(local.Options{Dir: filepath.Join(data, "store"), RawRetention: k.raw, Retention: k.retention, MinFree: uint64(k.minFree), MaxBytes: uint64(k.maxSize), Tenants: k.tenants, Log: log})
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	x.reg.MustRegister(newStoreMetrics(x.store.Stats, x.store.Health))
	x.ingest = ingest.New(ingest.Options{Store: x.store, Log: log, Registerer: x.reg, BodiesHeld: 32 << 20})
	x.names, err = symbol.Open(symbol.Options{Dir: filepath.Join(data, "symbols"), MaxBytes: int64(k.symbolsSize), Log: log})
	if err != nil {
		return nil, fmt.Errorf("open the symbols: %w", err)
	}
	x.intake = ingest.NewIntake(ingest.IntakeOptions{Store: x.ingest, Limits: k.foreign.limits(), Names: x.names.ResolveLoaded, Registerer: x.reg})
	return x, nil
}

func listen(addr, flag string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w; is another Tacho running? choose another address with %s ADDR", err, flag)
	}
	return l, nil
}

// listenUnix takes over a socket nobody answers on, and never one in use.
func listenUnix(path string) (net.Listener, error) {
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return nil, fmt.Errorf("listen on %s: another process answers there; choose another path with --socket PATH", path)
	} else if fi, e := os.Stat(path); e == nil && fi.Mode().Type() == os.ModeSocket {
		os.Remove(path)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o660); err != nil {
		l.Close()
		return nil, fmt.Errorf("open %s to its group: %w", path, err)
	}
	return l, nil
}

func (x *keeper) url() string { return "http://" + x.main.Addr().String() }

func (x *keeper) ready() error { return x.ingest.Ready() }

// run serves until ctx ends, then finishes what has begun.
func (x *keeper) run(ctx context.Context) error {
	defer x.close()
	metrics := promhttp.HandlerFor(x.reg, promhttp.HandlerOpts{})
	more := foreignRoutes(x.intake, x.names, x.data)
	shown := named.New(x.store, x.names)
	api := web.New(web.Options{
		Query: query.New(shown), Store: shown, Ingest: x.ingest.Handler(), Agents: x.agents,
		Append:  func(ctx context.Context, bs []*tacho.Batch) error { return x.ingest.Append(ctx, "", bs) },
		Version: versionString(), Ready: x.ready, Listen: x.flags.listen, Hosts: x.flags.hosts,
		Registerer: x.reg, Metrics: metrics, Log: x.log, More: more,
	})
	health := http.NewServeMux()
	health.Handle("/", web.Health(x.ready))
	health.Handle("GET /metrics", metrics)
	g, ctx := errgroup.WithContext(ctx)
	serve := func(l net.Listener, h http.Handler, gate *web.Gate) {
		if l == nil {
			return
		}
		// Slow clients must not hold connections for ever; answers may take long.
		s := &http.Server{Handler: h, Protocols: h2c(), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
			ErrorLog: slog.NewLogLogger(x.log.Handler(), slog.LevelDebug)}
		if gate != nil {
			s.Handler, s.ConnState, l = gate.Handler(h), gate.ConnState, gate.Listener(l)
		}
		g.Go(func() error {
			if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				return err
			}
			return nil
		})
		g.Go(func() error {
			<-ctx.Done()
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			if err := s.Shutdown(end); err != nil {
				return s.Close()
			}
			return nil
		})
	}
	serve(x.main, api, web.NewGate(requestsAtOnce))
	serve(x.health, health, nil)
	serve(x.unix, api, web.NewGate(requestsAtOnce))
	for i, addr := range []string{x.flags.foreign.otlpHTTP, x.flags.foreign.otlpGRPC} {
		serve(x.otlp[i], web.Guard(addr, x.flags.hosts, more["/v1/traces"]), web.NewGate(requestsAtOnce))
	}
	return g.Wait()
}

func (x *keeper) close() {
	for _, l := range []net.Listener{x.main, x.health, x.unix, x.otlp[0], x.otlp[1]} {
		if l != nil {
			l.Close()
		}
	}
	if x.ingest != nil {
		x.ingest.Close()
	}
	if x.names != nil {
		if err := x.names.Close(); err != nil {
			x.log.Error("close the symbols", "err", err)
		}
	}
	if x.store != nil {
		if err := x.store.Close(); err != nil {
			x.log.Error("close the store", "err", err)
		}
	}
	x.ingest, x.names, x.store = nil, nil, nil
}

// know shows this process's own agent among the others.
func (x *keeper) know(r wire.AgentReport) {
	b, err := json.Marshal(r)
	var a report.Agent
	if err == nil {
		err = json.Unmarshal(b, &a) // the same fields, said twice: what is sent and what is shown
	}
	if err == nil {
		err = x.agents.Report(a)
	}
	if err != nil {
		x.log.Warn("cannot show the agent's state", "err", err)
	}
}
