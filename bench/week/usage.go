package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// cpu is the CPU time, user and system, of the process or of a thread.
func cpu(who int) (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		return 0, fmt.Errorf("getrusage: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

func processCPU() (time.Duration, error) { return cpu(syscall.RUSAGE_SELF) }

// threadCPU counts for the calling goroutine if that is locked to its thread.
func threadCPU() (time.Duration, error) { return cpu(syscall.RUSAGE_THREAD) }

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
