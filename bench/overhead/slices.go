package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"tacho/record/proc"
)

// bench is what all slices share: the built binary, a server that takes the
// batches, the compiled workload.
type bench struct {
	dir, tacho, java string
	server           *process
	port             int
}

// process is a child that is asked things on its standard input.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func spawn(ctx context.Context, path string, args ...string) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, path, args...)}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 10 * time.Second
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return p, nil
}

// line waits for a line that begins with the word, and returns the rest.
func (p *process) line(word string) (string, error) {
	for p.out.Scan() {
		if rest, ok := strings.CutPrefix(p.out.Text(), word); ok {
			return strings.TrimSpace(rest), nil
		}
	}
	return "", fmt.Errorf("%s ended before it said %q", p.cmd.Path, word)
}

func (p *process) end() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.cmd.Wait()
}

func setUp(ctx context.Context, java string) (_ *bench, err error) {
	dir, err := os.MkdirTemp("", "tacho-overhead-")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, tacho: filepath.Join(dir, "tacho"), java: java, port: 17711}
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	for _, c := range [][]string{
		{"go", "build", "-o", b.tacho, "./cmd/tacho"},
		{filepath.Join(java, "javac"), "-d", dir, "bench/overhead/Work.java"},
	} {
		if out, err := exec.CommandContext(ctx, c[0], c[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", strings.Join(c, " "), err, out)
		}
	}
	b.server, err = spawn(ctx, b.tacho, "server", "--data", filepath.Join(dir, "server"), "--listen", b.addr(), "--health-listen", "", "--log-level", "error")
	return b, err
}

func (b *bench) addr() string { return fmt.Sprintf("127.0.0.1:%d", b.port) }

func (b *bench) close() {
	if b.server != nil {
		b.server.end()
	}
	os.RemoveAll(b.dir)
}

func (b *bench) work(ctx context.Context, workload string) (*process, int, error) {
	// Without nodelay, HttpServer and the client's delayed acknowledgement wait
	// 40 ms for one another in each request: two clients were served 45 requests
	// a second, the JVM was never warm, and ratios of rounds went from 0.7 to 1.35.
	p, err := spawn(ctx, filepath.Join(b.java, "java"), "-Dsun.net.httpserver.nodelay=true", "-cp", b.dir, "Work", workload)
	if err != nil {
		return nil, 0, err
	}
	port := 0
	if workload == "serve" {
		rest, err := p.line("port ")
		if err != nil {
			return nil, 0, err
		}
		fmt.Sscan(rest, &port)
	}
	_, err = p.line("ready")
	return p, port, err
}

// settle is the time between a start or stop of the recording and the slice
// after it: HotSpot throws compiled code away when JFR instruments classes, and
// has to make it again.
const settle = 5 * time.Second

// result is what the rounds of one workload came to.
type result struct {
	ratios              []float64 // operations per worker CPU second, with / without
	extra               []float64 // percent of a core the JVM's other threads used more
	agentCPU, agentWall time.Duration
}

func (b *bench) compare(ctx context.Context, workload string, rounds int, slice time.Duration) (*result, error) {
	p, port, err := b.work(ctx, workload)
	if err != nil {
		return nil, err
	}
	defer p.end()
	loadCtx, stopLoad := context.WithCancel(ctx)
	var load errgroup.Group
	defer load.Wait()
	defer stopLoad()
	if port != 0 {
		for range 2 {
			load.Go(func() error { request(loadCtx, port); return nil })
		}
	}
	// Warm up: compiled code, and JFR's own one-time start.
	a, err := b.agent(ctx, p)
	if err != nil {
		return nil, err
	}
	time.Sleep(10 * time.Second)
	a.end()
	r := &result{}
	for i := range rounds {
		var off, on *measured
		measureOff := func() (err error) {
			time.Sleep(settle)
			off, err = b.measure(p, slice)
			return err
		}
		measureOn := func() error {
			a, err := b.agent(ctx, p)
			if err != nil {
				return err
			}
			defer a.end()
			time.Sleep(settle) // the start is paid once in a JVM's life, not in every slice
			before, err := cpuOf(a.cmd.Process.Pid)
			if err != nil {
				return err
			}
			if on, err = b.measure(p, slice); err != nil {
				return err
			}
			after, err := cpuOf(a.cmd.Process.Pid)
			r.agentCPU += after - before
			r.agentWall += on.wall
			return err
		}
		steps := []func() error{measureOff, measureOn}
		if i%2 == 1 { // neither always goes first
			steps[0], steps[1] = steps[1], steps[0]
		}
		for _, s := range steps {
			if err := s(); err != nil {
				return nil, err
			}
		}
		r.ratios = append(r.ratios, on.rate()/off.rate())
		r.extra = append(r.extra, 100*(on.other()-off.other()))
	}
	return r, nil
}

