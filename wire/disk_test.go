package wire

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMemoryIsBoundedAndSaysSo(t *testing.T) {
	clk, disk := newClock(), &faultFS{}
	s := open(t, SpoolOptions{Dir: t.TempDir(), MemoryBytes: 5000, FS: disk, Now: clk.now})
	appendSeqs(t, s, 0, 3)
	disk.set(1)
	appendSeqs(t, s, 3, 100)
	st := s.Stats()
	if st.State != "memory" || !strings.Contains(st.Reason, "no space left on device") || !strings.Contains(st.Reason, s.o.Dir) {
		t.Fatalf("%+v", st)
	}
	if st.MemoryBytes > 5000 || st.MemoryBatches < 10 || st.Dropped != 97-st.MemoryBatches {
		t.Fatalf("%+v", st)
	}
	oldest := 100 - uint64(st.MemoryBatches)
	if got, want := waitingSeqs(t, s), append(span(0, 3), span(oldest, 100)...); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if r := Sink(st, SendStats{LastError: "down"}); r.State != "memory" || r.DroppedBatches != st.Dropped {
		t.Fatalf("%+v", r)
	}
	disk.set(0)
	appendSeqs(t, s, 100, 101) // within a second of the last attempt: not tried again
	if s.Stats().State != "memory" {
		t.Fatal("a failing disk is tried once a second, not with every batch")
	}
	clk.add(2 * time.Second)
	appendSeqs(t, s, 101, 102)
	oldest = 102 - uint64(s.Stats().Batches-3)
	if got, want := waitingSeqs(t, s), append(span(0, 3), span(oldest, 102)...); s.Stats().State != "disk" || s.Stats().MemoryBatches != 0 || !slices.Equal(got, want) {
		t.Fatalf("got %v, %+v", got, s.Stats())
	}
	if st := s.Stats(); st.Dropped+st.Batches != 102 {
		t.Fatalf("%+v: 102 were appended", st)
	}
}

