package local

import (
	"context"
	"sync/atomic"
	"time"
)

type counters struct {
	batches, samples, commits, commitNanos, sealed atomic.Int64
}

// Stats is how much a store has done since it was opened, for metrics.
type Stats struct {
	Batches, Samples int64         // stored
	Commits          int64         // synced commits of batches
	CommitTime       time.Duration // spent in them
	Sealed           int64         // minutes, hours and days rolled up
	DiskBytes        uint64        // what the store takes on disk now
}

// Stats is a snapshot of the counters.
func (s *Store) Stats() Stats {
	st := Stats{
		Batches: s.stats.batches.Load(), Samples: s.stats.samples.Load(),
		Commits: s.stats.commits.Load(), CommitTime: time.Duration(s.stats.commitNanos.Load()),
		Sealed: s.stats.sealed.Load(),
	}
	if s.begin(context.Background()) == nil {
		st.DiskBytes = s.db.Metrics().DiskSpaceUsage()
		s.end()
	}
	return st
}
