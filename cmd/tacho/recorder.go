package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"tacho"
	"tacho/record"
	"tacho/record/asyncprof"
	"tacho/record/jvm"
	"tacho/record/proc"
	"tacho/record/scrape"
	"tacho/wire"
)

// recorderFlags are the flags of the verbs that record.
type recorderFlags struct {
	cpuPeriod, wait, minAge time.Duration
	service                 string
	labels                  listFlag
	spool, disk             sizeFlag
	noDumps                 bool
	config                  *string // path of the configuration, known after parsing
}

func (r *recorderFlags) add(f *flags) {
	r.spool, r.disk, r.config = 1<<30, 48<<20, &f.config
	f.DurationVar(&r.cpuPeriod, "cpu-period", 20*time.Millisecond, "sample stacks every `DURATION`, at least 10ms")
	f.DurationVar(&r.wait, "wait-threshold", 10*time.Millisecond, "record waits of at least `DURATION`")
	f.DurationVar(&r.minAge, "min-age", 3*time.Second, "leave JVMs younger than `DURATION` alone")
	f.StringVar(&r.service, "service", "", "call every service `NAME` instead of what it calls itself")
	f.Var(&r.labels, "label", "add `NAME=VALUE` to everything recorded (repeatable)")
	f.Var(&r.spool, "spool-size", "keep at most `SIZE` on disk while the server is away")
	f.Var(&r.disk, "max-jvm-disk", "let a JVM keep at most `SIZE` of finished chunks for us")
	f.BoolVar(&r.noDumps, "no-dumps", false, "do not fall back to thread dumps where JFR is refused")
}

func (r *recorderFlags) labelMap() (map[string]string, error) {
	m := map[string]string{}
	for _, l := range r.labels {
		k, v, ok := strings.Cut(l, "=")
		if !ok || k == "" {
			return nil, fmt.Errorf("--label %q: want NAME=VALUE", l)
		}
		m[k] = v
	}
	if r.service != "" {
		m[tacho.LabelService] = r.service
	}
	return m, nil
}

// recorder is the recording half: collectors, and the spool between them and
// whoever takes the batches.
type recorder struct {
	host    proc.Host
	spool   *wire.Spool
	jvms    *jvm.Collector
	scrapes *scrape.Collector    // nil: no targets configured
	asyncs  *asyncprof.Collector // nil: no schedule configured
	started time.Time
	// sending says how delivery goes.
	sending func() wire.SendStats
}

// spoolSink is the spool as collectors see it.
type spoolSink struct {
	spool *wire.Spool
	log   *slog.Logger
}

func (s spoolSink) Deliver(ctx context.Context, b *tacho.Batch, key string, mark []byte) error {
	return s.spool.AppendWithMark(ctx, b, key, mark)
}

func (s spoolSink) Marks() map[string][]byte { return s.spool.Marks() }

func (s spoolSink) Forget(key string) {
	if err := s.spool.ForgetMark(key); err != nil && !errors.Is(err, wire.ErrClosed) {
		s.log.Warn("cannot forget a mark; at the next start its gap will be looked at again", "key", key, "err", err)
	}
}

func monotonic() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		return 0 // cannot fail on Linux: the clock always exists
	}
	return ts.Nano()
}

