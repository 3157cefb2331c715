package wire

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// FS is what a spool needs of a file system; tests put faults into one.
type FS interface {
	MkdirAll(dir string) error
	// Lock takes the directory for this process, and fails with ErrLocked when
	// another one has it. Closing gives it back; so does the end of the process.
	Lock(dir string) (io.Closer, error)
	List(dir string) ([]string, error)
	Create(name string) (File, error) // must not exist; for writing and reading
	Open(name string) (File, error)   // must exist; for cutting and reading
	ReadFile(name string) ([]byte, error)
	// Replace writes the file whole or not at all, as seen by this machine
	// while it keeps running.
	Replace(name string, data []byte) error
	Remove(name string) error
}

// File is one segment. Write appends.
type File interface {
	io.ReaderAt
	io.Writer
	io.Closer
	Truncate(size int64) error
	Size() (int64, error)
}

// ErrLocked is returned when another agent uses the spool directory.
var ErrLocked = errors.New("spool directory is in use by another agent")

// OS is the real file system.
type OS struct{}

// MkdirAll makes the directory for its owner only: batches hold the names of
// other people's code.
func (OS) MkdirAll(dir string) error { return os.MkdirAll(dir, 0o700) }

// Lock uses flock on the directory itself, which works on a full or read-only
// disk and leaves no file behind.
func (OS) Lock(dir string) (io.Closer, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrLocked
		}
		return nil, fmt.Errorf("flock: %w", err)
	}
	return f, nil
}

// List returns the names in the directory.
func (OS) List(dir string) ([]string, error) {
	es, err := os.ReadDir(dir)
	names := make([]string, len(es))
	for i, e := range es {
		names[i] = e.Name()
	}
	return names, err
}

// Create makes a new file.
func (OS) Create(name string) (File, error) {
	return openFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND)
}

// Open opens a file, for reading only where the file system allows no more.
func (OS) Open(name string) (File, error) {
	f, err := openFile(name, os.O_RDWR)
	if errors.Is(err, syscall.EROFS) {
		return openFile(name, os.O_RDONLY)
	}
	return f, err
}

func openFile(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

// ReadFile reads a whole file.
func (OS) ReadFile(name string) ([]byte, error) { return os.ReadFile(name) }

// Replace writes beside the file and renames over it.
func (OS) Replace(name string, data []byte) error {
	if err := os.WriteFile(name+".new", data, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// Remove deletes a file.
func (OS) Remove(name string) error { return os.Remove(name) }

type osFile struct{ *os.File }

func (f osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}
