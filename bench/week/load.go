package main

import (
	"bytes"
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

// load stores so many minutes of profiles: each minute one request with a batch
// of every target, and a look of the roller at what is due. What Pebble does in
// the background meanwhile counts, and so does the garbage collector.
func load(ctx context.Context, s *server, g *generator, c *clock, minutes int) (l loaded, err error) {
	runtime.LockOSThread() // for threadCPU
	defer runtime.UnlockOSThread()
	batches := make([]*tacho.Batch, len(g.targets))
	for i := range batches {
		batches[i] = &tacho.Batch{}
	}
	began := time.Now()
	before, err := processCPU()
	if err != nil {
		return l, err
	}
	for m := range minutes {
		d, err := timed(func() error {
			for i, b := range batches {
				g.profile(i, m, b)
			}
			return nil
		})
		if err != nil {
			return l, err
		}
		l.made += d
		c.set(start.Add(time.Duration(m+1) * time.Minute))
		// Once stored, batches are nobody's: their memory is used again. What
		// decoding them from a request takes is measured apart.
		if err := s.ingest.Append(ctx, "", batches); err != nil {
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

// decoding is the CPU time it takes to decode the rows of a request, over some
// requests of one minute each, as the handler of POST /api/v1/batches does it.
func decoding(g *generator) (perRow time.Duration, err error) {
	const minutes = 30
	b := &tacho.Batch{}
	var bodies [][]byte
	rows := 0
	for m := range minutes {
		var body bytes.Buffer
		w := wire.NewWriter(&body)
		for t := range g.targets {
			g.profile(t, m, b)
			rows += len(b.Profiles[0].Samples)
			if err := w.Write(b); err != nil {
				return 0, err
			}
		}
		bodies = append(bodies, body.Bytes())
	}
	runtime.GC()
	before, err := processCPU()
	if err != nil {
		return 0, err
	}
	for _, body := range bodies {
		r := wire.NewReader(bytes.NewReader(body), wire.DefaultLimits())
		for {
			if _, err := r.Next(); err == io.EOF {
				break
			} else if err != nil {
				return 0, fmt.Errorf("decode: %w", err)
			}
		}
	}
	after, err := processCPU()
	return (after - before) / time.Duration(rows), err
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
