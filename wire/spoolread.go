package wire

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Item is one batch of the queue. It stays there until it is acknowledged.
type Item struct {
	ID    uint64
	At    time.Time // when it was appended
	Batch []byte    // encoded
}

// Next returns the oldest batches, at least one, at most maxBatches and, when
// more than one, about maxBytes. It waits until there is something. Without an
// Ack in between it returns the same batches again.
func (s *Spool) Next(ctx context.Context, maxBatches int, maxBytes int64) ([]Item, error) {
	for {
		s.mu.Lock()
		if s.closed {
			s.mu.Unlock()
			return nil, ErrClosed
		}
		s.saveAck(false)
		items, err := s.collect(max(maxBatches, 1), maxBytes)
		if err != nil || len(items) > 0 {
			s.mu.Unlock()
			return items, err
		}
		more := s.more
		s.waiting++
		s.mu.Unlock()

		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-more:
		}
		s.mu.Lock()
		s.waiting--
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
}

func (s *Spool) collect(maxBatches int, maxBytes int64) ([]Item, error) {
	var items []Item
	var size int64
	full := func(n int) bool {
		size += int64(n)
		return len(items) == maxBatches || (len(items) > 0 && size > maxBytes)
	}
	add := func(e *entry) {
		items = append(items, Item{ID: e.id, At: time.Unix(0, e.at), Batch: e.batch})
	}
	for _, g := range slices.Clone(s.segs) {
		for i := g.pending(s.headID); i < len(g.index); i++ {
			if full(g.length(i)) {
				return items, nil
			}
			e, err := g.read(s.o.FS, i)
			switch {
			case err == nil:
				add(&e)
			case len(items) > 0:
				return items, nil
			case errors.Is(err, errDamaged) || errors.Is(err, fs.ErrNotExist):
				// Bytes that cannot be read now will not be read later either.
				// They must not block what comes after them.
				s.damage++
				s.headID = g.index[i].id + 1
				s.ackDirty = true
				s.warn("spooled batch is lost", "error", err)
			default:
				return nil, fmt.Errorf("read spool: %w", err)
			}
		}
	}
	s.collectGarbage()
	for i := range s.mem {
		if full(len(s.mem[i].batch)) {
			break
		}
		add(&s.mem[i])
	}
	return items, nil
}

// Ack says that the items, and everything before them, need no more care.
func (s *Spool) Ack(items []Item) {
	if len(items) == 0 {
		return
	}
	last := slices.MaxFunc(items, func(a, b Item) int { return cmp.Compare(a.ID, b.ID) }).ID
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || last < s.headID || last >= s.nextID {
		return
	}
	s.headID = last + 1
	for len(s.mem) > 0 && s.mem[0].id <= last {
		s.releaseMemory()
	}
	s.ackDirty = true
	s.collectGarbage()
	s.saveAck(false)
}

// saveAck writes the position down at most once a second or once a segment.
// What it misses is sent again after a crash.
func (s *Spool) saveAck(force bool) {
	if !s.ackDirty {
		return
	}
	seq, off := s.position()
	now := s.o.Now()
	if !force && seq == s.ackSeq && now.Before(s.ackAt.Add(time.Second)) {
		return
	}
	s.ackAt, s.ackSeq = now, seq
	text := fmt.Sprintf("1 %016x %016x", seq, off)
	text += fmt.Sprintf(" %08x\n", crc32.Checksum([]byte(text), castagnoli))
	if err := s.o.FS.Replace(filepath.Join(s.o.Dir, "ack"), []byte(text)); err != nil {
		s.warn("spool cannot note what was delivered", "error", err)
		return
	}
	s.ackDirty = false
}

// position is where the first batch on disk that waits is, or the end.
func (s *Spool) position() (seq uint64, off int64) {
	for _, g := range s.segs {
		if i := g.pending(s.headID); i < len(g.index) {
			return g.seq, g.index[i].start
		}
		seq, off = g.seq, g.size
	}
	return seq, off
}

func (s *Spool) loadAck() (seq uint64, off int64, err error) {
	p, err := s.o.FS.ReadFile(filepath.Join(s.o.Dir, "ack"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	var version int
	var sum uint32
	text := string(p)
	if _, err := fmt.Sscanf(text, "%d %x %x %x\n", &version, &seq, &off, &sum); err != nil || version != 1 {
		return 0, 0, fmt.Errorf("ack file reads %.60q", text)
	}
	if i := strings.LastIndexByte(text, ' '); crc32.Checksum(p[:i], castagnoli) != sum {
		return 0, 0, fmt.Errorf("ack file reads %.60q: wrong checksum", text)
	}
	return seq, off, nil
}

// load reads the directory as the last agent left it, in whichever way it
// ended.
func (s *Spool) load() error {
	names, err := s.o.FS.List(s.o.Dir)
	if err != nil {
		return err
	}
	ackSeq, ackOff, err := s.loadAck()
	if err != nil {
		// Without it everything is sent again, which does no harm.
		s.warn("spool does not know what was delivered", "error", err)
		ackSeq, ackOff = 0, 0
	}
	s.ackSeq = ackSeq
	s.nextSeq = ackSeq + 1
	s.headID, s.nextID = 1, 1
	var seqs []uint64
	for _, name := range names {
		if seq, ok := segmentSeq(name); ok {
			seqs = append(seqs, seq)
			s.nextSeq = max(s.nextSeq, seq+1)
		}
	}
	slices.Sort(seqs)
	for _, seq := range seqs {
		g := &segment{seq: seq, name: segmentName(s.o.Dir, seq)}
		if err := s.loadSegment(g); err != nil {
			return err
		}
		if g.size == 0 {
			if err := s.o.FS.Remove(g.name); err != nil {
				s.warn("spool segment without content cannot be deleted", "segment", g.name, "error", err)
			}
			continue
		}
		s.segs = append(s.segs, g)
		for i := range g.index {
			if seq < ackSeq || (seq == ackSeq && g.index[i].start < ackOff) {
				s.headID = g.index[i].id + 1
			}
		}
	}
	return nil
}

func (s *Spool) loadSegment(g *segment) error {
	f, err := s.o.FS.Open(g.name)
	if err != nil {
		return err
	}
	g.f = f
	defer g.close()
	torn, err := g.scan(func(kind byte, e entry, start int64) {
		if kind == kindSnapshot {
			clear(s.durable)
		}
		apply(s.durable, e.marks)
		if len(e.batch) > 0 {
			g.index = append(g.index, batchRef{id: s.nextID, start: start, at: e.at})
			s.nextID++
		}
	})
	if err != nil {
		return fmt.Errorf("read %s at %d: %w", g.name, g.size, err)
	}
	if torn > 0 {
		s.warn("torn end of a spool segment cut off", "segment", g.name, "bytes", torn)
		if err := f.Truncate(g.size); err != nil {
			s.warn("torn end cannot be cut, it is passed over", "segment", g.name, "error", err)
		}
	}
	return nil
}
