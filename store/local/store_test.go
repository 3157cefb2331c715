package local_test

import (
	"context"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"tacho/store"
	"tacho/store/local"
	"tacho/store/storetest"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(m.Run())
	}
	goleak.VerifyTestMain(m)
}

const childEnv = "TACHO_TEST_CHILD"

// inChild runs a test in a process of its own, and is true there. It is for
// disks that fail for good: those who wait for them wait for ever. That the
// process ends by itself and well is part of the test.
func inChild(t *testing.T) bool {
	if os.Getenv(childEnv) != "" {
		return true
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// open opens a store on fs with a clock, without background work.
func open(t *testing.T, fs vfs.FS, now func() time.Time, change ...func(*local.Options)) *local.Store {
	t.Helper()
	o := local.Options{Dir: "store", FS: fs, Now: now, RollEvery: -1, Log: slog.New(slog.DiscardHandler)}
	for _, c := range change {
		c(&o)
	}
	s, err := local.Open(o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		fs := vfs.NewMem()
		return harness(fs)
	})
}

// TestStoreSmallTries holds a store to the contract whose tries outgrow their
// bound all the time: every answer is made of several epochs.
func TestStoreSmallTries(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		return harness(vfs.NewMem(), func(o *local.Options) { o.MaxNodes = 60 })
	})
}

func harness(fs vfs.FS, change ...func(*local.Options)) storetest.Harness {
	return storetest.Harness{
		Open: func(t *testing.T, now func() time.Time) store.Store { return open(t, fs, now, change...) },
		Settle: func(t *testing.T, s store.Store) {
			if err := s.(*local.Store).Roll(context.Background()); err != nil {
				t.Errorf("roll: %v", err)
			}
		},
	}
}
