package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"sync"
	"syscall"
)

// program is a child process that says "ready…" on a line of its output.
type program struct {
	name string
	cmd  *exec.Cmd
	out  *lines
	done chan struct{} // closed when it has ended
	err  error         // how; set before done is closed
}

func start(log *slog.Logger, java string, args ...string) (*program, error) {
	name := args[3] // the class
	p := &program{name: name, cmd: exec.Command(java, args...), done: make(chan struct{})}
	p.out = &lines{log: log, ready: make(chan string, 1)}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	// A group of its own: Ctrl-C at the terminal is for us, and we end it in order.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	return p, nil
}

func (p *program) pid() int { return p.cmd.Process.Pid }

// signal does nothing to a program that has ended.
func (p *program) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// exit is how a program that is done has ended.
func (p *program) exit() error {
	if p.err != nil {
		return p.err
	}
	return errors.New("exit status 0")
}

// ready waits for the line that starts with "ready".
func (p *program) ready(ctx context.Context) (string, error) {
	select {
	case line := <-p.out.ready:
		return line, nil
	case <-p.done:
		return "", fmt.Errorf("%s ended before it was ready: %w: %s", p.name, p.exit(), p.out.last())
	case <-ctx.Done():
		return "", fmt.Errorf("wait for %s: %w", p.name, ctx.Err())
	}
}

const maxLine = 4096

// lines takes a program's output apart, logs it, and looks for "ready".
type lines struct {
	log   *slog.Logger
	ready chan string

	mu      sync.Mutex
	rest    []byte
	lastOne string
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, b...)
	for {
		i := bytes.IndexByte(l.rest, '\n')
		next := i + 1
		if i < 0 && len(l.rest) > maxLine {
			i, next = maxLine, maxLine
		}
		if i < 0 {
			return len(b), nil
		}
		line := strings.TrimRight(string(l.rest[:i]), "\r")
		l.rest = append(l.rest[:0], l.rest[next:]...)
		l.lastOne = line
		if strings.HasPrefix(line, "ready") {
			select {
			case l.ready <- line:
			default:
			}
		}
		l.log.Debug("output", "line", line)
	}
}

func (l *lines) last() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lastOne
}
