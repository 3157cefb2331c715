package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tacho/internal/jvmtest"
	"tacho/store/local"

	"tacho"
)

// tachoIs runs a verb and holds its exit code and what it says against what is
// wanted.
func tachoIs(t *testing.T, code int, say string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	if got := run(t.Context(), stdio{nil, &out, &out}, args); got != code || !strings.Contains(out.String(), say) {
		t.Errorf("tacho %v: exit %d, want %d; says %q, want %q", args, got, code, out.String(), say)
	}
}

func TestStoreVerbs(t *testing.T) {
	dir := t.TempDir()
	data, backup, other := filepath.Join(dir, "data"), filepath.Join(dir, "backup"), filepath.Join(dir, "other")
	tachoIs(t, exitUsage, "restore   make the store from a backup", "store")
	tachoIs(t, exitOK, "tacho store check", "store", "--help")
	tachoIs(t, exitUsage, `no verb "nope"`, "store", "nope")
	tachoIs(t, exitUsage, "--to DIR", "store", "backup", "--data", data)
	tachoIs(t, exitUsage, "--backup DIR", "store", "restore", "--data", data)
	for _, v := range []string{"check", "stats", "compact"} {
		tachoIs(t, exitFailed, "there is no store in "+data, "store", v, "--data", data)
	}
	s, err := local.Open(local.Options{Dir: filepath.Join(data, "store"), RollEvery: -1, WatchEvery: -1, Ballast: -1, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour).Truncate(time.Hour)
	for n := range 20 {
		if err := s.Append(t.Context(), "", []*tacho.Batch{numbered(0, n, at)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tachoIs(t, exitOK, "values are whole, 0 are damaged", "store", "check", "--data", data)
	tachoIs(t, exitOK, "1 services, 1 targets, 2 series", "store", "stats", "--data", data)
	tachoIs(t, exitOK, "manifests of batches", "store", "stats", "--data", data)
	tachoIs(t, exitOK, "bytes on disk", "store", "compact", "--data", data)
	tachoIs(t, exitOK, "backed up in "+backup, "store", "backup", "--data", data, "--to", backup)
	tachoIs(t, exitFailed, "exist", "store", "backup", "--data", data, "--to", backup)
	tachoIs(t, exitFailed, "move what is there away", "store", "restore", "--data", data, "--backup", backup)
	tachoIs(t, exitOK, "restored to "+other, "store", "restore", "--data", other, "--backup", backup)
	tachoIs(t, exitOK, ", 0 are damaged", "store", "check", "--data", other)

	server(t, jvmtest.FreePort(t), other)
	for _, v := range []string{"check", "stats", "compact"} {
		tachoIs(t, exitFailed, "in use by another process; stop that first", "store", v, "--data", other)
	}

	tables, err := filepath.Glob(filepath.Join(data, "store", "*.sst"))
	if err != nil || len(tables) == 0 {
		t.Fatalf("no tables: %v", err)
	}
	b, err := os.ReadFile(tables[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		b[len(b)/4+i] ^= 0xff
	}
	if err := os.WriteFile(tables[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	tachoIs(t, exitNo, strings.TrimSuffix(filepath.Base(tables[0]), ".sst"), "store", "check", "--data", data)
}
