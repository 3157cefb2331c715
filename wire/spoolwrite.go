package wire

import (
	"fmt"
	"slices"
	"time"
)

// probeEvery is how often a disk that failed is tried again.
const probeEvery = time.Second

// put numbers an entry and gets it to the disk, or to memory.
func (s *Spool) put(e entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	now := s.o.Now()
	e.at = now.UnixNano()
	if e.batch != nil {
		e.id = s.nextID
		s.nextID++
	}
	apply(s.marks, e.marks)
	if s.diskErr != nil && !now.Before(s.probeAt) {
		s.retryDisk()
	}
	if s.diskErr == nil {
		if err := s.write(&e); err != nil {
			s.fail(err)
		}
	}
	if s.diskErr != nil {
		s.remember(e)
	}
	s.saveAck(false)
	if s.waiting > 0 && e.batch != nil {
		close(s.more)
		s.more = make(chan struct{})
	}
	return nil
}

func apply(m map[string][]byte, marks []mark) {
	for _, k := range marks {
		if k.forget {
			delete(m, k.key)
		} else {
			m[k.key] = k.state
		}
	}
}

// write appends an entry to the active segment, or to a new one when that is
// full.
func (s *Spool) write(e *entry) error {
	s.buf = appendRecord(s.buf[:0], kindEntry, e)
	n := int64(len(s.buf))
	if s.active == nil || (len(s.active.index) > 0 && s.active.size+n > s.o.SegmentBytes) {
		if err := s.rotate(); err != nil {
			return err
		}
		s.buf = appendRecord(s.buf[:0], kindEntry, e)
	}
	s.makeRoom(n)
	g := s.active
	if err := g.append(s.buf); err != nil {
		return err
	}
	if e.batch != nil {
		g.index = append(g.index, batchRef{id: e.id, start: g.size - n, at: e.at})
	}
	apply(s.durable, e.marks)
	if cap(s.buf) > 1<<20 {
		s.buf = nil
	}
	return nil
}

// append writes one record; after an error the caller must cut or leave the
// segment.
func (g *segment) append(rec []byte) error {
	n, err := g.f.Write(rec)
	if err == nil && n < len(rec) {
		err = fmt.Errorf("write %s: %d of %d bytes", g.name, n, len(rec))
	}
	if err != nil {
		return err
	}
	g.size += int64(n)
	return nil
}

// rotate starts a segment that repeats all marks, after which older segments
// may go.
func (s *Spool) rotate() error {
	g := &segment{seq: s.nextSeq, name: segmentName(s.o.Dir, s.nextSeq)}
	s.nextSeq++
	f, err := s.o.FS.Create(g.name)
	if err != nil {
		return err
	}
	g.f = f
	if err := g.append(s.snapshot([]byte(segmentMagic))); err != nil {
		g.close()
		// Left behind, the file would be cut to nothing by the next OpenSpool.
		_ = s.o.FS.Remove(g.name)
		return err
	}
	s.makeRoom(g.size)
	s.segs = append(s.segs, g)
	s.active = g
	s.snapshotDue = false
	s.collectGarbage()
	return nil
}

func (s *Spool) snapshot(dst []byte) []byte {
	e := entry{at: s.o.Now().UnixNano()}
	for k, v := range s.durable {
		e.marks = append(e.marks, mark{key: k, state: v})
	}
	return appendRecord(dst, kindSnapshot, &e)
}

// makeRoom drops the oldest segments until n more bytes fit. The last segment
// stays, because it has the marks.
func (s *Spool) makeRoom(n int64) {
	total := n
	for _, g := range s.segs {
		total += g.size
	}
	for total > s.o.MaxBytes && len(s.segs) > 1 {
		g := s.segs[0]
		total -= g.size
		if lost := len(g.index) - g.pending(s.headID); lost > 0 {
			s.dropped += int64(lost)
			s.headID = g.index[len(g.index)-1].id + 1
			s.ackDirty = true
			s.warn("spool is full, oldest segment dropped", "batches", lost, "max_bytes", s.o.MaxBytes)
		}
		s.removeOldest()
	}
}

// collectGarbage deletes segments whose batches have all been acknowledged.
func (s *Spool) collectGarbage() {
	for len(s.segs) > 1 && s.segs[0].pending(s.headID) == len(s.segs[0].index) {
		s.removeOldest()
		s.probeAt = s.o.Now() // there may be room again
	}
}

func (s *Spool) removeOldest() {
	g := s.segs[0]
	g.close()
	s.segs = slices.Delete(s.segs, 0, 1)
	if err := s.o.FS.Remove(g.name); err != nil {
		s.warn("spool segment cannot be deleted", "segment", g.name, "error", err)
	}
}

// fail turns to memory. The half record a failed write may have left is cut
// off; if even that fails the segment is given up at its last whole record.
func (s *Spool) fail(err error) {
	if s.active != nil && s.active.f.Truncate(s.active.size) != nil {
		s.active = nil
	}
	if s.diskErr == nil {
		s.warn("spool cannot be written, going on in memory", "error", err)
	}
	s.diskErr = err
	s.probeAt = s.o.Now().Add(probeEvery)
}

// retryDisk writes the marks and then all that is in memory, in order. What
// gets written leaves memory, also when the disk fails again on the way.
func (s *Spool) retryDisk() {
	var err error
	if s.active == nil {
		err = s.rotate()
	} else {
		rec := s.snapshot(nil)
		s.makeRoom(int64(len(rec)))
		if err = s.active.append(rec); err == nil {
			s.snapshotDue = false
		}
	}
	n := 0
	for err == nil && len(s.mem) > 0 {
		if err = s.write(&s.mem[0]); err == nil {
			s.popMemory()
			n++
		}
	}
	if err != nil {
		s.fail(err)
		return
	}
	s.diskErr = nil
	s.warn("spool can be written again", "batches_from_memory", n)
}

// remember keeps an entry in memory and drops the oldest beyond the bound.
func (s *Spool) remember(e entry) {
	if e.batch == nil {
		if len(s.mem) == 0 {
			apply(s.durable, e.marks)
			s.snapshotDue = true
			return
		}
		last := &s.mem[len(s.mem)-1]
		s.memBytes -= last.size()
		for _, m := range e.marks {
			last.set(m)
		}
		s.memBytes += last.size()
		return
	}
	s.mem = append(s.mem, e)
	s.memBytes += e.size()
	for s.memBytes > s.o.MemoryBytes {
		s.dropped++
		s.releaseMemory()
	}
}

// releaseMemory lets go of the oldest entry in memory, which was delivered or
// dropped: its marks hold from now on.
func (s *Spool) releaseMemory() {
	apply(s.durable, s.mem[0].marks)
	s.snapshotDue = s.snapshotDue || len(s.mem[0].marks) > 0
	s.popMemory()
}

func (s *Spool) popMemory() {
	s.memBytes -= s.mem[0].size()
	s.mem[0] = entry{}
	s.mem = s.mem[1:]
	if len(s.mem) == 0 {
		s.mem = nil
	}
}

// warn logs each message at most once every ten seconds: a full disk comes
// with every append.
func (s *Spool) warn(msg string, args ...any) {
	now := s.o.Now()
	if s.o.Log == nil || now.Before(s.logAt[msg]) {
		return
	}
	s.logAt[msg] = now.Add(10 * time.Second)
	s.o.Log.Warn(msg, append([]any{"spool", s.o.Dir}, args...)...)
}
