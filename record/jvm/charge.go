package jvm

import (
	"context"

	"tacho"
	"tacho/record"
)

// gauges reads what another room knows about the process (its cgroup), at the
// pace of the windows.
func (s *session) gauges(now int64) {
	if s.cfg.Gauges == nil || now-s.gauged < int64(s.cfg.Window) {
		return
	}
	s.gauged = now
	for _, g := range s.cfg.Gauges(s.proc.PID) {
		s.mapper.points = append(s.mapper.points, point{g.Name, g.Unit, nil, now - 1, g.Value})
	}
}

// readBills reads the account; over a gap it lays the bills evenly.
func (s *session) readBills(now int64) error {
	if now <= s.until {
		return nil
	}
	tk, err := s.ledger.bill(s.until, now, s.mapper)
	if err != nil {
		return err
	}
	s.ticks = append(s.ticks, tk.gap()...)
	s.until = now
	return nil
}

// poll reads what the JVM has flushed. After a long absence that can be more
// than should be held at once: then seconds are handed over on the way.
func (s *session) poll(ctx context.Context) (int64, error) {
	st, err := s.rec.follow.poll(s.mapper.fresh, func(e *jfrEvent) error {
		if err := s.mapper.visit(e); err != nil {
			return err
		}
		if s.mapper.pending() > hurry && len(s.ticks) > 1 {
			// The order of events in a file is that of flushing, at most a few
			// seconds off.
			return s.handOver(ctx, e.Time-5e9)
		}
		return nil
	})
	s.ended = st.Ended
	s.status.set(func(x *record.Status) {
		x.Counters["events"] = s.mapper.seen
		x.Counters["lost_events"] = s.mapper.lost
	})
	return st.Until, err
}

// handOver charges what is complete, and emits the window when it is full.
func (s *session) handOver(ctx context.Context, complete int64) error {
	s.charge(complete, false)
	if s.charged-s.win.from >= int64(s.cfg.Window) {
		return s.emit(ctx, s.charged)
	}
	return nil
}

// charge calibrates every tick that is complete.
func (s *session) charge(complete int64, final bool) {
	for len(s.ticks) > 0 && (s.ticks[0].until <= complete || final) {
		t := s.ticks[0]
		s.ticks = s.ticks[1:]
		mine, rest := splitCPU(s.mapper.cpu, t.until)
		closing := final || t.until-s.win.from >= int64(s.cfg.Window)
		for _, c := range s.cal.tick(t.from, t.until, t.bills, mine, closing) {
			s.windowOf(c.time, t.until).sample(tacho.CPU, c.time, c.value, c.stack, c.thread)
		}
		s.mapper.cpu = rest
		s.win.groups(t)
		s.charged = t.until
	}
}

// due says whether something that happened at t belongs into what ends at
// until. What seems to lie far ahead happened before the clock stepped back.
func due(t, until int64) bool { return t < until || t > until+strayAfter }

// windowOf is the window a sample goes into.
func (s *session) windowOf(t, until int64) *window {
	if t >= s.win.from-strayAfter && t <= until+strayAfter {
		return s.win
	}
	if s.stray == nil {
		s.stray = newWindow(t)
	}
	return s.stray
}

// splitCPU parts the samples taken before until from the others.
func splitCPU(all []cpuSample, until int64) (mine, rest []cpuSample) {
	for _, x := range all {
		if due(x.time, until) {
			mine = append(mine, x)
		} else {
			rest = append(rest, x)
		}
	}
	return mine, rest
}
