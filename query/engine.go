package query

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tacho"
	"tacho/store"
)

// ErrUnknownType is returned for a type the service has never recorded. A
// service that is not known gives store.ErrUnknownService.
var ErrUnknownType = errors.New("no samples of this type")

// RequestError says which part of a request cannot be answered, and why. It is
// the caller's mistake, never the store's.
type RequestError struct {
	Param  string // the parameter of the API it came from: from, until, step, search, …
	Reason string
}

func (e *RequestError) Error() string { return e.Param + ": " + e.Reason }

// Bounds of one request.
const (
	MaxRange = 400 * 24 * time.Hour
	MaxCells = 200_000 // steps of a heat map or a timeline
	MinStep  = 10 * time.Millisecond
)

// Request picks samples. Type "wall" stands for cpu + offcpu.
type Request = store.Selection

// Engine answers questions from one store. Safe for concurrent use.
type Engine struct {
	Now func() time.Time // nil = time.Now; the clock relative times are resolved with

	st    store.Store
	folds folds
}

// New makes an engine on st. The caller keeps st open while it is in use.
func New(st store.Store) *Engine {
	return &Engine{Now: time.Now, st: st}
}

// Store is the store the engine answers from, for what needs no view: lists of
// services, series and raw samples.
func (e *Engine) Store() store.Store { return e.st }

// checkRange refuses ranges that are empty, reversed or longer than MaxRange.
func checkRange(sel store.Selection) error {
	switch d := sel.Until.Sub(sel.From); {
	case d <= 0:
		return &RequestError{"until", fmt.Sprintf("%s is not after from %s", stamp(sel.Until), stamp(sel.From))}
	case d > MaxRange:
		return &RequestError{"from", fmt.Sprintf("the range of %s is longer than %d days", d, int(MaxRange/(24*time.Hour)))}
	}
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// service finds one stored service.
func (e *Engine) service(ctx context.Context, sel store.Selection) (*store.Service, error) {
	all, err := e.st.Services(ctx, sel.Tenant)
	if err != nil {
		return nil, fmt.Errorf("list services: %w", err)
	}
	for i := range all {
		if all[i].Name == sel.Service {
			return &all[i], nil
		}
	}
	return nil, fmt.Errorf("service %q: %w", sel.Service, store.ErrUnknownService)
}

// resolve checks the request and turns it into selections of stored types, all
// of one unit.
func (e *Engine) resolve(ctx context.Context, sel store.Selection) (sels []store.Selection, unit string, err error) {
	if err := checkRange(sel); err != nil {
		return nil, "", err
	}
	svc, err := e.service(ctx, sel)
	if err != nil {
		return nil, "", err
	}
	for _, t := range storedTypes(svc.Types, sel.Type) {
		if unit != "" && unit != t.Unit {
			return nil, "", &RequestError{"type", fmt.Sprintf("%s adds %s in %s to another type in %s", sel.Type, t.Name, t.Unit, unit)}
		}
		unit = t.Unit
		s := sel
		s.Type = t.Name
		sels = append(sels, s)
	}
	if len(sels) == 0 {
		return nil, "", fmt.Errorf("service %q, type %q: %w", sel.Service, sel.Type, ErrUnknownType)
	}
	return sels, unit, nil
}

// storedTypes says which stored types answer for name. Wall time is time on a
// CPU plus time off it; where a sender has a wall type of its own and not both
// parts (Node's SDK: wall and cpu), that answers.
func storedTypes(have []tacho.ValueType, name string) []tacho.ValueType {
	pick := func(names ...string) (out []tacho.ValueType) {
		for _, n := range names {
			for _, t := range have {
				if t.Name == n {
					out = append(out, t)
				}
			}
		}
		return out
	}
	if name == tacho.Wall.Name {
		parts := pick(tacho.CPU.Name, tacho.OffCPU.Name)
		if len(parts) == 2 || len(parts) == 1 && len(pick(name)) == 0 {
			return parts
		}
	}
	return pick(name)
}

// addMissing appends notes that are not there yet.
func addMissing(list []string, notes []string) []string {
next:
	for _, n := range notes {
		for _, have := range list {
			if have == n {
				continue next
			}
		}
		list = append(list, n)
	}
	return list
}
