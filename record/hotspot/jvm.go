package hotspot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options of Attach. The zero value works.
type Options struct {
	Log     *slog.Logger     // nil: nothing is logged
	Now     func() time.Time // nil: time.Now
	Timeout time.Duration    // of Attach, and of a command whose ctx has no nearer deadline; 0: 10 s
	// Wait counts the goroutine that outlives a timed-out Attach: once the
	// signal is sent, the trigger file must stay until the JVM has seen it. It
	// ends with the ctx given to Attach. May be nil.
	Wait *sync.WaitGroup
}

const defaultTimeout = 10 * time.Second

func (o Options) withDefaults() Options {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Wait == nil {
		o.Wait = new(sync.WaitGroup)
	}
	return o
}

// Version is what the JVM says of itself.
type Version struct {
	VM    string // "OpenJDK 64-Bit Server VM"
	Build string // "17.0.15+6-Debian-1deb12u1"
	JDK   string // "17.0.15"
	Major int    // 8, 11, 17, 25; 0 if unknown
}

// JVM is an open way to talk to one JVM. Each command is a connection of its
// own, so methods may be called from several goroutines; the JVM works them off
// one after the other. Close waits for what is still being drained.
type JVM struct {
	p       Process
	opt     Options
	dial    dialer
	proto   protocol
	version Version

	life context.Context // ends with Close
	end  context.CancelFunc

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup // commands and drains under way
}

func newJVM(p Process, opt Options, d dialer, proto protocol) *JVM {
	j := &JVM{p: p, opt: opt, dial: d, proto: proto}
	j.life, j.end = context.WithCancel(context.Background())
	return j
}

// Process is the process this JVM is.
func (j *JVM) Process() Process { return j.p }

// Version is what the JVM said when it was attached.
func (j *JVM) Version() Version { return j.version }

// ErrClosed is the answer of a JVM after Close.
var ErrClosed = errors.New("attach connection to the JVM is closed")

// Close ends commands under way and the draining of abandoned replies, and
// waits for both. Nothing stays behind in the JVM but its idle attach listener.
func (j *JVM) Close() error {
	j.end()
	j.mu.Lock()
	first := !j.closed
	j.closed = true
	j.mu.Unlock()
	j.calls.Wait()
	if first {
		j.dial.close()
	}
	return nil
}

// begin counts a command; false after Close.
func (j *JVM) begin() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return false
	}
	j.calls.Add(1)
	return true
}

// maxReply is how much of a reply is kept. The rest is read and dropped: a
// client that stops reading can hold up the JVM.
const maxReply = 64 << 20

// Command sends one command of the attach protocol ("jcmd", "threaddump",
// "properties") and returns its reply. Errors are *CommandError when the JVM
// refused, *Problem when it could not be asked.
func (j *JVM) Command(ctx context.Context, cmd string, args ...string) ([]byte, error) {
	r, err := j.ask(ctx, j.opt.Timeout, cmd, args...)
	return r.text, err
}

// ask is Command with a limit of its own.
func (j *JVM) ask(ctx context.Context, limit time.Duration, cmd string, args ...string) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := j.command(ctx, cmd, args)
	if err != nil {
		return reply{}, fmt.Errorf("ask process %d for %s: %w", j.p.PID, cmd, err)
	}
	return r, r.refusal(cmd)
}

func (j *JVM) command(ctx context.Context, cmd string, args []string) (reply, error) {
	req, err := j.proto.encode(cmd, args)
	if err != nil {
		return reply{}, err
	}
	if !j.begin() {
		return reply{}, ErrClosed
	}
	defer j.calls.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(j.life, cancel)()
	c, err := j.dial.connect(ctx)
	if err != nil {
		if j.dial.ended() {
			return reply{}, gone(j.p, err)
		}
		return reply{}, err
	}
	r, err := c.roundTrip(ctx, req, maxReply)
	switch {
	case err == nil:
	case j.life.Err() != nil:
		err = ErrClosed
	case ctx.Err() != nil:
		j.drain(c)
		return reply{}, j.dial.late(ctx)
	case j.dial.ended():
		err = gone(j.p, err)
	}
	c.Close()
	return r, err
}

// Jcmd runs a diagnostic command line as the jcmd tool does.
func (j *JVM) Jcmd(ctx context.Context, line string) (string, error) {
	b, err := j.Command(ctx, "jcmd", line)
	return string(b), err
}

// drain reads on for a reply nobody waits for any more, within bounds, because
// a JVM that streams writes it while its threads are stopped.
func (j *JVM) drain(c *conn) {
	j.calls.Add(1) // the command that calls is still counted, so this is before Close's wait ends
	go func() {
		defer j.calls.Done()
		defer c.Close()
		stop := context.AfterFunc(j.life, func() { c.Close() })
		defer stop()
		c.discard(maxReply, drainTime)
	}()
}

const drainTime = time.Minute

// readVersion asks once; "VM.version" is answered by native code of the JVM.
func (j *JVM) readVersion(ctx context.Context) error {
	s, err := j.Jcmd(ctx, "VM.version")
	if err != nil {
		return err
	}
	j.version = parseVersion(s)
	return nil
}

// parseVersion reads
//
//	OpenJDK 64-Bit Server VM version 17.0.15+6-Debian-1deb12u1
//	JDK 17.0.15
func parseVersion(s string) Version {
	var v Version
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		if name, build, ok := strings.Cut(line, " version "); ok && v.VM == "" {
			v.VM, v.Build = name, build
		} else if jdk, ok := strings.CutPrefix(line, "JDK "); ok {
			v.JDK = jdk
		}
	}
	v.Major = major(v.JDK)
	return v
}

// major is the feature release: 8 for "1.8.0_412" and "8.0_412", 17 for
// "17.0.15", 26 for "26-ea".
func major(jdk string) int {
	jdk = strings.TrimPrefix(jdk, "1.")
	end := strings.IndexFunc(jdk, func(r rune) bool { return r < '0' || r > '9' })
	if end >= 0 {
		jdk = jdk[:end]
	}
	n, _ := strconv.Atoi(jdk)
	return n
}
