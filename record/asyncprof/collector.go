package asyncprof

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tacho"
	"tacho/record"
	"tacho/record/hotspot"
)

// Options: Rules, Targets and Deliver are required.
type Options struct {
	Rules []Rule
	// Targets are the JVMs of this host as who records them knows them: process
	// id, labels, and state. Those that start, or have ended, are left alone.
	Targets func() []record.Status
	// Deliver takes a batch, and returns when it is safe from a crash of this
	// process. The batch is its own afterwards.
	Deliver func(ctx context.Context, b *tacho.Batch) error

	Proc          string // default /proc
	Home          string // where this agent keeps its state: what it has left behind is told by it
	LibraryHome   string // $ASYNC_PROFILER_HOME
	Log           *slog.Logger
	Now           func() time.Time
	Scan          time.Duration // between looks for JVMs (5 s)
	Recheck       time.Duration // between looks for a library that is missing (1 min)
	AttachTimeout time.Duration // 30 s
	MaxFile       int64         // bytes of a recording in the JVM's /tmp (256 MiB)
}

// atOnce is how many JVMs of a host are recorded at a time.
const atOnce = 4

// Collector records JVMs on a schedule.
type Collector struct {
	o         Options
	slots     chan struct{}
	attaching sync.WaitGroup // what an attach that timed out leaves to be finished

	mu      sync.Mutex
	workers map[int]*worker // by process id
}

// New checks the rules.
func New(o Options) (*Collector, error) {
	rules := make([]Rule, len(o.Rules))
	for i, r := range o.Rules {
		var err error
		if rules[i], err = r.filled(); err != nil {
			return nil, err
		}
	}
	o.Rules = rules
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&o.Scan, 5*time.Second)
	set(&o.Recheck, time.Minute)
	set(&o.AttachTimeout, 30*time.Second)
	if o.MaxFile <= 0 {
		o.MaxFile = maxFile
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Collector{o: o, slots: make(chan struct{}, atOnce), workers: map[int]*worker{}}, nil
}

// Run records until ctx ends; then it ends what is being recorded, delivers it,
// and returns when that is done.
func (c *Collector) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer c.attaching.Wait()
	defer all.Wait()
	finder := &hotspot.Finder{Proc: c.o.Proc}
	t := time.NewTicker(c.o.Scan)
	defer t.Stop()
	for {
		found, err := finder.Find(ctx)
		if err == nil {
			c.match(ctx, &all, found)
		} else if ctx.Err() == nil {
			c.o.Log.Warn("cannot look for JVMs", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// match ends the workers of JVMs that have ended, and gives one to each JVM
// that a rule is for.
func (c *Collector) match(ctx context.Context, all *sync.WaitGroup, found []hotspot.Process) {
	c.mu.Lock()
	defer c.mu.Unlock()
	running := map[int]hotspot.Process{}
	for _, p := range found {
		running[p.PID] = p
	}
	for pid, w := range c.workers {
		if p, ok := running[pid]; !ok || p.StartTicks != w.proc.StartTicks {
			w.end()
			delete(c.workers, pid)
		}
	}
	for _, t := range c.o.Targets() {
		p, ok := running[t.PID]
		if _, busy := c.workers[t.PID]; !ok || busy || t.State == record.StateStarting || t.State == record.StateGone {
			continue
		}
		rules := c.rulesFor(t.Service)
		if len(rules) == 0 {
			continue
		}
		w := &worker{c: c, proc: p, target: tacho.NewLabels(t.Labels), rules: rules}
		own, cancel := context.WithCancel(ctx)
		w.end = cancel
		c.workers[t.PID] = w
		all.Go(func() { w.run(own) })
	}
}

func (c *Collector) rulesFor(service string) []Rule { return Matching(c.o.Rules, service) }

// Matching are the rules for a service. Rules that make no sense match nothing.
func Matching(rules []Rule, service string) []Rule {
	var out []Rule
	for _, r := range rules {
		if r, err := r.filled(); err == nil && r.service.MatchString(service) {
			out = append(out, r)
		}
	}
	return out
}

// Annotate adds to the status of the JVMs what came of their schedule.
func (c *Collector) Annotate(targets []record.Status) {
	for i := range targets {
		t := &targets[i]
		c.mu.Lock()
		w := c.workers[t.PID]
		c.mu.Unlock()
		if w == nil || t.State == record.StateGone {
			continue
		}
		s := w.state()
		if t.Counters == nil {
			t.Counters = map[string]int64{}
		}
		t.Counters["async_recordings"], t.Counters["async_samples"], t.Counters["async_failures"] = s.recordings, s.samples, s.failures
		p := s.problem()
		if p == nil {
			continue
		}
		if t.State == record.StateRecording {
			t.State = record.StateLimited
		}
		if t.Reason == "" {
			t.Reason, t.Remedy = p.Reason, p.Remedy
		} else {
			t.Reason += fmt.Sprintf(" %s %s", p.Reason, p.Remedy)
		}
	}
}
