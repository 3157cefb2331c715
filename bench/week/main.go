// Command week measures the embedded store from end to end with the data set
// "week": 10 instances, a profile a minute each, for 7 days; 1,437 rows a
// profile, drawn by Zipf's law from 20,000 stacks of mean depth 42, which make
// a trie of 254,013 calls.
//
// The steps in order:
//
//  1. A seeded generator makes the stacks (world.go), and profile after profile
//     from them (profile.go), keeping the sums that every answer is held to.
//  2. The profiles are encoded and go as requests through the handler of POST
//     /api/v1/batches and ingest.Ingester into store/local, the store's clock
//     running with the data; what agents would do, making and encoding them, is
//     measured on its thread and taken off. (load.go)
//  3. The store is compacted and opened again, and questions go to the API over
//     a loopback connection, in turns. (ask.go, questions.go)
//
// Printed is one JSON object a figure; see bench/README.md. With --growth other
// stores are filled instead, with 1, 10 and 100 small services, and one of the
// services is asked for its last 24 hours in each of them (growth.go).
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"

	"tacho/internal/tuning"
)

type options struct {
	scale   float64
	data    string // the store's directory; "" = a temporary one
	keep    bool
	growth  bool
	rounds  int
	profile string // directory for CPU profiles, "" = none
}

func main() {
	var o options
	flag.Float64Var(&o.scale, "scale", 1, "share of the 7 days (of the 26 hours with --growth) to load")
	flag.StringVar(&o.data, "data", "", "make the stores in `DIR`, which must be empty or missing; default: a temporary directory")
	flag.BoolVar(&o.keep, "keep", false, "leave the stores behind")
	flag.BoolVar(&o.growth, "growth", false, "measure how a question grows with the number of services instead")
	flag.IntVar(&o.rounds, "rounds", 100, "how often each question is asked")
	flag.StringVar(&o.profile, "profile", "", "write CPU profiles load.pprof and icicle_7d.pprof into `DIR`")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "week: unexpected argument %q\n", flag.Arg(0))
		os.Exit(2)
	}
	tuning.Server() // as a server does
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Stderr, o); err != nil {
		fmt.Fprintln(os.Stderr, "week:", err)
		os.Exit(1)
	}
}

// printer writes figures as they are known, and remarks beside them.
type printer struct {
	out *json.Encoder
	log io.Writer
}

type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

func (p *printer) figure(name string, value float64, unit string) error {
	if err := p.out.Encode(figure{name, value, unit}); err != nil {
		return fmt.Errorf("print %s: %w", name, err)
	}
	return nil
}

func (p *printer) say(format string, args ...any) { fmt.Fprintf(p.log, format+"\n", args...) }

func run(ctx context.Context, out, log io.Writer, o options) (err error) {
	if o.scale <= 0 || o.scale > 1 || o.rounds < 1 {
		return fmt.Errorf("--scale %g --rounds %d: want 0 < scale <= 1 and rounds >= 1", o.scale, o.rounds)
	}
	dir, remove, err := makeDir(o.data, o.keep)
	if err != nil {
		return err
	}
	defer func() {
		if e := remove(); err == nil {
			err = e
		}
	}()
	p := &printer{json.NewEncoder(out), log}
	if err := p.figure("gomaxprocs", float64(runtime.GOMAXPROCS(0)), "threads"); err != nil {
		return err
	}
	if o.growth {
		return growth(ctx, p, dir, o)
	}
	return week(ctx, p, dir, o)
}

// makeDir makes the directory of the stores, and says how to remove it.
func makeDir(data string, keep bool) (dir string, remove func() error, err error) {
	if data == "" {
		dir, err = os.MkdirTemp("", "tacho-week-")
	} else {
		dir = filepath.Join(data, "week")
		if err = os.MkdirAll(data, 0o750); err == nil {
			err = os.Mkdir(dir, 0o750) // fails on what an earlier run has kept
		}
	}
	if err != nil {
		return "", nil, fmt.Errorf("make a directory for the stores: %w", err)
	}
	return dir, func() error {
		if keep {
			return nil
		}
		return os.RemoveAll(dir)
	}, nil
}
