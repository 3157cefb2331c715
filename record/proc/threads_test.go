package proc

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"tacho/record"
)

// lockedThreads starts n goroutines, each on an operating system thread of its
// own that ends with it, and returns their numbers and what stops them.
func lockedThreads(n int, name string) (tids []int64, stop func()) {
	ready, quit, done := make(chan int64), make(chan struct{}), make(chan struct{})
	for range n {
		go func() {
			runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
			if name != "" {
				setComm(name)
			}
			ready <- int64(unix.Gettid())
			<-quit
			done <- struct{}{}
		}()
	}
	for range n {
		tids = append(tids, <-ready)
	}
	return tids, func() {
		close(quit)
		for range n {
			<-done
		}
	}
}

func openSelf(t testing.TB) *Threads {
	t.Helper()
	th, err := Open("/proc", os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { th.Close() })
	return th
}

func find(ts []record.ThreadTime, tid int64) (record.ThreadTime, bool) {
	for _, tt := range ts {
		if tt.TID == tid {
			return tt, true
		}
	}
	return record.ThreadTime{}, false
}

// A thread that knows its own CPU time (clock_gettime) and what /proc says of
// it must agree, up to the scheduler's tick.
func TestReadAgreesWithTheThreadsOwnClock(t *testing.T) {
	th := openSelf(t)
	if !th.Precise() {
		t.Skip("kernel without CONFIG_SCHED_INFO")
	}
	type report struct{ tid, cpu int64 }
	burnt, quit := make(chan report), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		var ts unix.Timespec
		for ts.Nano() < 100e6 {
			for i := 0; i < 10000; i++ {
				sinkhole += i
			}
			unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts)
		}
		burnt <- report{int64(unix.Gettid()), ts.Nano()}
		<-quit
	}()
	r := <-burnt
	defer close(quit)
	var got []record.ThreadTime
	// The account is written when the thread leaves the CPU, just after it told
	// us: read until it has.
	for try := 0; ; try++ {
		var err error
		if got, err = th.Read(got); err != nil {
			t.Fatal(err)
		}
		tt, ok := find(got, r.tid)
		if !ok {
			t.Fatalf("thread %d not among %d threads", r.tid, len(got))
		}
		if d := tt.CPU - r.cpu; d > -10e6 && d < 20e6 {
			if tt.Wait < 0 || tt.Start == 0 || tt.NSTID == 0 || tt.Comm == "" {
				t.Fatalf("incomplete: %+v", tt)
			}
			break
		}
		if try == 1000 {
			t.Fatalf("thread burnt %d ns by its own clock, /proc says %d", r.cpu, tt.CPU)
		}
		runtime.Gosched()
	}
	p, err := th.Process()
	if err != nil || p < 50e6 {
		t.Errorf("Process() = %d, %v; want at least 50 ms", p, err)
	}
	if p%10_000_000 != 0 {
		t.Errorf("Process() = %d is not whole ticks", p)
	}
}

var sinkhole int

func TestThreadsComeAndGo(t *testing.T) {
	th := openSelf(t)
	if _, err := th.Read(nil); err != nil {
		t.Fatal(err)
	}
	tids, stop := lockedThreads(20, "worker-7")
	got, err := th.Read(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tid := range tids {
		tt, ok := find(got, tid)
		if !ok {
			t.Fatalf("new thread %d not seen", tid)
		}
		if tt.Comm != "worker-7" {
			t.Errorf("thread %d is named %q, want worker-7", tid, tt.Comm)
		}
		if tt.NSTID != tid && os.Getenv("container") == "" {
			t.Logf("thread %d is %d in its own namespace", tid, tt.NSTID)
		}
	}
	stop()
	for try := 0; ; try++ { // the kernel ends threads in its own time
		if got, err = th.Read(got); err != nil {
			t.Fatal(err)
		}
		left := 0
		for _, tid := range tids {
			if _, ok := find(got, tid); ok {
				left++
			}
		}
		if left == 0 {
			break
		}
		if try == 100000 {
			t.Fatalf("%d of 20 ended threads still reported", left)
		}
		runtime.Gosched()
	}
	if th.held != len(th.known) {
		t.Errorf("%d descriptors held for %d threads", th.held, len(th.known))
	}
}

func TestReadIsTheSameWithoutHeldDescriptors(t *testing.T) {
	tids, stop := lockedThreads(10, "idle")
	defer stop()
	th := openSelf(t)
	th.limit = 3
	var got []record.ThreadTime
	for range 3 {
		var err error
		if got, err = th.Read(got); err != nil {
			t.Fatal(err)
		}
		for _, tid := range tids {
			if _, ok := find(got, tid); !ok {
				t.Fatalf("thread %d not seen", tid)
			}
		}
	}
	if th.held > 3 {
		t.Errorf("holds %d descriptors, limit 3", th.held)
	}
}

func TestCommIsReadAgainAfterAWhile(t *testing.T) {
	rename, renamed, quit := make(chan string), make(chan int64), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		for {
			select {
			case n := <-rename:
				setComm(n)
				renamed <- int64(unix.Gettid())
			case <-quit:
				return
			}
		}
	}()
	defer close(quit)
	rename <- "before"
	tid := <-renamed
	th := openSelf(t)
	var got []record.ThreadTime
	for range 5 {
		got, _ = th.Read(got)
	}
	if tt, _ := find(got, tid); tt.Comm != "before" {
		t.Fatalf("comm %q, want before", tt.Comm)
	}
	rename <- "after"
	<-renamed
	for range commEvery {
		got, _ = th.Read(got)
	}
	if tt, _ := find(got, tid); tt.Comm != "after" {
		t.Errorf("comm %q %d reads after the change, want after", tt.Comm, commEvery)
	}
}

func TestGone(t *testing.T) {
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	th, err := Open("/proc", cmd.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	defer th.Close()
	got, err := th.Read(nil)
	if err != nil || len(got) != 1 {
		t.Fatalf("read of a live process: %d threads, %v", len(got), err)
	}
	cmd.Process.Kill()
	// Until Wait the process is a zombie: Process must say so already.
	for try := 0; ; try++ {
		_, err := th.Process()
		if errors.Is(err, ErrGone) {
			break
		}
		if err != nil || try > 1e6 {
			t.Fatalf("Process() of a killed process: %v, want ErrGone", err)
		}
		runtime.Gosched()
	}
	cmd.Wait()
	if _, err := th.Read(nil); !errors.Is(err, ErrGone) {
		t.Errorf("Read after the end: %v, want ErrGone", err)
	}
	if _, err := th.Process(); !errors.Is(err, ErrGone) {
		t.Errorf("Process after the end: %v, want ErrGone", err)
	}
	if _, err := Open("/proc", cmd.Process.Pid); !errors.Is(err, ErrGone) {
		t.Errorf("Open after the end: %v, want ErrGone", err)
	}
	if err := th.Close(); err != nil {
		t.Error(err)
	}
	if err := th.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

// BenchmarkRead: the limit is one pread system call a thread (0.7 µs here)
// plus one comm in 30 reads. Goal: 52 threads ≤ 1.6 ms, 1,019 ≤ 6 ms.
func BenchmarkRead(b *testing.B) {
	for _, n := range []int{52, 1019} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			_, stop := lockedThreads(n, "")
			defer stop()
			th := openSelf(b)
			var got []record.ThreadTime
			var err error
			for range 5 {
				if got, err = th.Read(got); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for b.Loop() {
				if got, err = th.Read(got); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(got)), "threads")
			if len(got) < n {
				b.Fatal(fmt.Errorf("only %d threads", len(got)))
			}
		})
	}
}
