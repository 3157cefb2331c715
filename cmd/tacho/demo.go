package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tacho"
	"tacho/casebook/collector"
	"tacho/casebook/demo"
	"tacho/record/hotspot"
)

// demoService is what the workload is called: its main class.
const demoService = "CollectorServer"

// runDemo starts the story's workload when asked to, says so, and makes up
// some past for it, marked as such. It returns when the workload has ended
// with ctx.
func runDemo(ctx context.Context, std stdio, log *slog.Logger, when string, hours int, keep *keeper) error {
	if when == "off" {
		return nil
	}
	if when == "auto" {
		found, err := (&hotspot.Finder{}).Find(ctx)
		if err != nil {
			return fmt.Errorf("look for JVMs: %w", err)
		}
		if len(found) > 0 {
			fmt.Fprintf(std.out, "  %d JVM(s) run here already: no demo workload is started\n", len(found))
			return nil
		}
	}
	if err := seedDemo(ctx, keep, hours); err != nil {
		return err
	}
	d, err := collector.Start(ctx, collector.Options{Reader: "stream", Load: true, Log: log})
	if errors.Is(err, collector.ErrNoJDK) {
		fmt.Fprintf(std.out, "  no JVM runs here and there is no JDK for the demo workload: %v\n", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("start the demo workload: %w", err)
	}
	fmt.Fprintf(std.out, "  no JVM ran here, so a demo workload was started: a metrics collector (pid %d) and its load (pid %d)\n", d.PID, d.LoadPID)
	if hours > 0 {
		fmt.Fprintf(std.out, "  its %d hours before now are made up, and marked as demo data\n", hours)
	}
	fmt.Fprintf(std.out, "  open %s/r/%s\n", keep.url(), demoService)
	err = d.Wait()
	if ctx.Err() != nil {
		return nil
	}
	log.Warn("the demo workload ended; recording goes on", "err", err)
	return nil
}

// seedDemo makes up the past, unless there is one already: a second start with
// the same data shows what was really recorded.
func seedDemo(ctx context.Context, keep *keeper, hours int) error {
	if hours == 0 {
		return nil
	}
	services, err := keep.store.Services(ctx, "")
	if err != nil {
		return fmt.Errorf("look for an earlier demo: %w", err)
	}
	for _, s := range services {
		if s.Name == demoService {
			return nil
		}
	}
	err = demo.Seed(ctx, func(ctx context.Context, bs []*tacho.Batch) error { return keep.store.Append(ctx, "", bs) },
		demo.SeedOptions{Now: time.Now(), Hours: hours, Service: demoService, Seed: 1})
	if err != nil {
		return fmt.Errorf("make up demo data: %w", err)
	}
	return nil
}
