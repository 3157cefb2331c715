package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/google/pprof/profile"

	"tacho"
	"tacho/format"
	"tacho/format/all"
	"tacho/internal/madeup"
)

// textFigures decodes made-up profiles in the formats that need no program to
// make them.
func textFigures(ctx context.Context, dir string) ([]figure, error) {
	p := madeup.New(madeup.Service, 1)
	var rows []madeup.Row
	for n := range 10 {
		rows = append(rows, p.Profile(madeup.Service.Rows, n)...)
	}
	one, err := p.Pprof(rows[:madeup.Service.Rows], time.Unix(1_767_322_000, 0))
	if err != nil {
		return nil, err
	}
	var figures []figure
	for _, in := range []struct {
		format, peer string
		data         []byte
		peerCPU      func(data []byte) (time.Duration, error)
	}{
		{"pprof", "google", one, perRun(func(data []byte) error { _, err := profile.ParseData(data); return err })},
		{"collapsed", "awk", p.Collapsed(rows), awk(dir, sumCollapsed)},
		{"perfscript", "awk", p.PerfScript(rows), awk(dir, collapsePerf)},
		{"speedscope", "encoding_json", p.Speedscope(rows), perRun(unmarshal)},
		{"cpuprofile", "encoding_json", p.CPUProfile(rows), perRun(unmarshal)},
	} {
		d, ok := all.Named(in.format)
		if !ok {
			return nil, fmt.Errorf("no decoder %s", in.format)
		}
		ours, allocs, err := measure(ctx, d, in.data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in.format, err)
		}
		theirs, err := in.peerCPU(in.data)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", in.format, in.peer, err)
		}
		mb := float64(len(in.data)) / 1e6
		figures = append(figures,
			figure{in.format + "_mb_s", mb / ours.Seconds(), "MB/s"},
			figure{in.format + "_allocs_per_mb", allocs / mb, "1/MB"},
			figure{in.format + "_vs_" + in.peer, theirs.Seconds() / ours.Seconds(), "x"})
	}
	return figures, nil
}

// measure is the CPU time and the allocations of decoding data once.
func measure(ctx context.Context, d format.Decoder, data []byte) (cpuTime time.Duration, allocs float64, err error) {
	o := format.Options{Target: tacho.NewLabels(map[string]string{tacho.LabelService: "s", tacho.LabelInstance: "i"})}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n := 0
	t, err := perRun(func(data []byte) error {
		in, err := format.Open(bytes.NewReader(data), o.Limits)
		if err != nil {
			return err
		}
		defer in.Close()
		n++
		r, err := d.Decode(ctx, in.Reader, o, func(*tacho.Batch) error { return nil })
		if err == nil && r.Samples == 0 {
			err = fmt.Errorf("no samples")
		}
		return err
	})(data)
	runtime.ReadMemStats(&after)
	return t, float64(after.Mallocs-before.Mallocs) / float64(n), err
}

// perRun is the CPU time of one run of f in this process, garbage collection
// included: the median of five times half a second.
func perRun(f func([]byte) error) func([]byte) (time.Duration, error) {
	return func(data []byte) (time.Duration, error) {
		var times []time.Duration
		for range 5 {
			runtime.GC()
			user, system := cpu()
			n, began := 0, time.Now()
			for n == 0 || time.Since(began) < 500*time.Millisecond {
				if err := f(data); err != nil {
					return 0, err
				}
				n++
			}
			u, s := cpu()
			times = append(times, (u+s-user-system)/time.Duration(n))
		}
		slices.Sort(times)
		return times[2], nil
	}
}

func unmarshal(data []byte) error {
	var v struct {
		Shared struct {
			Frames []struct {
				Name, File string
				Line       int
			}
		}
		Profiles []struct {
			Samples [][]int
			Weights []float64
		}
		Nodes []struct {
			ID        int
			CallFrame struct {
				FunctionName, URL string
				LineNumber        int
			}
			Children []int
		}
		Samples, TimeDeltas []int64
	}
	return json.Unmarshal(data, &v)
}

// What people write in a shell when they have no stackcollapse-perf.pl at hand.
const (
	collapsePerf = `/^[^ \t#]/ {comm=$1; next} /^[ \t]/ {sub(/\+0x.*/,"",$2); s = s=="" ? $2 : $2 ";" s; next} s!="" {c[comm ";" s]++; s=""} END {for (k in c) print k, c[k]}`
	sumCollapsed = `{n=$NF; $NF=""; c[$0]+=n} END {for (k in c) print k c[k]}`
)

// awk is the CPU time of a one-liner over data in a file.
func awk(dir, program string) func([]byte) (time.Duration, error) {
	return func(data []byte) (time.Duration, error) {
		path := filepath.Join(dir, "in.txt")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return 0, err
		}
		cmd := exec.Command("awk", program, path)
		cmd.Stderr = os.Stderr
		if err := cmd.Run(); err != nil {
			return 0, err
		}
		return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
	}
}
