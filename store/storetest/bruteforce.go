package storetest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// bruteForce is a thousand and more random cases of range, selector, type and
// level, each put to every query, each answer compared with what going through
// all samples gives. The level that answers is steered by what ranges are
// multiples of, and by how far the store is with rolling up.
func bruteForce(t *testing.T, fresh func(t *testing.T) Harness) {
	const rounds = 45 // of a case of each level, in each state of each world
	levels := []struct {
		name  string
		grain time.Duration
	}{{"part of a minute", 1}, {"minute", time.Minute}, {"hour", time.Hour}, {"day", 24 * time.Hour}}
	cases := map[string]int{}
	for world, g := range map[string]*generator{
		"recent": {rng: rand.New(rand.NewPCG(1000, 1)), span: 20 * time.Hour},
		"days":   {rng: rand.New(rand.NewPCG(1000, 2)), span: 90 * time.Hour, whole: true},
	} {
		b := start(t, fresh(t))
		for range 30 {
			b.append(g.tenant(), g.batch(b), g.batch(b), g.batch(b))
		}
		states := []struct {
			name  string
			reach func()
		}{
			{"open", func() {}},
			{"rolled up", func() { b.advance(2 * time.Hour); b.settle() }},
			{"late batches", func() { b.append("", g.batch(b), g.batch(b)); b.append("other", g.batch(b)) }},
			{"reopened", func() { b.settle(); b.reopen() }},
		}
		for _, state := range states {
			state.reach()
			for range rounds {
				for _, level := range levels {
					if g.whole && level.grain < time.Minute {
						continue
					}
					g.grain = level.grain
					g.ask(b)
					cases[fmt.Sprintf("%s, %s, by %s", world, state.name, level.name)]++
				}
			}
		}
	}
	total := 0
	for _, n := range cases {
		total += n
	}
	t.Logf("%d cases, each put to every query and compared with brute force: %v", total, cases)
	if total < 1000 {
		t.Errorf("%d cases, want at least 1,000", total)
	}
}
