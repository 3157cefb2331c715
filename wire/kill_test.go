package wire

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// victim is the process TestKill kills: it appends for ever, delivers some of
// it, and says on standard output what it has been promised.
func victim(dir string) {
	s, err := OpenSpool(SpoolOptions{Dir: dir, SegmentBytes: 8 << 10})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	say := func(word string, seq uint64) {
		os.Stdout.WriteString(word + " " + strconv.FormatUint(seq, 10) + "\n") // one write: whole or not at all
	}
	go func() {
		_ = Drain(context.Background(), s, func(_ context.Context, raw [][]byte) error {
			for _, p := range raw {
				b, err := Decode(p, DefaultLimits())
				if err != nil {
					fmt.Println("error", err)
					os.Exit(1)
				}
				say("delivered", b.Sequence)
			}
			time.Sleep(3 * time.Millisecond)
			return nil
		}, nil)
	}()
	first, _ := strconv.ParseUint(os.Getenv("TACHO_WIRE_TEST_FIRST"), 10, 64)
	for seq := first; ; seq++ {
		key := fmt.Sprint("target", seq%3)
		if err := s.AppendWithMark(context.Background(), numbered(seq), key, strconv.AppendUint(nil, seq, 10)); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		say("appended", seq)
	}
}

// TestKill ends a real process with SIGKILL again and again. Every batch whose
// Append returned is in the spool or was delivered, nothing in it is torn, and
// every mark is that of the last batch of its target.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[uint64]bool{} // appended or delivered, hence not to be lost
	gone := map[uint64]bool{} // delivered
	last := map[string]uint64{}
	var next uint64
	for round := range 25 {
		cmd := exec.Command(exe, "-test.run=^$")
		cmd.Env = append(os.Environ(), "TACHO_WIRE_TEST_VICTIM="+dir, "TACHO_WIRE_TEST_FIRST="+strconv.FormatUint(next, 10))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		sc := bufio.NewScanner(out)
		for n := 0; sc.Scan(); n++ { // to the last line it got out
			if n == 20+97*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			word, num, _ := strings.Cut(sc.Text(), " ")
			seq, err := strconv.ParseUint(num, 10, 64)
			if err != nil || (word != "appended" && word != "delivered") {
				t.Fatalf("round %d: victim says %q", round, sc.Text())
			}
			seen[seq] = true
			if word == "delivered" {
				gone[seq] = true
			}
		}
		_ = cmd.Wait() // killed, as wanted

		s, err := OpenSpool(SpoolOptions{Dir: dir, Log: quiet()})
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		in := waitingSeqs(t, s) // decodes every batch: none is torn
		if !slices.IsSorted(in) {
			t.Fatalf("round %d: out of order: %v", round, in)
		}
		inSpool := map[uint64]bool{}
		for _, seq := range in {
			inSpool[seq] = true
			seen[seq] = true // written, and killed before it could say so
		}
		for seq := range seen {
			if !inSpool[seq] && !gone[seq] {
				t.Fatalf("round %d: batch %d is lost", round, seq)
			}
			key := fmt.Sprint("target", seq%3)
			last[key] = max(last[key], seq)
			next = max(next, seq+1)
		}
		for key, want := range last {
			if got := string(s.Marks()[key]); got != strconv.FormatUint(want, 10) {
				t.Fatalf("round %d: mark of %s is %q, its last batch %d", round, key, got, want)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("25 kills, %d batches appended, %d delivered before a kill", len(seen), len(gone))
	if len(seen) < 1000 || len(gone) < 100 {
		t.Errorf("the victims did too little to prove anything: %d appended, %d delivered", len(seen), len(gone))
	}
}
