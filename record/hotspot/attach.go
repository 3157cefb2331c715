package hotspot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Attach opens the JVM's attach socket, asking the JVM to create it when it
// must, and agrees on the protocol. The Process must come from a Finder.
//
// The signal that asks for the socket makes a JVM that does not take it as a
// request print its threads to the application's stdout, or die. It is sent
// only when everything below says that it will be taken as one.
func Attach(ctx context.Context, p Process, opt Options) (*JVM, error) {
	opt = opt.withDefaults()
	limit, cancel := context.WithTimeout(ctx, opt.Timeout)
	defer cancel()
	a := &attacher{p: p, opt: opt, root: ctx, pidfd: -1}
	defer a.close()
	j, err := a.attach(limit)
	if err != nil {
		return nil, fmt.Errorf("attach to process %d: %w", p.PID, err)
	}
	return j, nil
}

// attacher is one attempt.
type attacher struct {
	p     Process
	opt   Options
	root  context.Context // ends when the program does, not with the attempt
	pidfd int
	tmp   *os.File
	perf  *Counters // nil without performance data
	kept  bool      // pidfd and tmp belong to the JVM returned, or to a goroutine
}

func (a *attacher) close() {
	if !a.kept {
		dialer{tmp: a.tmp, pidfd: a.pidfd}.close()
	}
}

func (a *attacher) attach(ctx context.Context) (*JVM, error) {
	if err := a.identify(); err != nil {
		return nil, err
	}
	if err := a.openTmp(); err != nil {
		return nil, err
	}
	if err := a.capable(ctx); err != nil {
		return nil, err
	}
	d := dialer{p: a.p, tmp: a.tmp, pidfd: a.pidfd}
	c, err := d.connect(ctx)
	switch {
	case err == nil:
		c.Close()
		sweepTrigger(a.p, int(a.tmp.Fd()))
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, errRefused):
		if err := a.open(ctx, d, errors.Is(err, errRefused)); err != nil {
			return nil, err
		}
	default:
		return nil, err
	}
	return a.handshake(ctx, d)
}

// identify makes sure the process is the one that was found, holds on to it,
// and reads afresh what can change.
func (a *attacher) identify() error {
	if a.p.NSPID == 0 || a.p.Root == "" {
		return &Problem{Kind: NotJVM, Reason: fmt.Sprintf("Process %d was not found to be a JVM.", a.p.PID)}
	}
	// The handle first, then the check: from then on the handle is known to
	// name this process and no later owner of its pid.
	fd, err := unix.PidfdOpen(a.p.PID, 0)
	switch err {
	case nil:
		a.pidfd = fd
	case unix.ESRCH:
		return gone(a.p, err)
	case unix.ENOSYS, unix.EPERM: // before 5.3, or a seccomp profile older than the call
	default:
		return fmt.Errorf("open a handle of the process: %w", err)
	}
	st, err := readStat(a.p.dir())
	if err != nil || st.start != a.p.StartTicks || st.state == 'Z' || st.state == 'X' {
		return gone(a.p, err)
	}
	if own := fmt.Sprintf("/proc/%d", a.p.PID); a.p.dir() != own {
		// A /proc of elsewhere: its pids may name other processes here.
		if st, err := readStat(own); err != nil || st.start != a.p.StartTicks {
			return &Problem{Kind: NotPermitted, Reason: fmt.Sprintf("This agent does not share the pid namespace of process %d.", a.p.PID),
				Remedy: "Run the agent in the host's pid namespace (hostPID: true, or --pid=host).", Err: err}
		}
	}
	if a.p.Denied {
		return notPermitted(a.p, nil)
	}
	if a.p.LibJVM == "" {
		return &Problem{Kind: NotJVM, Reason: fmt.Sprintf("Process %d has no libjvm.so loaded.", a.p.PID),
			Remedy: "Only HotSpot JVMs (OpenJDK, Oracle, GraalVM CE on HotSpot) can be recorded."}
	}
	s, err := readStatus(a.p.dir())
	if err != nil {
		return gone(a.p, err)
	}
	a.p.UID, a.p.GID = s.uid, s.gid
	if euid := os.Geteuid(); euid != 0 && euid != a.p.UID {
		return notPermitted(a.p, nil)
	}
	return nil
}

