package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"tacho"
	"tacho/wire"
)

func runUp(ctx context.Context, std stdio, args []string) error {
	f := newFlags(std, "up", "record this host's JVMs and show them: agent, store and page in one process.\n"+
		"Nothing is installed in the JVMs; Ctrl-C ends the recording in each of them.",
		"  tacho up\n  tacho up --data /srv/tacho --retention 336h\n  tacho up --demo auto        start a workload to look at if no JVM runs here\n")
	var r recorderFlags
	var k keeperFlags
	r.add(f)
	k.add(f)
	var data, demo string
	var hours int
	f.StringVar(&data, "data", defaultData(), "keep state in `DIR`")
	f.StringVar(&demo, "demo", "off", "start a demo workload: `WHEN` is off, auto (if no JVM runs) or on")
	f.IntVar(&hours, "demo-hours", 48, "with a demo: make up `N` past hours, marked as demo data (0: none)")
	if done, err := f.parse(args); done || err != nil {
		return err
	}
	if demo != "off" && demo != "auto" && demo != "on" {
		fmt.Fprintf(std.err, "tacho up: --demo %q: want off, auto or on\n", demo)
		return errUsage
	}
	if hours < 0 || hours > 24*7 {
		fmt.Fprintf(std.err, "tacho up: --demo-hours %d: want 0 to 168\n", hours)
		return errUsage
	}
	log, err := f.logger()
	if err != nil {
		return err
	}
	if err := makeData(data); err != nil {
		return err
	}
	keep, err := openKeeper(&k, data, log)
	if err != nil {
		return err
	}
	rec, err := newRecorder(&r, data, log)
	if err != nil {
		keep.close()
		return err
	}
	send := &wire.Sender{Spool: rec.spool, Log: log, Deliver: wire.Decoded(wire.DefaultLimits(), func(ctx context.Context, bs []*tacho.Batch) error {
		return keep.ingest.Append(ctx, "", bs)
	})}
	rec.sending = send.Stats
	fmt.Fprintf(std.out, "Tacho records this host's JVMs and shows them on %s\n  data in %s; Ctrl-C to stop\n", keep.url(), data)

	// Recording ends before keeping does, so that the last seconds are kept.
	keepCtx, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	defer stopKeeping()
	var keeping errgroup.Group
	keeping.Go(func() error { return keep.run(keepCtx) })

	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return rec.run(gctx, send.Run) })
	g.Go(func() error {
		every(gctx, reportEvery, func() { keep.know(rec.report()) })
		return nil
	})
	g.Go(func() error { return runDemo(gctx, std, log, demo, hours, keep) })
	err = g.Wait()
	stopKeeping()
	if e := keeping.Wait(); err == nil {
		err = e
	}
	if ctx.Err() != nil {
		log.Info("stopped; no recording was left behind in any JVM")
	}
	return err
}
