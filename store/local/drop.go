package local

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// makeRoom drops the oldest day. The newest one stays whatever happens: what is
// being recorded is worth more than what was. The caller holds space.room.
func (s *Store) makeRoom(ctx context.Context) error {
	s.dropMu.Lock()
	defer s.dropMu.Unlock()
	why, now := s.wantRoom(), s.now()
	// Pebble removes files at its leisure. A further day goes only when the
	// last one has had its effect.
	if d := s.space.next.Sub(now); why == "" || d > 0 && d <= dropPause {
		return nil
	}
	oldest, newest, err := s.days()
	if err != nil {
		return err
	}
	newest = min(newest, int64(dayOf(now.UnixNano())))
	if oldest < 0 || oldest >= newest {
		if !s.space.last {
			s.log.Warn("little space is left, and there is no old day to drop", "reason", why, "free", size(s.space.free.Load()), "used", size(s.space.used.Load()))
		}
		s.space.last = true
		return nil
	}
	s.space.last = false
	s.log.Warn("the oldest day is dropped to make room", "day", nanoTime(oldest*dayNanos).Format(time.DateOnly), "reason", why,
		"free", size(s.space.free.Load()), "used", size(s.space.used.Load()))
	s.floor.Store(max(s.floor.Load(), oldest+1))
	if err := s.drop(ctx, oldest+1, metaRoom, why); err != nil {
		return fmt.Errorf("drop the oldest day: %w", err)
	}
	if err := s.reclaim(ctx, oldest+1); err != nil {
		return fmt.Errorf("reclaim the space of the oldest day: %w", err)
	}
	s.space.next = s.now().Add(dropPause)
	s.measure()
	return nil
}

// dropPause is how long dropping a day may take to show on the disk.
const dropPause = 5 * time.Second

// days is the first and the last day of which anything is stored; -1 when
// nothing is.
func (s *Store) days() (oldest, newest int64, err error) {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return 0, 0, fmt.Errorf("look for the oldest day: %w", err)
	}
	oldest, newest = -1, -1
	look := func(kind byte, perDay int64) {
		unit := func(found bool) (int64, bool) {
			if k := it.Key(); found && len(k) >= 5 && k[0] == kind {
				return int64(binary.BigEndian.Uint32(k[1:])) / perDay, true
			}
			return 0, false
		}
		if d, ok := unit(it.SeekGE(newKey(kind))); ok && (oldest < 0 || d < oldest) {
			oldest = d
		}
		if d, ok := unit(it.SeekLT(newKey(kind).after())); ok {
			newest = max(newest, d)
		}
	}
	for _, kind := range dayKinds {
		look(kind, 1)
	}
	look(kindRaw, 24)
	for _, kind := range hourKinds {
		look(kind, 24)
	}
	return oldest, newest, it.Close()
}

// drop removes everything of days before floor, and with it the targets, tries
// and services that have nothing left. The caller holds dropMu.
func (s *Store) drop(ctx context.Context, floor int64, meta, why string) error {
	oldest, newest, err := s.days()
	if err != nil {
		return err
	}
	s.floor.Store(max(s.floor.Load(), floor))
	if err := s.barrier(ctx); err != nil {
		return err
	}
	pb := s.db.NewBatch()
	for _, r := range dropped(floor) {
		_ = pb.DeleteRange(r[0], r[1], nil)
	}
	for _, v := range s.services() {
		for level, perDay := range [...]int64{levelMinute: 1440, levelHour: 24, levelDay: 1} {
			_ = pb.DeleteRange(markKey(v.id, uint8(level), 0), markKey(v.id, uint8(level), uint32(floor*perDay)), nil)
		}
	}
	_ = pb.Set(metaKey(meta), appendVarint(nil, floor), nil)
	if err := s.housekeep(ctx, pb, pebble.Sync, func() {}); err != nil {
		return err
	}
	if oldest >= 0 && oldest < floor {
		s.stats.dropped(why, min(floor, newest+1)-oldest)
	}
	for _, v := range s.services() {
		if err := s.retireService(ctx, v, floor); err != nil {
			return err
		}
	}
	return nil
}

// dropped is the ranges of keys of days before floor.
func dropped(floor int64) (out [][2]key) {
	for _, kind := range hourKinds {
		out = append(out, [2]key{newKey(kind), newKey(kind).u32(uint32(floor * 24))})
	}
	out = append(out, [2]key{newKey(kindRaw), newKey(kindRaw).u32(uint32(floor * 24))})
	for _, kind := range dayKinds {
		out = append(out, [2]key{newKey(kind), newKey(kind).u32(uint32(floor))})
	}
	return out
}

// reclaim makes Pebble give back the space of dropped days now.
func (s *Store) reclaim(ctx context.Context, floor int64) error {
	if err := s.flush(ctx); err != nil {
		return err
	}
	for _, r := range dropped(floor) {
		if err := s.compact(ctx, r[0], r[1]); err != nil {
			return err
		}
	}
	return nil
}

// flush writes the memtables out. A failed flush is tried again by Pebble
// without an end, hence the bounds.
func (s *Store) flush(ctx context.Context) error {
	done, err := s.db.AsyncFlush()
	if err != nil {
		return err
	}
	return s.wait(ctx, done)
}

func (s *Store) compact(ctx context.Context, from, until key) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var failed error
	done := make(chan struct{})
	go func() { // Compact hears of ctx, and not of a failure
		defer close(done)
		failed = s.db.Compact(ctx, from, until, false)
	}()
	if err := s.wait(ctx, done); err != nil {
		cancel()
		select {
		case <-done: // nothing may be under way when the files are closed
		case <-s.health.failed:
		}
		return err
	}
	return failed
}

// wait waits for background work of Pebble's.
func (s *Store) wait(ctx context.Context, done <-chan struct{}) error {
	late := time.NewTimer(10 * time.Minute)
	defer late.Stop()
	select {
	case <-done:
		return s.health.errFailed()
	case <-ctx.Done():
		return ctx.Err()
	case <-s.health.failed:
		return s.health.errFailed()
	case <-late.C:
		return errors.New("flush or compaction has not ended within 10 minutes")
	}
}
