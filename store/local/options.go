package local

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Options of a store. Dir is required; zero values stand for the defaults.
type Options struct {
	Dir string
	FS  vfs.FS // default: the file system of the machine

	RawRetention time.Duration // how long timed samples keep their time; default 24 h
	Retention    time.Duration // how long everything else is kept; default 7 days
	MaxAhead     time.Duration // how far ahead of the clock data may be; default 24 h

	SealAfter time.Duration // quiet time after which a minute, hour or day is rolled up; default 90 s
	RollEvery time.Duration // how often to look for work; default 10 s, negative = only when Roll is called

	StallAfter time.Duration // a commit that takes longer makes Health fail; default 10 s
	WatchEvery time.Duration // how often to look at the disk; default 1 s, negative = only when Watch is called

	CacheSize   int64                    // bytes of Pebble's block cache; default 64 MiB
	MinFree     uint64                   // bytes of free disk space below which nothing is stored, and below twice which the oldest day goes; default 512 MiB
	MaxBytes    uint64                   // bytes on disk, without the log, above which the oldest day goes; default 0 = no such bound
	Ballast     int64                    // bytes of the ballast file; default 64 MiB or less (see ballastSize), negative = none
	Tenants     map[string]TenantOptions // of tenants that differ; "" is the default one
	MaxServices int                      // per tenant; default 1,000
	MaxTargets  int                      // per service, within the retention; default 10,000
	MaxGroups   int                      // thread groups per target and type; further ones count as OverflowGroup; default 500
	MaxNodes    int                      // nodes of a trie before a new epoch begins; default 1 Mi

	Now func() time.Time // default time.Now
	Log *slog.Logger     // default: discard

	// For tests.
	manifestSize int64 // above which Pebble begins a new manifest; 0 = its default
	sumBytes     int   // of blocks held while a unit is summed; 0 = sumBytes
}

// OverflowGroup takes the samples of thread groups beyond Options.MaxGroups, so
// that a program which names threads at random cannot stop its own recording.
const OverflowGroup = "(other)"

func (o Options) withDefaults() (Options, error) {
	if o.Dir == "" {
		return o, fmt.Errorf("store options: no directory given")
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&o.RawRetention, 24*time.Hour)
	def(&o.Retention, 7*24*time.Hour)
	def(&o.MaxAhead, 24*time.Hour)
	def(&o.SealAfter, 90*time.Second)
	def(&o.RollEvery, 10*time.Second)
	def(&o.StallAfter, 10*time.Second)
	def(&o.WatchEvery, time.Second)
	if o.RawRetention < time.Hour || o.Retention < o.RawRetention || o.Retention > maxRetention {
		return o, fmt.Errorf("store options: raw retention %s and retention %s: want 1h <= raw <= all <= %s", o.RawRetention, o.Retention, maxRetention)
	}
	for name, t := range o.Tenants {
		if t.Retention != 0 && (t.Retention < time.Hour || t.Retention > maxRetention) {
			return o, fmt.Errorf("store options: retention %s of tenant %q: want 1h to %s", t.Retention, name, maxRetention)
		}
	}
	if o.MaxAhead < 0 || o.SealAfter < 0 || o.StallAfter < 0 {
		return o, fmt.Errorf("store options: negative duration")
	}
	num := func(n *int, v int) {
		if *n <= 0 {
			*n = v
		}
	}
	num(&o.MaxServices, 1000)
	num(&o.MaxTargets, 10_000)
	num(&o.MaxGroups, 500)
	num(&o.MaxNodes, 1<<20)
	if o.CacheSize <= 0 {
		o.CacheSize = 64 << 20
	}
	if o.MinFree == 0 {
		o.MinFree = 512 << 20
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o, nil
}

// maxRetention keeps days and minutes of what is stored far from the ends of
// their number ranges.
const maxRetention = 400 * 24 * time.Hour
