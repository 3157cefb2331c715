package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// errStale is what -check says of a dist that nobody rebuilt.
var errStale = errors.New("web/dist is stale, run `go run ./web/uibuild` and commit it")

// write makes dist hold files and nothing else.
func write(dist string, files map[string][]byte) error {
	if err := os.MkdirAll(dist, 0o755); err != nil {
		return fmt.Errorf("making %s: %w", dist, err)
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dist, name), b, 0o644); err != nil {
			return fmt.Errorf("writing dist: %w", err)
		}
	}
	extra, err := leftover(dist, files)
	if err != nil {
		return err
	}
	for _, name := range extra {
		if err := os.Remove(filepath.Join(dist, name)); err != nil {
			return fmt.Errorf("removing a file no longer built: %w", err)
		}
	}
	return nil
}

// compare says which file differs from what would be written.
func compare(dist string, files map[string][]byte) error {
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(dist, name))
		if err != nil {
			return fmt.Errorf("%w: %w", errStale, err)
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%w: %s differs", errStale, name)
		}
	}
	extra, err := leftover(dist, files)
	if err != nil {
		return err
	}
	if len(extra) > 0 {
		return fmt.Errorf("%w: %s is no longer built", errStale, extra[0])
	}
	return nil
}

// leftover lists the files of dist that are not among files.
func leftover(dist string, files map[string][]byte) ([]string, error) {
	entries, err := os.ReadDir(dist)
	if err != nil {
		return nil, fmt.Errorf("listing %s: %w", dist, err)
	}
	var extra []string
	for _, e := range entries {
		if _, ok := files[e.Name()]; !ok && e.Type().IsRegular() {
			extra = append(extra, e.Name())
		}
	}
	return extra, nil
}

// runTests bundles every web/ui/test/*.test.ts and hands the result to node's
// own test runner: no test framework beside it.
func runTests(out io.Writer, ui string) error {
	abs, err := filepath.Abs(ui)
	if err != nil {
		return fmt.Errorf("resolving %s: %w", ui, err)
	}
	tests, err := filepath.Glob(filepath.Join(abs, "test", "*.test.ts"))
	if err != nil || len(tests) == 0 {
		return fmt.Errorf("no tests in %s/test (%v)", ui, err)
	}
	dir, err := os.MkdirTemp("", "tacho-ui-test")
	if err != nil {
		return fmt.Errorf("making a directory for test bundles: %w", err)
	}
	defer os.RemoveAll(dir)
	o := options(abs)
	o.EntryPoints, o.Outdir, o.Write = tests, dir, true
	o.Platform, o.Sourcemap = api.PlatformNode, api.SourceMapInline
	o.OutExtension = map[string]string{".js": ".mjs"}
	if err := failed(api.Build(o).Errors); err != nil {
		return fmt.Errorf("bundling tests: %w", err)
	}
	args := []string{"--enable-source-maps", "--test"}
	for _, t := range tests {
		args = append(args, filepath.Join(dir, strings.TrimSuffix(filepath.Base(t), ".ts")+".mjs"))
	}
	cmd := exec.Command("node", args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("node --test: %w", err)
	}
	return nil
}
