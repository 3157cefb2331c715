package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"tacho"
	"tacho/report"
	"tacho/store"
)

func (s *server) services(r *http.Request) (any, error) {
	ctx := r.Context()
	all, err := s.Store.Services(ctx, "")
	if err != nil {
		return nil, err
	}
	now := s.Now()
	from, until := report.StripRange(now)
	v := &report.Services{Services: make([]report.Service, 0, len(all)), Missing: []string{}}
	for _, svc := range all {
		var strip *store.Counts
		if has(svc, tacho.CPU.Name) {
			sel := store.Selection{Service: svc.Name, Type: tacho.CPU.Name, From: from, Until: until}
			// Not through query: it would list all services again for each.
			strip, err = s.Store.Counts(ctx, sel, hour)
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case errors.Is(err, store.ErrUnknownService):
				strip = nil // its retention ended between the two questions
			case err != nil:
				// The list is worth having without one strip.
				strip = nil
				v.Missing = append(v.Missing, "the last day of "+quote(svc.Name)+": "+err.Error())
			default:
				v.Missing = append(v.Missing, strip.Missing...)
			}
		}
		view := report.NewService(svc, strip, now)
		if strip != nil {
			lost, err := s.instances(ctx, &view, now)
			switch {
			case ctx.Err() != nil:
				return nil, ctx.Err()
			case err != nil:
				lost = append(lost, "the instances of "+quote(svc.Name)+": "+err.Error())
			}
			v.Missing = append(v.Missing, lost...)
		}
		v.Services = append(v.Services, view)
	}
	return v, nil
}

const (
	// maxStrips is up to how many instances each gets a strip of its own.
	maxStrips = 32
	// rateWindow is over how much of the latest past samples are counted. It ends
	// where the last delivery of most agents has arrived.
	rateWindow, rateDelay = 20 * time.Second, 10 * time.Second
)

// instances adds what the list shows of each instance of a service.
func (s *server) instances(ctx context.Context, v *report.Service, now time.Time) (missing []string, err error) {
	sel := store.Selection{Service: v.Name, Type: tacho.CPU.Name}
	live := false
	for i := range v.Instances {
		live = live || v.Instances[i].Live
	}
	if live {
		sel.From, sel.Until = now.Add(-rateWindow-rateDelay), now.Add(-rateDelay)
		count := map[string]float64{}
		err := s.Store.Samples(ctx, sel, func(b *store.SampleBlock) error {
			count[b.Target.Get(tacho.LabelInstance)] += float64(len(b.Samples)) / rateWindow.Seconds()
			return ctx.Err()
		})
		lost, err := partly(err)
		if err != nil && !errors.Is(err, store.ErrUnknownService) {
			return lost, err
		}
		missing = append(missing, lost...)
		v.SetRates(count)
	}
	if len(v.Instances) > maxStrips {
		return missing, nil
	}
	sel.From, sel.Until = report.StripRange(now)
	for _, in := range v.Instances {
		if time.UnixMilli(in.LastMS).Before(sel.From) || len(in.Cells) > 0 {
			continue
		}
		m, err := store.NewMatcher(tacho.LabelInstance, store.Equal, in.Instance)
		if err != nil {
			return missing, fmt.Errorf("select instance %q: %w", in.Instance, err)
		}
		sel.Match = []store.Matcher{m}
		c, err := s.Store.Counts(ctx, sel, hour)
		if errors.Is(err, store.ErrUnknownService) {
			break // its retention ended meanwhile
		}
		if err != nil {
			return missing, err
		}
		v.SetStrip(in.Instance, c)
	}
	return missing, nil
}

func has(svc store.Service, typ string) bool {
	for _, t := range svc.Types {
		if t.Name == typ {
			return true
		}
	}
	return false
}

func (s *server) types(r *http.Request) (any, error) {
	p := s.params(r)
	name := p.service()
	if p.err != nil {
		return nil, p.err
	}
	svc, err := s.lookup(r.Context(), name, "")
	if err != nil {
		return nil, err
	}
	return &report.Types{Types: report.NewTypes(svc.Types)}, nil
}

func (s *server) labels(r *http.Request) (any, error) {
	p := s.params(r)
	name, typ := p.service(), p.text("type")
	if p.err != nil {
		return nil, p.err
	}
	series, err := s.Store.Series(r.Context(), "", name, typ)
	if err != nil {
		return nil, err
	}
	if len(series) == 0 {
		if _, err := s.lookup(r.Context(), name, typ); err != nil {
			return nil, err
		}
	}
	return report.NewLabels(series), nil
}

// quote shows a name from outside in a sentence; control characters come out
// as escapes.
func quote(name string) string { return strconv.Quote(clip(name)) }
