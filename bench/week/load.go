package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"tacho"
	"tacho/wire"
)

// loaded is what storing the data took.
type loaded struct {
	wall   time.Duration
	total  time.Duration // CPU of the process less the generator's
	rolled time.Duration // of it, the thread that rolls up
	made   time.Duration // CPU of the generator
}

// A way stores what all targets saw in a minute. Making it is the work of agents
// and not counted; storing it is.
type way struct {
	make  func(minute int)
	store func(context.Context) error
}

// inMemory is the way of `tacho up`: batches go to the ingester as they are. They
// are checked, queued and committed with their neighbours.
func inMemory(s *server, g *generator) way {
	batches := make([]*tacho.Batch, len(g.targets))
	for i := range batches {
		batches[i] = &tacho.Batch{} // once stored it is nobody's: its memory is used again
	}
	return way{
		make: func(minute int) {
			for i, b := range batches {
				g.profile(i, minute, b)
			}
		},
		store: func(ctx context.Context) error { return s.ingest.Append(ctx, "", batches) },
	}
}

// overHTTP is the way of agents elsewhere: a body from each target, in memory,
// goes to the handler of POST /api/v1/batches, hence is read, unpacked, decoded
// and checked before it is queued, but for the tables of stacks, which are when the
// store needs them. Of a real request only the socket is left out.
func overHTTP(s *server, g *generator) way {
	batch, bodies := &tacho.Batch{}, make([][]byte, len(g.targets))
	var encoded []byte
	return way{
		make: func(minute int) {
			for i := range bodies {
				g.profile(i, minute, batch)
				encoded = wire.Encode(encoded[:0], batch)
				bodies[i] = wire.AppendFramed(bodies[i][:0], encoded)
			}
		},
		store: func(ctx context.Context) error { return s.post(ctx, bodies) },
	}
}

// load stores so many minutes of profiles, and lets the roller look at what is
// due after each. What Pebble does in the background meanwhile counts, and so
// does the garbage collector.
func load(ctx context.Context, s *server, w way, c *clock, minutes int) (l loaded, err error) {
	runtime.LockOSThread() // for threadCPU
	defer runtime.UnlockOSThread()
	began := time.Now()
	before, err := processCPU()
	if err != nil {
		return l, err
	}
	for m := range minutes {
		d, err := timed(func() error { w.make(m); return nil })
		if err != nil {
			return l, err
		}
		l.made += d
		c.set(start.Add(time.Duration(m+1) * time.Minute))
		if err := w.store(ctx); err != nil {
			return l, fmt.Errorf("store minute %d: %w", m, err)
		}
		d, err = timed(func() error { return s.store.Roll(ctx) })
		if err != nil {
			return l, fmt.Errorf("roll up in minute %d: %w", m, err)
		}
		l.rolled += d
	}
	c.set(c.now().Add(5 * time.Minute)) // the last hour and day come to rest
	d, err := timed(func() error { return s.store.Roll(ctx) })
	if err != nil {
		return l, fmt.Errorf("roll up: %w", err)
	}
	l.rolled += d
	l.wall = time.Since(began)
	if err := quiet(ctx); err != nil {
		return l, err
	}
	after, err := processCPU()
	l.total = after - before - l.made
	return l, err
}

// timed is the CPU time of this thread in f. Garbage collection is on others.
func timed(f func() error) (time.Duration, error) {
	before, err := threadCPU()
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	after, err := threadCPU()
	return after - before, err
}

// quiet waits until nothing goes on in the background any more.
func quiet(ctx context.Context) error {
	const look, idle = 200 * time.Millisecond, 4 * time.Millisecond
	for calm := 0; calm < 3; {
		before, err := processCPU()
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
		after, err := processCPU()
		if err != nil {
			return err
		}
		if calm++; after-before > idle {
			calm = 0
		}
	}
	return nil
}

// decoding is the CPU time in nanoseconds it takes to decode a row of a request,
// tables included, over some requests, as the handler of POST /api/v1/batches and
// the store do it together when a stack is new.
func decoding(g *generator) (perRow float64, err error) {
	const minutes = 30
	b := &tacho.Batch{}
	var bodies [][]byte
	rows := 0
	for m := range minutes {
		for t := range g.targets {
			g.profile(t, m, b)
			rows += len(b.Profiles[0].Samples)
			bodies = append(bodies, wire.AppendFramed(nil, wire.Encode(nil, b)))
		}
	}
	runtime.GC()
	before, err := processCPU()
	if err != nil {
		return 0, err
	}
	for _, body := range bodies {
		r := wire.NewBytesReader(body, wire.DefaultLimits())
		for {
			if _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				return 0, fmt.Errorf("decode: %w", err)
			}
		}
		r.Release()
	}
	after, err := processCPU()
	return float64(after-before) / float64(rows), err
}

// tableBytes is the size of the store's tables: all rows, roll-ups and
// dictionaries, without the log of the last commits, whose size is constant.
func tableBytes(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".sst") {
			return err
		}
		fi, err := d.Info()
		if err == nil {
			n += fi.Size()
		}
		return err
	})
	return n, err
}
