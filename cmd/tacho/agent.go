package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tacho/wire"
)

// reportEvery is how often an agent tells its server what it sees.
const reportEvery = 5 * time.Second

func runAgent(ctx context.Context, std stdio, args []string) error {
	f := newFlags(std, "agent", "record this host's JVMs and send what is seen to a server.\n"+
		"The server may be away: batches wait on disk, in DIR/spool, up to --spool-size.",
		"  tacho agent --server http://tacho.example:7700\n  tacho agent --server unix:///run/tacho.sock --label env=prod\n")
	var r recorderFlags
	r.add(f)
	var data, server, token string
	f.StringVar(&data, "data", defaultData(), "keep state in `DIR`")
	f.StringVar(&server, "server", "http://127.0.0.1:7700", "`URL` of the server: http, https or unix:///path")
	f.StringVar(&token, "token-file", "", "`FILE` with the token to send")
	if done, err := f.parse(args); done || err != nil {
		return err
	}
	log, err := f.logger()
	if err != nil {
		return err
	}
	if err := makeData(data); err != nil {
		return err
	}
	secret := ""
	if token != "" {
		b, err := os.ReadFile(token)
		if err != nil {
			return fmt.Errorf("read the token: %w", err)
		}
		secret = strings.TrimSpace(string(b))
	}
	frugal()
	x, err := newRecorder(&r, data, log)
	if err != nil {
		return err
	}
	c := &wire.Client{URL: server, Token: secret, Log: log}
	x.sending = c.Stats
	log.Info("agent started", "server", server, "data", data, "version", versionString())
	var g errgroup.Group
	reporting, stop := context.WithCancel(ctx)
	g.Go(func() error {
		every(reporting, reportEvery, func() {
			// A report that does not arrive is no loss: batches say the same
			// trouble, and the next report is due in seconds.
			if err := c.Report(reporting, x.report()); err != nil {
				log.Debug("cannot report to the server", "err", err)
			}
		})
		return nil
	})
	err = x.run(ctx, func(ctx context.Context) error { return c.Send(ctx, x.spool) })
	stop()
	g.Wait()
	return err
}

// every calls f now and then once in each period until ctx ends.
func every(ctx context.Context, period time.Duration, f func()) {
	t := time.NewTicker(period)
	defer t.Stop()
	for {
		f()
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// frugal makes the collector of garbage favour memory over CPU: an agent
// allocates little, and its hosts' memory is not ours. Who sets GOGC or
// GOMEMLIMIT knows better.
func frugal() {
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetGCPercent(50)
		debug.SetMemoryLimit(96 << 20)
	}
}