func newRecorder(r *recorderFlags, data string, log *slog.Logger) (*recorder, error) {
	host, err := proc.HostFacts("/proc")
	if err != nil {
		return nil, err
	}
	labels, err := r.labelMap()
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Join(data, "spool"))
	if err != nil {
		return nil, fmt.Errorf("find the data directory: %w", err)
	}
	spool, err := wire.OpenSpool(wire.SpoolOptions{Dir: dir, MaxBytes: int64(r.spool), Log: log})
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return nil, fmt.Errorf("%w; choose another place with --data DIR", err)
		}
		return nil, err
	}
	x := &recorder{host: host, spool: spool, started: time.Now()}
	x.jvms = jvm.New(jvm.Config{
		Proc: "/proc", Host: host.Name, BootID: host.BootID, Home: dir, Log: log, Labels: labels,
		Sink:     spoolSink{spool, log},
		Threads:  func(pid int) (record.ThreadReader, error) { return proc.Open("/proc", pid) },
		Gauges:   cgroupGauges,
		Clock:    record.Clock{Wall: time.Now, Mono: monotonic},
		Settings: jvm.Settings{CPUPeriod: r.cpuPeriod, WaitThreshold: r.wait, MaxDisk: int64(r.disk)},
		Dumps:    !r.noDumps,
		MinAge:   r.minAge,
	})
	if x.scrapes, err = newScraper(*r.config, labels, host.Name, spool, log); err != nil {
		spool.Close()
		return nil, err
	}
	if x.asyncs, err = newAsyncprof(*r.config, dir, x.jvms.Status, spool, log); err != nil {
		spool.Close()
		return nil, err
	}
	return x, nil
}

// run records and delivers until ctx ends; then it stops recording, and gives
// delivery a moment to hand over the last batches. What is not handed over
// stays in the spool.
func (x *recorder) run(ctx context.Context, deliver func(context.Context) error) error {
	defer x.spool.Close()
	sendCtx, stopSending := context.WithCancel(context.WithoutCancel(ctx))
	defer stopSending()
	var sending errgroup.Group
	sending.Go(func() error { return deliver(sendCtx) })
	recording, recCtx := errgroup.WithContext(ctx)
	recording.Go(func() error { return x.jvms.Run(recCtx) })
	recording.Go(func() error { return runScraper(recCtx, x.scrapes) })
	recording.Go(func() error { return runAsyncprof(recCtx, x.asyncs) })
	err := recording.Wait()
	for deadline := time.Now().Add(3 * time.Second); x.spool.Stats().Batches > 0 && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
	stopSending()
	if e := sending.Wait(); err == nil && !errors.Is(e, context.Canceled) {
		err = e
	}
	return err
}

// report is what the agent says about itself.
func (x *recorder) report() wire.AgentReport {
	r := wire.AgentReport{Host: x.host.Name, Version: versionString(), StartedMS: x.started.UnixMilli(), Targets: []wire.TargetReport{},
		Sink: wire.Sink(x.spool.Stats(), x.sending())}
	targets := x.jvms.Status()
	if x.asyncs != nil {
		x.asyncs.Annotate(targets)
	}
	if x.scrapes != nil {
		targets = append(targets, x.scrapes.Status()...)
	}
	for _, t := range targets {
		row := wire.TargetReport{PID: t.PID, Service: t.Service, Instance: t.Instance, Runtime: t.Runtime, State: string(t.State),
			Reason: t.Reason, Remedy: t.Remedy, SinceMS: t.Since.UnixMilli(), Counters: t.Counters, Labels: t.Labels}
		if !t.Last.IsZero() {
			row.LastMS = t.Last.UnixMilli()
		}
		r.Targets = append(r.Targets, row)
	}
	return r
}

// cgroupGauges is a process's container limits as series.
func cgroupGauges(pid int) []record.Gauge {
	l, err := proc.Cgroup("/proc", pid)
	if err != nil {
		return nil // the agents page is about JVMs; doctor says what of the host cannot be read
	}
	gs := []record.Gauge{
		{Name: "cgroup.cpu.throttled", Unit: "count", Value: float64(l.Throttled)},
		{Name: "cgroup.cpu.throttled_time", Unit: "nanoseconds", Value: float64(l.ThrottledTime)},
		{Name: "cgroup.memory.current", Unit: "bytes", Value: float64(l.MemoryCurrent)},
	}
	if c := l.Cores(); c > 0 {
		gs = append(gs, record.Gauge{Name: "cgroup.cpu.limit", Unit: "cores", Value: c})
	}
	if l.MemoryMax > 0 {
		gs = append(gs, record.Gauge{Name: "cgroup.memory.limit", Unit: "bytes", Value: float64(l.MemoryMax)})
	}
	return gs
}

// makeData makes the directory state is kept in.
func makeData(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w; choose another place with --data DIR", err)
	}
	return nil
}
