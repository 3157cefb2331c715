package local

import (
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// steadyFS stands between Pebble and the disk, since Pebble panics, ends the
// process or tries again without a pause when the disk fails it. For files
//
//	tables         an error goes to Pebble, which makes the table anew; here it
//	               is made to take a breath first
//	log, manifest  making and writing are tried again until they succeed: a full
//	               disk, or one that was away, costs time and nothing else. A
//	               failed sync is final: nobody knows any more what is on disk.
//	               The store is failed; the goroutine of the log waits for ever,
//	               so that Pebble does not panic in it.
//
// While the store opens every error goes to Pebble, which then says no.
type steadyFS struct {
	vfs.FS
	h *health
}

// retryAfter is the pause before another try.
const retryAfter = 100 * time.Millisecond

func steady(path string) bool {
	return strings.HasSuffix(path, ".log") || strings.Contains(path, "MANIFEST-") && !strings.Contains(path, "marker.")
}

func (d steadyFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if strings.HasSuffix(name, ".sst") && d.h.retrying() {
		time.Sleep(retryAfter)
	}
	if !steady(name) {
		return d.FS.Create(name, category)
	}
	return d.create(name, func() (vfs.File, error) { return d.FS.Create(name, category) })
}

func (d steadyFS) ReuseForWrite(old, name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(old, name, category)
	if err == nil {
		return &steadyFile{f, d.h, name, strings.Contains(name, "MANIFEST-")}, nil
	}
	if !d.h.opened.Load() {
		return nil, err
	}
	return d.Create(name, category) // it may have come half-way
}

func (d steadyFS) create(name string, try func() (vfs.File, error)) (vfs.File, error) {
	var f vfs.File
	err := d.h.until("make "+name, func() (err error) {
		f, err = try()
		return err
	})
	if err != nil {
		return nil, err
	}
	return &steadyFile{f, d.h, name, strings.Contains(name, "MANIFEST-")}, nil
}

func (d steadyFS) OpenDir(name string) (vfs.File, error) {
	f, err := d.FS.OpenDir(name)
	if err != nil {
		return nil, err
	}
	return &steadyFile{f, d.h, name, strings.Contains(name, "MANIFEST-")}, nil
}

// steadyFile is a log, a manifest or the directory.
type steadyFile struct {
	vfs.File
	h        *health
	name     string
	manifest bool
}

func (f *steadyFile) Write(p []byte) (done int, err error) {
	err = f.h.until("write "+f.name, func() error {
		n, err := f.File.Write(p[done:])
		done += n
		return err
	})
	return done, err
}

func (f *steadyFile) Sync() error     { return f.final("sync", f.File.Sync()) }
func (f *steadyFile) SyncData() error { return f.final("sync", f.File.SyncData()) }
func (f *steadyFile) Close() error    { return f.final("close", f.File.Close()) }

func (f *steadyFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.final("sync", err)
}

// until tries again until it succeeds, once the store is open.
func (h *health) until(what string, try func() error) error {
	err := try()
	if err == nil || !h.opened.Load() {
		return err
	}
	for ; err != nil; err = try() {
		h.stuck(fmt.Errorf("cannot %s, and tries again: %w", what, err))
		time.Sleep(retryAfter)
	}
	h.stuck(nil)
	return nil
}

// final ends the store on an error, once it is open. Of the manifest's Pebble
// makes an end itself (pebbleLog.Fatalf), and gives its locks back.
func (f *steadyFile) final(what string, err error) error {
	if err == nil || !f.h.opened.Load() {
		return err
	}
	f.h.fail(fmt.Errorf("%s %s: %w", what, f.name, err))
	if !f.manifest {
		park()
	}
	return err
}

// park never returns.
func park() { select {} }
