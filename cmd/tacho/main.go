// Command tacho is a flight recorder for running services: the agent that
// records, the server that keeps and shows, and the verbs that ask it, in one
// binary. Each verb is a file; this one only chooses among them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes, the same for every verb.
const (
	exitOK     = 0
	exitNo     = 1  // the question was answered with "no"
	exitUsage  = 2  // the command line makes no sense
	exitFailed = 75 // it could not be done
)

// A verb is one thing tacho does.
type verb struct {
	name, summary string
	run           func(ctx context.Context, io stdio, args []string) error
}

// stdio is where a verb reads and writes.
type stdio struct {
	in       io.Reader
	out, err io.Writer
}

func verbs() []verb {
	return []verb{
		{"up", "record this host's JVMs and show them: agent, store and page in one process", runUp},
		{"agent", "record this host's JVMs and send what is seen to a server", runAgent},
		{"server", "keep what agents send and show it", runServer},
		{"top", "the methods that cost most in a range, in the terminal", runTop},
		{"icicle", "the call tree of a range, in the terminal", runIcicle},
		{"heatmap", "when a service was busy, in the terminal", runHeatmap},
		{"export", "write a range as pprof, collapsed stacks, speedscope, SVG or JSON", runExport},
		{"push", "send files to a server: JFR, pprof, collapsed stacks and more", runPush},
		{"analyze", "what is in a file, in the terminal, without a server", runAnalyze},
		{"diff", "what changed between two ranges, instances or versions, in the terminal", runDiff},
		{"mark", "note a fact such as a deploy, to be shown wherever time is", runMark},
		{"doctor", "what this host lets Tacho see, and what to do about the rest", runDoctor},
		{"store", "check, measure, compact, back up or restore the data of a server that does not run", runStore},
		{"version", "print the version", runVersion},
	}
}

// errUsage marks an error of the command line; its text has been printed.
var errUsage = errors.New("usage")

// errNo is the answer "no" of a verb that asks.
var errNo = errors.New("no")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second Ctrl-C ends the process at once
	}()
	os.Exit(run(ctx, stdio{os.Stdin, os.Stdout, os.Stderr}, os.Args[1:]))
}

func run(ctx context.Context, std stdio, args []string) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		usage(std.out)
		if len(args) == 0 {
			return exitUsage
		}
		return exitOK
	}
	for _, v := range verbs() {
		if v.name != args[0] {
			continue
		}
		err := v.run(ctx, std, args[1:])
		switch {
		case err == nil:
			return exitOK
		case errors.Is(err, errUsage):
			return exitUsage
		case errors.Is(err, errNo):
			return exitNo
		}
		fmt.Fprintf(std.err, "tacho %s: %v\n", v.name, err)
		return exitFailed
	}
	fmt.Fprintf(std.err, "tacho: no verb %q; see `tacho help`\n", args[0])
	return exitUsage
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Tacho is a flight recorder for running services.\n\nUsage: tacho VERB [flags]\n\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-8s  %s\n", v.name, v.summary)
	}
	fmt.Fprint(w, `
Examples:
  tacho up                                    record everything here, show it on http://127.0.0.1:7700
  tacho agent --server http://tacho:7700      record here, keep it there
  tacho top --service orders --from now-1h    the last hour's hottest methods
  tacho doctor                                is anything in the way?

`+"`tacho VERB --help` says more. Every flag is also a key of --config FILE (YAML) and\na variable: --health-listen is health-listen: and TACHO_HEALTH_LISTEN.\n")
}
