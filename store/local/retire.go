package local

import (
	"context"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Kinds that go on with an hour or a day and are dropped at the end of
// Retention. Raw blocks are dropped at the end of RawRetention.
var (
	hourKinds = []byte{kindManifest, kindWindow, kindPoints, kindEvents}
	dayKinds  = []byte{kindMinute, kindHour, kindHourAll, kindDay, kindDayAll, kindCount, kindCountAll, kindCover, kindLong}
)

// evictAfter is how long a trie nobody asks for stays in memory.
const evictAfter = 30 * time.Minute

// retire drops what is older than the retention, hour by hour for raw blocks
// and day by day for everything else: one range delete per kind.
func (s *Store) retire(ctx context.Context, now time.Time) error {
	if err := s.retireRaw(ctx, int64(hourOf(now.Add(-s.opt.RawRetention).UnixNano()))); err != nil {
		return fmt.Errorf("drop old timed samples: %w", err)
	}
	if err := s.retireOld(ctx, now); err != nil {
		return err
	}
	for _, v := range s.services() {
		if err := s.hold(ctx, v); err != nil {
			return err
		}
		v.evictTries(now.Add(-evictAfter).UnixNano())
		v.release()
	}
	return nil
}

// retireOld drops the days of the store that nobody has a right to, and those of
// tenants with less of a right than others.
func (s *Store) retireOld(ctx context.Context, now time.Time) error {
	if err := s.retireDays(ctx, now); err != nil {
		return fmt.Errorf("drop old days: %w", err)
	}
	return s.retireTenants(ctx, now)
}

// services is all services, those not yet stored included.
func (s *Store) services() []*service {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*service, 0, len(s.byID))
	for _, v := range s.byID {
		out = append(out, v)
	}
	return out
}

// barrier waits until no append is under way that began before it.
func (s *Store) barrier(ctx context.Context) error {
	for _, v := range s.services() {
		if err := s.hold(ctx, v); err != nil {
			return err
		}
		v.release()
	}
	return nil
}

// retireRaw drops raw blocks of hours before floor. First new data for these
// hours is sent to the minute level, then what is still marked there is summed
// up, then the blocks go. The floor never goes back: sums of minutes below it
// cannot be made anew.
func (s *Store) retireRaw(ctx context.Context, floor int64) error {
	stored, err := s.meta(s.db, metaRawFloor)
	if err != nil || floor <= stored {
		return err
	}
	s.rawFloor.Store(floor)
	if err := s.barrier(ctx); err != nil {
		return err
	}
	old := func(j *job) bool { return int64(j.unit) < floor*60 }
	jobs, err := s.jobs(levelMinute, old)
	if err != nil {
		return err
	}
	for i := range jobs {
		if err := s.do(ctx, &jobs[i], true); err != nil {
			return err
		}
	}
	if jobs, err = s.jobs(levelMinute, old); err != nil || len(jobs) > 0 {
		return err // one was marked again just now; the next pass goes on
	}
	pb := s.db.NewBatch()
	_ = pb.DeleteRange(newKey(kindRaw), newKey(kindRaw).u32(uint32(floor)), nil)
	_ = pb.Set(metaKey(metaRawFloor), appendVarint(nil, floor), nil)
	return s.housekeep(ctx, pb, pebble.Sync, func() {})
}

// retireDays drops days that are older than the retention. Days dropped for want
// of room stay dropped: a late batch must not bring the oldest of them back.
func (s *Store) retireDays(ctx context.Context, now time.Time) error {
	s.dropMu.Lock()
	defer s.dropMu.Unlock()
	floor, today := int64(dayOf(now.Add(-s.opt.longestRetention()).UnixNano())), int64(dayOf(now.UnixNano()))
	stored, err := s.meta(s.db, metaFloor)
	if err != nil {
		return err
	}
	room, err := s.meta(s.db, metaRoom)
	if err != nil {
		return err
	}
	// Both floors may lie ahead of a clock that was turned back; nothing is
	// stored there, and may be again.
	s.floor.Store(max(floor, min(room, today)))
	if floor <= stored {
		return nil
	}
	return s.drop(ctx, floor, metaFloor, DropAge)
}

// retireService forgets what a service no longer needs.
func (s *Store) retireService(ctx context.Context, v *service, floor int64) error {
	if err := s.hold(ctx, v); err != nil {
		return err
	}
	if !v.saved {
		v.release()
		return nil
	}
	pb := s.db.NewBatch()
	for _, k := range v.removeTargets(floor * dayNanos) {
		_ = pb.Delete(k, nil)
	}
	v.trieMu.Lock()
	for e, reach := range v.epochs {
		if int64(reach) < floor && e != v.epoch {
			delete(v.epochs, e)
			delete(v.tries, e)
			_ = pb.Delete(svcKey(kindEpoch, v.id).u16(e), nil)
			_ = pb.DeleteRange(svcKey(kindTrie, v.id).u16(e), svcKey(kindTrie, v.id).u16(e).after(), nil)
		}
	}
	v.trieMu.Unlock()
	if len(v.targets) == 0 {
		for _, kind := range []byte{kindService, kindType, kindTarget, kindSeen, kindSeries, kindPointDef, kindState, kindEpoch, kindTrie, kindMark} {
			_ = pb.DeleteRange(svcKey(kind, v.id), svcKey(kind, v.id).after(), nil)
		}
		s.remove(v)
	}
	if pb.Empty() {
		v.release()
		return pb.Close()
	}
	return s.housekeep(ctx, pb, pebble.Sync, v.release)
}
