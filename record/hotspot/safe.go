package hotspot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func attachDisabled(p Process) *Problem {
	return &Problem{Kind: AttachDisabled, Reason: fmt.Sprintf("Process %d runs with -XX:+DisableAttachMechanism.", p.PID),
		Remedy: "Remove the option and restart the service; until then only the kernel's account of it is recorded."}
}

// starting is a JVM whose signal handling is not up. One that runs with -Xrs
// and has lost its socket looks the same.
func starting(p Process, what string) *Problem {
	return &Problem{Kind: Starting, Reason: fmt.Sprintf("The JVM in process %d %s, so it is still starting.", p.PID, what),
		Remedy: "Tacho tries again; if this lasts, restart the JVM, without -Xrs."}
}

func unproven(p Process, what string) *Problem {
	return &Problem{Kind: AttachUnproven, Reason: fmt.Sprintf("Process %d publishes no performance data and %s, so nothing proves that attaching is safe.", p.PID, what),
		Remedy: fmt.Sprintf("Start it without -XX:-UsePerfData and -XX:+PerfDisableSharedMem, or run `jcmd %d VM.version` once.", p.PID)}
}

// capable asks the JVM's performance data whether it can be attached to, and
// waits for one that is still starting. Without performance data the question
// stays open until the signal is needed: an open socket answers it.
func (a *attacher) capable(ctx context.Context) error {
	if a.p.PerfFile == "" { // found before it was there?
		if m, err := readMaps(a.p.dir()); err == nil {
			a.p.PerfFile, a.p.perfInode = m.perf, m.perfInode
		}
	}
	for {
		c, err := perfOf(&a.p)
		switch {
		case errors.Is(err, ErrNoPerfData):
			return nil
		case errors.Is(err, errStarting):
			if a.p.ended(a.pidfd) {
				return gone(a.p, nil)
			}
			if !sleep(ctx, 20*time.Millisecond) {
				if ctx.Err() == context.Canceled {
					return ctx.Err()
				}
				return starting(a.p, "has not filled its performance data")
			}
			continue
		case err != nil:
			if a.p.ended(a.pidfd) {
				return gone(a.p, err)
			}
			return nil // unreadable: as good as none
		}
		a.perf = c
		if caps, ok := c.String("sun.rt.jvmCapabilities"); ok && !strings.HasPrefix(caps, "1") {
			return attachDisabled(a.p)
		}
		return nil
	}
}

// perfOf reads the counters once.
func perfOf(p *Process) (*Counters, error) {
	f, err := OpenPerf(*p)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Read()
}

// signalSafe proves that SIGQUIT will open the socket and do nothing else.
//   - the JVM catches it (not -Xrs, not before its handlers are installed)
//   - it is running, so that the trigger file is seen together with the signal
//   - attaching is enabled, by its performance data or by its command line
//   - its /tmp takes a socket
//   - its listener is not already up: then HotSpot prints, unless the socket
//     file is missing and the JDK (13 and later) knows to look
func (a *attacher) signalSafe(ctx context.Context, d dialer, stale *bool) error {
	p := a.p
	st, err := readStat(p.dir())
	if err != nil || st.start != p.StartTicks {
		return gone(p, err)
	}
	if st.state == 'T' || st.state == 't' || frozen(p.dir()) {
		return stopped(p)
	}
	s, err := readStatus(p.dir())
	if err != nil {
		return gone(p, err)
	}
	if s.caught&sigquitBit == 0 {
		return starting(p, "does not catch SIGQUIT")
	}
	caps := ""
	if a.perf != nil {
		caps, _ = a.perf.String("sun.rt.jvmCapabilities")
	}
	names, err := threadNames(p.dir(), 1<<16)
	if err != nil {
		return gone(p, err)
	}
	if caps == "" {
		if err := enabledByCommandLine(p); err != nil {
			return err
		}
		if names["Signal Dispatch"] == 0 {
			return starting(p, "has no Signal Dispatcher thread")
		}
	}
	if err := tmpTakesSocket(p, int(a.tmp.Fd())); err != nil {
		return err
	}
	if names["Attach Listener"] == 0 {
		return nil
	}
	// The listener is up and its socket does not answer. Another client may be
	// opening it this very moment.
	short, cancel := context.WithTimeout(ctx, min(time.Second, a.opt.Timeout/2))
	defer cancel()
	switch err := a.await(short, d); {
	case err == nil:
		*stale = false
		return nil
	case KindOf(err) != Timeout:
		return err
	}
	if a.major() < 13 {
		return &Problem{Kind: StaleSocket, Reason: fmt.Sprintf("The attach socket of process %d was removed and its JDK does not create it again.", p.PID),
			Remedy: "Restart the JVM, and keep cleaners of /tmp away from .java_pid* files."}
	}
	return nil
}

