package hotspot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Process is a JVM as the kernel shows it. PID and StartTicks together name
// one process for ever; PID alone does not.
type Process struct {
	PID        int    // as this host's /proc numbers it
	NSPID      int    // in the innermost pid namespace: what the JVM calls itself
	StartTicks uint64 // clock ticks since boot
	UID, GID   int    // effective ids, in the numbering of the reader's user namespace
	Root       string // /proc/PID/root: the file system as the JVM sees it
	Exe        string // path inside that file system, "" when it may not be read
	MainClass  string // or the path of the jar; "" when unknown
	Args       string // arguments of the main class
	LibJVM     string // path of libjvm.so inside the JVM's file system, "" when maps may not be read
	PerfFile   string // hsperfdata_USER/NSPID relative to the JVM's /tmp, "" without one
	Denied     bool   // another user's process: recognised by its command line only

	perfInode uint64 // of the mapping of PerfFile, 0 unknown
}

// dir is the process's directory in /proc.
func (p Process) dir() string { return filepath.Dir(p.Root) }

// HostPath is where an absolute path of the JVM's file system lies for us. The
// JVM may place symbolic links in it: to open such a path, use OpenInside.
func (p Process) HostPath(inside string) string { return p.Root + filepath.Clean("/"+inside) }

// OpenInside opens a path as the JVM would: symbolic links lead to files of the
// JVM's root, never to ours. flags are the unix.O_ ones; O_CLOEXEC is added.
func (p Process) OpenInside(inside string, flags int, perm uint32) (*os.File, error) {
	root, err := unix.Open(p.Root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: p.Root, Err: err}
	}
	defer unix.Close(root)
	fd, err := openBeneath(root, strings.TrimPrefix(filepath.Clean("/"+inside), "/"), flags, perm)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: p.HostPath(inside), Err: err}
	}
	return os.NewFile(uintptr(fd), p.HostPath(inside)), nil
}

// openBeneath is openat with the directory as the root of every symbolic link.
// Kernels before 5.6, and seccomp profiles that do not know openat2, get a
// plain openat that follows no link in the last component.
func openBeneath(dir int, path string, flags int, perm uint32) (int, error) {
	if path == "" {
		path = "."
	}
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Resolve: unix.RESOLVE_IN_ROOT}
	if flags&unix.O_CREAT != 0 {
		how.Mode = uint64(perm)
	}
	for {
		fd, err := unix.Openat2(dir, path, &how)
		switch {
		case err == unix.EINTR || err == unix.EAGAIN: // EAGAIN: a rename raced with the walk
			continue
		case err == unix.ENOSYS || err == unix.EPERM && flags&unix.O_CREAT == 0:
			return unix.Openat(dir, path, flags|unix.O_NOFOLLOW|unix.O_CLOEXEC, perm)
		}
		return fd, err
	}
}

// procStat is what of /proc/PID/stat is needed.
type procStat struct {
	comm  string
	state byte
	start uint64
}

var errStat = errors.New("not the format of /proc/PID/stat")

// parseStat reads the line; the name is in parentheses and may contain any
// character, a closing parenthesis included.
func parseStat(b []byte) (procStat, error) {
	open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
	if open < 0 || end < open {
		return procStat{}, errStat
	}
	f := bytes.Fields(b[end+1:]) // f[0] is field 3, the state
	if len(f) < 20 || len(f[0]) != 1 {
		return procStat{}, errStat
	}
	start, err := strconv.ParseUint(string(f[19]), 10, 64) // field 22
	if err != nil {
		return procStat{}, errStat
	}
	return procStat{string(b[open+1 : end]), f[0][0], start}, nil
}

func readStat(dir string) (procStat, error) {
	b, err := readSmall(filepath.Join(dir, "stat"), 4096)
	if err != nil {
		return procStat{}, err
	}
	return parseStat(b)
}

// procStatus is what of /proc/PID/status is needed.
type procStatus struct {
	uid, gid int // effective
	nspid    int
	caught   uint64 // SigCgt
	pending  uint64 // SigPnd and ShdPnd
}

// parseStatus takes the lines it knows; a missing NSpid (kernels before 4.1)
// leaves nspid 0.
func parseStatus(b []byte) procStatus {
	var s procStatus
	for line := range strings.Lines(string(b)) {
		key, rest, _ := strings.Cut(line, ":")
		f := strings.Fields(rest)
		if len(f) == 0 {
			continue
		}
		switch key {
		case "Uid":
			if len(f) > 1 {
				s.uid, _ = strconv.Atoi(f[1])
			}
		case "Gid":
			if len(f) > 1 {
				s.gid, _ = strconv.Atoi(f[1])
			}
		case "NSpid":
			s.nspid, _ = strconv.Atoi(f[len(f)-1])
		case "SigCgt":
			s.caught, _ = strconv.ParseUint(f[0], 16, 64)
		case "SigPnd", "ShdPnd":
			v, _ := strconv.ParseUint(f[0], 16, 64)
			s.pending |= v
		}
	}
	return s
}

const sigquitBit = 1 << (uint(unix.SIGQUIT) - 1)

func readStatus(dir string) (procStatus, error) {
	b, err := readSmall(filepath.Join(dir, "status"), 64<<10)
	if err != nil {
		return procStatus{}, err
	}
	return parseStatus(b), nil
}

// readSmall reads at most limit bytes of a file of /proc.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return b, nil
}

// threadNames are the comm of every thread, at most limit of them.
func threadNames(dir string, limit int) (map[string]int, error) {
	d, err := os.Open(filepath.Join(dir, "task"))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	tids, err := d.Readdirnames(limit)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("list %s: %w", d.Name(), err)
	}
	names := make(map[string]int, len(tids))
	for _, tid := range tids {
		b, err := readSmall(filepath.Join(dir, "task", tid, "comm"), 64)
		if err != nil {
			continue // the thread ended between the listing and now
		}
		names[strings.TrimSuffix(string(b), "\n")]++
	}
	return names, nil
}
