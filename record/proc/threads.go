package proc

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"tacho/record"
)

// ErrGone says that the process has ended. Its number may by now belong to
// another process; these descriptors never will.
var ErrGone = errors.New("process is gone")

const (
	maxHeld     = 2048       // descriptors kept open for one process
	commAlways  = 3          // a thread's name is read anew on its first reads: threads name themselves late
	commEvery   = 30         // and on every 30th read afterwards
	nsPerTick   = 10_000_000 // USER_HZ is 100 on every architecture the JVM runs on
	noFD        = -1
	direntsSize = 32 << 10
)

// Threads reads the threads of one process. It implements
// record.ThreadReader. Not safe for concurrent use.
type Threads struct {
	path    string // procRoot/PID, for messages
	task    int    // descriptor of the task directory
	stat    int    // descriptor of the process's stat
	precise bool
	held    int // descriptors in known
	limit   int // maxHeld, or less once the process ran out of descriptors
	known   []thread
	index   map[int64]int // tid → position in known; filled while listing only
	buf     []byte
	dirents []byte
	list    []int64
}

var _ record.ThreadReader = (*Threads)(nil)

type thread struct {
	tid, nstid int64
	fd         int // of schedstat (of stat when not precise); noFD: opened for each read
	start      uint64
	comm       string
	cpu        int64 // at the last read
	reads      uint32
	listed     bool
}

// Open prepares to read process pid below procRoot ("/proc"). It fails when
// the process does not exist (ErrGone) or may not be looked at.
func Open(procRoot string, pid int) (*Threads, error) {
	t := &Threads{
		path:    filepath.Join(procRoot, strconv.Itoa(pid)),
		task:    noFD,
		stat:    noFD,
		limit:   maxHeld,
		index:   map[int64]int{},
		buf:     make([]byte, 4096),
		dirents: make([]byte, direntsSize),
	}
	var err error
	if t.task, err = open(t.path+"/task", unix.O_DIRECTORY); err == nil {
		t.stat, err = open(t.path+"/stat", 0)
	}
	if err == nil {
		t.precise, err = t.hasSchedstat(pid)
	}
	if err != nil {
		t.Close()
		if gone(err) {
			err = ErrGone
		}
		return nil, fmt.Errorf("open threads of %s: %w", t.path, err)
	}
	return t, nil
}

// hasSchedstat tells whether the kernel keeps the precise account
// (CONFIG_SCHED_INFO). A kernel that has the file but not the account answers
// zeros, which a process that was billed ticks gives away.
func (t *Threads) hasSchedstat(pid int) (bool, error) {
	b, err := t.readFile(int64(pid), "schedstat")
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	s, err := parseSchedstat(t.name(int64(pid), "schedstat"), b)
	if err != nil {
		return false, err
	}
	if s.slices > 0 || s.cpu > 0 {
		return true, nil
	}
	billed, err := t.Process()
	return billed == 0, err
}

// Precise reports whether CPU times are the scheduler's nanoseconds. When
// false they are ticks of 10 ms and there is no run-queue wait, because the
// kernel was built without CONFIG_SCHED_INFO.
func (t *Threads) Precise() bool { return t.precise }

// Read appends the account of every live thread to dst[:0]. A thread that ends
// meanwhile is left out. The error is ErrGone (wrapped) when the process has
// no thread left.
func (t *Threads) Read(dst []record.ThreadTime) ([]record.ThreadTime, error) {
	dst = dst[:0]
	live := t.known[:0]
	for i := range t.known {
		th := t.known[i]
		tt, err := t.readThread(&th)
		if gone(err) {
			t.release(&th)
			continue
		}
		if err != nil {
			// Keep the table whole: what was not visited stays known.
			t.known = append(live, t.known[i:]...)
			return dst, err
		}
		live = append(live, th)
		dst = append(dst, tt)
	}
	clear(t.known[len(live):])
	t.known = live

	var st unix.Stat_t
	if err := unix.Fstat(t.task, &st); err != nil {
		return dst, fmt.Errorf("stat %s/task: %w", t.path, err)
	}
	// File systems other than proc may report a constant 1.
	if n := int64(st.Nlink) - 2; n >= 1 && n == int64(len(t.known)) {
		return dst, nil
	}
	// One call must list all: resumed listings may skip a thread when another
	// one ends in between. An entry takes 24 or 32 bytes.
	if want := (int(st.Nlink) + 64) * 32; want > len(t.dirents) {
		t.dirents = make([]byte, want)
	}
	dst, err := t.relist(dst)
	if err == nil && len(t.known) == 0 {
		err = ErrGone
	}
	if err != nil {
		return dst, fmt.Errorf("read threads of %s: %w", t.path, err)
	}
	return dst, nil
}

