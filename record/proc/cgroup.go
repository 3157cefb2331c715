package proc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Limits is what the cgroups of a process allow it and have taken from it.
// Limits of enclosing groups bind as well, so each is the tightest on the way
// up to what is mounted. Zero means "no limit" for limits and "not told" for
// counts; Unknown names the controllers that told nothing.
type Limits struct {
	Version       int           // 2, or 1 where the CPU controller is on a v1 hierarchy
	Path          string        // of the group that limits CPU, as /proc/PID/cgroup writes it
	Container     string        // 64 hexadecimal digits, "" outside containers
	CPUQuota      time.Duration // CPU time allowed in each CPUPeriod, 0 = no limit
	CPUPeriod     time.Duration
	Periods       int64         // enforcement periods that have passed
	Throttled     int64         // of those, the ones that used the quota up
	ThrottledTime time.Duration // sum over threads of time held back
	MemoryMax     int64         // bytes, 0 = no limit
	MemoryCurrent int64         // bytes, page cache included
	CPUs          int           // processors the cpuset leaves
	Unknown       []string      // cpu, memory, cpuset
}

// Cores is the CPU limit in processors, 0 = none.
func (l *Limits) Cores() float64 {
	if l.CPUQuota <= 0 || l.CPUPeriod <= 0 {
		return 0
	}
	return float64(l.CPUQuota) / float64(l.CPUPeriod)
}

// Cgroup reads the limits of process pid below procRoot ("/proc"). Both
// versions and hybrids of them are understood:
//
//  1. /proc/PID/cgroup says in which group of which hierarchy the process is
//  2. mountinfo says where that hierarchy is mounted, first as this process
//     sees it, then as the target does (through /proc/PID/root)
//  3. the group's files, and those of its parents, say the rest
//
// The error is ErrGone (wrapped) when the process has ended; a hierarchy that
// is nowhere mounted is an error that names it.
func Cgroup(procRoot string, pid int) (*Limits, error) {
	dir := filepath.Join(procRoot, strconv.Itoa(pid))
	return cgroup(filepath.Join(dir, "cgroup"), []view{
		{mountinfo: filepath.Join(procRoot, "self", "mountinfo")},
		{mountinfo: filepath.Join(dir, "mountinfo"), prefix: filepath.Join(dir, "root")},
	})
}

// view is one way to see the mounts: prefix leads from our root to theirs.
type view struct{ mountinfo, prefix string }

func cgroup(file string, views []view) (*Limits, error) {
	b, err := os.ReadFile(file)
	if gone(err) {
		err = ErrGone
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	groups, err := parseCgroup(file, string(b))
	if err != nil {
		return nil, err
	}
	l := &Limits{}
	for _, g := range groups {
		if l.Container = containerID(g.path); l.Container != "" {
			break
		}
	}
	var mounts []mount
	var unreadable []error
	for _, v := range views {
		ms, container, err := readMounts(v)
		if err != nil {
			unreadable = append(unreadable, err)
			continue
		}
		mounts = append(mounts, ms...)
		// Our own mounts would tell our own container.
		if l.Container == "" && v.prefix != "" {
			l.Container = container
		}
	}
	f := finder{file: file, groups: groups, mounts: mounts}
	for _, c := range []struct {
		name string
		read func(levels, *Limits) (bool, error)
	}{
		{"cpu", readCPU}, {"memory", readMemory}, {"cpuset", readCPUSet},
	} {
		lv, err := f.find(c.name)
		if err != nil {
			return nil, errors.Join(append([]error{err}, unreadable...)...)
		}
		if c.name == "cpu" {
			l.Version, l.Path = lv.version, lv.path
		}
		known, err := c.read(lv, l)
		if err != nil {
			return nil, err
		}
		if !known {
			l.Unknown = append(l.Unknown, c.name)
		}
	}
	return l, nil
}

// group is one line of /proc/PID/cgroup.
type group struct {
	controllers []string // nil: the unified (v2) hierarchy
	path        string
}

// parseCgroup reads lines "ID:controller,controller:/path"; version 2 is the
// line "0::/path".
func parseCgroup(file, text string) ([]group, error) {
	var gs []group
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		id, rest, ok := strings.Cut(line, ":")
		controllers, path, ok2 := strings.Cut(rest, ":")
		if _, err := strconv.ParseUint(id, 10, 31); !ok || !ok2 || err != nil {
			return nil, &SyntaxError{File: file, Line: i + 1, Column: 1, Problem: fmt.Sprintf("%q is not ID:CONTROLLERS:PATH", line)}
		}
		if !strings.HasPrefix(path, "/") {
			return nil, &SyntaxError{File: file, Line: i + 1, Column: len(line) - len(path) + 1, Problem: fmt.Sprintf("path %q does not start with /", path)}
		}
		g := group{path: strings.TrimSuffix(path, " (deleted)")}
		if controllers != "" {
			g.controllers = strings.Split(controllers, ",")
		}
		gs = append(gs, g)
	}
	return gs, nil
}

// containerID finds a run of exactly 64 hexadecimal digits, the last one of the
// path: docker/ID, docker-ID.scope, kubepods/…/cri-containerd-ID.scope.
func containerID(path string) string {
	id, run := "", 0
	for i := 0; i <= len(path); i++ {
		if i < len(path) && strings.IndexByte("0123456789abcdef", path[i]) >= 0 {
			run++
			continue
		}
		if run == 64 {
			id = path[i-64 : i]
		}
		run = 0
	}
	return id
}