func TestMarksWhileTheDiskFails(t *testing.T) {
	clk, disk, dir := newClock(), &faultFS{}, t.TempDir()
	o := SpoolOptions{Dir: dir, FS: disk, Now: clk.now}
	s := open(t, o)
	put := func(key, val string) {
		t.Helper()
		if err := s.AppendWithMark(t.Context(), numbered(1), key, []byte(val)); err != nil {
			t.Fatal(err)
		}
	}
	put("a", "1")
	disk.set(1)
	put("a", "2")
	if err := s.Mark("b", []byte("1")); err != nil {
		t.Fatal(err)
	}
	if m := s.Marks(); string(m["a"]) != "2" || string(m["b"]) != "1" {
		t.Fatalf("%q: the running agent sees what it has said", m)
	}
	disk.set(0)
	s.crash()
	s = open(t, o)
	if m := s.Marks(); string(m["a"]) != "1" || m["b"] != nil {
		t.Fatalf("%q: batch 2 was in memory only, so its mark must be gone with it", m)
	}
	disk.set(1)
	put("a", "3")
	if err := s.ForgetMark("a"); err != nil {
		t.Fatal(err)
	}
	items, err := s.Next(t.Context(), 10, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	s.Ack(items) // delivered out of memory
	disk.set(0)
	clk.add(2 * time.Second)
	put("c", "1")
	s.crash()
	s = open(t, o)
	if m := s.Marks(); len(m) != 1 || string(m["c"]) != "1" {
		t.Fatalf("%q: a was forgotten after its batch was delivered", m)
	}
}

func TestOpenOnAFullDisk(t *testing.T) {
	disk, dir := &faultFS{}, t.TempDir()
	s := open(t, SpoolOptions{Dir: dir})
	appendSeqs(t, s, 0, 3)
	s.crash()
	disk.set(1)
	s, err := OpenSpool(SpoolOptions{Dir: dir, FS: disk, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	appendSeqs(t, s, 3, 5)
	if got := waitingSeqs(t, s); s.Stats().State != "memory" || !slices.Equal(got, span(0, 5)) {
		t.Fatalf("got %v, %+v", got, s.Stats())
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "2 batches in memory could not be written and are lost") {
		t.Fatalf("Close must say what it loses: %v", err)
	}
}

// TestRealDiskFull fills a real file system of 1 MiB.
func TestRealDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a tmpfs takes root")
	}
	mnt := t.TempDir()
	if err := syscall.Mount("tacho-test", mnt, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("mount tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(mnt, 0); err != nil {
			t.Error(err)
		}
	})
	clk := newClock()
	s, err := OpenSpool(SpoolOptions{Dir: filepath.Join(mnt, "spool"), SegmentBytes: 128 << 10, MemoryBytes: 1 << 20, Log: quiet(), Now: clk.now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var seq uint64
	put := func(n int) {
		t.Helper()
		for range n {
			clk.add(100 * time.Millisecond)
			if err := s.AppendWithMark(t.Context(), typical(seq), "k", []byte{byte(seq)}); err != nil {
				t.Fatal(err)
			}
			seq++
		}
	}
	for s.Stats().State == "disk" {
		if put(1); seq > 1000 {
			t.Fatal("1,000 batches fit into 1 MiB")
		}
	}
	onDisk := seq - 1
	put(50)
	st := s.Stats()
	t.Logf("disk full after %d batches: %+v", onDisk, st)
	if onDisk < 100 || st.State != "memory" || st.MemoryBatches != 51 || st.Dropped != 0 || !strings.Contains(st.Reason, "no space left on device") {
		t.Fatalf("after %d batches: %+v", onDisk, st)
	}
	put(400)
	st = s.Stats()
	if st.MemoryBytes > 1<<20 || st.Dropped == 0 {
		t.Fatalf("memory is bounded: %+v", st)
	}
	firstInMemory := seq - uint64(st.MemoryBatches)

	// The server is back: delivered segments make room, and order is kept.
	var got []uint64
	take := func(n int) {
		t.Helper()
		items, err := s.Next(t.Context(), n, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, sequences(t, items)...)
		s.Ack(items)
	}
	for i := 0; i < 200 && s.Stats().State == "memory"; i++ {
		take(5)
		put(1)
	}
	if st := s.Stats(); st.State != "disk" || st.MemoryBatches != 0 {
		t.Fatalf("space has returned: %+v", st)
	}
	for s.Stats().Batches > 0 {
		take(64)
	}
	lost := int64(seq) - int64(len(got))
	if !slices.IsSorted(got) || lost != s.Stats().Dropped || !slices.Equal(got[:onDisk], span(0, onDisk)) {
		t.Fatalf("%d of %d arrived, %+v; in order %v", len(got), seq, s.Stats(), slices.IsSorted(got))
	}
	if got[onDisk] < firstInMemory || got[len(got)-1] != seq-1 || !slices.Equal(got[onDisk:], span(got[onDisk], seq)) {
		t.Fatalf("after the disk's %d: %v", onDisk, got[onDisk:])
	}
	s.crash()
	s, err = OpenSpool(SpoolOptions{Dir: filepath.Join(mnt, "spool"), Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if m := s.Marks()["k"]; len(m) != 1 || m[0] != byte(seq-1) {
		t.Fatalf("mark %v, want %d", m, byte(seq-1))
	}
}

// TestReadOnlyDisk: remounted read-only under a running agent, as ext4 does
// after an error.
func TestReadOnlyDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a tmpfs takes root")
	}
	mnt := t.TempDir()
	if err := syscall.Mount("tacho-test", mnt, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("mount tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(mnt, 0); err != nil {
			t.Error(err)
		}
	})
	dir := filepath.Join(mnt, "spool")
	s, err := OpenSpool(SpoolOptions{Dir: dir, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	appendSeqs(t, s, 0, 3)
	s.crash()
	if err := syscall.Mount("tacho-test", mnt, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=1m"); err != nil {
		t.Fatal(err)
	}
	s, err = OpenSpool(SpoolOptions{Dir: dir, Log: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	appendSeqs(t, s, 3, 5)
	if got := waitingSeqs(t, s); !slices.Equal(got, span(0, 5)) || !strings.Contains(s.Stats().Reason, "read-only file system") {
		t.Fatalf("got %v, %+v", got, s.Stats())
	}
	if err := s.Close(); err == nil {
		t.Fatal("two batches are lost without a word")
	}
}
