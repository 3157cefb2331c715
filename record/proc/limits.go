package proc

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// noMemoryLimit: v1 writes "no limit" as the largest multiple of a page; more
// than a pebibyte is no limit either.
const noMemoryLimit = 1 << 50

// readCPU takes the tightest quota of all levels, and the throttling counts of
// the level it is set on (of the innermost with counts when there is none).
func readCPU(l levels, out *Limits) (known bool, err error) {
	tightest := math.Inf(1)
	for _, dir := range l.dirs {
		quota, period, ok, err := quotaOf(l.version, dir)
		if err != nil {
			return false, err
		}
		known = known || ok
		binds := ok && quota > 0 && float64(quota)/float64(period) < tightest
		if binds {
			tightest = float64(quota) / float64(period)
			out.CPUQuota, out.CPUPeriod = quota, period
		}
		if binds || out.Periods == 0 && math.IsInf(tightest, 1) {
			if err := readThrottling(dir, out); err != nil {
				return false, err
			}
		}
	}
	return known, nil
}

// quotaOf reads one level. ok is false where the level has no such files (the
// root, or the controller is not enabled); quota 0 is "no limit".
func quotaOf(version int, dir string) (quota, period time.Duration, ok bool, err error) {
	if version == 1 {
		q, ok, err := readInt(filepath.Join(dir, "cpu.cfs_quota_us"))
		if err != nil || !ok {
			return 0, 0, false, err
		}
		p, ok, err := readInt(filepath.Join(dir, "cpu.cfs_period_us"))
		if err != nil || !ok {
			return 0, 0, false, err
		}
		return micros(q), micros(p), true, positive(filepath.Join(dir, "cpu.cfs_period_us"), p)
	}
	file := filepath.Join(dir, "cpu.max")
	text, ok, err := readText(file)
	if err != nil || !ok {
		return 0, 0, false, err
	}
	f := strings.Fields(text)
	if len(f) != 2 {
		return 0, 0, false, &SyntaxError{File: file, Line: 1, Column: 1, Problem: fmt.Sprintf("%q is not QUOTA PERIOD", text)}
	}
	q := int64(-1)
	if f[0] != "max" {
		if q, err = toInt(file, 1, 1, f[0]); err != nil {
			return 0, 0, false, err
		}
	}
	p, err := toInt(file, 1, len(f[0])+2, f[1])
	if err != nil {
		return 0, 0, false, err
	}
	return micros(q), micros(p), true, positive(file, p)
}

func positive(file string, period int64) error {
	if period <= 0 {
		return &SyntaxError{File: file, Line: 1, Column: 1, Problem: fmt.Sprintf("period %d is not positive", period)}
	}
	return nil
}

// micros turns microseconds into a duration; negative ones mean "no limit".
func micros(us int64) time.Duration {
	if us < 0 || us > math.MaxInt64/1000 {
		return 0
	}
	return time.Duration(us) * time.Microsecond
}

// readThrottling reads cpu.stat: lines "name number" in both versions.
func readThrottling(dir string, out *Limits) error {
	file := filepath.Join(dir, "cpu.stat")
	text, ok, err := readText(file)
	if err != nil || !ok {
		return err
	}
	out.Periods, out.Throttled, out.ThrottledTime = 0, 0, 0
	for i, line := range strings.Split(text, "\n") {
		name, number, ok := strings.Cut(line, " ")
		if !ok {
			return &SyntaxError{File: file, Line: i + 1, Column: 1, Problem: fmt.Sprintf("%q is not NAME NUMBER", line)}
		}
		n, err := toInt(file, i+1, len(name)+2, number)
		if err != nil {
			return err
		}
		switch name {
		case "nr_periods":
			out.Periods = n
		case "nr_throttled":
			out.Throttled = n
		case "throttled_usec": // v2
			out.ThrottledTime = micros(n)
		case "throttled_time": // v1, nanoseconds
			out.ThrottledTime = time.Duration(n)
		}
	}
	return nil
}

// readMemory takes the tightest limit of all levels and the use of the
// innermost that tells it.
func readMemory(l levels, out *Limits) (known bool, err error) {
	limit, current := "memory.max", "memory.current"
	if l.version == 1 {
		limit, current = "memory.limit_in_bytes", "memory.usage_in_bytes"
	}
	for _, dir := range l.dirs {
		n, ok, err := readInt(filepath.Join(dir, limit))
		if err != nil {
			return false, err
		}
		if ok && n >= 0 && n < noMemoryLimit && (out.MemoryMax == 0 || n < out.MemoryMax) {
			out.MemoryMax = n
		}
		if !known {
			if out.MemoryCurrent, known, err = readInt(filepath.Join(dir, current)); err != nil {
				return false, err
			}
		}
	}
	return known, nil
}

// readCPUSet counts the processors of the innermost level that tells them.
func readCPUSet(l levels, out *Limits) (known bool, err error) {
	files := []string{"cpuset.cpus.effective"}
	if l.version == 1 {
		files = []string{"cpuset.effective_cpus", "cpuset.cpus"}
	}
	for _, dir := range l.dirs {
		for _, f := range files {
			file := filepath.Join(dir, f)
			text, ok, err := readText(file)
			if err != nil {
				return false, err
			}
			if ok && text != "" {
				out.CPUs, err = countCPUs(file, text)
				return err == nil, err
			}
		}
	}
	return false, nil
}

// countCPUs counts a list like "0-3,8,10-11".
func countCPUs(file, text string) (int, error) {
	const most = 1 << 16 // beyond any kernel's CONFIG_NR_CPUS
	n, column := 0, 1
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		a, err := toInt(file, 1, column, first)
		b := a
		if err == nil && isRange {
			b, err = toInt(file, 1, column+len(first)+1, last)
		}
		if err != nil {
			return 0, err
		}
		if a < 0 || b < a || b >= most {
			return 0, &SyntaxError{File: file, Line: 1, Column: column, Problem: fmt.Sprintf("%q is not a range of processors", part)}
		}
		n += int(b-a) + 1
		column += len(part) + 1
	}
	return n, nil
}

// readText reads a small file without its final newline; false when it does
// not exist.
func readText(file string) (string, bool, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read cgroup: %w", err)
	}
	return strings.TrimRight(string(b), "\n"), true, nil
}

// readInt reads a file of one number; "max" is -1.
func readInt(file string) (int64, bool, error) {
	text, ok, err := readText(file)
	if err != nil || !ok {
		return 0, false, err
	}
	if text == "max" {
		return -1, true, nil
	}
	n, err := toInt(file, 1, 1, text)
	return n, err == nil, err
}

func toInt(file string, line, column int, s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, &SyntaxError{File: file, Line: line, Column: column, Problem: fmt.Sprintf("%q is not a number", s)}
	}
	return n, nil
}
