package wire

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestAgainstAModel runs random operations, among them crashes and a disk that
// comes and goes, and compares with a plain list.
func TestAgainstAModel(t *testing.T) {
	for seed := range uint64(60) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { model(t, rand.New(rand.NewPCG(seed, 9))) })
	}
}

func model(t *testing.T, r *rand.Rand) {
	dir, clk, disk := t.TempDir(), newClock(), &faultFS{}
	o := SpoolOptions{Dir: dir, SegmentBytes: 1500, Log: quiet(), FS: disk, Now: clk.now}
	s, err := OpenSpool(o)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]uint64{} // sequence by encoded batch: decoding all in each step takes most of the time
	listed := func() []uint64 {
		s.mu.Lock()
		defer s.mu.Unlock()
		items, err := s.collect(1<<30, 1<<60)
		if err != nil {
			t.Fatal(err)
		}
		var out []uint64
		for _, it := range items {
			q, ok := known[string(it.Batch)]
			if !ok {
				q = sequences(t, []Item{it})[0]
				known[string(it.Batch)] = q
			}
			out = append(out, q)
		}
		return out
	}
	var seq, acked uint64 // batches [acked, seq) wait, less those lost
	lost := map[uint64]bool{}
	type state struct {
		val string
		seq uint64 // batch it came with
	}
	marks := map[string][]state{} // history
	reopen := func() {
		if s, err = OpenSpool(o); err != nil {
			t.Fatal(err)
		}
	}
	for range 300 {
		clk.add(time.Duration(r.IntN(900)) * time.Millisecond)
		switch r.IntN(20) {
		default:
			key := fmt.Sprint("k", r.IntN(3))
			val := fmt.Sprint(seq)
			if err := s.AppendWithMark(t.Context(), numbered(seq), key, []byte(val)); err != nil {
				t.Fatal(err)
			}
			marks[key] = append(marks[key], state{val, seq})
			seq++
		case 0, 1, 2:
			if s.Stats().Batches == 0 {
				continue
			}
			items, err := s.Next(t.Context(), 1+r.IntN(8), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			s.Ack(items)
			got := sequences(t, items)
			acked = max(acked, got[len(got)-1]+1)
		case 3:
			disk.set(r.IntN(4))
		case 4:
			inMemory := uint64(s.Stats().MemoryBatches)
			for q := seq - inMemory; q < seq; q++ {
				lost[q] = true
			}
			s.crash()
			disk.set(0)
			reopen()
			// A mark of a lost batch is gone with it; one that was delivered out
			// of memory may be.
			for k, h := range marks {
				got := string(s.Marks()[k])
				i := slices.IndexFunc(h, func(x state) bool { return x.val == got })
				for _, x := range h[i+1:] {
					if !lost[x.seq] && !disk.troubled {
						t.Fatalf("mark %s is %q, batch %d with a later one is safe", k, got, x.seq)
					}
				}
				if i >= 0 && lost[h[i].seq] {
					t.Fatalf("mark %s is %q, but its batch is lost", k, got)
				}
				marks[k] = h[:i+1]
			}
			disk.troubled = false
		case 5:
			inMemory := s.Stats().MemoryBatches
			if err := s.Close(); (err != nil) != (s.Stats().MemoryBatches > 0) {
				t.Fatalf("close with %d batches in memory: %v", inMemory, err)
			}
			for q := seq - uint64(s.Stats().MemoryBatches); q < seq; q++ {
				lost[q] = true
			}
			disk.set(0)
			reopen()
			for k, h := range marks { // as above, a mark may be behind its batch
				got := string(s.Marks()[k])
				marks[k] = h[:slices.IndexFunc(h, func(x state) bool { return x.val == got })+1]
			}
			disk.troubled = false
		}
		got := listed()
		var want []uint64
		for q := acked; q < seq; q++ {
			if !lost[q] {
				want = append(want, q)
			}
		}
		again := 0 // a crash may bring delivered ones back, in order
		for again < len(got) && got[again] < acked {
			again++
		}
		if !slices.Equal(got[again:], want) || !slices.IsSorted(got) {
			t.Fatalf("waiting %v\nwant    %v", got, want)
		}
		if st := s.Stats(); st.Batches != int64(len(got)) || st.Dropped != 0 {
			t.Fatalf("%d wait, %+v", len(got), st)
		}
	}
	disk.set(0)
	s.Close()
}

// faultFS is the real file system with a disk that can be told to fail.
type faultFS struct {
	OS
	mu       sync.Mutex
	mode     int  // 0 works, 1 nothing is written, 2 half is written, 3 half is written and cannot be cut
	troubled bool // has failed since this was last set to false
}

var errNoSpace = errors.New("no space left on device (made up)")

func (f *faultFS) set(mode int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mode = mode
	f.troubled = f.troubled || mode != 0
}

func (f *faultFS) get() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mode
}

func (f *faultFS) Create(name string) (File, error) {
	if f.get() == 1 {
		return nil, errNoSpace
	}
	file, err := f.OS.Create(name)
	return faultFile{file, f}, err
}

func (f *faultFS) Replace(name string, data []byte) error {
	if f.get() != 0 {
		return errNoSpace
	}
	return f.OS.Replace(name, data)
}

type faultFile struct {
	File
	fs *faultFS
}

func (f faultFile) Write(p []byte) (int, error) {
	switch f.fs.get() {
	case 0:
		return f.File.Write(p)
	case 1:
		return 0, errNoSpace
	}
	n, _ := f.File.Write(p[:len(p)/2])
	return n, io.ErrShortWrite
}

func (f faultFile) Truncate(n int64) error {
	if f.fs.get() == 3 {
		return errNoSpace
	}
	return f.File.Truncate(n)
}
