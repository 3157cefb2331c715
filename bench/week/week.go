package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"tacho"
)

const weekService = "week"

// week loads the data set, and asks.
func week(ctx context.Context, p *printer, dir string, o options) error {
	targets := make([]tacho.Labels, 10)
	for i := range targets {
		targets[i] = tacho.NewLabels(map[string]string{tacho.LabelService: weekService, tacho.LabelInstance: fmt.Sprintf("i%d", i)})
	}
	g := newGenerator(newWorld(weekShape), targets)
	minutes := max(int(o.scale*7*24*60), 120)
	c := &clock{}
	c.set(start)

	debug.FreeOSMemory() // what making the world took is not the store's
	if err := loadWeek(ctx, p, g, c, dir, minutes, o.profile); err != nil {
		return err
	}
	perRow, err := decoding(newGenerator(g.world, targets))
	if err != nil {
		return err
	}
	if err := p.figure("wire_decode_rows_per_s_core", 1e9/perRow, "rows/s"); err != nil {
		return err
	}
	if err := loadMemory(ctx, p, newGenerator(g.world, targets), dir+"-memory", min(minutes, 24*60)); err != nil {
		return err
	}
	return askWeek(ctx, p, g, c, dir, minutes, o)
}

// loadMemory stores a part of the data set without a wire, in a store of its own.
func loadMemory(ctx context.Context, p *printer, g *generator, dir string, minutes int) (err error) {
	c := &clock{}
	c.set(start)
	s, err := serve(dir, c, len(g.targets))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close(), os.RemoveAll(dir)) }()
	l, err := load(ctx, s, inMemory(s, g), c, minutes)
	if err != nil {
		return err
	}
	return p.figure("ingest_memory_rows_per_s_core", float64(g.rows)/l.total.Seconds(), "rows/s")
}

// loadWeek stores the data set and says what CPU time that took.
func loadWeek(ctx context.Context, p *printer, g *generator, c *clock, dir string, minutes int, profile string) (err error) {
	if err := resetPeak(); err != nil {
		return err
	}
	s, err := serve(dir, c, len(g.targets))
	if err != nil {
		return err
	}
	defer func() {
		if s != nil {
			err = errors.Join(err, s.close())
		}
	}()
	stop, err := cpuProfile(profile, "load")
	if err != nil {
		return err
	}
	l, err := load(ctx, s, overHTTP(s, g), c, minutes)
	if e := stop(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	rss, err := peakMiB()
	if err != nil {
		return err
	}
	left, err := tableBytes(dir)
	if err != nil {
		return err
	}
	began, err := processCPU()
	if err != nil {
		return err
	}
	if err := s.compact(ctx); err != nil {
		return err
	}
	ended, err := processCPU()
	if err != nil {
		return err
	}
	err = s.close()
	if s = nil; err != nil {
		return err
	}
	p.say("%d rows stored in %s; CPU %s, of it %s rolling up; %.2f bytes a row in tables; compacting took %s more, the generator %s", g.rows, l.wall.Round(time.Millisecond),
		l.total.Round(time.Millisecond), l.rolled.Round(time.Millisecond), float64(left)/float64(g.rows), (ended - began).Round(time.Millisecond), l.made.Round(time.Millisecond))
	rows := float64(g.rows)
	return errors.Join(
		p.figure("rows", rows, "rows"),
		p.figure("ingest_rows_per_s_core", rows/l.total.Seconds(), "rows/s"),
		p.figure("ingest_no_rollup_rows_per_s_core", rows/(l.total-l.rolled).Seconds(), "rows/s"),
		p.figure("rss_load_mib", rss, "MiB"),
	)
}

func askWeek(ctx context.Context, p *printer, g *generator, c *clock, dir string, minutes int, o options) (err error) {
	debug.FreeOSMemory() // the loading server's
	if err := resetPeak(); err != nil {
		return err
	}
	s, err := serve(dir, c, len(g.targets))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	a := &asker{server: s, g: g, service: weekService, end: minutes}
	diff, err := hasDiff(ctx, s)
	if err != nil {
		return err
	}
	if !diff {
		p.say("this server has no /api/v1/diff; diff_2d is two icicles")
	}
	if err := quiet(ctx); err != nil {
		return err
	}
	size, err := tableBytes(dir) // opening has put into tables what only the log had
	if err != nil {
		return err
	}
	if err := p.figure("bytes_per_row", float64(size)/float64(g.rows), "bytes"); err != nil {
		return err
	}
	var turns []*turn
	for _, q := range weekQuestions(diff) {
		turns = append(turns, &turn{asker: a, question: q})
	}
	if err := inTurns(ctx, turns, o.rounds); err != nil {
		return err
	}
	rss, err := peakMiB()
	if err != nil {
		return err
	}
	if err := p.figure("rss_query_mib", rss, "MiB"); err != nil {
		return err
	}
	for _, t := range turns {
		if err := t.print(p, t.name); err != nil {
			return err
		}
	}
	return profileQuestion(ctx, a, turns, o.profile, "icicle_7d")
}

func hasDiff(ctx context.Context, s *server) (bool, error) {
	status, _, err := s.get(ctx, "/api/v1/diff", nil)
	return status != http.StatusNotFound, err // without parameters it is 400, if it is there
}

// profileQuestion asks one question again, a hundred times, under the profiler
// and without looking at the answers.
func profileQuestion(ctx context.Context, a *asker, turns []*turn, dir, name string) error {
	stop, err := cpuProfile(dir, name)
	if err != nil || dir == "" {
		return err
	}
	for _, t := range turns {
		for i := 0; t.name == name && i < 100 && err == nil; i++ {
			path := t.of(a.g, a.service, t.end-min(i, t.end-1)).paths[0]
			_, a.buf, err = a.get(ctx, path, a.buf)
		}
	}
	return errors.Join(err, stop())
}

// cpuProfile records a profile until stop is called, into no file if dir is "".
func cpuProfile(dir, name string) (stop func() error, err error) {
	if dir == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(filepath.Join(dir, name+".pprof"))
	if err != nil {
		return nil, fmt.Errorf("make the file of a profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("profile: %w", err)
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}
