package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"tacho"
)

const (
	defaultHours   = 48
	maxHours       = 7 * 24
	defaultService = "CollectorServer" // what a recording of the live program is called: its main class
	instance       = "seeded-1"
	collector      = "demo"
	batchesAtOnce  = 120
)

// SeedOptions says what past to make up.
type SeedOptions struct {
	Now     time.Time // the past ends with the last full minute before
	Hours   int       // 1 to 168, 0 = 48
	Service string    // "" = CollectorServer
	Seed    uint64    // another seed gives another noise, the same story
}

// Seed makes up the past and hands it over in time order, one batch a minute,
// some batches a call. It returns the first error of store.
func Seed(ctx context.Context, store func(context.Context, []*tacho.Batch) error, o SeedOptions) error {
	if o.Hours == 0 {
		o.Hours = defaultHours
	}
	if o.Hours < 1 || o.Hours > maxHours {
		return fmt.Errorf("seed demo: %d hours, want 1 to %d", o.Hours, maxHours)
	}
	if o.Service == "" {
		o.Service = defaultService
	}
	stacks, err := parseStacks(stacksText)
	if err != nil {
		return fmt.Errorf("seed demo: %w", err)
	}
	target := tacho.NewLabels(map[string]string{
		tacho.LabelService: o.Service, tacho.LabelInstance: instance, tacho.LabelDemo: "seeded",
		tacho.LabelHost: "demo", tacho.LabelRuntime: "jvm",
	})
	s := newScript(o.Now, o.Hours)
	if s.first <= 0 {
		return fmt.Errorf("seed demo: %d hours before %v is before 1970", o.Hours, o.Now)
	}
	var batches []*tacho.Batch
	build := tacho.NewBuilder()
	for at := s.first; at < s.last; at++ {
		rng := rand.New(rand.NewPCG(o.Seed, uint64(at)))
		m := &moment{scene: s.scene(at, o.Now.Location(), rng), rng: rng, build: build, stacks: stacks, ids: map[string]uint32{}}
		batches = append(batches, m.batch(target))
		if len(batches) == batchesAtOnce || at == s.last-1 {
			if err := ctx.Err(); err != nil {
				return fmt.Errorf("seed demo: %w", err)
			}
			if err := store(ctx, batches); err != nil {
				return fmt.Errorf("seed demo: store %d minutes from %v: %w", len(batches), time.Unix(0, batches[0].From).UTC(), err)
			}
			batches = nil
		}
	}
	return nil
}
