package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"tacho"
)

// growthShape is a small service: one instance, a profile a minute.
var growthShape = shape{stacks: 2000, depth: 42, nodes: 25_400, functions: 1500, rows: 100}

// growth fills stores with 1, 10 and 100 services and asks one of them for its
// last 24 hours: what the others have stored must not matter.
func growth(ctx context.Context, p *printer, dir string, o options) (err error) {
	minutes := max(int(o.scale*26*60), 120)
	w := newWorld(growthShape)
	var turns []*turn
	defer func() {
		for _, t := range turns {
			err = errors.Join(err, t.close())
		}
	}()
	for _, n := range []int{1, 10, 100} {
		targets := make([]tacho.Labels, n)
		for i := range targets {
			targets[i] = tacho.NewLabels(map[string]string{tacho.LabelService: fmt.Sprintf("s%d", i), tacho.LabelInstance: "i0"})
		}
		g := newGenerator(w, targets)
		c := &clock{}
		c.set(start)
		home := filepath.Join(dir, fmt.Sprintf("%dx", n))
		if err := os.Mkdir(home, 0o750); err != nil {
			return fmt.Errorf("make a directory for a store: %w", err)
		}
		s, err := serve(home, c, n)
		if err != nil {
			return err
		}
		turns = append(turns, &turn{
			asker:    &asker{server: s, g: g, service: "s0", end: minutes},
			question: question{name: fmt.Sprintf("growth_24h_%dx", n), path: "/api/v1/icicle", hours: 24, in: func(t int) bool { return t == 0 }},
		})
		if _, err := load(ctx, s, inMemory(s, g), c, minutes); err != nil {
			return err
		}
		if err := s.compact(ctx); err != nil {
			return err
		}
		p.say("%d services: %d rows stored", n, g.rows)
	}
	if err := inTurns(ctx, turns, o.rounds); err != nil {
		return err
	}
	for _, t := range turns {
		if err := t.print(p, t.name); err != nil {
			return err
		}
	}
	one := quantile(turns[0].cpu, 0.5).Seconds()
	return errors.Join(
		p.figure("growth_24h_10x_ratio", quantile(turns[1].cpu, 0.5).Seconds()/one, "ratio"),
		p.figure("growth_24h_100x_ratio", quantile(turns[2].cpu, 0.5).Seconds()/one, "ratio"),
	)
}
