package jvm

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"tacho/format/jfr"
)

// follower reads a JVM's chunk files one after another, from outside. The file
// being read is held open: the JVM deletes its repository when it ends, and the
// last second is read from the deleted file.
type follower struct {
	dir   *os.File // the repository; held, so that it stays the same one
	opt   jfr.Options
	clock *wallClock

	cur  *openChunk
	last string // name of the newest chunk finished, or to be ignored
	back int64  // chunks finished before this time are of no interest
	idle int    // polls in a row that found the last chunk finished and no next one
}

// idlePolls is how often in a row there may be no chunk before the recording
// counts as over: a rotation has none for milliseconds, a JVM whose recording
// was stopped does not always mark the last chunk as such.
const idlePolls = 3

type openChunk struct {
	name  string
	file  *os.File
	tail  *jfr.Tail
	steps int // steps of the wall clock its header already knows
}

// followState is where the follower stands after a poll.
type followState struct {
	Until int64 // every event that ended before this has been delivered
	Ended bool  // the recording is over: its last chunk has been read
}

// newFollower follows the repository from the newest chunk on (since == 0), or
// from the chunk that contains the time since.
// The follower owns dir from then on.
func newFollower(dir *os.File, opt jfr.Options, clock *wallClock, since int64) (*follower, error) {
	f := &follower{dir: dir, opt: opt, clock: clock, back: since}
	names, err := f.list()
	if err != nil {
		return nil, err
	}
	if since == 0 && len(names) > 1 {
		f.last = names[len(names)-2]
	}
	return f, nil
}

// list is the names of the chunks, oldest first. HotSpot names them by the
// local time of their start (2026_11_22_02_30_00.jfr, then _01…): the order of
// names is the order of time except over a step back of the clock, so the
// modification time decides first.
func (f *follower) list() ([]string, error) {
	_, err := f.dir.Seek(0, io.SeekStart)
	var es []os.DirEntry
	if err == nil {
		es, err = f.dir.ReadDir(-1)
	}
	if err != nil {
		return nil, fmt.Errorf("list the JVM's JFR repository: %w", err)
	}
	type chunk struct {
		name string
		mod  time.Time
	}
	var cs []chunk
	for _, e := range es {
		if !strings.HasSuffix(e.Name(), ".jfr") {
			continue
		}
		if fi, err := e.Info(); err == nil && fi.Mode().IsRegular() {
			cs = append(cs, chunk{e.Name(), fi.ModTime()})
		}
	}
	slices.SortFunc(cs, func(a, b chunk) int {
		if d := a.mod.Compare(b.mod); d != 0 {
			return d
		}
		return strings.Compare(a.name, b.name)
	})
	var names []string
	for _, c := range cs {
		if f.back == 0 || c.mod.UnixNano() >= f.back {
			names = append(names, c.name)
		}
	}
	return names, nil
}

// next opens the chunk after the last one finished. It reports false when
// there is none yet.
func (f *follower) next() (bool, error) {
	names, err := f.list()
	if err != nil {
		return false, err
	}
	i := slices.Index(names, f.last) + 1
	if i >= len(names) {
		return false, nil
	}
	fd, err := unix.Openat(int(f.dir.Fd()), names[i], unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) {
		f.last = names[i] // the JVM trimmed it meanwhile
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("open the JVM's JFR chunk: %w", err)
	}
	file := os.NewFile(uintptr(fd), names[i])
	f.cur = &openChunk{name: names[i], file: file, tail: jfr.NewTail(file, f.opt), steps: len(f.clock.steps)}
	return true, nil
}

// poll delivers what has been flushed since the last poll, over as many chunks
// as have been finished meanwhile. fresh is called at the start of each chunk:
// constants of the one before are no longer valid.
func (f *follower) poll(fresh func(steps int), visit func(*jfr.Event) error) (followState, error) {
	var st followState
	for {
		if f.cur == nil {
			ok, err := f.next()
			if err != nil {
				return st, err
			}
			if !ok {
				f.idle++
				st.Ended = f.last != "" && f.idle >= idlePolls
				return st, nil
			}
			f.idle = 0
			fresh(f.cur.steps)
		}
		ts, err := f.cur.tail.Poll(visit)
		if errors.Is(err, io.ErrUnexpectedEOF) || (err == nil && ts.Start == 0) {
			return st, nil // the header is not complete yet
		}
		if err != nil {
			name := f.cur.name
			f.closeChunk()
			return st, fmt.Errorf("read JFR chunk %s: %w", name, err)
		}
		st.Until = f.clock.correct(ts.Until, f.cur.steps)
		if !ts.Finished {
			return st, nil
		}
		f.closeChunk()
		if ts.Final {
			st.Ended = true
			return st, nil
		}
	}
}

func (f *follower) closeChunk() {
	if f.cur != nil {
		f.last = f.cur.name
		f.cur.file.Close()
		f.cur = nil
	}
}

// Close lets go of the files held open.
func (f *follower) Close() {
	f.closeChunk()
	f.dir.Close()
}
