package asyncprof

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"tacho/record/hotspot"
)

const soName = "libasyncProfiler.so"

// Locate is the path of the library as the JVM sees it. configured is the one
// place to look; empty, the usual ones are: those of home ($ASYNC_PROFILER_HOME,
// may be empty), /opt/async-profiler*, /usr/lib and /usr/local/lib. The error is
// a *Problem.
func Locate(p hotspot.Process, configured, home string) (string, error) {
	if p.Denied {
		return "", &Problem{Reason: fmt.Sprintf("Process %d belongs to uid %d, so async-profiler cannot be loaded into it.", p.PID, p.UID),
			Remedy: "Run the agent as root or as the user of the JVM.", absent: true}
	}
	inside := func(name string, flags int) (*os.File, error) { return p.OpenInside(name, flags, 0) }
	host := func(name string, flags int) (*os.File, error) {
		fd, err := unix.Open(name, flags|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, &fs.PathError{Op: "open", Path: name, Err: err}
		}
		return os.NewFile(uintptr(fd), name), nil
	}
	if found := search(inside, configured, home); found != "" {
		return found, nil
	}
	if found := search(host, configured, home); found != "" {
		return "", &Problem{absent: true,
			Reason: fmt.Sprintf("async-profiler is on this host in %s, and process %d does not see it: it has a file system of its own.", filepath.Dir(found), p.PID),
			Remedy: fmt.Sprintf("Mount %s into its container, at the same place.", filepath.Dir(found))}
	}
	where := "in none of the usual places (/opt/async-profiler*/lib, /usr/lib, /usr/local/lib, $ASYNC_PROFILER_HOME)"
	if configured != "" {
		where = "not at " + configured
	}
	return "", &Problem{absent: true, Reason: fmt.Sprintf("async-profiler is not installed where process %d sees it: %s is %s.", p.PID, soName, where),
		Remedy: "Install async-profiler there or name its place with `library`; it is looked for again every minute."}
}

// search looks through a file system that open opens.
func search(open func(string, int) (*os.File, error), configured, home string) string {
	candidates := []string{configured}
	if configured == "" {
		candidates = usual(open, home)
	}
	for _, c := range candidates {
		f, err := open(c, unix.O_RDONLY|unix.O_NONBLOCK) // a fifo of this name must not hold us up
		if err != nil {
			continue
		}
		fi, err := f.Stat()
		f.Close()
		if err == nil && fi.Mode().IsRegular() {
			return c
		}
	}
	return ""
}

// maxOpt is how many entries of /opt are looked at.
const maxOpt = 10_000

func usual(open func(string, int) (*os.File, error), home string) []string {
	var dirs []string
	if path.IsAbs(home) {
		dirs = append(dirs, path.Join(home, "lib"), path.Join(home, "build"), home)
	}
	if d, err := open("/opt", unix.O_RDONLY|unix.O_DIRECTORY); err == nil {
		names, err := d.Readdirnames(maxOpt)
		d.Close()
		if err == nil {
			slices.Sort(names)
			slices.Reverse(names) // of several versions the last one
			for _, n := range names {
				if strings.HasPrefix(n, "async-profiler") {
					dirs = append(dirs, "/opt/"+n+"/lib", "/opt/"+n+"/build") // build: before version 3
				}
			}
		}
	}
	dirs = append(dirs, "/usr/lib", "/usr/local/lib")
	for i := range dirs {
		dirs[i] += "/" + soName
	}
	return dirs
}

// isAbsent says whether the library is missing, as opposed to failing.
func isAbsent(err error) bool {
	var p *Problem
	return errors.As(err, &p) && p.absent
}
