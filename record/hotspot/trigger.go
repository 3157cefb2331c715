package hotspot

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// trigger is the file by which a JVM tells "open your attach socket" from
// "print your threads" when SIGQUIT arrives. The handles stay valid when the
// process ends, so the file can be removed in any case.
type trigger struct {
	dir  int // O_PATH
	name string
}

// errTaken: another client is attaching at this moment.
var errTaken = errors.New("a trigger file of this name exists")

// createTrigger makes .attach_pidN in the JVM's working directory, where it
// looks first, else in its /tmp. The file must end up owned by the JVM's
// effective user: for any other it would print its threads instead.
//
// A file older than lingerMax at the time now is a leftover of a client that
// died: it is taken over. Any younger one is somebody's who may have sent his
// signal, and is left alone.
func createTrigger(p Process, tmp int, now time.Time) (*trigger, error) {
	name := triggerName(p)
	cwd := filepath.Join(p.dir(), "cwd")
	fd, cwdErr := unix.Open(cwd, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if cwdErr == nil {
		if cwdErr = createOwned(fd, name, p, now); cwdErr == nil {
			return &trigger{fd, name}, nil
		}
		unix.Close(fd)
		if cwdErr == errTaken {
			return nil, cwdErr
		}
	}
	fd, err := unix.FcntlInt(uintptr(tmp), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("duplicate the handle of /tmp: %w", err)
	}
	if err = createOwned(fd, name, p, now); err == nil {
		return &trigger{fd, name}, nil
	}
	unix.Close(fd)
	return nil, fmt.Errorf("create %s: in the working directory: %w; in /tmp: %w", name, cwdErr, err)
}

func createOwned(dir int, name string, p Process, now time.Time) error {
	fd, err := unix.Openat(dir, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err == unix.EEXIST {
		var st unix.Stat_t
		err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW)
		if err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG && int(st.Uid) == p.UID && now.Sub(time.Unix(st.Mtim.Unix())) > lingerMax {
			return nil
		}
		return errTaken
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err = unix.Fstat(fd, &st); err == nil && (int(st.Uid) != p.UID || int(st.Gid) != p.GID) {
		if err = unix.Fchown(fd, p.UID, p.GID); err == nil {
			err = unix.Fstat(fd, &st)
		}
	}
	if err == nil && int(st.Uid) != p.UID {
		err = fmt.Errorf("the file belongs to uid %d, not to the JVM's %d", st.Uid, p.UID) // a squashing NFS
	}
	if err != nil {
		unix.Unlinkat(dir, name, 0)
	}
	return err
}

// remove deletes the file and lets go of its directory.
func (t *trigger) remove() error {
	err := unix.Unlinkat(t.dir, t.name, 0)
	unix.Close(t.dir)
	if err != nil && err != unix.ENOENT {
		return fmt.Errorf("remove the trigger file %s: %w", t.name, err)
	}
	return nil
}

// lingerMax is how long a JVM that has not reacted to the signal keeps its
// trigger file.
const lingerMax = 10 * time.Minute

// lingerGrace is how long it is waited for after ctx has ended.
const lingerGrace = 3 * time.Second

// linger keeps the trigger file of a JVM that was signalled and has not
// answered in time: taken away before the signal is handled, the signal would
// print a thread dump to the application's stdout. For the same reason the
// file is left where it is when ctx ends before the JVM answers; the next
// Attach that finds the socket open removes it.
func (t *trigger) linger(ctx context.Context, d dialer, opt Options) {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), lingerMax)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		sleep(limit, lingerGrace)
		cancel()
	})()
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		c, err := d.connect(limit)
		if err == nil {
			c.Close()
		}
		if err == nil || d.ended() {
			break
		}
		if !sleep(limit, wait) {
			if ctx.Err() != nil || unhandled(d.p) {
				opt.Log.Warn("trigger file left behind: without it the JVM might print its threads", "pid", d.p.PID, "file", t.name)
				unix.Close(t.dir)
				return
			}
			break
		}
	}
	if err := t.remove(); err != nil {
		opt.Log.Warn("trigger file not removed", "pid", d.p.PID, "error", err)
	}
}

// sweepTrigger removes what an agent that ended in the middle may have left. A
// JVM whose socket is open does not look for the file any more.
func sweepTrigger(p Process, tmp int) {
	name := triggerName(p)
	unix.Unlinkat(tmp, name, 0)
	if fd, err := unix.Open(filepath.Join(p.dir(), "cwd"), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err == nil {
		unix.Unlinkat(fd, name, 0)
		unix.Close(fd)
	}
}

func triggerName(p Process) string { return fmt.Sprintf(".attach_pid%d", p.NSPID) }

// unhandled says whether the signal may still be on its way: pending in the
// kernel, or with a process that is not running.
func unhandled(p Process) bool {
	st, err := readStat(p.dir())
	if err != nil || st.start != p.StartTicks {
		return false
	}
	if st.state == 'T' || st.state == 't' {
		return true
	}
	s, err := readStatus(p.dir())
	return err == nil && s.pending&sigquitBit != 0
}
