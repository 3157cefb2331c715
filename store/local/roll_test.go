package local

import (
	"context"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tacho"
	"tacho/store"
)

// TestRollMeetsAppend lets a batch come between what the roller reads and what
// it commits: the minute must stay marked, and the batch must count.
func TestRollMeetsAppend(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	s, err := Open(Options{Dir: "d", FS: vfs.NewMem(), RollEvery: -1, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	target := tacho.NewLabels(map[string]string{tacho.LabelService: "s", tacho.LabelInstance: "i"})
	at := now.Add(-time.Hour).UnixNano()
	put := func(seq uint64) {
		t.Helper()
		x := tacho.NewBuilder()
		x.Sample(tacho.CPU, tacho.Sample{Time: at, Value: 1, Stack: x.Stack(tacho.Stack{{Function: "f"}}), Thread: x.Thread(tacho.Thread{})})
		if err := s.Append(context.Background(), "", []*tacho.Batch{x.Take(target, "c", at, at+1, seq)}); err != nil {
			t.Fatal(err)
		}
	}
	sum := func() (sum int64) {
		t.Helper()
		m, err := s.Merge(context.Background(), store.Selection{Service: "s", Type: "cpu", From: now.Add(-2 * time.Hour), Until: now})
		if err != nil || len(m.Parts) != 1 {
			t.Fatalf("%d parts, %v", len(m.Parts), err)
		}
		return m.Parts[0].Values[0]
	}
	put(1)
	jobs, err := s.jobs(levelMinute, func(*job) bool { return true })
	if err != nil || len(jobs) != 1 {
		t.Fatalf("%d jobs, %v; want one", len(jobs), err)
	}
	w, err := s.open(context.Background(), jobs[0].svc)
	if err != nil {
		t.Fatal(err)
	}
	r := &roller{view: w, pb: s.db.NewBatch()}
	if err := r.minute(jobs[0].unit); err != nil {
		t.Fatal(err)
	}
	_ = r.pb.Delete(jobs[0].key, nil)
	put(2)
	if err := s.commitIf(context.Background(), &jobs[0], r.pb); err != nil {
		t.Fatal(err)
	}
	w.close()
	if got := sum(); got != 2 {
		t.Errorf("sum %d, want 2", got)
	}
	now = now.Add(time.Hour)
	if err := s.Roll(context.Background()); err != nil {
		t.Fatal(err)
	}
	if got := sum(); got != 2 {
		t.Errorf("rolled up %d, want 2", got)
	}
}
