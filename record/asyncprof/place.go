package asyncprof

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tacho/record/hotspot"
)

// place is a directory in the JVM's /tmp that only the JVM's user may enter:
//
//	/tmp/tacho-async-HOME-NSPID-START-RANDOM/
//	    recording.jfr
//	    log
//
// HOME tells agents of different homes apart, START one process from a later
// one with its number: what a killed agent left is found by the name.
type place struct {
	tmp, dir *os.File // handles: they outlive the JVM
	name     string
}

const (
	recordingFile = "recording.jfr"
	logFile       = "log"
)

// prefix is how the names of an agent's places of a process number begin.
func prefix(home string, p hotspot.Process) string {
	h := fnv.New32a()
	h.Write([]byte(home))
	return fmt.Sprintf("tacho-async-%08x-%d-", h.Sum32(), p.NSPID)
}

// openTmp opens the JVM's /tmp.
func openTmp(p hotspot.Process) (*os.File, error) {
	f, err := p.OpenInside("/tmp", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("open the /tmp of process %d: %w", p.PID, err)
	}
	return f, nil
}

func makePlace(p hotspot.Process, home string) (*place, error) {
	tmp, err := openTmp(p)
	if err != nil {
		return nil, err
	}
	var r [8]byte
	rand.Read(r[:])
	x := &place{tmp: tmp, name: fmt.Sprintf("%s%d-%s", prefix(home, p), p.StartTicks, hex.EncodeToString(r[:]))}
	if err := unix.Mkdirat(int(tmp.Fd()), x.name, 0o700); err != nil {
		tmp.Close()
		return nil, fmt.Errorf("make a place for the recording in the /tmp of process %d: %w", p.PID, err)
	}
	if x.dir, err = openDir(tmp, x.name); err == nil && (os.Geteuid() != p.UID || os.Getegid() != p.GID) {
		if err = x.dir.Chown(p.UID, p.GID); os.Geteuid() == p.UID {
			err = nil // the group does not matter for what is our own
		}
	}
	if err != nil {
		x.remove()
		return nil, fmt.Errorf("give %s to the user of process %d: %w", x.name, p.PID, err)
	}
	return x, nil
}

func openDir(tmp *os.File, name string) (*os.File, error) {
	fd, err := unix.Openat(int(tmp.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return os.NewFile(uintptr(fd), name), nil
}

// inside is a file's path as the JVM sees it.
func (x *place) inside(file string) string { return "/tmp/" + x.name + "/" + file }

// open opens a file the JVM has made: no link, and no pipe to wait for.
func (x *place) open(file string) (*os.File, error) {
	fd, err := unix.Openat(int(x.dir.Fd()), file, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", file, err)
	}
	f := os.NewFile(uintptr(fd), file)
	if fi, err := f.Stat(); err != nil || !fi.Mode().IsRegular() {
		f.Close()
		return nil, fmt.Errorf("%s is not a regular file", file)
	}
	return f, nil
}

// size of the recording so far.
func (x *place) size() int64 {
	var st unix.Stat_t
	if unix.Fstatat(int(x.dir.Fd()), recordingFile, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return 0 // not there yet
	}
	return st.Size
}

// said is what async-profiler has written to its log.
func (x *place) said() string {
	f, err := x.open(logFile)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, 4096)) // what can be read of it is what there is to say
	return string(b)
}

// remove deletes the directory with what is in it, and lets go of it.
func (x *place) remove() error {
	var errs []error
	if x.dir != nil {
		for _, f := range []string{recordingFile, logFile} {
			if err := unix.Unlinkat(int(x.dir.Fd()), f, 0); err != nil && err != unix.ENOENT {
				errs = append(errs, fmt.Errorf("remove %s: %w", x.inside(f), err))
			}
		}
		x.dir.Close()
	}
	if err := unix.Unlinkat(int(x.tmp.Fd()), x.name, unix.AT_REMOVEDIR); err != nil && err != unix.ENOENT {
		errs = append(errs, fmt.Errorf("remove /tmp/%s: %w", x.name, err))
	}
	x.tmp.Close()
	return errors.Join(errs...)
}

// maxTmp is how many entries of a /tmp are looked through.
const maxTmp = 100_000

// foreignAge is how old a place of another process must be to be swept away:
// two containers may share a /tmp, and one of them may be recorded right now.
const foreignAge = maxLength + time.Hour

// sweep removes what a killed agent of this home left in the JVM's /tmp. It
// says whether some of it is of this very process: then its profiler may still
// be running.
func sweep(p hotspot.Process, home string, now time.Time) (running bool, err error) {
	tmp, err := openTmp(p)
	if err != nil {
		return false, err
	}
	defer tmp.Close()
	names, err := tmp.Readdirnames(maxTmp)
	if err != nil && err != io.EOF {
		return false, fmt.Errorf("look through the /tmp of process %d: %w", p.PID, err)
	}
	begins, own := prefix(home, p), fmt.Sprintf("%d-", p.StartTicks)
	var errs []error
	for _, n := range names {
		rest, ok := strings.CutPrefix(n, begins)
		if !ok {
			continue
		}
		if strings.HasPrefix(rest, own) {
			running = true
		} else if young(tmp, n, now) {
			continue
		}
		again, err := openTmp(p)
		if err != nil {
			return running, err
		}
		x := &place{tmp: again, name: n}
		if x.dir, err = openDir(again, n); err != nil {
			x.dir = nil
		}
		errs = append(errs, x.remove())
	}
	return running, errors.Join(errs...)
}

func young(tmp *os.File, name string, now time.Time) bool {
	var st unix.Stat_t
	if unix.Fstatat(int(tmp.Fd()), name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil {
		return true
	}
	return now.Sub(time.Unix(st.Mtim.Unix())) < foreignAge
}
