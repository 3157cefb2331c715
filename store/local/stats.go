package local

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"
)

type counters struct {
	batches, samples, commits, commitNanos, sealed atomic.Int64

	last atomic.Int64 // when a commit last ended well, Unix nanoseconds

	mu   sync.Mutex
	days map[string]int64 // dropped, by reason
}

// committed counts a commit of batches.
func (c *counters) committed(now time.Time, took time.Duration) {
	c.commits.Add(1)
	c.commitNanos.Add(int64(took))
	c.last.Store(now.UnixNano())
}

func (c *counters) dropped(why string, days int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.days == nil {
		c.days = map[string]int64{}
	}
	c.days[why] += days
}

// Stats is how much a store has done since it was opened, and what it takes,
// for metrics.
type Stats struct {
	Batches, Samples int64                  // stored
	Commits          int64                  // synced commits of batches
	CommitTime       time.Duration          // spent in them
	LastCommit       time.Time              // zero = none yet
	OldestWait       time.Duration          // how long the oldest commit under way has been waiting for the disk
	Sealed           int64                  // minutes, hours and days rolled up
	DaysDropped      map[string]int64       // by reason: DropAge, DropSize, DropSpace
	OldestDay        time.Time              // the first day of which anything is stored; zero = nothing is
	DiskBytes        uint64                 // what the store takes on disk now
	TableBytes       uint64                 // of these in live tables: what MaxBytes bounds
	Tenants          map[string]TenantStats // of tenants with options of their own
	Retention        time.Duration          // of tenants without
	FreeBytes        uint64                 // of the disk, as last measured; 0 when the file system does not say
}

// Stats is a snapshot of the counters. While the store is not well it says what
// it took when it last was, and does not ask Pebble, which may not answer.
func (s *Store) Stats() Stats {
	st := Stats{
		Batches: s.stats.batches.Load(), Samples: s.stats.samples.Load(),
		Commits: s.stats.commits.Load(), CommitTime: time.Duration(s.stats.commitNanos.Load()),
		Sealed: s.stats.sealed.Load(), DaysDropped: map[string]int64{DropAge: 0, DropSize: 0, DropSpace: 0},
		Tenants: s.tenantStats(), Retention: s.opt.Retention, DiskBytes: s.space.used.Load(), TableBytes: s.space.tables.Load(),
	}
	if at := s.stats.last.Load(); at != 0 {
		st.LastCommit = nanoTime(at)
	}
	if since, ok := s.inFlight.oldest(); ok {
		st.OldestWait = max(s.now().Sub(since), 0)
	}
	s.stats.mu.Lock()
	maps.Copy(st.DaysDropped, s.stats.days)
	s.stats.mu.Unlock()
	if s.space.known.Load() {
		st.FreeBytes = s.space.free.Load()
	}
	if s.health.failure() != nil || s.stalled() != nil || s.begin(context.Background()) != nil {
		return st
	}
	defer s.end()
	m := s.db.Metrics()
	st.DiskBytes, st.TableBytes = m.DiskSpaceUsage(), m.Table.Local.LiveSize
	if oldest, _, err := s.days(); err == nil && oldest >= 0 {
		st.OldestDay = nanoTime(oldest * dayNanos)
	}
	return st
}
