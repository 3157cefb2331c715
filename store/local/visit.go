package local

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"strings"

	"tacho"
	"tacho/store"
)

// Points visits stored series hour by hour, within an hour target by target,
// each series once an hour with its points in order of time. A matcher on
// thread_group chooses among series that have that label, and leaves others
// alone; other matchers see the target's labels and the series' own.
func (s *Store) Points(ctx context.Context, sel store.Selection, prefix string, visit func(tacho.Labels, tacho.Series) error) error {
	w, done, err := s.reading(ctx, sel)
	if err != nil {
		return err
	}
	defer done()
	targets := w.targets()
	from, until := nanos(sel.From), min(nanos(sel.Until), lastNano)
	for t := from; t < until; {
		hour, ok := w.nextUnit(kindPoints, hourOf(t))
		if !ok {
			break
		}
		start := int64(hour) * hourNanos
		var target uint32
		gathered := map[string]*tacho.Series{}
		emit := func() error {
			order := make([]string, 0, len(gathered))
			for k := range gathered {
				order = append(order, k)
			}
			slices.Sort(order)
			for _, k := range order {
				se := gathered[k]
				slices.SortStableFunc(se.Points, func(a, b tacho.Point) int { return cmp.Compare(a.Time, b.Time) })
				if err := visit(targets[target], *se); err != nil {
					return err
				}
			}
			clear(gathered)
			return nil
		}
		err := w.scan(newKey(kindPoints).u32(hour).u32(w.v.id), nil, func(k, val []byte) error {
			if len(k) != 19 {
				return badKey(k)
			}
			id := binary.BigEndian.Uint32(k[9:])
			if id != target {
				if err := emit(); err != nil {
					return err
				}
				target = id
			}
			if targets[id] == nil {
				return nil
			}
			want := func(d *pointDef) bool {
				return strings.HasPrefix(d.name, prefix) && matchPoints(sel.Match, targets[id], d.labels)
			}
			return readPoints(k, val, start, w.def, want, func(d *pointDef, points []tacho.Point) {
				key := string(d.append(nil))
				for _, p := range points {
					if p.Time < from || p.Time >= until {
						continue
					}
					if gathered[key] == nil {
						gathered[key] = &tacho.Series{Name: d.name, Unit: d.unit, Labels: d.labels}
					}
					gathered[key].Points = append(gathered[key].Points, p)
				}
			})
		})
		if err == nil {
			err = emit()
		}
		if err != nil {
			return err
		}
		t = start + hourNanos
	}
	return w.incomplete()
}

// def resolves the definition of a points series.
func (w *view) def(id uint32) (pointDef, bool) {
	w.v.mu.RLock()
	defer w.v.mu.RUnlock()
	if int(id) >= len(w.v.defs) {
		return pointDef{}, false
	}
	return w.v.defs[id], true
}

// matchPoints evaluates matchers on a series of points.
func matchPoints(ms []store.Matcher, target, own tacho.Labels) bool {
	for _, m := range ms {
		ls := target
		if own.Get(m.Name) != "" {
			ls = own
		} else if m.Name == tacho.LabelThreadGroup {
			continue
		}
		if !m.Matches(ls) {
			return false
		}
	}
	return true
}

// Events visits the events that overlap the range: first those that began
// earlier and last longer than an hour, then hour by hour of their beginning,
// by the From of their batch. Matchers on thread_group are left out of account.
func (s *Store) Events(ctx context.Context, sel store.Selection, visit func(tacho.Labels, tacho.Event) error) error {
	w, done, err := s.reading(ctx, sel)
	if err != nil {
		return err
	}
	defer done()
	w.v.mu.RLock()
	targets := map[uint32]tacho.Labels{}
	for id, t := range matchTargets(w.v, sel.Match) {
		targets[id] = t.labels
	}
	w.v.mu.RUnlock()
	from, until := nanos(sel.From), min(nanos(sel.Until), lastNano)
	if from >= until {
		return nil
	}
	block := func(start, span int64) func(k, val []byte) error {
		return func(k, val []byte) error {
			if len(k) != 27 {
				return badKey(k)
			}
			ls := targets[binary.BigEndian.Uint32(k[17:])]
			if ls == nil {
				return nil
			}
			events, err := readEvents(k, val, start, span)
			if err != nil {
				return err
			}
			for _, ev := range events {
				if overlaps(ev, from, until) {
					if err := visit(ls, ev); err != nil {
						return err
					}
				}
			}
			return nil
		}
	}
	for day := uint32(0); ; day++ {
		var ok bool
		if day, ok = w.nextUnit(kindLong, day); !ok || int64(day)*dayNanos >= until {
			break
		}
		if err := w.scan(newKey(kindLong).u32(day).u32(w.v.id), nil, block(int64(day)*dayNanos, dayNanos)); err != nil {
			return err
		}
	}
	for hour := hourOf(max(from-longEvent, 0)); ; hour++ {
		var ok bool
		if hour, ok = w.nextUnit(kindEvents, hour); !ok || int64(hour)*hourNanos >= until {
			break
		}
		if err := w.scan(newKey(kindEvents).u32(hour).u32(w.v.id), nil, block(int64(hour)*hourNanos, hourNanos)); err != nil {
			return err
		}
	}
	return w.incomplete()
}

// overlaps reports whether an event touches [from, until); an instant touches
// where it is.
func overlaps(ev tacho.Event, from, until int64) bool {
	if ev.Time >= until {
		return false
	}
	return ev.Time >= from || ev.Duration > from-ev.Time
}

// reading opens a view for a question; done must be called.
func (s *Store) reading(ctx context.Context, sel store.Selection) (w *view, done func(), err error) {
	if err := s.begin(ctx); err != nil {
		return nil, nil, err
	}
	v, err := s.lookup(sel.Tenant, sel.Service)
	if err == nil {
		w, err = s.open(ctx, v)
	}
	if err != nil {
		s.end()
		return nil, nil, err
	}
	return w, func() { w.close(); s.end() }, nil
}

// targets is the labels of all targets.
func (w *view) targets() map[uint32]tacho.Labels {
	w.v.mu.RLock()
	defer w.v.mu.RUnlock()
	out := make(map[uint32]tacho.Labels, len(w.v.targets))
	for id, t := range w.v.targets {
		out[id] = t.labels
	}
	return out
}

// nextUnit is the first unit, not before unit, of which the kind has any key.
func (w *view) nextUnit(kind byte, unit uint32) (uint32, bool) {
	from := newKey(kind).u32(unit)
	if !w.it.SeekGE(from) {
		if err := w.it.Error(); err != nil {
			w.note("keys from %s on cannot be read: %v", keyName(from), err)
		}
		return 0, false
	}
	k := w.it.Key()
	if len(k) < 5 || k[0] != kind {
		return 0, false
	}
	return binary.BigEndian.Uint32(k[1:]), true
}
