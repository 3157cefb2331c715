package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"sync"
	"time"

	"tacho"
)

// ErrClosed is returned by a spool after Close.
var ErrClosed = errors.New("spool is closed")

// SpoolOptions: only Dir and Log are required.
type SpoolOptions struct {
	Dir          string
	MaxBytes     int64 // of all segments, default 1 GiB; beyond it the oldest segment is dropped
	SegmentBytes int64 // default 4 MiB, at most a quarter of MaxBytes
	MemoryBytes  int64 // kept while the disk does not take batches, default 64 MiB
	Log          *slog.Logger
	FS           FS               // default OS
	Now          func() time.Time // default time.Now
}

// Spool is a queue of encoded batches on disk, first in, first out, bounded in
// bytes. While the disk refuses to be written it goes on in memory and says so
// in Stats. Safe for concurrent use; one consumer is meant.
type Spool struct {
	o    SpoolOptions
	lock io.Closer

	mu      sync.Mutex
	closed  bool
	waiting int           // consumers in Next
	more    chan struct{} // closed when a batch arrives or the spool closes

	headID, nextID uint64 // ids [headID, nextID) are not acknowledged, less what was dropped
	segs           []*segment
	active         *segment // the last of segs, or nil when a new one must be started
	nextSeq        uint64
	mem            []entry // younger than everything in segs; empty while the disk works
	memBytes       int64

	marks       map[string][]byte // as the caller sees them
	durable     map[string][]byte // those whose batch has left memory
	snapshotDue bool              // durable has changed without a record that says so

	diskErr         error // why the disk is not written, nil while it is
	probeAt         time.Time
	logAt           map[string]time.Time
	ackAt           time.Time
	ackSeq          uint64
	ackDirty        bool
	dropped, damage int64
	buf             []byte
}

// SpoolStats is the state of a spool.
type SpoolStats struct {
	State         string // "disk" or "memory"
	Reason        string // why memory, one sentence
	Bytes         int64  // waiting, on disk and in memory
	Batches       int64
	DiskBytes     int64 // of all segments, delivered parts included
	MemoryBytes   int64
	MemoryBatches int64
	Dropped       int64     // batches given up since OpenSpool, because the spool was full or could not be read
	Oldest        time.Time // when the oldest waiting batch was appended, zero when none waits
}

// OpenSpool takes the directory, cuts torn ends off, and finds where delivery
// had got to. A second agent on the same directory gets ErrLocked.
func OpenSpool(o SpoolOptions) (*Spool, error) {
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 30
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 4 << 20
	}
	o.SegmentBytes = min(o.SegmentBytes, o.MaxBytes/4)
	if o.MemoryBytes <= 0 {
		o.MemoryBytes = 64 << 20
	}
	if o.FS == nil {
		o.FS = OS{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Spool{o: o, more: make(chan struct{}), nextSeq: 1, durable: map[string][]byte{}, logAt: map[string]time.Time{}}
	if err := o.FS.MkdirAll(o.Dir); err != nil {
		return nil, fmt.Errorf("open spool %s: %w", o.Dir, err)
	}
	lock, err := o.FS.Lock(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("open spool %s: %w", o.Dir, err)
	}
	s.lock = lock
	if err := s.load(); err != nil {
		lock.Close()
		return nil, fmt.Errorf("open spool %s: %w", o.Dir, err)
	}
	s.marks = maps.Clone(s.durable)
	if err := s.rotate(); err != nil {
		s.fail(err)
	}
	return s, nil
}

// Append adds a batch. When it returns nil the batch survives the end of this
// process (not a power cut), or is in memory if Stats says so.
func (s *Spool) Append(ctx context.Context, b *tacho.Batch) error {
	return s.append(ctx, b, nil)
}

// AppendWithMark adds a batch and notes under key that the state has been
// reached with it: after a crash, Marks has the new state exactly if the spool
// got the batch.
func (s *Spool) AppendWithMark(ctx context.Context, b *tacho.Batch, key string, state []byte) error {
	return s.append(ctx, b, []mark{{key: key, state: append([]byte{}, state...)}})
}

func (s *Spool) append(ctx context.Context, b *tacho.Batch, marks []mark) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("append to spool: %w", err)
	}
	if err := b.Validate(); err != nil {
		return fmt.Errorf("append to spool: %w", err)
	}
	e := entry{batch: Encode(nil, b), marks: marks}
	if e.size() > s.o.MaxBytes/2 {
		return fmt.Errorf("append to spool: batch of %d bytes in a spool of %d", len(e.batch), s.o.MaxBytes)
	}
	return s.put(e)
}

// Mark notes a state without a batch.
func (s *Spool) Mark(key string, state []byte) error {
	return s.put(entry{marks: []mark{{key: key, state: append([]byte{}, state...)}}})
}

// ForgetMark removes the state of key.
func (s *Spool) ForgetMark(key string) error {
	return s.put(entry{marks: []mark{{key: key, forget: true}}})
}

// Marks returns a copy of all states.
func (s *Spool) Marks() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[string][]byte, len(s.marks))
	for k, v := range s.marks {
		out[k] = append([]byte{}, v...)
	}
	return out
}

// Stats returns the state of the spool.
func (s *Spool) Stats() SpoolStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := SpoolStats{State: "disk", Dropped: s.dropped + s.damage, MemoryBytes: s.memBytes}
	if s.diskErr != nil {
		st.State = "memory"
		st.Reason = fmt.Sprintf("The spool %s cannot be written (%v); up to %d MiB are kept in memory until it can.", s.o.Dir, s.diskErr, s.o.MemoryBytes>>20)
	}
	for _, g := range s.segs {
		st.DiskBytes += g.size
		if i := g.pending(s.headID); i < len(g.index) {
			st.Batches += int64(len(g.index) - i)
			st.Bytes += g.size - g.index[i].start
			if st.Oldest.IsZero() {
				st.Oldest = time.Unix(0, g.index[i].at)
			}
		}
	}
	st.MemoryBatches = int64(len(s.mem))
	st.Batches += st.MemoryBatches
	st.Bytes += st.MemoryBytes
	if st.Oldest.IsZero() && len(s.mem) > 0 {
		st.Oldest = time.Unix(0, s.mem[0].at)
	}
	return st
}

// Close writes down how far delivery has got and gives the directory back. It
// is an error when batches are lost with the memory they are in.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	if s.diskErr != nil {
		s.retryDisk()
	}
	s.closed = true
	close(s.more)
	s.saveAck(true)
	for _, g := range s.segs {
		g.close()
	}
	err := s.lock.Close()
	if n := len(s.mem); n > 0 {
		err = errors.Join(fmt.Errorf("close spool %s: %d batches in memory could not be written and are lost: %w", s.o.Dir, n, s.diskErr), err)
	}
	return err
}
