package upload

import (
	"fmt"
	"io"
	"os"
)

// spool writes an input to a file without a name, which vanishes with its last
// descriptor, whatever becomes of the process.
func spool(dir string, r io.Reader) (*os.File, error) {
	f, err := os.CreateTemp(dir, "upload-*")
	if err != nil {
		return nil, fmt.Errorf("make room for an upload: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, fmt.Errorf("make room for an upload: %w", err)
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		f.Close()
		return nil, fmt.Errorf("read an upload: %w", err)
	}
	return f, nil
}