// request keeps asking the workload's server until ctx ends.
func request(ctx context.Context, port int) {
	url := fmt.Sprintf("http://127.0.0.1:%d/", port)
	for ctx.Err() == nil {
		req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			return
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
	}
}

// agent starts the real agent and waits until it records the workload.
func (b *bench) agent(ctx context.Context, p *process) (*process, error) {
	a, err := spawn(ctx, b.tacho, "agent", "--server", "http://"+b.addr(), "--data", filepath.Join(b.dir, "agent"), "--min-age", "0s", "--log-level", "error")
	if err != nil {
		return nil, err
	}
	return a, b.recorded(ctx, p.cmd.Process.Pid)
}

// recorded waits until the agents page says that the process is recorded.
func (b *bench) recorded(ctx context.Context, pids ...int) error {
	began := time.Now()
	for time.Since(began) < 2*time.Minute && ctx.Err() == nil {
		time.Sleep(200 * time.Millisecond)
		res, err := http.Get("http://" + b.addr() + "/api/v1/agents")
		if err != nil {
			continue
		}
		var v struct {
			Agents []struct {
				StartedMS int64 `json:"started_ms"`
				Targets   []struct {
					PID   int    `json:"pid"`
					State string `json:"state"`
				} `json:"targets"`
			} `json:"agents"`
		}
		err = json.NewDecoder(res.Body).Decode(&v)
		res.Body.Close()
		n := 0
		for _, a := range v.Agents {
			for _, t := range a.Targets {
				for _, pid := range pids {
					// A report of the agent before this one does not count.
					if t.PID == pid && t.State == "recording" && time.UnixMilli(a.StartedMS).After(began.Add(-2*time.Second)) {
						n++
					}
				}
			}
		}
		if err == nil && n >= len(pids) {
			return nil
		}
	}
	return fmt.Errorf("the agent does not record processes %v", pids)
}

// measured is one slice.
type measured struct {
	ops                  int64
	workers, total, wall time.Duration
}

func (m *measured) rate() float64 { return float64(m.ops) / m.workers.Seconds() }

// other is the cores used by threads that are not workers.
func (m *measured) other() float64 { return (m.total - m.workers).Seconds() / m.wall.Seconds() }

func (b *bench) measure(p *process, slice time.Duration) (*measured, error) {
	ask := func() (m measured, err error) {
		if _, err := io.WriteString(p.in, "\n"); err != nil {
			return m, err
		}
		rest, err := p.line("done ")
		if err != nil {
			return m, err
		}
		if _, err := fmt.Sscan(rest, &m.ops, (*int64)(&m.workers)); err != nil {
			return m, err
		}
		m.total, err = cpuOf(p.cmd.Process.Pid)
		return m, err
	}
	began := time.Now()
	before, err := ask()
	if err != nil {
		return nil, err
	}
	time.Sleep(slice)
	after, err := ask()
	if err != nil {
		return nil, err
	}
	return &measured{after.ops - before.ops, after.workers - before.workers, after.total - before.total, time.Since(began)}, nil
}

// cpuOf is the CPU a process has used.
func cpuOf(pid int) (time.Duration, error) {
	t, err := proc.Open("/proc", pid)
	if err != nil {
		return 0, err
	}
	defer t.Close()
	n, err := t.Process()
	return time.Duration(n), err
}

// manyJVMs runs one agent over n JVMs that each do a little, and returns its
// largest resident set and its CPU in percent of a core.
func (b *bench) manyJVMs(ctx context.Context, n int, length time.Duration) (rss int64, cpu float64, err error) {
	var pids []int
	for range n {
		p, _, err := b.work(ctx, "idle")
		if err != nil {
			return 0, 0, err
		}
		defer p.end()
		pids = append(pids, p.cmd.Process.Pid)
	}
	a, err := spawn(ctx, b.tacho, "agent", "--server", "http://"+b.addr(), "--data", filepath.Join(b.dir, "agent"), "--min-age", "0s", "--log-level", "error")
	if err != nil {
		return 0, 0, err
	}
	defer a.end()
	if err := b.recorded(ctx, pids...); err != nil {
		return 0, 0, err
	}
	pid := a.cmd.Process.Pid
	before, err := cpuOf(pid)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	time.Sleep(length)
	after, err := cpuOf(pid)
	if err != nil {
		return 0, 0, err
	}
	rss, err = peakRSS(pid)
	return rss, 100 * (after - before).Seconds() / time.Since(began).Seconds(), err
}

// peakRSS is VmHWM, the largest resident set a process ever had.
func peakRSS(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for _, l := range strings.Split(string(b), "\n") {
		if rest, ok := strings.CutPrefix(l, "VmHWM:"); ok {
			var kb int64
			fmt.Sscan(rest, &kb)
			return kb << 10, nil
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no VmHWM", pid)
}
