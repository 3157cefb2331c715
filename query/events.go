package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tacho"
	"tacho/store"
)

// TargetEvent is an event and who it happened to.
type TargetEvent struct {
	Target tacho.Labels
	tacho.Event
}

// Events lists the events that overlap the range and whose kind has the prefix,
// by time: those of matching instances, those of the service as a whole, and
// those that follow from what is recorded (starts.go). Of more than limit (0 = without limit) the earliest are kept and
// truncated is true. When something stored could not be read, the events are all
// others and err is a *store.MissingError.
func (e *Engine) Events(ctx context.Context, sel store.Selection, kindPrefix string, limit int) (events []TargetEvent, truncated bool, err error) {
	if err := checkRange(sel); err != nil {
		return nil, false, err
	}
	if limit < 0 {
		return nil, false, &RequestError{"limit", fmt.Sprintf("%d is negative", limit)}
	}
	svc, err := e.service(ctx, sel)
	if err != nil {
		return nil, false, err
	}
	events = []TargetEvent{}
	cut := func() {
		slices.SortStableFunc(events, func(a, b TargetEvent) int {
			if a.Time != b.Time {
				return cmp.Compare(a.Time, b.Time)
			}
			return strings.Compare(a.Target.String(), b.Target.String())
		})
		if limit > 0 && len(events) > limit {
			events, truncated = events[:limit], true
		}
	}
	for _, ev := range startEvents(svc, sel) {
		if strings.HasPrefix(ev.Kind, kindPrefix) {
			events = append(events, ev)
		}
	}
	// The store would leave out what concerns the whole service.
	match := eventMatchers(sel.Match)
	sel.Match = nil
	err = e.st.Events(ctx, sel, func(target tacho.Labels, ev tacho.Event) error {
		if !strings.HasPrefix(ev.Kind, kindPrefix) {
			return nil
		}
		if target = EventTarget(target); target.Get(tacho.LabelInstance) != "" && !store.MatchAll(match, target) {
			return nil
		}
		events = append(events, TargetEvent{target, ev})
		if limit > 0 && len(events) >= 2*limit+1024 {
			cut() // the store visits by batch, not by time: cut now and then, so that memory stays bounded
		}
		return nil
	})
	var incomplete *store.MissingError
	if err != nil && !errors.As(err, &incomplete) {
		return nil, false, fmt.Errorf("events of %s: %w", sel.Service, err)
	}
	cut()
	if incomplete != nil {
		return events, truncated, incomplete
	}
	return events, truncated, nil
}
