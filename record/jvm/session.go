package jvm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tacho"
	"tacho/record"
	"tacho/record/hotspot"
)

const (
	// maxLag is how long the session waits for the JVM to flush a second
	// before it bills it without its samples: a stopped or starved JVM must not
	// hold the account of its threads back for ever.
	maxLag = int64(15e9)
	// flushMargin is how long after a flush events from before it may still
	// come: a thread stamps an event, is interrupted, and commits it (up to
	// 53 ms seen on a loaded machine). Nothing is charged, or marked as handed
	// over, before they have had their chance.
	flushMargin = int64(100e6)
	// hurry is how many pending samples make a catching-up session hand over
	// before it has read to the end.
	hurry = 50_000
	// strayAfter is how far from its window a sample must be to get a batch of
	// its own: it was flushed after a step of the wall clock and has the time
	// before it. In the window's batch it would claim the time between.
	strayAfter = int64(60e9)
)

// session records one JVM from its discovery to its end.
type session struct {
	cfg    *Config
	log    *slog.Logger
	proc   hotspot.Process
	key    string
	target tacho.Labels
	status *statusBox

	clock  *wallClock
	ledger *ledger
	cal    *calibrator
	mapper *mapper
	perf   *perfSeries
	win    *window
	stray  *window    // samples far from win; nil when there are none
	rec    *recording // nil while there is none
	dump   *dumper    // the fallback, nil unless JFR was refused

	ticks    []tick
	until    int64 // bills read up to here
	charged  int64 // charged up to here
	gauged   int64 // when the gauges were last read
	sequence uint64
	marked   []byte // the last mark handed over
	resumed  bool
	ended    bool  // JFR's last chunk has been read
	retryAt  int64 // monotonic; 0 = no retry due
}

// newSession opens the kernel's account of a JVM and takes up the mark a
// killed agent left, if any.
func newSession(cfg *Config, p hotspot.Process, markOf []byte, status *statusBox) (*session, error) {
	reader, err := cfg.Threads(p.PID)
	if err != nil {
		return nil, fmt.Errorf("open the threads of JVM %d: %w", p.PID, err)
	}
	s := &session{cfg: cfg, log: cfg.Log.With("pid", p.PID), proc: p, key: markKey(cfg.BootID, p), status: status,
		target: identity(cfg.Proc, cfg.Host, p, cfg.Labels), clock: newWallClock(cfg.Clock), ledger: newLedger(reader), cal: newCalibrator()}
	now, _ := s.clock.now()
	var resume mark
	if markOf != nil {
		if resume, err = decodeMark(markOf); err != nil {
			s.log.Warn("starting afresh", "err", err)
		}
	}
	from := now
	if resume.until > 0 && resume.until <= now && now-resume.until <= int64(cfg.MaxCatchUp) {
		from, s.sequence, s.resumed = resume.until, resume.sequence, true
	} else {
		resume = mark{}
	}
	if err := s.ledger.open(resume.accounts); err != nil {
		reader.Close()
		return nil, fmt.Errorf("read the threads of JVM %d: %w", p.PID, err)
	}
	s.until, s.charged = from, from
	s.mapper = newMapper(s.clock, int64(cfg.Settings.CPUPeriod), from, s.ledger.hostTID)
	s.win = newWindow(from)
	s.marked = mark{until: from, sequence: s.sequence, accounts: s.ledger.prev}.encode()
	s.perf = newPerfSeries(p)
	status.set(func(st *record.Status) {
		st.Service, st.Instance, st.Labels = s.target.Get(tacho.LabelService), s.target.Get(tacho.LabelInstance), s.target.Map()
	})
	return s, nil
}

func markKey(boot string, p hotspot.Process) string {
	return fmt.Sprintf("jvm/%s/%d/%d", boot, p.PID, p.StartTicks)
}

// run records until the JVM ends or ctx does. On ctx it stops the JVM's
// recording; both ways everything seen is handed over first.
func (s *session) run(ctx context.Context) error {
	defer s.close()
	started := make(chan startResult, 1)
	startCtx, cancelStart := context.WithCancel(ctx)
	starting := true
	begin := func(rejoin bool) {
		started <- startRecording(startCtx, s.cfg, s.proc, s.mapper.resume, s.clock, rejoin)
	}
	go begin(s.resumed)
	defer func() {
		cancelStart()
		if starting {
			if r := <-started; r.rec != nil {
				r.rec.stop(s.cfg.StopTimeout)
				r.rec.close()
			}
		}
	}()
	t := time.NewTicker(s.cfg.Tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			if s.rec != nil {
				s.rec.stop(s.cfg.StopTimeout)
			}
			// Deliver what the stop flushed; ctx is over, the sink is not.
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.StopTimeout)
			defer cancel()
			err := s.finish(end)
			// A clean stop is meant: the time until the next start is not
			// to be filled in.
			s.cfg.Sink.Forget(s.key)
			return err
		case r := <-started:
			starting = false
			s.adopt(r)
		case <-t.C:
			if !alive(s.cfg.Proc, s.proc) {
				s.status.set(func(st *record.Status) { st.State = record.StateGone })
				err := s.finish(ctx)
				s.cfg.Sink.Forget(s.key)
				return err
			}
			if err := s.tick(ctx); err != nil {
				return err
			}
			if !starting && s.again() {
				starting = true
				go begin(true)
			}
		}
	}
}