// openTmp gets a handle of the JVM's /tmp. HotSpot uses "/tmp" whatever
// TMPDIR or java.io.tmpdir say.
func (a *attacher) openTmp() error {
	f, err := a.p.OpenInside("/tmp", unix.O_PATH|unix.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrPermission) && a.p.NSPID == a.p.PID {
		// A JVM with file capabilities hides /proc/PID/root from its own user.
		// Our /tmp is most likely its own; connect checks who answers.
		f, err = os.OpenFile("/tmp", unix.O_PATH|unix.O_DIRECTORY, 0)
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return notPermitted(a.p, err)
	case errors.Is(err, fs.ErrNotExist) && a.p.ended(a.pidfd):
		return gone(a.p, err)
	case errors.Is(err, fs.ErrNotExist):
		return readOnlyTmp(a.p, "The file system of process %d has no /tmp.", err)
	case err != nil:
		return err
	}
	a.tmp = f
	return nil
}

func readOnlyTmp(p Process, reason string, err error) *Problem {
	return &Problem{Kind: ReadOnlyTmp, Reason: fmt.Sprintf(reason, p.PID),
		Remedy: "Mount a writable /tmp (in Kubernetes an emptyDir) into the container of the JVM.", Err: err}
}

// handshake agrees on the protocol and reads the version. A JVM that closes
// without a word did not like our ids; root then tries with the JVM's own.
func (a *attacher) handshake(ctx context.Context, d dialer) (*JVM, error) {
	proto, err := a.negotiate(ctx, d)
	if errors.Is(err, errSilent) && !d.ended() {
		if os.Geteuid() != 0 {
			return nil, notPermitted(a.p, err)
		}
		d.asTarget = true
		if proto, err = a.negotiate(ctx, d); errors.Is(err, errSilent) && !d.ended() {
			return nil, notPermitted(a.p, err)
		}
	}
	if err != nil {
		if d.ended() {
			return nil, gone(a.p, err)
		}
		if ctx.Err() != nil {
			return nil, d.late(ctx)
		}
		return nil, err
	}
	j := newJVM(a.p, a.opt, d, proto)
	if err := j.readVersion(ctx); err != nil {
		j.end()
		j.calls.Wait()
		return nil, err
	}
	a.kept = true
	return j, nil
}

func (a *attacher) negotiate(ctx context.Context, d dialer) (protocol, error) {
	c, err := d.connect(ctx)
	if err != nil {
		return protocol{}, err
	}
	defer c.Close()
	req, err := protocol{version: 1}.encode("getversion", []string{"options"})
	if err != nil {
		return protocol{}, err
	}
	r, err := c.roundTrip(ctx, req, maxErrorText)
	if err != nil {
		return protocol{}, err
	}
	return parseGetVersion(r), nil
}