// relist compares the task directory with what is known, appends the account
// of new threads to dst and takes those out that are no longer listed.
func (t *Threads) relist(dst []record.ThreadTime) ([]record.ThreadTime, error) {
	if err := t.listTasks(); err != nil {
		if gone(err) {
			err = ErrGone
		}
		return dst, err
	}
	clear(t.index)
	for i := range t.known {
		t.known[i].listed = false
		t.index[t.known[i].tid] = i
	}
	for _, tid := range t.list {
		if i, ok := t.index[tid]; ok {
			t.known[i].listed = true
			continue
		}
		th, tt, err := t.meet(tid)
		if gone(err) {
			continue
		}
		if err != nil {
			return dst, err
		}
		t.index[tid] = len(t.known)
		t.known = append(t.known, th)
		dst = append(dst, tt)
	}
	kept := 0
	for i := range t.known {
		if !t.known[i].listed {
			t.release(&t.known[i])
			continue
		}
		t.known[kept], dst[kept] = t.known[i], dst[i]
		kept++
	}
	clear(t.known[kept:])
	t.known = t.known[:kept]
	return dst[:kept], nil
}

// meet reads what is read once of a new thread, and its first account.
func (t *Threads) meet(tid int64) (thread, record.ThreadTime, error) {
	th := thread{tid: tid, nstid: tid, fd: noFD, listed: true}
	b, err := t.readFile(tid, "stat")
	if err != nil {
		return th, record.ThreadTime{}, err
	}
	s, err := parseStat(t.name(tid, "stat"), b)
	if err != nil {
		return th, record.ThreadTime{}, err
	}
	th.start = s.start
	if b, err = t.readFile(tid, "status"); err != nil {
		return th, record.ThreadTime{}, err
	}
	if n, ok, err := parseNSpid(t.name(tid, "status"), b); err != nil {
		return th, record.ThreadTime{}, err
	} else if ok { // absent before Linux 4.1
		th.nstid = n
	}
	if t.held < t.limit {
		fd, err := unix.Openat(t.task, t.rel(tid, t.accountFile()), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		switch {
		case err == nil:
			th.fd = fd
			t.held++
		case errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE):
			t.limit = t.held // leave the rest of the agent some air
		default:
			return th, record.ThreadTime{}, err
		}
	}
	tt, err := t.readThread(&th)
	if err != nil {
		t.release(&th)
	}
	return th, tt, err
}

// readThread reads one thread's account, and its name when that is due.
func (t *Threads) readThread(th *thread) (record.ThreadTime, error) {
	var b []byte
	var err error
	if th.fd != noFD {
		b, err = t.pread(th.fd)
	} else {
		b, err = t.readFile(th.tid, t.accountFile())
	}
	if err != nil {
		return record.ThreadTime{}, err
	}
	var cpu, wait int64
	if t.precise {
		s, err := parseSchedstat(t.name(th.tid, "schedstat"), b)
		if err != nil {
			return record.ThreadTime{}, err
		}
		cpu, wait = s.cpu, s.wait
	} else {
		s, err := parseStat(t.name(th.tid, "stat"), b)
		if err != nil {
			return record.ThreadTime{}, err
		}
		cpu = s.ticks * nsPerTick
	}
	if th.fd == noFD && cpu < th.cpu {
		// A thread's account never shrinks: the number was reused between two
		// reads. Gone now, met anew by the listing.
		return record.ThreadTime{}, unix.ESRCH
	}
	th.cpu = cpu
	th.reads++
	// Spread over the reads, so that a thousand threads are not all due at once.
	if th.reads <= commAlways || (th.reads+uint32(th.tid))%commEvery == 0 {
		b, err := t.readFile(th.tid, "comm")
		if err != nil {
			return record.ThreadTime{}, err
		}
		if n := len(b); n > 0 && b[n-1] == '\n' {
			b = b[:n-1]
		}
		if string(b) != th.comm {
			th.comm = string(b)
		}
	}
	return record.ThreadTime{TID: th.tid, NSTID: th.nstid, Comm: th.comm, CPU: cpu, Wait: wait, Start: th.start}, nil
}

// Process is the CPU nanoseconds billed to the whole process, threads that
// have exited included, in steps of 10 ms. The error is ErrGone (wrapped) when
// the process has ended, also while its parent has not yet collected it.
func (t *Threads) Process() (int64, error) {
	b, err := t.pread(t.stat)
	if gone(err) {
		err = ErrGone
	}
	if err != nil {
		return 0, fmt.Errorf("read %s/stat: %w", t.path, err)
	}
	s, err := parseStat(fileName{t.path + "/stat", 0, ""}, b)
	if err != nil {
		return 0, err
	}
	// A leader may have ended (Z) before its threads did.
	if (s.state == 'Z' || s.state == 'X') && s.threads <= 1 {
		return 0, fmt.Errorf("read %s/stat: %w", t.path, ErrGone)
	}
	return s.ticks * nsPerTick, nil
}

// Close gives all descriptors back. It may be called twice.
func (t *Threads) Close() error {
	for i := range t.known {
		t.release(&t.known[i])
	}
	t.known = slices.Delete(t.known, 0, len(t.known))
	for _, fd := range []*int{&t.task, &t.stat} {
		if *fd != noFD {
			unix.Close(*fd)
			*fd = noFD
		}
	}
	return nil
}
