package hotspot

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Finder finds the JVMs of this host. It remembers what it has looked at, so
// that a scan costs one small read a process: /proc/PID/stat. Not safe for
// concurrent use.
type Finder struct {
	Proc string           // "" is /proc
	Now  func() time.Time // nil: time.Now

	seen map[int]*sighting
}

// sighting is what is remembered of a process.
type sighting struct {
	start uint64
	comm  string    // changes when the process executes another program
	first time.Time // a young process may yet load libjvm.so
	found *Process  // nil: not a JVM
	done  bool      // not to be looked at again
}

// young is how long after its first sighting a process is looked at again.
const young = 15 * time.Second

// Find returns the JVMs that run now, in the order of their pids. A process
// that ends while it is looked at is left out. The error is about /proc as a
// whole.
func (f *Finder) Find(ctx context.Context) ([]Process, error) {
	proc, now := f.Proc, time.Now
	if proc == "" {
		proc = "/proc"
	}
	if f.Now != nil {
		now = f.Now
	}
	d, err := os.Open(proc)
	if err != nil {
		return nil, fmt.Errorf("find JVMs: %w", err)
	}
	names, err := d.Readdirnames(-1)
	d.Close()
	if err != nil {
		return nil, fmt.Errorf("find JVMs: list %s: %w", proc, err)
	}
	old := f.seen
	f.seen = make(map[int]*sighting, len(old))
	var found []Process
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid <= 0 {
			continue
		}
		if err := ctx.Err(); err != nil {
			f.seen = old
			return nil, err
		}
		dir := filepath.Join(proc, name)
		st, err := readStat(dir)
		if err != nil || st.state == 'Z' || st.state == 'X' {
			continue
		}
		s := old[pid]
		if s == nil || s.start != st.start || s.comm != st.comm {
			s = &sighting{start: st.start, comm: st.comm, first: now()}
		}
		if !s.done {
			age := now().Sub(s.first)
			s.found, s.done = look(dir, pid, st, age >= young)
		}
		f.seen[pid] = s
		if s.found != nil {
			found = append(found, *s.found)
		}
	}
	slices.SortFunc(found, func(a, b Process) int { return a.PID - b.PID })
	return found, nil
}

// look examines one process. final says that nothing is expected to change any
// more; done, that it need not be looked at again.
func look(dir string, pid int, st procStat, final bool) (found *Process, done bool) {
	p := Process{PID: pid, StartTicks: st.start, Root: filepath.Join(dir, "root")}
	m, err := readMaps(dir)
	switch {
	case errors.Is(err, fs.ErrPermission):
		if !looksLikeJava(dir, st.comm) {
			return nil, final
		}
		p.Denied = true
	case err != nil:
		return nil, false // it is ending
	case m.libjvm == "":
		return nil, final
	}
	s, err := readStatus(dir)
	if err != nil {
		return nil, false
	}
	p.UID, p.GID, p.NSPID = s.uid, s.gid, s.nspid
	if p.NSPID == 0 {
		p.NSPID = pid
	}
	p.LibJVM, p.PerfFile, p.perfInode = m.libjvm, m.perf, m.perfInode
	if exe, err := os.Readlink(filepath.Join(dir, "exe")); err == nil {
		p.Exe = strings.TrimSuffix(exe, " (deleted)")
	}
	c, err := perfOf(&p)
	if err == nil {
		if cmd, ok := c.String("sun.rt.javaCommand"); ok {
			p.MainClass, p.Args = splitCommand(cmd, dir)
			return &p, true
		}
	}
	p.MainClass, p.Args = commandLine(dir)
	// A JVM without performance data may still be about to publish some.
	return &p, final
}

// mapping is what of /proc/PID/maps is needed.
type mapping struct {
	libjvm    string // path as the kernel shows it to us
	perf      string // hsperfdata_USER/NSPID
	perfInode uint64
}

// readMaps stops as soon as it knows enough. The listing of a JVM is long and
// the kernel holds a lock of the process while it is produced, page by page.
func readMaps(dir string) (mapping, error) {
	f, err := os.Open(filepath.Join(dir, "maps"))
	if err != nil {
		return mapping{}, err
	}
	defer f.Close()
	return parseMaps(bufio.NewScanner(f))
}

func parseMaps(sc *bufio.Scanner) (mapping, error) {
	var m mapping
	for sc.Scan() && (m.libjvm == "" || m.perf == "") {
		line := sc.Bytes()
		at := bytes.IndexByte(line, '/')
		if at < 0 {
			continue
		}
		file := strings.TrimSuffix(string(line[at:]), " (deleted)")
		if path.Base(file) == "libjvm.so" {
			m.libjvm = file
		} else if user := path.Base(path.Dir(file)); strings.HasPrefix(user, "hsperfdata_") {
			m.perf = user + "/" + path.Base(file)
			if f := bytes.Fields(line[:at]); len(f) == 5 {
				m.perfInode, _ = strconv.ParseUint(string(f[4]), 10, 64)
			}
		}
	}
	return m, sc.Err()
}

// looksLikeJava judges another user's process by what everybody may read.
func looksLikeJava(dir, comm string) bool {
	if comm == "java" {
		return true
	}
	b, err := readSmall(filepath.Join(dir, "cmdline"), 4096)
	if err != nil {
		return false
	}
	arg0, _, _ := bytes.Cut(b, []byte{0})
	return path.Base(string(arg0)) == "java"
}

// splitCommand splits sun.rt.javaCommand, in which a jar's path may contain
// blanks, with the help of the real command line.
func splitCommand(cmd, dir string) (mainClass, args string) {
	if m, _ := commandLine(dir); m != "" && strings.HasPrefix(cmd, m) && (len(cmd) == len(m) || cmd[len(m)] == ' ') {
		return m, strings.TrimSpace(cmd[len(m):])
	}
	mainClass, args, _ = strings.Cut(cmd, " ")
	return mainClass, args
}

// commandLine reads main class and arguments from a java launcher's arguments.
func commandLine(dir string) (mainClass, args string) {
	b, err := readSmall(filepath.Join(dir, "cmdline"), 1<<20)
	if err != nil || len(b) == 0 {
		return "", ""
	}
	all := strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	rest := all[min(1+len(vmOptions(all)), len(all)):]
	if len(rest) > 0 && (rest[0] == "-jar" || rest[0] == "-m" || rest[0] == "--module") {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return "", ""
	}
	return rest[0], strings.Join(rest[1:], " ")
}
