package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tacho/record/hotspot"
	"tacho/record/jvm"
	"tacho/record/proc"
)

// A finding of the doctor: what was looked at, and what to do when it is not
// as it should be.
type checkup struct {
	ok     bool
	what   string
	reason string // one sentence, "" when ok
	remedy string // one sentence
}

func runDoctor(ctx context.Context, std stdio, args []string) error {
	f := newFlags(std, "doctor", "what this host lets Tacho see, and what to do about the rest.\n"+
		"Attaches to every JVM as the agent would, but starts no recording. Exits with 1 when something is in the way.",
		"  tacho doctor\n  tacho doctor --server http://tacho.example:7700\n")
	var data, server string
	f.StringVar(&data, "data", defaultData(), "look whether state can be kept in `DIR`")
	f.StringVar(&server, "server", "", "also look whether the server at `URL` can be reached")
	if done, err := f.parse(args); done || err != nil {
		return err
	}
	log, err := f.logger()
	if err != nil {
		return err
	}
	checks := hostChecks(data)
	if server != "" {
		checks = append(checks, serverCheck(ctx, server))
	}
	jvms, err := jvmChecks(ctx, log)
	if err != nil {
		return err
	}
	asyncs, err := asyncprofChecks(ctx, f.config)
	if err != nil {
		return err
	}
	bad := 0
	for _, c := range slices.Concat(checks, jvms, asyncs) {
		mark := "ok  "
		if !c.ok {
			mark = "no  "
			bad++
		}
		line := mark + c.what
		if c.reason != "" {
			line += ": " + c.reason
		}
		fmt.Fprintln(std.out, line)
		if c.remedy != "" {
			fmt.Fprintln(std.out, "      → "+c.remedy)
		}
	}
	if len(jvms) == 0 {
		fmt.Fprintln(std.out, "--  no JVM runs on this host, as far as this user can see")
	}
	if bad > 0 {
		return errNo
	}
	return nil
}

func hostChecks(data string) []checkup {
	var out []checkup
	if os.Geteuid() == 0 {
		out = append(out, checkup{true, "user", "root: the JVMs of all users can be recorded", ""})
	} else {
		out = append(out, checkup{true, "user", fmt.Sprintf("uid %d: only this user's own JVMs can be recorded", os.Geteuid()), "Run Tacho as root to record the others too."})
	}
	out = append(out, schedstatCheck(), diskCheck(data))
	return out
}

// schedstatCheck looks at the kernel's account of this very process.
func schedstatCheck() checkup {
	c := checkup{what: "CPU per thread"}
	th, err := proc.Open("/proc", os.Getpid())
	if err != nil {
		c.reason, c.remedy = fmt.Sprintf("cannot be read: %v.", err), "Mount /proc, without hidepid for this user."
		return c
	}
	defer th.Close()
	c.ok = true
	if !th.Precise() {
		c.reason = "this kernel counts in ticks of 10 ms and does not tell run-queue wait (no CONFIG_SCHED_INFO)"
	}
	return c
}

func diskCheck(dir string) checkup {
	c := checkup{what: "data in " + dir}
	at := dir
	for at != "/" && at != "." && unix.Access(at, unix.F_OK) != nil {
		at = parent(at)
	}
	if err := unix.Access(at, unix.W_OK); err != nil {
		c.reason, c.remedy = fmt.Sprintf("%s cannot be written to.", at), "Choose another place with --data DIR."
		return c
	}
	var st unix.Statfs_t
	if err := unix.Statfs(at, &st); err != nil {
		c.reason, c.remedy = fmt.Sprintf("cannot tell how much space is left: %v.", err), "Choose another place with --data DIR."
		return c
	}
	free := st.Bavail * uint64(st.Bsize)
	if free < 1<<30 {
		c.reason, c.remedy = fmt.Sprintf("only %d MiB are free.", free>>20), "Make room, or choose another place with --data DIR."
		return c
	}
	c.ok, c.reason = true, fmt.Sprintf("%d GiB free", free>>30)
	return c
}

func parent(dir string) string {
	if i := strings.LastIndexByte(strings.TrimRight(dir, "/"), '/'); i > 0 {
		return dir[:i]
	} else if i == 0 {
		return "/"
	}
	return "."
}

func serverCheck(ctx context.Context, url string) checkup {
	c := checkup{what: "server " + url}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", strings.TrimRight(url, "/")+"/readyz", nil)
	var res *http.Response
	if err == nil {
		res, err = http.DefaultClient.Do(req)
	}
	if err != nil {
		c.reason, c.remedy = fmt.Sprintf("cannot be reached: %v.", err), "Start it with `tacho server`, or name another with --server URL."
		return c
	}
	res.Body.Close()
	c.ok = res.StatusCode == http.StatusOK
	if !c.ok {
		c.reason, c.remedy = fmt.Sprintf("it answers %s.", res.Status), "Look at its log; /readyz says why it is not ready."
	}
	return c
}

// jvmChecks attaches to each JVM and asks for its recordings, which it can
// only answer when it has JFR.
func jvmChecks(ctx context.Context, log *slog.Logger) ([]checkup, error) {
	found, err := (&hotspot.Finder{}).Find(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for JVMs: %w", err)
	}
	var out []checkup
	for _, p := range found {
		out = append(out, jvmCheck(ctx, log, p))
	}
	return out, nil
}

func jvmCheck(ctx context.Context, log *slog.Logger, p hotspot.Process) checkup {
	c := checkup{what: fmt.Sprintf("JVM %d %s", p.PID, p.MainClass)}
	vm, err := hotspot.Attach(ctx, p, hotspot.Options{Log: log})
	if err == nil {
		defer vm.Close()
		var rs []hotspot.RecordingInfo
		rs, err = vm.Recordings(ctx)
		c.reason = vm.Version().VM + " " + vm.Version().JDK + ", can be recorded"
		for _, r := range rs {
			if strings.HasPrefix(r.Name, jvm.RecordingName) && r.Running() {
				c.reason = vm.Version().VM + " " + vm.Version().JDK + ", is being recorded"
			}
		}
	}
	if err == nil {
		c.ok = true
		return c
	}
	c.reason = err.Error()
	var pr *hotspot.Problem
	if errors.As(err, &pr) {
		c.reason, c.remedy = pr.Reason, pr.Remedy
	}
	return c
}
