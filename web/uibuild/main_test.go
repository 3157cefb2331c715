package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDistIsComparedFileByFile(t *testing.T) {
	dist := filepath.Join(t.TempDir(), "dist")
	files := map[string][]byte{"app.js": []byte("1"), "index.html": []byte("<p>")}
	if err := compare(dist, files); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("no dist: got %v, want not exist", err)
	}
	if err := write(dist, files); err != nil {
		t.Fatal(err)
	}
	if err := compare(dist, files); err != nil {
		t.Fatalf("fresh dist: %v", err)
	}

	changed := map[string][]byte{"app.js": []byte("2"), "index.html": []byte("<p>")}
	if err := compare(dist, changed); !errors.Is(err, errStale) || !strings.Contains(err.Error(), "app.js differs") {
		t.Fatalf("changed file: got %v", err)
	}
	fewer := map[string][]byte{"app.js": []byte("1")}
	if err := compare(dist, fewer); !errors.Is(err, errStale) || !strings.Contains(err.Error(), "index.html is no longer built") {
		t.Fatalf("left-over file: got %v", err)
	}

	if err := write(dist, fewer); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dist, "index.html")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("write kept a file no longer built: %v", err)
	}
}

func TestScriptIsHeldToItsBudget(t *testing.T) {
	var out bytes.Buffer
	if err := report(&out, map[string][]byte{"app.js": []byte("let a"), "app.css": make([]byte, 1<<20)}); err != nil {
		t.Fatalf("a small script and large styles: %v", err)
	}
	// Bytes that do not compress: a linear congruential sequence.
	noise := make([]byte, 80<<10)
	for i, x := 0, uint32(1); i < len(noise); i++ {
		x = x*1664525 + 1013904223
		noise[i] = byte(x >> 24)
	}
	if err := report(&out, map[string][]byte{"app.js": noise}); err == nil || !strings.Contains(err.Error(), "budget is 61440") {
		t.Fatalf("an oversized script: got %v", err)
	}
}

func TestBuildNamesTheMissingInstall(t *testing.T) {
	err := run(&bytes.Buffer{}, t.TempDir(), true, false)
	if err == nil || !strings.Contains(err.Error(), "npm ci") {
		t.Fatalf("without node_modules: got %v", err)
	}
}
