package local_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"tacho/store"
	"tacho/store/local"
	"tacho/store/storetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
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
