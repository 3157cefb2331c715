package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Backup copies the store of opt.Dir, which nobody may have open, to a directory
// that does not exist yet. On the same file system tables are linked, not
// copied: they never change.
func Backup(opt Options, dest string) (err error) {
	opt, err = opt.withDefaults()
	if err != nil {
		return err
	}
	if err := opt.exists(); err != nil {
		return err
	}
	s := &Store{opt: opt, log: opt.Log, health: newHealth()}
	o := s.pebbleOptions()
	o.FS, o.ErrorIfNotExists, o.DisableAutomaticCompactions = opt.FS, true, true
	db, err := pebble.Open(opt.Dir, o)
	if err != nil {
		return openError(opt.Dir, err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Checkpoint(dest, pebble.WithFlushedWAL()); err != nil {
		return fmt.Errorf("back up %s to %s: %w", opt.Dir, dest, err)
	}
	return nil
}

// Restore makes a store in opt.Dir, where none may be, from a backup. The backup
// is opened first, and copied under another name, so that what appears in
// opt.Dir is whole.
func Restore(ctx context.Context, opt Options, backup string) error {
	opt, err := opt.withDefaults()
	if err != nil {
		return err
	}
	disk := opt.FS
	if list, err := disk.List(opt.Dir); err == nil && len(list) > 0 {
		return fmt.Errorf("restore to %s: %w; move what is there away first", opt.Dir, fs.ErrExist)
	}
	from := opt
	from.Dir = backup
	s, err := readOnly(from)
	if err != nil {
		return fmt.Errorf("restore from %s: %w", backup, err)
	}
	err = s.loadAll()
	if err := errors.Join(err, s.db.Close()); err != nil {
		return fmt.Errorf("restore from %s: %w", backup, err)
	}
	tmp := opt.Dir + ".restoring"
	if err := disk.RemoveAll(tmp); err != nil {
		return fmt.Errorf("restore to %s: %w", opt.Dir, err)
	}
	err = copyDir(ctx, disk, backup, tmp)
	if err == nil {
		err = disk.RemoveAll(opt.Dir) // empty, or not there
	}
	if err == nil {
		err = disk.Rename(tmp, opt.Dir)
	}
	if err == nil {
		err = syncDir(disk, disk.PathDir(opt.Dir))
	}
	if err != nil {
		_ = disk.RemoveAll(tmp) // the first error is the one to report
		return fmt.Errorf("restore to %s: %w", opt.Dir, err)
	}
	return nil
}

// copyDir copies the files of a directory, and sees to it that they are on disk.
func copyDir(ctx context.Context, disk vfs.FS, from, to string) error {
	if err := disk.MkdirAll(to, 0o750); err != nil {
		return err
	}
	list, err := disk.List(from)
	if err != nil {
		return err
	}
	for _, name := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if name == "LOCK" || name == ballastName {
			continue
		}
		if err := copyFile(disk, disk.PathJoin(from, name), disk.PathJoin(to, name)); err != nil {
			return fmt.Errorf("copy %s: %w", name, err)
		}
	}
	return syncDir(disk, to)
}

func copyFile(disk vfs.FS, from, to string) (err error) {
	in, err := disk.Open(from, vfs.SequentialReadsOption)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := disk.Create(to, vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err == nil {
		err = out.Sync()
	}
	return errors.Join(err, out.Close())
}

func syncDir(disk vfs.FS, dir string) error {
	d, err := disk.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
