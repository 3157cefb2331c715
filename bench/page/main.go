// Command page measures what the page costs the browser's main thread, beside
// d3-flame-graph with the same data in the same run.
//
// The steps in order:
//
//  1. A seeded generator makes recordings whose call trees have 50,000 and
//     200,000 frames, and seven days of minutes (data.go).
//  2. They go into store/local, and the real handlers serve them with the real
//     page, except that the tree is always asked for whole: the server would
//     leave out what is smaller than half a pixel (serve.go).
//  3. Chromium opens the page and, on a bare page, the peer (peer.go). Each
//     step — first paint, zoom, search — is done several times; its cost is the
//     CPU time of the main thread's tasks, as the browser counts it, and the wall
//     time until the frame after it (browser.go, steps.go).
//
// Printed is one JSON object a figure; see bench/README.md. The peer's have the
// prefix d3_.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
)

type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

func main() {
	rounds := flag.Int("rounds", 7, "how often the page does each step")
	peerRounds := flag.Int("peer-rounds", 2, "how often the peer does; 0: not at all")
	chromium := flag.String("chromium", "/usr/bin/chromium", "the browser")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *chromium, *rounds, *peerRounds); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, chromium string, rounds, peerRounds int) error {
	print := func(name string, value float64, unit string) error {
		return json.NewEncoder(out).Encode(figure{name, value, unit})
	}
	size, err := gzipped("web/dist/*.js")
	if err != nil {
		return err
	}
	if err := print("js_gzip_bytes", float64(size), "bytes"); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tacho-page-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := serve(ctx, dir, peerRounds > 0)
	if err != nil {
		return err
	}
	defer s.close()
	b, err := openBrowser(ctx, chromium, dir)
	if err != nil {
		return err
	}
	defer b.close()
	for _, r := range s.recordings {
		costs, err := b.page(s, r, rounds)
		if err != nil {
			return fmt.Errorf("page, %s: %w", r.name, err)
		}
		if err := costs.print(print, "", r.name); err != nil {
			return err
		}
		if peerRounds == 0 {
			continue
		}
		if costs, err = b.peer(s, r, peerRounds); err != nil {
			return fmt.Errorf("d3-flame-graph, %s: %w", r.name, err)
		}
		if err := costs.print(print, "d3_", r.name); err != nil {
			return err
		}
	}
	heat, err := b.heatmap(s, rounds)
	if err != nil {
		return fmt.Errorf("heat map: %w", err)
	}
	return heat.print(print, "", "")
}

// gzipped is the size of the files together, compressed as a server would.
func gzipped(pattern string) (int, error) {
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		return 0, fmt.Errorf("no %s: run this from the root of the checkout", pattern)
	}
	var buf bytes.Buffer
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return 0, err
		}
		z, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
		if err != nil {
			return 0, err
		}
		if _, err := z.Write(b); err != nil {
			return 0, err
		}
		if err := z.Close(); err != nil {
			return 0, err
		}
	}
	return buf.Len(), nil
}

// cost of doing something once.
type cost struct{ cpuMS, wallMS float64 }

// costs of each step, by its name, in the order of steps.
type costs struct {
	steps []string
	of    map[string][]cost
}

func (c *costs) add(step string, x cost) {
	if c.of == nil {
		c.of = map[string][]cost{}
	}
	if !slices.Contains(c.steps, step) {
		c.steps = append(c.steps, step)
	}
	c.of[step] = append(c.of[step], x)
}

// print gives the medians: the CPU time of the main thread under the plain
// name, the wall time with _wall.
func (c *costs) print(out func(string, float64, string) error, prefix, size string) error {
	if size != "" {
		size = "_" + size
	}
	for _, s := range c.steps {
		for _, f := range []struct {
			suffix string
			of     func(cost) float64
		}{
			{"_ms", func(c cost) float64 { return c.cpuMS }},
			{"_wall_ms", func(c cost) float64 { return c.wallMS }},
		} {
			var v []float64
			for _, x := range c.of[s] {
				v = append(v, f.of(x))
			}
			slices.Sort(v)
			if err := out(prefix+s+size+f.suffix, v[len(v)/2], "ms"); err != nil {
				return err
			}
		}
	}
	return nil
}
