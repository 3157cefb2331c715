package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	yaml "go.yaml.in/yaml/v3"

	"tacho/record/scrape"
	"tacho/wire"
)

// readTargets reads the key of the configuration file that is no flag: the
// programs to ask for profiles.
//
//	targets:
//	  - service: orders
//	    url: http://127.0.0.1:6060/debug/pprof
//	    instance: orders-1          # default: host:port
//	    profiles: [cpu, heap, mutex, block, goroutine]
//	    every: 15s
//	    labels: {region: eu}
func readTargets(path string) ([]scrape.Target, error) {
	return readEntries(path, "targets", readTarget)
}

func readTarget(n *yaml.Node) (scrape.Target, error) {
	var t struct {
		Service  string
		Instance string
		URL      string
		Profiles []string
		Every    string
		Labels   map[string]string
	}
	if err := decodeEntry(n, &t); err != nil {
		return scrape.Target{}, fmt.Errorf("target: %w", err)
	}
	out := scrape.Target{Service: t.Service, Instance: t.Instance, URL: t.URL, Profiles: t.Profiles, Labels: t.Labels}
	if t.Every != "" {
		var err error
		if out.Every, err = time.ParseDuration(t.Every); err != nil {
			return out, fmt.Errorf("target %q: every: %w", t.Service, err)
		}
	}
	return out, nil
}

// newScraper records the targets of the configuration, nil if there are none.
func newScraper(path string, labels map[string]string, host string, spool *wire.Spool, log *slog.Logger) (*scrape.Collector, error) {
	targets, err := readTargets(path)
	if err != nil || len(targets) == 0 {
		return nil, err
	}
	all := map[string]string{"scraped_from": host}
	for k, v := range labels {
		all[k] = v
	}
	return scrape.New(scrape.Options{Targets: targets, Deliver: spool.Append, Labels: all, Log: log})
}

// runScraper is c.Run for a collector that may not exist.
func runScraper(ctx context.Context, c *scrape.Collector) error {
	if c == nil {
		return nil
	}
	return c.Run(ctx)
}
