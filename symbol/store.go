package symbol

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"tacho"
)

// Options are where and how a Store keeps what is uploaded. Zero fields have the
// defaults given.
type Options struct {
	Dir      string
	MaxBytes int64            // of all indexes; the ones unused longest go first; 2 GiB
	Limits   Limits           // of one upload
	Now      func() time.Time // time.Now
	Log      *slog.Logger     // slog.DiscardHandler
}

// Errors of Put a caller may branch on, beside ErrNotELF.
var (
	ErrTooLarge = errors.New("upload is larger than the limit")
	ErrClosed   = errors.New("symbol store is closed")
)

// File is one build whose symbols are known.
type File struct {
	IDs      []string // build ids, hexadecimal; the first names the index
	Name     string   // as uploaded, "" if unknown
	Lines    bool     // has files, lines and inlined calls, not only functions
	Notes    []string // what could not be read of it
	Bytes    int64    // of the index
	LastUsed time.Time

	Functions int // different ones, inlined ones included

	path string
}

// Store keeps the symbols of uploaded files. Safe for concurrent use.
type Store struct {
	o      Options
	builds chan struct{} // one upload is indexed at a time

	mu     sync.Mutex
	files  map[string]*File // by path of the index
	byID   map[string]*File
	cache  map[place]tacho.Stack
	closed bool
	gen    int // changes with the files

	wanted chan []place  // addresses to look up in the background
	stop   chan struct{} // closed by Close
	warmed chan struct{} // closed when the background work has ended
}

const suffix = ".sym"

// Open opens the store in a directory, made if it does not exist. Indexes that
// cannot be read are left alone and logged. Close it.
func Open(o Options) (*Store, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 2 << 30
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Limits = o.Limits.withDefaults()
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the symbol store's directory: %w", err)
	}
	s := &Store{o: o, builds: make(chan struct{}, 1), files: map[string]*File{}, byID: map[string]*File{},
		wanted: make(chan []place, maxWanted), stop: make(chan struct{}), warmed: make(chan struct{})}
	s.forget()
	entries, err := os.ReadDir(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("reading the symbol store's directory: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(o.Dir, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "upload-"):
			os.Remove(path) // of a process that was killed
		case strings.HasSuffix(e.Name(), suffix):
			f, err := fileOf(path)
			if err != nil {
				o.Log.Warn("symbol index is left alone", "path", path, "error", err)
				continue
			}
			s.add(path, f)
		}
	}
	go s.warm()
	return s, nil
}

func fileOf(path string) (*File, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	st, err := r.Stat()
	if err != nil {
		return nil, err
	}
	h, _, err := readHeader(r, st.Size())
	if err != nil {
		return nil, err
	}
	return &File{IDs: h.IDs, Name: h.Name, Lines: h.Lines, Notes: h.Notes, Bytes: st.Size(), LastUsed: st.ModTime(), Functions: h.Functions}, nil
}

// add takes an index into the tables; s.mu is held or nobody else knows s.
func (s *Store) add(path string, f *File) {
	s.remove(path)
	f.path = path
	s.files[path] = f
	for _, id := range f.IDs {
		s.byID[id] = f
	}
	s.forget()
}

func (s *Store) remove(path string) {
	f := s.files[path]
	if f == nil {
		return
	}
	delete(s.files, path)
	for _, id := range f.IDs {
		if s.byID[id] == f {
			delete(s.byID, id)
		}
	}
	s.forget()
}

