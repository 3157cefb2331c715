package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpu is the CPU time, user and system, of the process or of a thread. Not
// getrusage: for a thread that runs it is as old as the last tick of the
// scheduler, which is longer than making or storing a minute of profiles takes.
func cpu(clock int32) (time.Duration, error) {
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, fmt.Errorf("read the CPU clock: %w", err)
	}
	return time.Duration(ts.Nano()), nil
}

// processCPU is exact once the other threads are at rest: settle sees to it.
func processCPU() (time.Duration, error) { return cpu(unix.CLOCK_PROCESS_CPUTIME_ID) }

// threadCPU counts for the calling goroutine if that is locked to its thread.
func threadCPU() (time.Duration, error) { return cpu(unix.CLOCK_THREAD_CPUTIME_ID) }

// settle waits until threads that have nothing to do are asleep, and their time
// is in the account of the process.
func settle() { time.Sleep(2 * time.Millisecond) }

// resetPeak makes the peak of the resident set begin anew.
func resetPeak() error {
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0o200); err != nil {
		return fmt.Errorf("reset the peak of the resident set: %w", err)
	}
	return nil
}

// peakMiB is the largest resident set since resetPeak.
func peakMiB() (float64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("read the peak of the resident set: %w", err)
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
			var kib float64
			if _, err := fmt.Sscan(rest, &kib); err != nil {
				return 0, fmt.Errorf("read the peak of the resident set from %q: %w", rest, err)
			}
			return kib / 1024, nil
		}
	}
	return 0, fmt.Errorf("/proc/self/status has no VmHWM")
}
