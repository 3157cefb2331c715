package jvm

import (
	"context"
	"fmt"
	"maps"
	"time"

	"tacho"
	"tacho/record"
)

// emit hands the window [from, until) over and begins the next one.
func (s *session) emit(ctx context.Context, until int64) error {
	w := s.win
	s.fill(until)
	w.b.Declare(tacho.CPU)
	if s.rec != nil {
		w.b.Declare(tacho.OffCPU)
		w.b.Declare(tacho.Alloc)
		w.b.Declare(tacho.Lock)
	}
	s.account(until)
	if x := s.stray; x != nil {
		// With the mark before: should we be killed now, they come again.
		s.stray = nil
		s.sequence++
		if err := s.deliver(ctx, x.take(s.target, x.high, s.sequence), s.marked); err != nil {
			return err
		}
	}
	s.sequence++
	b := w.take(s.target, until, s.sequence)
	m := mark{until: until, sequence: s.sequence, accounts: s.accountsAt()}
	s.marked = m.encode()
	if err := s.deliver(ctx, b, s.marked); err != nil {
		return err
	}
	s.win = newWindow(until)
	s.cal.forget(until, s.ledger.live)
	s.mapper.forget(s.ledger.live)
	s.status.set(func(st *record.Status) {
		st.Last = time.Unix(0, until)
		st.Counters["batches"]++
	})
	return nil
}

func (s *session) deliver(ctx context.Context, b *tacho.Batch, mark []byte) error {
	if err := s.cfg.Sink.Deliver(ctx, b, s.key, mark); err != nil {
		return fmt.Errorf("deliver the batch of JVM %d: %w", s.proc.PID, err)
	}
	return nil
}

// accountsAt is the threads' totals as of the last tick charged: what has been
// read but not charged yet is the successor's to charge.
func (s *session) accountsAt() map[int64]account {
	if len(s.ticks) == 0 {
		return s.ledger.prev
	}
	m := maps.Clone(s.ledger.prev)
	for _, t := range s.ticks {
		for _, b := range t.bills {
			if a, ok := m[b.thread.ID]; ok {
				a.CPU -= b.cpu
				m[b.thread.ID] = a
			}
		}
	}
	return m
}

// fill moves what is pending and due into the window.
func (s *session) fill(until int64) {
	m := s.mapper
	keptSamples, keptEvents, keptPoints := m.samples[:0], m.events[:0], m.points[:0]
	for _, x := range m.samples {
		if !due(x.time, until) {
			keptSamples = append(keptSamples, x)
			continue
		}
		s.windowOf(x.time, until).sample(x.typ, x.time, x.value, x.stack, x.thread)
	}
	for _, x := range m.events {
		if !due(x.Time+x.Duration, until) {
			keptEvents = append(keptEvents, x)
			continue
		}
		s.windowOf(x.Time+x.Duration, until).event(x)
	}
	for _, x := range m.points {
		if !due(x.time, until) {
			keptPoints = append(keptPoints, x)
			continue
		}
		s.windowOf(x.time, until).point(x)
	}
	m.samples, m.events, m.points = keptSamples, keptEvents, keptPoints
}

// account says how the window's CPU was accounted for: how much of it was seen
// by a sampler and how much was inferred.
func (s *session) account(until int64) {
	length := float64(until - s.win.from)
	if length <= 0 {
		return
	}
	t := &s.cal.totals
	for _, x := range []struct {
		how string
		ns  int64
	}{{"sampled", t.Sampled}, {"estimated", t.Estimated}, {"runtime", t.Runtime}, {"unsampled", t.Unsampled}} {
		s.win.point(point{"cpu.accounted", "cores", tacho.Labels{{Name: "how", Value: x.how}}, until - 1, float64(x.ns) / length})
	}
	*t = calibrationTotals{}
}
