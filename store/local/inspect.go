package local

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Contents is what a store holds.
type Contents struct {
	Services, Targets, Series int
	OldestDay, NewestDay      time.Time // zero = nothing is stored
	Kinds                     []KindContents
	DiskBytes                 uint64 // all files of the store
}

// KindContents is how much there is of one kind of key.
type KindContents struct {
	Name      string
	Keys      int64
	Bytes     int64  // of keys and values
	DiskBytes uint64 // in tables, compressed; an estimate, 0 while in the log only
}

// kindNames is what people call the kinds of key, in the order of output.
var kindNames = []struct {
	name  string
	kinds []byte
}{
	{"timed samples", []byte{kindRaw}},
	{"minutes", []byte{kindMinute}},
	{"hours", []byte{kindHour, kindHourAll}},
	{"days", []byte{kindDay, kindDayAll}},
	{"counts per minute", []byte{kindCount, kindCountAll}},
	{"coverage", []byte{kindCover, kindWindow}},
	{"points", []byte{kindPoints}},
	{"events", []byte{kindEvents, kindLong}},
	{"call tries", []byte{kindTrie, kindEpoch}},
	{"dictionaries", []byte{kindMeta, kindService, kindType, kindTarget, kindSeen, kindSeries, kindPointDef, kindState}},
	{"manifests of batches", []byte{kindManifest}},
	{"marks for roll-up", []byte{kindMark}},
}

// Inspect says what is in the store of opt.Dir, which nobody may have open.
func Inspect(ctx context.Context, opt Options) (c Contents, err error) {
	s, err := readOnly(opt)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, s.db.Close()) }()
	if err := s.loadAll(); err != nil {
		return c, fmt.Errorf("dictionaries: %w", err)
	}
	for _, v := range s.services() {
		c.Services++
		c.Targets += len(v.targets)
		c.Series += len(v.series)
	}
	oldest, newest, err := s.days()
	if err != nil {
		return c, err
	}
	if oldest >= 0 {
		c.OldestDay, c.NewestDay = nanoTime(oldest*dayNanos), nanoTime(newest*dayNanos)
	}
	for _, g := range kindNames {
		k := KindContents{Name: g.name}
		for _, kind := range g.kinds {
			if err := s.each(newKey(kind), func(key, val []byte) error {
				k.Keys++
				k.Bytes += int64(len(key) + len(val))
				return ctx.Err()
			}); err != nil {
				return c, err
			}
			n, err := s.db.EstimateDiskUsage(newKey(kind), newKey(kind).after())
			if err != nil {
				return c, fmt.Errorf("size of %s: %w", g.name, err)
			}
			k.DiskBytes += n
		}
		c.Kinds = append(c.Kinds, k)
	}
	list, err := s.opt.FS.List(s.opt.Dir)
	if err != nil {
		return c, fmt.Errorf("list files: %w", err)
	}
	for _, name := range list {
		if st, err := s.opt.FS.Stat(s.opt.FS.PathJoin(s.opt.Dir, name)); err == nil && !st.IsDir() && name != ballastName {
			c.DiskBytes += uint64(st.Size())
		}
	}
	return c, nil
}
