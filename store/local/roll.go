package local

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// The roller turns marks into roll-ups. A mark stands for a minute, hour or day
// whose sums are not up to date; it is set by appends, in the same commit as
// the data, and removed by the roller in the same commit as the sums. Its value
// is a token that is new each time:
//
//	token  uvarint
//	when   varint   Unix nanoseconds, the store's clock
//
// The roller reads a snapshot, sums, and commits under the writer lock only if
// the mark still has the token of the snapshot: data that came in between has
// changed it, and the work is done again later. Since sums are made of what is
// stored and nothing else, doing them twice gives the same bytes.

func markValue(token uint64, now time.Time) []byte {
	return appendVarint(u64Bytes(token), now.UnixNano())
}

// job is one marked unit.
type job struct {
	mark
	svc  *service
	key  key
	val  []byte
	when int64
}

// due reports whether the unit is over and its data has come to rest.
func (j *job) due(now time.Time, after time.Duration) bool {
	length := [...]int64{minuteNanos, hourNanos, dayNanos}[j.level]
	end := (int64(j.unit) + 1) * length
	// A mark from the future was set before the clock was turned back.
	when := min(j.when, now.UnixNano())
	return now.UnixNano() >= max(end, when)+int64(after)
}

// Roll rolls up what is due and then drops what is too old. The store does it
// by itself every RollEvery; tests and tools call it.
func (s *Store) Roll(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	s.rollMu.Lock()
	defer s.rollMu.Unlock()
	if err := s.health.errFailed(); err != nil {
		return err
	}
	now := s.now()
	if s.checkSpace() != nil {
		return s.retireOld(ctx, now) // roll-ups take space before they give some
	}
	for level := uint8(levelMinute); level <= levelDay; level++ {
		jobs, err := s.jobs(level, func(j *job) bool { return j.due(now, s.opt.SealAfter) })
		if err != nil {
			return err
		}
		for i := range jobs {
			if err := s.do(ctx, &jobs[i], false); err != nil {
				return err
			}
		}
	}
	return s.retire(ctx, now)
}

// jobs lists the marks of a level that pass the filter, service by service, in
// order of time.
func (s *Store) jobs(level uint8, pass func(*job) bool) (out []job, err error) {
	err = s.each(newKey(kindMark), func(k, val []byte) error {
		if len(k) != 10 || k[5] != level {
			return nil
		}
		r := reader{key: k, b: val}
		r.uvarint()
		j := job{mark: mark{level, binary.BigEndian.Uint32(k[6:])}, when: r.varint()}
		if err := r.end(); err != nil {
			return err
		}
		s.mu.RLock()
		j.svc = s.byID[binary.BigEndian.Uint32(k[1:])]
		s.mu.RUnlock()
		if j.svc != nil && pass(&j) {
			j.key, j.val = bytes.Clone(k), bytes.Clone(val)
			out = append(out, j)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list what to roll up: %w", err)
	}
	return out, nil
}

// do rolls one unit up. With force also when something of it cannot be read;
// otherwise it then stays marked, so that questions go to what it is made of
// and say what is missing.
func (s *Store) do(ctx context.Context, j *job, force bool) error {
	if !force && s.stuck[string(j.key)] == string(j.val) {
		return nil // failed before, and nothing has changed since
	}
	w, err := s.open(ctx, j.svc)
	if err != nil {
		return err
	}
	defer w.close()
	if j.level > levelMinute && w.dirtyBelow(j.mark) {
		return nil
	}
	pb := s.db.NewBatch()
	r := &roller{view: w, pb: pb}
	switch j.level {
	case levelMinute:
		if j.unit >= w.rawFloor { // else its raw blocks are gone and its sums must stand
			err = r.minute(j.unit)
		}
	case levelHour:
		err = r.hour(j.unit)
	default:
		err = r.day(j.unit)
	}
	if err != nil {
		_ = pb.Close()
		return fmt.Errorf("roll up %s: %w", j.svc.name, err)
	}
	if notes := w.missing(); len(notes) > 0 {
		s.log.Warn("roll-up is incomplete", "service", j.svc.name, "level", j.level, "unit", j.unit, "missing", notes, "forced", force)
		if !force {
			if s.stuck == nil {
				s.stuck = map[string]string{}
			}
			s.stuck[string(j.key)] = string(j.val)
			return pb.Close()
		}
	}
	delete(s.stuck, string(j.key))
	_ = pb.Delete(j.key, nil)
	return s.commitIf(ctx, j, pb)
}

// commitIf commits pb if the mark has not been set again meanwhile. No sync:
// if the commit is lost in a crash, so is the removal of the mark.
func (s *Store) commitIf(ctx context.Context, j *job, pb *pebble.Batch) error {
	if err := s.hold(ctx, j.svc); err != nil {
		_ = pb.Close() // nothing was applied, here and below
		return err
	}
	same, err := s.equalValue(j.key, j.val)
	if err != nil || !same || j.svc.dead {
		j.svc.release()
		_ = pb.Close()
		return err
	}
	if err := s.housekeep(ctx, pb, pebble.NoSync, j.svc.release); err != nil {
		return fmt.Errorf("commit roll-up: %w", err)
	}
	s.stats.sealed.Add(1)
	return nil
}

// dirtyBelow reports whether a lower level within the unit is marked.
func (w *view) dirtyBelow(m mark) bool {
	for d := range w.dirty {
		switch {
		case d.level >= m.level:
		case m.level == levelHour && d.unit/60 == m.unit,
			m.level == levelDay && d.level == levelHour && d.unit/24 == m.unit,
			m.level == levelDay && d.level == levelMinute && d.unit/1440 == m.unit:
			return true
		}
	}
	return false
}

// types is how many value types the service has; their ids are 0, 1, ….
func (w *view) types() int {
	w.v.mu.RLock()
	defer w.v.mu.RUnlock()
	return len(w.v.types)
}
