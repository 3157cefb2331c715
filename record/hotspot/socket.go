package hotspot

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// dialer opens connections to one JVM's attach socket.
type dialer struct {
	p        Process
	tmp      *os.File // O_PATH handle of the JVM's /tmp
	pidfd    int      // -1 where the kernel has none
	asTarget bool     // connect with the JVM's own effective ids
}

// close lets go of the process.
func (d dialer) close() {
	if d.pidfd >= 0 {
		unix.Close(d.pidfd)
	}
	if d.tmp != nil {
		d.tmp.Close()
	}
}

func (d dialer) socketName() string { return fmt.Sprintf(".java_pid%d", d.p.NSPID) }

// ended says whether the process is known to be gone.
func (d dialer) ended() bool { return d.p.ended(d.pidfd) }

// late is the Problem for a ctx that ended while the JVM was silent.
func (d dialer) late(ctx context.Context) error {
	if d.ended() {
		return gone(d.p, nil)
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if st, err := readStat(d.p.dir()); err == nil && (st.state == 'T' || st.state == 't') {
		return stopped(d.p)
	}
	return &Problem{Kind: Timeout, Reason: fmt.Sprintf("The JVM in process %d did not answer in time.", d.p.PID),
		Remedy: "Check whether it is starved of CPU, frozen or in a very long safepoint; Tacho tries again.", Err: ctx.Err()}
}

func stopped(p Process) *Problem {
	return &Problem{Kind: Stopped, Reason: fmt.Sprintf("Process %d is stopped (SIGSTOP or a debugger).", p.PID),
		Remedy: fmt.Sprintf("Continue it with `kill -CONT %d`, or detach the debugger.", p.PID)}
}

// errRefused: the socket file is there and nobody listens behind it.
var errRefused = errors.New("nobody listens on the attach socket")

// connect opens one connection and proves that the process at the other end is
// the JVM meant, before anything is sent.
func (d dialer) connect(ctx context.Context) (*conn, error) {
	// The file itself is opened without following links, then reached through
	// our descriptor: no link planted in the JVM's /tmp leads elsewhere, and
	// the path never exceeds the 108 bytes of a socket address.
	sock, err := unix.Openat(int(d.tmp.Fd()), d.socketName(), unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	runtime.KeepAlive(d.tmp)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: d.p.HostPath("/tmp/" + d.socketName()), Err: err}
	}
	defer unix.Close(sock)
	var st unix.Stat_t
	if err := unix.Fstat(sock, &st); err != nil {
		return nil, fmt.Errorf("stat %s: %w", d.socketName(), err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFSOCK {
		return nil, foreignSocket(d.p, "is not a socket")
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("create a socket: %w", err)
	}
	addr := &unix.SockaddrUnix{Name: fmt.Sprintf("/proc/self/fd/%d", sock)}
	for {
		if d.asTarget {
			err = connectAs(d.p.UID, d.p.GID, fd, addr)
		} else {
			err = unix.Connect(fd, addr)
		}
		if err == unix.EINTR {
			continue
		}
		if err != unix.EAGAIN { // EAGAIN: the JVM's queue of waiting clients (5) is full
			break
		}
		if !sleep(ctx, 20*time.Millisecond) {
			unix.Close(fd)
			if err := d.late(ctx); KindOf(err) != Timeout {
				return nil, err
			}
			return nil, &Problem{Kind: Busy, Reason: fmt.Sprintf("The attach queue of process %d is full.", d.p.PID),
				Remedy: "Another tool keeps the JVM busy or it is not being scheduled; Tacho tries again.", Err: ctx.Err()}
		}
	}
	switch err {
	case nil:
	case unix.ECONNREFUSED:
		unix.Close(fd)
		return nil, errRefused
	case unix.EACCES, unix.EPERM:
		unix.Close(fd)
		return nil, notPermitted(d.p, fmt.Errorf("connect to %s: %w", d.socketName(), err))
	default:
		unix.Close(fd)
		return nil, fmt.Errorf("connect to %s: %w", d.socketName(), err)
	}
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("ask who listens on %s: %w", d.socketName(), err)
	}
	if int(cred.Pid) != d.p.PID {
		unix.Close(fd)
		return nil, foreignSocket(d.p, fmt.Sprintf("belongs to process %d", cred.Pid))
	}
	return &conn{File: os.NewFile(uintptr(fd), d.socketName())}, nil
}

func foreignSocket(p Process, what string) *Problem {
	return &Problem{Kind: ForeignSocket, Reason: fmt.Sprintf("The attach socket /tmp/.java_pid%d of process %d %s.", p.NSPID, p.PID, what),
		Remedy: "Give every container its own /tmp: two JVMs with the same pid inside share one and overwrite each other's socket."}
}

func notPermitted(p Process, err error) *Problem {
	switch os.Geteuid() {
	case p.UID:
		return &Problem{Kind: NotPermitted, Reason: fmt.Sprintf("This agent runs as the user of process %d and is refused all the same.", p.PID),
			Remedy: fmt.Sprintf("Run the agent with the group %d of the JVM too, or as root.", p.GID), Err: err}
	case 0:
		return &Problem{Kind: NotPermitted, Reason: fmt.Sprintf("This agent runs as root and may not reach process %d all the same.", p.PID),
			Remedy: "Give it CAP_SYS_PTRACE, CAP_DAC_OVERRIDE, CAP_CHOWN, CAP_KILL, CAP_SETUID and CAP_SETGID, and check SELinux or AppArmor.", Err: err}
	}
	return &Problem{Kind: NotPermitted, Reason: fmt.Sprintf("Process %d belongs to uid %d and this agent runs as uid %d.", p.PID, p.UID, os.Geteuid()),
		Remedy: "Run the agent as root or as the user of the JVM.", Err: err}
}

// sleep waits unless ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// conn is one request and its reply.
type conn struct {
	*os.File
	unsent []byte // of the request
}

// errSilent: the JVM closed the connection without a word. That is how it
// refuses a client whose ids it does not like, and how it ends.
var errSilent = errors.New("the JVM closed the connection without a reply")

// roundTrip writes the request and reads the reply to its end; at most limit
// bytes are kept.
func (c *conn) roundTrip(ctx context.Context, req []byte, limit int64) (reply, error) {
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	n, werr := c.Write(req) // a JVM that refuses may close before it has read all
	c.unsent = req[n:]
	b, err := io.ReadAll(io.LimitReader(c, limit))
	if err == nil && int64(len(b)) == limit {
		var more int64
		more, err = io.Copy(io.Discard, c)
		if more > 0 && err == nil {
			return parseReply(b, true)
		}
	}
	switch {
	case ctx.Err() != nil:
		return reply{}, ctx.Err()
	case len(b) == 0 && (err == nil || errors.Is(err, unix.ECONNRESET)):
		return reply{}, errSilent
	case err != nil:
		return reply{}, fmt.Errorf("read the reply after %d bytes: %w", len(b), err)
	case werr != nil && len(b) == 0:
		return reply{}, fmt.Errorf("send the request: %w", werr)
	}
	return parseReply(b, false)
}

// discard completes the request, because JDK 25 complains of half a request on
// the application's stdout, and reads to the end of the reply: neither more than
// limit bytes nor longer than d.
func (c *conn) discard(limit int64, d time.Duration) {
	if c.SetDeadline(time.Now().Add(d)) != nil {
		return
	}
	if _, err := c.Write(c.unsent); err == nil {
		io.Copy(io.Discard, io.LimitReader(c, limit))
	}
}
