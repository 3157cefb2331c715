package jvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tacho/format/jfr"
	"tacho/record"
	"tacho/record/hotspot"
)

type jfrEvent = jfr.Event

// recording is Tacho's JFR recording in one JVM, and our end of it.
type recording struct {
	vm     *hotspot.JVM
	name   string
	follow *follower
}

// startResult is what attaching came to: a recording, or the fallback, or
// neither with the reason.
type startResult struct {
	rec      *recording
	dump     *dumper
	runtime  string
	rejoined bool
	state    record.State
	reason   string
	remedy   string
	retry    time.Duration // try again after this; 0 = it would be no use
}

// startRecording attaches to the JVM and starts our recording in it, or takes
// over the one a killed agent left. since is where to go on when rejoining.
func startRecording(ctx context.Context, cfg *Config, p hotspot.Process, since int64, clock *wallClock, rejoin bool) startResult {
	vm, err := hotspot.Attach(ctx, p, hotspot.Options{Log: cfg.Log, Timeout: cfg.AttachTimeout, Wait: cfg.attaching})
	if err != nil {
		return refused(err)
	}
	v := vm.Version()
	runtime := v.VM + " " + v.JDK
	rec, rejoined, err := (*recording)(nil), false, tooOld(v)
	if err == nil {
		rec, rejoined, err = begin(ctx, cfg, vm, since, clock, rejoin)
	}
	if err == nil {
		return startResult{rec: rec, runtime: runtime, rejoined: rejoined, state: record.StateRecording}
	}
	r := refused(err)
	r.runtime = runtime
	if r.retry == 0 && cfg.Dumps {
		r.dump = newDumper(vm)
		r.state = record.StateLimited
		return r
	}
	vm.Close()
	return r
}

// firstLive is the first JDK that flushes the chunk it is writing about once a
// second (JEP 349). Older ones show nothing until a chunk is full.
const firstLive = 14

func tooOld(v hotspot.Version) error {
	if v.Major == 0 || v.Major >= firstLive {
		return nil
	}
	return &hotspot.Problem{Kind: hotspot.TooOld,
		Reason: fmt.Sprintf("JDK %d does not flush what it records before a chunk is full, so its stacks come from thread dumps.", v.Major),
		Remedy: "Run the service on JDK 17 or later to have every profile."}
}

// refused says why, in the words of the agents page.
func refused(err error) startResult {
	r := startResult{state: record.StateRefused, reason: err.Error()}
	var p *hotspot.Problem
	if errors.As(err, &p) {
		r.reason, r.remedy = p.Reason, p.Remedy
	}
	switch hotspot.KindOf(err) {
	case hotspot.Starting:
		r.state, r.retry = record.StateStarting, 2*time.Second
	case hotspot.Timeout, hotspot.Busy, hotspot.Stopped, hotspot.Protocol:
		r.retry = 15 * time.Second
	case hotspot.ReadOnlyTmp, hotspot.StaleSocket, hotspot.ForeignSocket:
		r.retry = time.Minute
	}
	return r
}

func begin(ctx context.Context, cfg *Config, vm *hotspot.JVM, since int64, clock *wallClock, rejoin bool) (*recording, bool, error) {
	have, err := vm.Recordings(ctx)
	if err != nil {
		return nil, false, err
	}
	name, running := RecordingNameOf(cfg.Home), false
	for _, r := range have {
		running = running || r.Name == name && r.Running()
	}
	if running && !rejoin {
		// Left by a predecessor whose marks we do not have: end it, so that its
		// settings and its past are not taken for ours.
		if err := vm.StopRecording(ctx, name); err != nil {
			return nil, false, err
		}
		running = false
	}
	if !running {
		since = 0
		err := vm.StartRecording(ctx, hotspot.Recording{Name: name, JFC: cfg.Settings.jfc(vm.Version().Major), MaxSize: cfg.Settings.MaxDisk})
		if err != nil {
			return nil, false, err
		}
	}
	repo, err := vm.Repository(ctx)
	if errors.Is(err, hotspot.ErrNoRepository) {
		repo, err = openRepository(cfg.Proc, vm.Process().PID)
	}
	if err != nil {
		return nil, false, err
	}
	dir, err := vm.Process().OpenInside(repo, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, false, fmt.Errorf("open the JVM's JFR repository %s: %w", repo, err)
	}
	f, err := newFollower(dir, jfr.Options{Events: cfg.Settings.names(vm.Version().Major)}, clock, since)
	if err != nil {
		dir.Close()
		return nil, false, err
	}
	return &recording{vm: vm, name: name, follow: f}, running, nil
}

// openRepository finds the repository by the chunk the JVM holds open: some
// programs replace their system properties, and the one that names it with
// them. The path is as the JVM sees it.
func openRepository(proc string, pid int) (string, error) {
	dir := fmt.Sprintf("%s/%d/fd", proc, pid)
	es, err := os.ReadDir(dir)
	if err != nil {
		return "", fmt.Errorf("look for the JFR chunk JVM %d writes: %w", pid, err)
	}
	for _, e := range es {
		if to, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil && strings.HasSuffix(to, ".jfr") {
			return filepath.Dir(to), nil
		}
	}
	return "", fmt.Errorf("JVM %d: %w, and no chunk is open", pid, hotspot.ErrNoRepository)
}

// stop ends the recording in the JVM, which flushes its last chunk; the
// follower can still read it. A JVM that is gone needs no stopping.
func (r *recording) stop(timeout time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	// Nothing more can be done about a JVM that does not answer: the caps on
	// its disk use hold, and the next agent adopts or ends the recording.
	_ = r.vm.StopRecording(ctx, r.name)
}

func (r *recording) close() {
	r.follow.Close()
	r.vm.Close()
}
