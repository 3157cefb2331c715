package proc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// gone reports errors that mean "no such thread any more". A descriptor of a
// file of an ended thread answers ESRCH, a name of one ENOENT.
func gone(err error) bool {
	return errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENOENT)
}

func open(path string, flags int) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|flags, 0)
	if err != nil {
		return noFD, fmt.Errorf("open %s: %w", path, err)
	}
	return fd, nil
}

// fileName is the name of a file for error messages, put together only when
// there is one.
type fileName struct {
	dir  string
	tid  int64 // 0: dir is the whole name
	leaf string
}

func (f fileName) String() string {
	if f.tid == 0 {
		return f.dir
	}
	return f.dir + "/task/" + strconv.FormatInt(f.tid, 10) + "/" + f.leaf
}

func (t *Threads) name(tid int64, leaf string) fileName { return fileName{t.path, tid, leaf} }

func (t *Threads) rel(tid int64, leaf string) string {
	return strconv.FormatInt(tid, 10) + "/" + leaf
}

// accountFile is the file of a thread that is read every time.
func (t *Threads) accountFile() string {
	if t.precise {
		return "schedstat"
	}
	return "stat"
}

// pread reads an open file into the shared buffer in one call: schedstat and
// stat are a single line, far below its 4 KiB.
func (t *Threads) pread(fd int) ([]byte, error) {
	for {
		n, err := unix.Pread(fd, t.buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		return t.buf[:n], nil
	}
}

const maxFile = 1 << 20

// readFile reads a whole file of a thread into the shared buffer. A status with
// many supplementary groups takes more than one call.
func (t *Threads) readFile(tid int64, leaf string) ([]byte, error) {
	fd, err := unix.Openat(t.task, t.rel(tid, leaf), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	n := 0
	for {
		k, err := unix.Read(fd, t.buf[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		n += k
		if k == 0 {
			return t.buf[:n], nil
		}
		if n == len(t.buf) {
			if n >= maxFile {
				return nil, fmt.Errorf("%s is larger than %d bytes", t.name(tid, leaf), maxFile)
			}
			t.buf = append(t.buf, make([]byte, n)...)
		}
	}
}

// listTasks fills list with the entries of the task directory.
func (t *Threads) listTasks() error {
	t.list = t.list[:0]
	if _, err := unix.Seek(t.task, 0, unix.SEEK_SET); err != nil {
		return fmt.Errorf("rewind task directory: %w", err)
	}
	for {
		n, err := unix.Getdents(t.task, t.dirents)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("list task directory: %w", err)
		}
		if n <= 0 {
			return nil
		}
		t.list = appendTasks(t.list, t.dirents[:n])
	}
}

// appendTasks reads the numbers out of directory entries (getdents64(2)):
//
//	inode 8 | offset 8 | length of entry 2 | type 1 | name, NUL-terminated
func appendTasks(dst []int64, b []byte) []int64 {
	const header = 19
	for len(b) >= header {
		size := int(binary.NativeEndian.Uint16(b[16:]))
		if size < header || size > len(b) {
			return dst
		}
		name, _, _ := bytes.Cut(b[header:size], []byte{0})
		if id, ok := parseID(name); ok {
			dst = append(dst, id)
		}
		b = b[size:]
	}
	return dst
}

// parseID reads a thread number; "." and ".." and whatever else lies in a
// fake tree are not.
func parseID(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 10 {
		return 0, false
	}
	var n int64
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, n > 0
}

func (t *Threads) release(th *thread) {
	if th.fd != noFD {
		unix.Close(th.fd)
		th.fd = noFD
		t.held--
	}
}
