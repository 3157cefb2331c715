package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	yaml "go.yaml.in/yaml/v3"

	"tacho/record"
	"tacho/record/asyncprof"
	"tacho/record/hotspot"
	"tacho/record/jvm"
	"tacho/record/proc"
	"tacho/wire"
)

// readAsyncprof reads the key of the configuration file that is no flag: the
// schedule of recordings with async-profiler.
//
//	asyncprof:
//	  - service: orders-.*          # regular expression for all of the name
//	    event: wall                 # cpu, itimer, ctimer, wall, alloc, lock, nativemem
//	    interval: 10ms              # of alloc and nativemem: 512KiB
//	    length: 60s
//	    every: 1h
//	    library: /opt/async-profiler/lib/libasyncProfiler.so
func readAsyncprof(path string) ([]asyncprof.Rule, error) {
	return readEntries(path, "asyncprof", func(n *yaml.Node) (asyncprof.Rule, error) {
		r, err := readRule(n)
		if err == nil {
			_, err = asyncprof.New(asyncprof.Options{Rules: []asyncprof.Rule{r}}) // says what of it makes no sense
		}
		return r, err
	})
}

func readRule(n *yaml.Node) (asyncprof.Rule, error) {
	var x struct{ Service, Event, Interval, Length, Every, Library string }
	if err := decodeEntry(n, &x); err != nil {
		return asyncprof.Rule{}, fmt.Errorf("asyncprof: %w", err)
	}
	r := asyncprof.Rule{Service: x.Service, Event: x.Event, Library: x.Library}
	if x.Interval != "" && asyncprof.CountsBytes(x.Event) {
		var size sizeFlag
		if err := size.Set(x.Interval); err != nil {
			return r, fmt.Errorf("asyncprof %q: interval: %w", x.Service, err)
		}
		r.Bytes, x.Interval = int64(size), ""
	}
	for _, d := range []struct {
		name, value string
		to          *time.Duration
	}{{"interval", x.Interval, &r.Interval}, {"length", x.Length, &r.Length}, {"every", x.Every, &r.Every}} {
		if d.value == "" {
			continue
		}
		var err error
		if *d.to, err = time.ParseDuration(d.value); err != nil {
			return r, fmt.Errorf("asyncprof %q: %s: %w", x.Service, d.name, err)
		}
	}
	return r, nil
}

// newAsyncprof records JVMs on the schedule of the configuration, nil if there
// is none.
func newAsyncprof(path, home string, jvms func() []record.Status, spool *wire.Spool, log *slog.Logger) (*asyncprof.Collector, error) {
	rules, err := readAsyncprof(path)
	if err != nil || len(rules) == 0 {
		return nil, err
	}
	return asyncprof.New(asyncprof.Options{Rules: rules, Targets: jvms, Deliver: spool.Append, Home: home,
		LibraryHome: os.Getenv(asyncHome), Log: log})
}

const asyncHome = "ASYNC_PROFILER_HOME"

// runAsyncprof is c.Run for a collector that may not exist.
func runAsyncprof(ctx context.Context, c *asyncprof.Collector) error {
	if c == nil {
		return nil
	}
	return c.Run(ctx)
}

// asyncprofChecks says of each JVM the schedule is for whether it sees the
// library.
func asyncprofChecks(ctx context.Context, config string) ([]checkup, error) {
	rules, err := readAsyncprof(config)
	if err != nil || len(rules) == 0 {
		return nil, err
	}
	host, err := proc.HostFacts("/proc")
	if err != nil {
		return nil, err
	}
	found, err := (&hotspot.Finder{}).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for JVMs: %w", err)
	}
	var out []checkup
	for _, p := range found {
		service := jvm.Service("/proc", host.Name, p)
		for _, r := range asyncprof.Matching(rules, service) {
			c := checkup{what: fmt.Sprintf("async-profiler, %s of JVM %d %s", r.Event, p.PID, service)}
			library, err := asyncprof.Locate(p, r.Library, os.Getenv(asyncHome))
			var why *asyncprof.Problem
			if errors.As(err, &why) {
				c.reason, c.remedy = why.Reason, why.Remedy
			} else {
				c.ok, c.reason = true, library
			}
			out = append(out, c)
		}
	}
	return out, nil
}
