package jvm

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"tacho/record"
	"tacho/record/hotspot"
)

// Config is what a Collector needs. Zero durations have the defaults given.
type Config struct {
	Proc    string // "/proc"
	Host    string // host name, for labels
	BootID  string // tells process ids of different boots apart
	Home    string // where this agent keeps its state: agents of one home take over from one another
	Sink    record.Sink
	Threads func(pid int) (record.ThreadReader, error)
	// Gauges are numbers about a process that another room reads (its cgroup);
	// may be nil.
	Gauges func(pid int) []record.Gauge
	Clock  record.Clock
	Log    *slog.Logger
	Labels map[string]string // added to every target

	Settings      Settings
	Dumps         bool                       // fall back to thread dumps where JFR is refused
	Only          func(hotspot.Process) bool // which JVMs to record; nil: all
	Scan          time.Duration              // between looks for new JVMs (2 s)
	MinAge        time.Duration              // of a JVM before it is attached to (3 s): javac is not worth it
	Tick          time.Duration              // between readings of the account and the chunk (1 s)
	Window        time.Duration              // length of a batch (5 s)
	MaxCatchUp    time.Duration              // how old a mark may be to be gone on from (1 h)
	AttachTimeout time.Duration              // 30 s
	StopTimeout   time.Duration              // 10 s

	attaching *sync.WaitGroup // what an attach that timed out leaves to be finished
}

func (c Config) withDefaults() Config {
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	if c.Proc == "" {
		c.Proc = "/proc"
	}
	set(&c.Scan, 2*time.Second)
	set(&c.Tick, time.Second)
	set(&c.Window, 5*time.Second)
	set(&c.MaxCatchUp, time.Hour)
	set(&c.AttachTimeout, 30*time.Second)
	set(&c.StopTimeout, 10*time.Second)
	c.Settings = c.Settings.withDefaults()
	c.attaching = &sync.WaitGroup{}
	return c
}

// Collector finds the JVMs of this host and records each.
type Collector struct {
	cfg Config

	mu       sync.Mutex
	sessions map[string]*statusBox // by mark key, ended ones for a while
}

// New makes a collector; Run does the work.
func New(cfg Config) *Collector {
	return &Collector{cfg: cfg.withDefaults(), sessions: map[string]*statusBox{}}
}

const (
	keepGone = 10 * time.Minute // for how long the status of an ended JVM is shown
	revive   = 30 * time.Second // after which a session that failed is begun anew
)

// Run finds and records JVMs until ctx ends, then stops every recording and
// hands over what was seen. It returns when all of that is done.
func (c *Collector) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer c.cfg.attaching.Wait()
	defer wg.Wait()
	finder := &hotspot.Finder{Proc: c.cfg.Proc}
	marks := c.cfg.Sink.Marks()
	for key := range marks {
		if !c.ours(key) {
			c.cfg.Sink.Forget(key) // its process is gone
		}
	}
	t := time.NewTicker(c.cfg.Scan)
	defer t.Stop()
	for {
		found, err := finder.Find(ctx)
		if err != nil && ctx.Err() == nil {
			c.cfg.Log.Warn("cannot look for JVMs", "err", err)
		}
		for _, p := range found {
			c.begin(ctx, &wg, p, marks)
		}
		c.prune()
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
		}
	}
}

// ours says whether the process a mark belongs to still runs.
func (c *Collector) ours(key string) bool {
	parts := strings.Split(key, "/")
	if len(parts) != 4 || parts[0] != "jvm" || parts[1] != c.cfg.BootID {
		return false
	}
	pid, err1 := strconv.Atoi(parts[2])
	start, err2 := strconv.ParseUint(parts[3], 10, 64)
	return err1 == nil && err2 == nil && alive(c.cfg.Proc, hotspot.Process{PID: pid, StartTicks: start})
}

// begin starts a session for a JVM that has none and is worth one.
func (c *Collector) begin(ctx context.Context, wg *sync.WaitGroup, p hotspot.Process, marks map[string][]byte) {
	key := markKey(c.cfg.BootID, p)
	if c.cfg.Only != nil && !c.cfg.Only(p) || !c.oldEnough(p) {
		return
	}
	c.mu.Lock()
	_, known := c.sessions[key]
	box := &statusBox{st: record.Status{PID: p.PID, State: record.StateStarting, Since: c.cfg.Clock.Wall(), Counters: map[string]int64{}}}
	if !known {
		c.sessions[key] = box
	}
	c.mu.Unlock()
	if known {
		return
	}
	mark := marks[key]
	delete(marks, key)
	wg.Add(1)
	go func() {
		defer wg.Done()
		s, err := newSession(&c.cfg, p, mark, box)
		if err == nil {
			err = s.run(ctx)
		}
		box.set(func(st *record.Status) {
			st.State, st.Last = record.StateGone, c.cfg.Clock.Wall()
			if err != nil {
				st.Reason = err.Error()
			}
		})
		if err != nil && ctx.Err() == nil {
			c.cfg.Log.Warn("stopped recording", "pid", p.PID, "err", err)
		}
	}()
}

// oldEnough keeps short-lived tools (javac, jcmd) from being attached to.
func (c *Collector) oldEnough(p hotspot.Process) bool {
	if c.cfg.MinAge <= 0 {
		return true
	}
	b, err := os.ReadFile(c.cfg.Proc + "/uptime")
	if err != nil {
		return true
	}
	var up float64
	if _, err := fmt.Sscan(string(b), &up); err != nil {
		return true
	}
	const ticksPerSecond = 100 // USER_HZ, the same on every Linux architecture we build for
	return up-float64(p.StartTicks)/ticksPerSecond >= c.cfg.MinAge.Seconds()
}

func (c *Collector) prune() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, b := range c.sessions {
		st := b.get()
		if st.State != record.StateGone {
			continue
		}
		if age := c.cfg.Clock.Wall().Sub(st.Last); age > keepGone || age > revive && c.ours(key) {
			delete(c.sessions, key)
		}
	}
}

// Status is what is known of each JVM, by process id.
func (c *Collector) Status() []record.Status {
	c.mu.Lock()
	boxes := make([]*statusBox, 0, len(c.sessions))
	for _, b := range c.sessions {
		boxes = append(boxes, b)
	}
	c.mu.Unlock()
	out := make([]record.Status, 0, len(boxes))
	for _, b := range boxes {
		out = append(out, b.get())
	}
	slices.SortFunc(out, func(a, b record.Status) int { return a.PID - b.PID })
	return out
}

// alive says whether the process still runs: not gone, not a zombie, not
// another one with its number.
func alive(proc string, p hotspot.Process) bool {
	b, err := os.ReadFile(fmt.Sprintf("%s/%d/stat", proc, p.PID))
	if err != nil {
		return false
	}
	// The name in parentheses may hold anything; fields count from behind it.
	i := strings.LastIndexByte(string(b), ')')
	if i < 0 {
		return false
	}
	f := strings.Fields(string(b[i+1:]))
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return false
	}
	start, err := strconv.ParseUint(f[19], 10, 64)
	return err == nil && start == p.StartTicks
}
