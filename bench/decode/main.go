// Command decode measures Tacho's decoders, each beside the program or library
// people use instead, on the same input in the same run:
//
//	go run ./bench/decode [-only jfr,pprof,…] [-tacho BIN] [-file F.jfr] [-jdk HOME] [-seconds 30] [-mb 50]
//
//	jfr.go    a real JVM's recording, beside `jfr print`
//	text.go   made-up profiles as pprof, collapsed, perf script, speedscope,
//	          cpuprofile: beside google/pprof, awk, encoding/json
//	http.go   1,000 pprof profiles through /ingest of a real `tacho server`
//
// It prints one JSON line a figure. Megabytes are 10^6 bytes of uncompressed
// input, seconds are of user CPU, so rates are per core whatever else the machine
// does; ratios count user and system CPU of both sides.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

type config struct {
	only, tacho string
	file, jdk   string
	seconds     int
	mb, printMB int64
}

func main() {
	var c config
	flag.StringVar(&c.only, "only", "jfr,text,http", "parts to run")
	flag.StringVar(&c.tacho, "tacho", "", "program to send to; empty = build it")
	flag.StringVar(&c.file, "file", "", "recording to decode; empty = record one")
	flag.StringVar(&c.jdk, "jdk", "", "home of the JDK to record and print with; empty = the javac in $PATH")
	flag.IntVar(&c.seconds, "seconds", 30, "how long to record")
	flag.Int64Var(&c.mb, "mb", 50, "megabytes to decode at least")
	flag.Int64Var(&c.printMB, "print-mb", 20, "megabytes to give to jfr print")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout, os.Stderr, c); err != nil {
		fmt.Fprintln(os.Stderr, "bench/decode:", err)
		os.Exit(75)
	}
}

// figure is one line of the output.
type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

func run(ctx context.Context, stdout, stderr io.Writer, c config) error {
	dir, err := os.MkdirTemp("", "tacho-bench-decode")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	parts := []struct {
		name string
		run  func() ([]figure, error)
	}{
		{"text", func() ([]figure, error) { return textFigures(ctx, dir) }},
		{"http", func() ([]figure, error) { return httpFigures(ctx, stderr, c.tacho, dir) }},
		{"jfr", func() ([]figure, error) { return jfrFigures(ctx, stderr, c, dir) }},
	}
	out := json.NewEncoder(stdout)
	for _, p := range parts {
		if !slices.Contains(strings.Split(c.only, ","), p.name) {
			continue
		}
		figures, err := p.run()
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		for _, f := range figures {
			if err := out.Encode(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// httpFigures sends the same profiles gzipped, as SDKs do, and plain.
func httpFigures(ctx context.Context, stderr io.Writer, binary, dir string) ([]figure, error) {
	if binary == "" {
		binary = filepath.Join(dir, "tacho")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "tacho/cmd/tacho")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("build tacho: %w\n%s", err, out)
		}
	}
	var figures []figure
	for _, zipped := range []bool{true, false} {
		cpu, kb, err := endToEnd(ctx, binary, dir, zipped)
		if err != nil {
			return nil, err
		}
		name := "pprof_http_plain_cpu_s_per_1000"
		if zipped {
			name = "pprof_http_cpu_s_per_1000"
		}
		fmt.Fprintf(stderr, "%s: %.2f CPU seconds, profiles of %.0f kB\n", name, cpu, kb)
		figures = append(figures, figure{name, cpu, "s"})
	}
	return figures, nil
}