// open makes the JVM create its socket and waits for it.
func (a *attacher) open(ctx context.Context, d dialer, stale bool) error {
	if err := a.signalSafe(ctx, d, &stale); err != nil {
		return err
	}
	if a.answers(ctx, d) {
		return nil // another client was faster
	}
	if stale {
		if err := unix.Unlinkat(int(a.tmp.Fd()), d.socketName(), 0); err != nil && err != unix.ENOENT {
			return &Problem{Kind: StaleSocket, Reason: fmt.Sprintf("A dead JVM's socket /tmp/%s is in the way of process %d.", d.socketName(), a.p.PID),
				Remedy: fmt.Sprintf("Remove %s.", a.p.HostPath("/tmp/"+d.socketName())), Err: err}
		}
		a.opt.Log.Info("removed the stale attach socket of a dead JVM", "pid", a.p.PID, "file", d.socketName())
	}
	t, err := createTrigger(a.p, int(a.tmp.Fd()), a.opt.Now())
	if err == errTaken {
		return a.waitForOther(ctx, d)
	}
	if err != nil {
		if d.ended() {
			return gone(a.p, err)
		}
		if errors.Is(err, unix.EROFS) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
			return readOnlyTmp(a.p, "Neither the working directory nor /tmp of process %d can be written to.", err)
		}
		return notPermitted(a.p, err)
	}
	if err := a.signal(); err != nil {
		if rerr := t.remove(); rerr != nil {
			a.opt.Log.Warn("trigger file not removed", "pid", a.p.PID, "error", rerr)
		}
		return err
	}
	err = a.await(ctx, d)
	if err != nil && KindOf(err) != Gone {
		// The signal is out and not yet seen to have been handled.
		a.kept = true
		a.opt.Wait.Add(1)
		go func() {
			defer a.opt.Wait.Done()
			t.linger(a.root, d, a.opt)
			d.close()
		}()
		return err
	}
	if rerr := t.remove(); rerr != nil {
		a.opt.Log.Warn("trigger file not removed", "pid", a.p.PID, "error", rerr)
	}
	return err
}

func (a *attacher) answers(ctx context.Context, d dialer) bool {
	c, err := d.connect(ctx)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// await polls for the socket, and for the end of the process.
func (a *attacher) await(ctx context.Context, d dialer) error {
	for wait := time.Millisecond; ; wait = min(2*wait, 50*time.Millisecond) {
		c, err := d.connect(ctx)
		if err == nil {
			c.Close()
			return nil
		}
		if d.ended() {
			return gone(a.p, nil)
		}
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errRefused) {
			return err
		}
		if !sleep(ctx, wait) {
			return d.late(ctx)
		}
	}
}

// waitForOther leaves the work to whoever made the trigger file.
func (a *attacher) waitForOther(ctx context.Context, d dialer) error {
	err := a.await(ctx, d)
	if KindOf(err) == Timeout {
		return &Problem{Kind: Busy, Reason: fmt.Sprintf("Another tool is attaching to process %d and its JVM has not answered.", a.p.PID),
			Remedy: fmt.Sprintf("Tacho tries again; if no other tool is at work, remove .attach_pid%d from the JVM's working directory or /tmp.", a.p.NSPID), Err: err}
	}
	return err
}

// signal sends SIGQUIT to this very process, never to a later owner of its pid.
func (a *attacher) signal() error {
	if a.pidfd >= 0 {
		err := unix.PidfdSendSignal(a.pidfd, unix.SIGQUIT, nil, 0)
		switch err {
		case nil:
			return nil
		case unix.ESRCH:
			return gone(a.p, err)
		case unix.EPERM:
			return notPermitted(a.p, fmt.Errorf("send SIGQUIT: %w", err))
		case unix.ENOSYS:
		default:
			return fmt.Errorf("send SIGQUIT: %w", err)
		}
	}
	st, err := readStat(a.p.dir())
	if err != nil || st.start != a.p.StartTicks {
		return gone(a.p, err)
	}
	switch err := unix.Kill(a.p.PID, unix.SIGQUIT); err {
	case nil:
		return nil
	case unix.ESRCH:
		return gone(a.p, err)
	case unix.EPERM:
		return notPermitted(a.p, fmt.Errorf("send SIGQUIT: %w", err))
	default:
		return fmt.Errorf("send SIGQUIT: %w", err)
	}
}

// ended says whether the process is known to be gone, or on its way: its root
// directory is let go before it becomes a zombie.
func (p Process) ended(pidfd int) bool {
	if pidfd >= 0 {
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 0); err == nil && n > 0 {
			return true
		}
	}
	if _, err := os.Readlink(p.Root); errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) {
		return true
	}
	st, err := readStat(p.dir())
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESRCH) ||
		err == nil && (st.start != p.StartTicks || st.state == 'Z' || st.state == 'X')
}