// major is the feature release as the performance data has it, 0 if unknown.
func (a *attacher) major() int {
	if a.perf == nil {
		return 0
	}
	v, _ := a.perf.String("java.property.java.vm.specification.version")
	return major(v)
}

// frozen says whether the process's cgroup is frozen (docker pause). Only
// cgroup v2; in v1 the process does not look stopped and attaching times out.
func frozen(dir string) bool {
	b, err := readSmall(filepath.Join(dir, "cgroup"), 64<<10)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			ev, err := readSmall(path.Join("/sys/fs/cgroup", path.Clean("/"+group), "cgroup.events"), 4096)
			return err == nil && strings.Contains(string(ev), "frozen 1")
		}
	}
	return false
}

// tmpTakesSocket asks what can be asked from outside: a JVM that fails to
// create its socket does so without a word.
func tmpTakesSocket(p Process, tmp int) error {
	var vfs unix.Statfs_t
	if err := unix.Fstatfs(tmp, &vfs); err != nil {
		return fmt.Errorf("ask about the file system of /tmp: %w", err)
	}
	if vfs.Flags&unix.ST_RDONLY != 0 {
		return readOnlyTmp(p, "The /tmp of process %d is mounted read-only, so its JVM cannot open an attach socket.", nil)
	}
	var st unix.Stat_t
	if err := unix.Fstat(tmp, &st); err != nil {
		return fmt.Errorf("stat /tmp: %w", err)
	}
	if p.UID != 0 && st.Mode&0o022 == 0 && !(int(st.Uid) == p.UID && st.Mode&0o200 != 0) {
		return readOnlyTmp(p, "The /tmp of process %d may not be written to by its user, so its JVM cannot open an attach socket.", nil)
	}
	return nil
}

// enabledByCommandLine proves from the options of a `java` launcher that
// attaching is on. What it cannot see through, it does not trust.
func enabledByCommandLine(p Process) error {
	if path.Base(p.Exe) != "java" {
		return unproven(p, "was not started by the java launcher")
	}
	args, err := readSmall(filepath.Join(p.dir(), "cmdline"), 1<<20)
	if err != nil {
		return unproven(p, "its command line cannot be read")
	}
	env, err := readSmall(filepath.Join(p.dir(), "environ"), 1<<20)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unproven(p, "its environment cannot be read")
	}
	text := vmOptions(strings.Split(strings.TrimSuffix(string(args), "\x00"), "\x00"))
	for kv := range strings.SplitSeq(string(env), "\x00") {
		name, value, _ := strings.Cut(kv, "=")
		switch name {
		case "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS":
			text = append(text, strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" \t\n\r\f\v\"'", r) })...)
		}
	}
	for _, o := range text {
		switch {
		case strings.Contains(o, "+DisableAttachMechanism"):
			return attachDisabled(p)
		case strings.HasPrefix(o, "@"), strings.HasPrefix(o, "-XX:Flags="), strings.HasPrefix(o, "-XX:VMOptionsFile="), o == "-XX:+ReadVMOptionsFile":
			return unproven(p, "takes options from a file ("+o+")")
		}
	}
	if baked, err := bakedOptions(p); err != nil {
		return unproven(p, "its runtime image cannot be read")
	} else if baked {
		return unproven(p, "its runtime image was made with jlink --add-options")
	}
	return nil
}

// vmOptions are the arguments before the main class. An option's separate value
// cannot be told from a main class by its look, so these options are named.
func vmOptions(args []string) []string {
	for i := 1; i < len(args); i++ {
		switch a := args[i]; {
		case a == "-cp", a == "-classpath", a == "--class-path", a == "-p", a == "--module-path", a == "--upgrade-module-path",
			a == "--add-modules", a == "--add-exports", a == "--add-opens", a == "--add-reads", a == "--patch-module",
			a == "--limit-modules", a == "--enable-native-access", a == "--illegal-native-access", a == "--source", a == "-d", a == "--describe-module":
			i++
		case a == "-jar", a == "-m", a == "--module", !strings.HasPrefix(a, "-") && !strings.HasPrefix(a, "@"):
			return args[1:i]
		}
	}
	return args[min(1, len(args)):]
}
