package hotspot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// ErrNoPerfData is a JVM that publishes no counters: -XX:-UsePerfData,
// -XX:+PerfDisableSharedMem, or a /tmp it could not write to when it started.
var ErrNoPerfData = errors.New("the JVM publishes no performance data")

// Perf is the open performance data of one JVM. A read is one pread of 32 KiB;
// the JVM does not notice. The file stays readable after the JVM has ended.
type Perf struct {
	f     *os.File
	size  int
	buf   []byte
	index *perfIndex
}

// OpenPerf opens the file the JVM keeps its counters in.
func OpenPerf(p Process) (*Perf, error) {
	if p.PerfFile == "" {
		return nil, ErrNoPerfData
	}
	f, err := p.OpenInside("/tmp/"+p.PerfFile, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("open the performance data of process %d: %w: %w", p.PID, ErrNoPerfData, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open the performance data of process %d: %w", p.PID, err)
	}
	st, err := f.Stat()
	if err == nil {
		err = checkPerfFile(f, st, p)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open the performance data of process %d: %w", p.PID, err)
	}
	return &Perf{f: f, size: int(st.Size())}, nil
}

// checkPerfFile refuses what a JVM does not make: anything can lie in /tmp.
func checkPerfFile(f *os.File, st fs.FileInfo, p Process) error {
	if !st.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file", f.Name())
	}
	if st.Size() < perfHeader || st.Size() > maxPerf {
		return fmt.Errorf("%s has %d bytes, expected %d to %d", f.Name(), st.Size(), perfHeader, maxPerf)
	}
	var sys unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &sys); err != nil {
		return fmt.Errorf("stat %s: %w", f.Name(), err)
	}
	if int(sys.Uid) != p.UID && sys.Uid != 0 { // a JVM may have been root when it made it
		return fmt.Errorf("%s belongs to uid %d, the JVM to %d", f.Name(), sys.Uid, p.UID)
	}
	// Two JVMs with the same pid inside that share a /tmp share the name too.
	// Only the low half: overlayfs marks layers in the high one.
	if p.perfInode != 0 && uint32(sys.Ino) != uint32(p.perfInode) {
		return fmt.Errorf("%s is not the file the JVM has mapped", f.Name())
	}
	return nil
}

// Read takes a snapshot of all counters.
func (f *Perf) Read() (*Counters, error) {
	if f.buf == nil {
		f.buf = make([]byte, f.size)
	}
	n, err := f.f.ReadAt(f.buf, 0)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("read %s: %w", f.f.Name(), err)
	}
	c, index, err := parsePerf(f.buf[:n], f.index)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.f.Name(), err)
	}
	f.index = index
	return c, nil
}

// Close closes the file.
func (f *Perf) Close() error { return f.f.Close() }
