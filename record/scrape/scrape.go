package scrape

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"tacho"
	"tacho/record"
)

// Options: Targets and Deliver are required.
type Options struct {
	Targets []Target
	// Deliver takes a batch, and returns when it is safe from a crash of this
	// process. The batch is its own afterwards.
	Deliver func(ctx context.Context, b *tacho.Batch) error
	Labels  map[string]string // added to every target's
	HTTP    *http.Client      // default: one of its own
	Log     *slog.Logger
	Now     func() time.Time
}

// Collector asks its targets for profiles.
type Collector struct {
	o       Options
	targets []*state
}

// New checks the targets.
func New(o Options) (*Collector, error) {
	if o.HTTP == nil {
		o.HTTP = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2, IdleConnTimeout: 2 * time.Minute}}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	c := &Collector{o: o}
	seen := map[string]bool{}
	for _, t := range o.Targets {
		t, err := t.filled()
		if err != nil {
			return nil, err
		}
		if key := t.Service + "\x00" + t.Instance; seen[key] {
			return nil, fmt.Errorf("target %q: instance %q twice", t.Service, t.Instance)
		} else {
			seen[key] = true
		}
		c.targets = append(c.targets, &state{target: t, problems: map[string]*problem{}, since: o.Now(), counters: map[string]int64{}})
	}
	return c, nil
}

// Run asks until ctx ends.
func (c *Collector) Run(ctx context.Context) error {
	var all sync.WaitGroup
	for _, s := range c.targets {
		for n, name := range s.target.Profiles {
			all.Go(func() { c.loop(ctx, s, name, uint64(n)) })
		}
	}
	all.Wait()
	c.o.HTTP.CloseIdleConnections()
	return nil
}

// Status says how every target does.
func (c *Collector) Status() []record.Status {
	out := make([]record.Status, 0, len(c.targets))
	for _, s := range c.targets {
		out = append(out, s.status())
	}
	return out
}

// identity is what the batches of a target are stored under.
func (c *Collector) identity(t *Target) tacho.Labels {
	m := map[string]string{}
	maps.Copy(m, c.o.Labels)
	maps.Copy(m, t.Labels)
	m[tacho.LabelService], m[tacho.LabelInstance], m[tacho.LabelRuntime] = t.Service, t.Instance, "Go"
	return tacho.NewLabels(m)
}

// loop records one profile of one target. number tells its batches from those
// of the target's other profiles that begin at the same moment.
func (c *Collector) loop(ctx context.Context, s *state, name string, number uint64) {
	d := newDelta()
	last := c.o.Now() // until here everything is recorded
	for {
		began := c.o.Now()
		if name == "cpu" {
			last = began // the target records from now on, not from when it was last heard of
		}
		err := c.once(ctx, s, name, number, d, &last)
		if ctx.Err() != nil {
			return
		}
		s.note(name, err, c.o.Now())
		if err != nil {
			c.o.Log.Debug("cannot scrape", "target", s.target.Service, "instance", s.target.Instance, "profile", name, "err", err)
			d = newDelta() // what was counted meanwhile is of a time nobody knows the length of
			last = c.o.Now()
		}
		wait := s.target.Every - c.o.Now().Sub(began)
		if name == "cpu" && err == nil {
			wait = 0 // the next one follows without a gap
		}
		if wait <= 0 {
			continue
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// once records one profile. last moves on with what was delivered.
func (c *Collector) once(ctx context.Context, s *state, name string, number uint64, d *delta, last *time.Time) error {
	body, err := c.fetch(ctx, &s.target, name, s.target.Every)
	if err != nil {
		return err
	}
	now := c.o.Now()
	if !now.After(*last) { // a clock that was set back
		*last = now.Add(-time.Nanosecond)
	}
	batches, err := c.decode(ctx, &s.target, name, body, window{*last, now})
	if err != nil {
		return err
	}
	if d.take(batches) {
		s.count("restarts")
		c.o.Log.Info("a target counts from zero again: it was restarted", "target", s.target.Service, "instance", s.target.Instance)
	}
	for i, b := range batches {
		if len(b.Profiles) == 0 {
			continue // the first look at counters
		}
		b.Sequence = uint64(i)<<8 | number
		if err := c.o.Deliver(ctx, b); err != nil {
			return fmt.Errorf("deliver the %s profile of %s: %w", name, s.target.Service, err)
		}
		s.delivered(now)
	}
	*last = now
	return nil
}

// asProblem is any error in words for the agents page.
func asProblem(err error) *problem {
	var p *problem
	if errors.As(err, &p) {
		return p
	}
	return &problem{err.Error(), "See the agent's log."}
}
