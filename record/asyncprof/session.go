package asyncprof

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"tacho/record/hotspot"
)

const (
	// guard is how long after the end of a recording async-profiler stops by
	// itself when nobody has told it to.
	guard = 30 * time.Second
	// look is how often a recording is looked at while it runs.
	look = 500 * time.Millisecond
	// maxFile ends a recording early: it lies in the JVM's /tmp.
	maxFile = 256 << 20
)

// record takes one recording of a JVM and delivers it. When ctx ends the
// recording is ended, and delivered as far as it got. Errors are for asProblem.
func (w *worker) record(ctx context.Context, r Rule) error {
	c := w.c
	lib, err := Locate(w.proc, r.Library, c.o.LibraryHome)
	if err != nil {
		return err
	}
	vm, err := hotspot.Attach(ctx, w.proc, hotspot.Options{Log: c.o.Log, Timeout: c.o.AttachTimeout, Wait: &c.attaching})
	if err != nil {
		return err
	}
	defer vm.Close()
	// What has been begun is ended in order, also when ctx ends.
	calm := context.WithoutCancel(ctx)
	if err := w.tidy(calm, vm, lib); err != nil {
		return err
	}
	at, err := makePlace(w.proc, c.o.Home)
	if err != nil {
		return err
	}
	defer func() {
		if e := at.remove(); e != nil {
			c.o.Log.Warn("a recording of async-profiler is not removed", "pid", w.proc.PID, "err", e)
		}
	}()
	file, log := at.inside(recordingFile), at.inside(logFile)
	if err := w.load(calm, vm, lib, r.start(file, log, guard), at); err != nil {
		return err
	}
	w.note(func(s *state) { s.recording = true })
	defer w.note(func(s *state) { s.recording = false })
	early := w.wait(ctx, at, r.Length)
	// A JVM that has ended has written the file to its end, or as far as it got.
	stopped := w.load(calm, vm, lib, stop(file, log), at)
	if hotspot.KindOf(stopped) == hotspot.Gone {
		stopped = &Problem{Reason: fmt.Sprintf("Process %d ended while async-profiler was recording it.", w.proc.PID), Err: stopped}
	}
	f, err := at.open(recordingFile)
	if errors.Is(err, os.ErrNotExist) && stopped != nil {
		return stopped
	}
	if err != nil {
		return fmt.Errorf("async-profiler says it has recorded process %d and there is no recording: %w", w.proc.PID, err)
	}
	defer f.Close()
	err = w.deliver(calm, f, r)
	if stopped != nil {
		return stopped // what made the file end where it does
	}
	if err == nil {
		err = early
	}
	return err
}

// tidy ends and removes what a killed predecessor left behind.
func (w *worker) tidy(ctx context.Context, vm *hotspot.JVM, lib string) error {
	running, err := sweep(w.proc, w.c.o.Home, w.c.o.Now())
	if err != nil {
		return fmt.Errorf("remove what an earlier agent left: %w", err)
	}
	if !running {
		return nil
	}
	at, err := makePlace(w.proc, w.c.o.Home)
	if err != nil {
		return err
	}
	// It has stopped by itself in the meantime, or does so now: both are well.
	_ = w.load(ctx, vm, lib, stop(at.inside(recordingFile), at.inside(logFile)), at)
	if err := at.remove(); err != nil {
		return fmt.Errorf("remove what an earlier agent left: %w", err)
	}
	w.c.o.Log.Info("ended the recording an earlier agent had left with async-profiler", "pid", w.proc.PID)
	return nil
}

// load has the JVM load the library, which takes its options for a command.
func (w *worker) load(ctx context.Context, vm *hotspot.JVM, lib, options string, at *place) error {
	text, err := vm.Command(ctx, "load", lib, "true", options)
	var said *hotspot.CommandError
	if errors.As(err, &said) {
		text = []byte(said.Text)
	} else if err != nil {
		return err
	}
	return loaded(w.proc.PID, lib, string(text), at.said())
}

// wait waits for the recording to be as long as it shall be. It returns early
// when ctx or the JVM ends, and with an error when the file grows too large.
func (w *worker) wait(ctx context.Context, at *place, length time.Duration) error {
	end := time.NewTimer(length)
	defer end.Stop()
	t := time.NewTicker(min(look, length))
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-end.C:
			return nil
		case <-t.C:
		}
		if _, err := os.Readlink(w.proc.Root); errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			return nil // stop says that it has ended
		}
		if at.size() > w.c.o.MaxFile {
			return &Problem{Reason: fmt.Sprintf("A recording of process %d was ended early: its file was larger than %d MiB.", w.proc.PID, w.c.o.MaxFile>>20),
				Remedy: "Make `length` shorter or `interval` longer."}
		}
	}
}