// Put takes an ELF file, a program or its debug file, and returns what became
// known. It reads all of r, works for up to some seconds a hundred megabytes, one
// upload at a time, and is durable when it returns. A file of the same build
// replaces the one before, unless that one has lines and it has none.
func (s *Store) Put(ctx context.Context, name string, r io.Reader) (File, error) {
	select {
	case s.builds <- struct{}{}:
		defer func() { <-s.builds }()
	case <-ctx.Done():
		return File{}, ctx.Err()
	}
	tmp, err := os.CreateTemp(s.o.Dir, "upload-*")
	if err != nil {
		return File{}, fmt.Errorf("receiving a symbol file: %w", err)
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	n, err := io.Copy(tmp, io.LimitReader(contextReader{ctx, r}, s.o.Limits.Upload+1))
	switch {
	case err != nil:
		return File{}, fmt.Errorf("receiving a symbol file: %w", err)
	case n > s.o.Limits.Upload:
		return File{}, fmt.Errorf("%w of %d bytes", ErrTooLarge, s.o.Limits.Upload)
	}
	b, err := build(tmp, n, s.o.Limits)
	if err != nil {
		return File{}, fmt.Errorf("indexing %s: %w", cmp.Or(name, "symbol file"), err)
	}
	name = filepath.Base("/" + name)
	return s.keep(b, name[:min(len(name), 255)])
}

// keep writes the index and makes room for it.
func (s *Store) keep(b *built, name string) (File, error) {
	path := filepath.Join(s.o.Dir, fileName(b.ids[0])+suffix)
	if name == "/" {
		name = ""
	}
	s.mu.Lock()
	have := s.files[path]
	closed := s.closed
	s.mu.Unlock()
	if closed {
		return File{}, ErrClosed
	}
	if have != nil && have.Lines && !b.lines {
		return *have, nil
	}
	out, err := os.CreateTemp(s.o.Dir, "upload-*")
	if err != nil {
		return File{}, fmt.Errorf("writing a symbol index: %w", err)
	}
	defer os.Remove(out.Name())
	err = b.write(out, name)
	if err == nil {
		err = out.Sync()
	}
	if closeErr := out.Close(); err == nil {
		err = closeErr
	}
	var f *File
	if err == nil {
		f, err = fileOf(out.Name())
	}
	if err == nil && f.Bytes > s.o.MaxBytes {
		err = fmt.Errorf("%w of %d bytes for all indexes: its own has %d", ErrTooLarge, s.o.MaxBytes, f.Bytes)
	}
	if err != nil {
		return File{}, fmt.Errorf("writing a symbol index: %w", err)
	}
	f.LastUsed = s.o.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := os.Rename(out.Name(), path); err != nil {
		return File{}, fmt.Errorf("writing a symbol index: %w", err)
	}
	if d, err := os.Open(s.o.Dir); err == nil { // the name, too, has to last
		d.Sync()
		d.Close()
	}
	s.add(path, f)
	s.evict(path)
	return *f, nil
}

// evict removes the indexes unused longest until the rest fits, never keep.
func (s *Store) evict(keep string) {
	total := int64(0)
	var paths []string
	for p, f := range s.files {
		total += f.Bytes
		paths = append(paths, p)
	}
	slices.SortFunc(paths, func(a, b string) int { return s.files[a].LastUsed.Compare(s.files[b].LastUsed) })
	for _, p := range paths {
		if total <= s.o.MaxBytes {
			return
		}
		if p == keep {
			continue
		}
		total -= s.files[p].Bytes
		if err := os.Remove(p); err != nil {
			s.o.Log.Warn("removing a symbol index", "path", p, "error", err)
		}
		s.remove(p)
	}
}

// fileName keeps ids (Go's have slashes) from being paths.
func fileName(id string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, id[:min(len(id), 200)])
}

// Files lists what is known, by name.
func (s *Store) Files() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]File, 0, len(s.files))
	for _, f := range s.files {
		out = append(out, *f)
	}
	slices.SortFunc(out, func(a, b File) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.IDs[0], b.IDs[0])) })
	return out
}

// Delete forgets a build; false if it was not known.
func (s *Store) Delete(id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, f := range s.files {
		if slices.Contains(f.IDs, id) {
			s.remove(p)
			if err := os.Remove(p); err != nil {
				return true, fmt.Errorf("deleting a symbol index: %w", err)
			}
			return true, nil
		}
	}
	return false, nil
}

// Close ends uploads and the work in the background, and waits for the latter.
func (s *Store) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.stop)
	}
	s.mu.Unlock()
	<-s.warmed
	return nil
}

// contextReader ends with its context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
