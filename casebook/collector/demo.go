package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

const (
	serverClass = "org.example.collector.CollectorServer"
	loadClass   = "org.example.collector.load.LoadGenerator"
	marker      = ".collector-demo" // the server removes a directory only with this in it
	patience    = 10 * time.Second  // between asking a program to end and killing it
)

// Options says how to run the story.
type Options struct {
	Java   string       // the java program; "" = $JAVA_HOME/bin/java, else the one in $PATH
	Dir    string       // where to make a working directory; "" = the system's for temporary files
	Reader string       // stream (slow, the default), buffer or mapped
	Load   bool         // also run agents and people
	Port   int          // of the dashboards, on loopback; 0 = any
	Log    *slog.Logger // output of the programs; nil = none
}

// Demo is a running story.
type Demo struct {
	PID       int // of the server
	LoadPID   int // of the load, 0 without
	Port      int // dashboards: GET /chart?target=target-1&seconds=300, GET /targets
	AgentPort int

	dir    string
	log    *slog.Logger
	server *program
	load   *program
	quit   chan struct{}
	stop   sync.Once
	done   chan struct{}
	err    error
}

// Start compiles and starts the server, and the load when asked for, and
// returns when they serve. The story ends with ctx, with Stop, or with this
// process. The error is ErrNoJDK (wrapped) when there is no Java compiler.
func Start(ctx context.Context, o Options) (_ *Demo, err error) {
	if o.Reader == "" {
		o.Reader = "stream"
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	java, javac, err := findJDK(o.Java)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(o.Dir, "tacho-collector-")
	if err != nil {
		return nil, fmt.Errorf("make working directory: %w", err)
	}
	d := &Demo{dir: dir, log: log, quit: make(chan struct{}), done: make(chan struct{})}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.end())
		}
	}()
	if err := os.WriteFile(filepath.Join(dir, marker), nil, 0o600); err != nil {
		return nil, fmt.Errorf("make working directory: %w", err)
	}
	classes, err := compile(ctx, javac, dir)
	if err != nil {
		return nil, err
	}
	parent := fmt.Sprintf("--parent=%d", os.Getpid())
	d.server, err = start(log.With("program", "collector"), java, "-cp", classes, serverClass,
		"--dir="+dir, "--reader="+o.Reader, fmt.Sprintf("--port=%d", o.Port), parent)
	if err != nil {
		return nil, err
	}
	d.PID = d.server.pid()
	ready, err := d.server.ready(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Sscanf(ready, "ready port=%d agent-port=%d", &d.Port, &d.AgentPort); err != nil {
		return nil, fmt.Errorf("collector said %q: %w", ready, err)
	}
	if o.Load {
		d.load, err = start(log.With("program", "load"), java, "-cp", classes, loadClass,
			fmt.Sprintf("--port=%d", d.Port), fmt.Sprintf("--agent-port=%d", d.AgentPort), parent)
		if err != nil {
			return nil, err
		}
		d.LoadPID = d.load.pid()
		if _, err := d.load.ready(ctx); err != nil {
			return nil, err
		}
	}
	go d.watch(ctx)
	return d, nil
}

// watch ends everything when one part ends.
func (d *Demo) watch(ctx context.Context) {
	defer close(d.done)
	var loadDone <-chan struct{}
	if d.load != nil {
		loadDone = d.load.done
	}
	var cause error
	select {
	case <-ctx.Done():
	case <-d.quit:
	case <-d.server.done:
		cause = fmt.Errorf("collector ended by itself: %w", d.server.exit())
	case <-loadDone:
		cause = fmt.Errorf("load ended by itself: %w", d.load.exit())
	}
	d.err = errors.Join(cause, d.end())
}

// end stops what runs, the load first so that it does not complain, and
// removes the working directory.
func (d *Demo) end() error {
	for _, p := range []*program{d.load, d.server} {
		if p == nil {
			continue
		}
		p.signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(patience):
			p.signal(syscall.SIGKILL)
			<-p.done
		}
	}
	if err := os.RemoveAll(d.dir); err != nil {
		return fmt.Errorf("remove working directory: %w", err)
	}
	return nil
}

// Stop ends both programs, removes their files and waits for that. It may be
// called more than once.
func (d *Demo) Stop() error {
	d.stop.Do(func() { close(d.quit) })
	return d.Wait()
}

// Wait returns when the story has ended: nil after Stop or the end of the
// context, else why a program ended by itself.
func (d *Demo) Wait() error {
	<-d.done
	return d.err
}
