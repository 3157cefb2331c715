package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"

	"tacho/report"
)

// parseFiles is parse for verbs that take files, before, between and after
// their flags. "-" is standard input; "--" ends the flags.
func (f *flags) parseFiles(args []string) (files []string, done bool, err error) {
	var flags []string
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			files = append(files, args[i+1:]...)
			i = len(args)
		case a == "-" || !strings.HasPrefix(a, "-"):
			files = append(files, a)
		default:
			flags = append(flags, a)
			name, _, given := strings.Cut(strings.TrimLeft(a, "-"), "=")
			x := f.Lookup(name)
			if given || x == nil {
				continue
			}
			if b, ok := x.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() {
				continue
			}
			if i++; i < len(args) {
				flags = append(flags, args[i])
			}
		}
	}
	if done, err := f.parse(flags); done || err != nil {
		return nil, done, err
	}
	if len(files) == 0 {
		fmt.Fprintf(f.std.err, "%s: which FILE? - is standard input.\nSee `%s --help`.\n", f.Name(), f.Name())
		return nil, false, errUsage
	}
	return files, false, nil
}

// openInput opens a file, or standard input as a file without a name: what is
// read twice (to send it again, to read back and forth) must be able to.
func openInput(std stdio, name string) (file *os.File, shown string, err error) {
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, "", err
		}
		if fi, err := f.Stat(); err == nil && fi.IsDir() {
			f.Close()
			return nil, "", fmt.Errorf("%s is a directory; name the files in it", name)
		} else if err == nil && fi.Mode().IsRegular() {
			return f, filepath.Base(name), nil
		}
		defer f.Close()
		file, err = keepInput(f)
		return file, filepath.Base(name), err
	}
	file, err = keepInput(std.in)
	return file, "stdin", err
}

func keepInput(r io.Reader) (*os.File, error) {
	f, err := os.CreateTemp("", "tacho-input-*")
	if err != nil {
		return nil, fmt.Errorf("keep the input: %w", err)
	}
	err = os.Remove(f.Name())
	if err == nil {
		_, err = io.Copy(f, r)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("keep the input: %w", err)
	}
	return f, nil
}

// progress shows on a terminal how far a large file is read.
type progress struct {
	io.Reader
	w       io.Writer
	name    string
	n, size int64
	next    time.Time
	shown   bool
}

// progressFrom is the size from which on there is something to wait for.
const progressFrom = 32 << 20

// newProgress returns r itself when there is nothing to show, or nobody.
func newProgress(std stdio, r io.Reader, name string, size int64) (io.Reader, func()) {
	f, ok := std.err.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || size < progressFrom {
		return r, func() {}
	}
	p := &progress{Reader: r, w: std.err, name: report.Visible(name), size: size}
	return p, p.clear
}

func (p *progress) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	p.n += int64(n)
	if now := time.Now(); now.After(p.next) {
		p.next = now.Add(200 * time.Millisecond)
		p.shown = true
		fmt.Fprintf(p.w, "\r%s: %d of %d MiB, %d %%\x1b[K", p.name, p.n>>20, p.size>>20, 100*p.n/max(p.size, 1))
	}
	return n, err
}

func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// eachFile does something with every file and says which failed; one that
// fails does not stop the others.
func eachFile(std stdio, files []string, verb string, do func(name string) error) error {
	failed := 0
	var last error
	for _, name := range files {
		err := do(name)
		if err == nil {
			continue
		}
		failed++
		last = err
		if len(files) > 1 && !errors.Is(err, errUsage) {
			fmt.Fprintf(std.err, "tacho %s: %s: %v\n", verb, report.Visible(name), err)
		}
	}
	switch {
	case failed == 0:
		return nil
	case len(files) == 1:
		return fmt.Errorf("%s: %w", report.Visible(files[0]), last)
	}
	return fmt.Errorf("%d of %d files failed", failed, len(files))
}