// again says whether it is time to try for a recording once more: after a
// refusal that may pass, or after somebody else stopped ours.
func (s *session) again() bool {
	if s.rec != nil && s.ended {
		s.rec.close()
		s.rec, s.ended = nil, false
		s.mapper.resume = s.charged
		s.log.Info("the recording was stopped by somebody else; starting another")
		return true
	}
	if s.retryAt != 0 && s.cfg.Clock.Mono() >= s.retryAt {
		s.retryAt = 0
		return true
	}
	return false
}

// adopt takes over what startRecording came back with.
func (s *session) adopt(r startResult) {
	s.rec, s.dump = r.rec, r.dump
	if r.retry > 0 {
		s.retryAt = s.cfg.Clock.Mono() + int64(r.retry)
	}
	s.status.set(func(st *record.Status) {
		st.Runtime = r.runtime
		st.State, st.Reason, st.Remedy = r.state, r.reason, r.remedy
	})
	if r.rec != nil {
		s.log.Info("recording", "service", s.target.Get(tacho.LabelService), "runtime", r.runtime, "rejoined", r.rejoined)
	} else {
		s.log.Warn("cannot record with JFR", "reason", r.reason, "remedy", r.remedy)
	}
}

// tick reads the account and the chunk once, and hands over what is complete.
func (s *session) tick(ctx context.Context) error {
	now, st := s.clock.now()
	if st != nil {
		if err := s.step(ctx, *st, now); err != nil {
			return err
		}
	}
	if err := s.readBills(now); err != nil {
		if !alive(s.cfg.Proc, s.proc) {
			return nil // the next tick notices
		}
		return fmt.Errorf("read the threads of JVM %d: %w", s.proc.PID, err)
	}
	s.perf.read(now, s.mapper)
	s.gauges(now)
	complete := now
	switch {
	case s.rec != nil:
		until, err := s.poll(ctx)
		if err != nil {
			s.note(err)
		}
		complete = max(until-flushMargin, now-maxLag)
	case s.dump != nil:
		if err := s.dump.poll(ctx, now, s.mapper); err != nil {
			s.note(err)
		}
	}
	return s.handOver(ctx, complete)
}

// step closes the window at a step of the wall clock, with everything that
// belongs before it, and begins a new one in the new time.
func (s *session) step(ctx context.Context, st step, now int64) error {
	s.log.Warn("the wall clock stepped", "by", time.Duration(st.delta))
	if s.rec != nil {
		if _, err := s.poll(ctx); err != nil {
			s.note(err)
		}
	}
	if st.at > s.until {
		if err := s.readBills(st.at); err != nil {
			s.note(err)
		}
	}
	s.charge(0, true)
	s.fill(now)
	s.win.event(tacho.Event{Time: st.at - 1, Kind: "clock.step", Name: "the wall clock stepped",
		Attrs: tacho.NewLabels(map[string]string{"seconds": fmt.Sprintf("%.3f", float64(st.delta)/1e9)})})
	if err := s.emit(ctx, st.at); err != nil {
		return err
	}
	s.until, s.charged = now, now
	s.win = newWindow(now)
	s.mapper.resume = 0 // it is of the old time; the session is past it
	return nil
}

// finish reads what is left, charges it, and hands it over.
func (s *session) finish(ctx context.Context) error {
	now, _ := s.clock.now()
	if err := s.readBills(now); err != nil && alive(s.cfg.Proc, s.proc) {
		s.note(err)
	}
	if s.rec != nil {
		if _, err := s.poll(ctx); err != nil {
			s.note(err)
		}
	}
	if n := len(s.ticks); n == 0 || s.ticks[n-1].until < now {
		// The process is gone and its account with it: one last tick without
		// bills, in which the sampler's own claim has to do.
		s.ticks = append(s.ticks, tick{from: s.until, until: now})
	}
	s.charge(now, true)
	return s.emit(ctx, max(now, s.charged))
}

// note shows a passing trouble in the status without ending the session.
func (s *session) note(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	s.status.set(func(st *record.Status) {
		st.State, st.Reason = record.StateLimited, err.Error()
		st.Counters["errors"]++
	})
}

func (s *session) close() {
	if s.rec != nil {
		s.rec.close()
	}
	if s.dump != nil {
		s.dump.close()
	}
	s.perf.close()
	s.ledger.reader.Close()
}
