// Command overhead measures what being recorded costs a JVM: slices with the
// real agent recording (20 ms, the full event set) and slices without it take
// turns in the same JVM, so that the machine's moods hit both alike.
//
// One round is a slice without and a slice with the agent. The throughput of a
// slice is operations per CPU second of the worker threads; a round's ratio is
// with / without. Printed is one JSON object a figure; see bench/README.md.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"
)

type figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

func main() {
	rounds := flag.Int("rounds", 12, "rounds for each workload")
	slice := flag.Duration("slice", 5*time.Second, "length of a slice")
	java := flag.String("java", "/usr/lib/jvm/java-17-openjdk-amd64/bin", "directory with java and javac")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds, *slice, *java); err != nil {
		fmt.Fprintln(os.Stderr, "overhead:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, rounds int, slice time.Duration, java string) error {
	b, err := setUp(ctx, java)
	if err != nil {
		return err
	}
	defer b.close()
	out := json.NewEncoder(os.Stdout)
	var all []float64
	var agentCPU, agentWall time.Duration
	for _, workload := range []string{"cpu", "serve"} {
		r, err := b.compare(ctx, workload, rounds, slice)
		if err != nil {
			return fmt.Errorf("%s: %w", workload, err)
		}
		all = append(all, r.ratios...)
		agentCPU, agentWall = agentCPU+r.agentCPU, agentWall+r.agentWall
		out.Encode(figure{"throughput_ratio_" + workload, median(r.ratios), "ratio"})
		out.Encode(figure{"throughput_ratio_" + workload + "_iqr", iqr(r.ratios), "ratio"})
		out.Encode(figure{"jvm_extra_cpu_percent_of_core_" + workload, median(r.extra), "percent"})
		fmt.Fprintf(os.Stderr, "%s: ratios %.3f\n", workload, r.ratios)
	}
	out.Encode(figure{"throughput_ratio", median(all), "ratio"})
	out.Encode(figure{"throughput_ratio_iqr", iqr(all), "ratio"})
	out.Encode(figure{"agent_cpu_percent_of_core", 100 * agentCPU.Seconds() / agentWall.Seconds(), "percent"})
	rss, cpu, err := b.manyJVMs(ctx, 10, 60*time.Second)
	if err != nil {
		return fmt.Errorf("10 JVMs: %w", err)
	}
	out.Encode(figure{"agent_rss_mib_10_jvms", float64(rss) / (1 << 20), "MiB"})
	out.Encode(figure{"agent_cpu_percent_of_core_10_jvms", cpu, "percent"})
	return nil
}

func median(v []float64) float64 { return quantile(v, 0.5) }

// iqr is the distance between the quartiles.
func iqr(v []float64) float64 { return quantile(v, 0.75) - quantile(v, 0.25) }

func quantile(v []float64, q float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if len(s) == 0 {
		return 0
	}
	x := q * float64(len(s)-1)
	i := int(x)
	if i+1 == len(s) {
		return s[i]
	}
	return s[i] + (x-float64(i))*(s[i+1]-s[i])
}
