package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"tacho"
)

// Deliverer hands encoded batches over. nil means that they are durable on the
// other side; a *RejectedError that sending the same again is useless; any
// other error that it may be tried again, after RetryError.After if it is one.
type Deliverer func(ctx context.Context, batches [][]byte) error

// RejectedError is the answer of a server that has looked at the batches and
// will never take all of them.
type RejectedError struct {
	Reason string // the server's sentence
	Err    error  // may be nil
}

func (e *RejectedError) Error() string { return "batches refused: " + e.Reason }
func (e *RejectedError) Unwrap() error { return e.Err }

// RetryError is a failure that says when to come back.
type RetryError struct {
	After time.Duration // 0 when the server did not say
	Err   error
}

func (e *RetryError) Error() string { return e.Err.Error() }
func (e *RetryError) Unwrap() error { return e.Err }

// Decoded makes a Deliverer of a function that takes batches, for delivery
// inside one process. A batch that cannot be decoded is rejected.
func Decoded(lim Limits, take func(context.Context, []*tacho.Batch) error) Deliverer {
	return func(ctx context.Context, raw [][]byte) error {
		batches := make([]*tacho.Batch, len(raw))
		for i, p := range raw {
			b, err := Decode(p, lim)
			if err != nil {
				return &RejectedError{Reason: err.Error(), Err: err}
			}
			batches[i] = b
		}
		return take(ctx, batches)
	}
}

// Sender empties a spool. Spool and Deliver are required.
type Sender struct {
	Spool      *Spool
	Deliver    Deliverer
	Log        *slog.Logger
	MaxBatches int           // in one delivery, default 64
	MaxBytes   int64         // in one delivery, default 1 MiB
	MinWait    time.Duration // after the first failure, default 200 ms
	MaxWait    time.Duration // default 15 s; a server may ask for more
	Now        func() time.Time
	Sleep      func(context.Context, time.Duration) error // default waits on a timer

	mu    sync.Mutex
	stats SendStats
	said  string
}

// SendStats is how delivery goes.
type SendStats struct {
	Delivered   int64
	Rejected    int64     // dropped because the server refused them
	Failures    int64     // deliveries that were, or will be, tried again
	LastError   string    // one sentence, "" once a delivery succeeded again
	LastReject  string    // the server's last reason for refusing a batch
	LastSuccess time.Time // zero before the first
}

// Stats may be called at any time.
func (s *Sender) Stats() SendStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Drain runs a Sender with its defaults.
func Drain(ctx context.Context, spool *Spool, deliver Deliverer, log *slog.Logger) error {
	return (&Sender{Spool: spool, Deliver: deliver, Log: log}).Run(ctx)
}

// maxAsked bounds what a server can ask for with Retry-After.
const maxAsked = 5 * time.Minute

// Run delivers until the context ends or the spool is closed; it returns nil
// in the latter case and ctx.Err() in the former. A delivery under way when the
// context ends is sent again by the next Run.
func (s *Sender) Run(ctx context.Context) error {
	s.defaults()
	for failed := 0; ; {
		items, err := s.Spool.Next(ctx, s.MaxBatches, s.MaxBytes)
		if err == nil {
			err = s.deliver(ctx, items)
		}
		switch {
		case err == nil:
			failed = 0
			continue
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrClosed):
			return nil
		}
		s.failed(err)
		if err := s.Sleep(ctx, s.wait(failed, err)); err != nil {
			return err
		}
		failed++
	}
}

// deliver sends the items and acknowledges them in order. Refused items are
// halved until the bad ones stand alone; those are dropped, so that they never
// hold up the rest.
func (s *Sender) deliver(ctx context.Context, items []Item) error {
	raw := make([][]byte, len(items))
	for i := range items {
		raw[i] = items[i].Batch
	}
	err := s.Deliver(ctx, raw)
	var rejected *RejectedError
	switch {
	case err == nil:
		s.Spool.Ack(items)
		s.succeeded(len(items))
		return nil
	case !errors.As(err, &rejected):
		return err
	case len(items) == 1:
		s.Spool.Ack(items)
		s.rejected(rejected.Reason, len(raw[0]))
		return nil
	}
	half := len(items) / 2
	if err := s.deliver(ctx, items[:half]); err != nil {
		return err
	}
	return s.deliver(ctx, items[half:])
}

// wait doubles from MinWait to MaxWait. The upper half is random, so that the
// agents of a server that comes back do not come back together.
func (s *Sender) wait(failed int, err error) time.Duration {
	d := s.MaxWait
	if failed < 30 && s.MinWait<<failed < s.MaxWait {
		d = s.MinWait << failed
	}
	d = d/2 + rand.N(d/2+1)
	var retry *RetryError
	if errors.As(err, &retry) {
		d = max(d, min(retry.After, maxAsked))
	}
	return d
}

func (s *Sender) succeeded(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Delivered += int64(n)
	s.stats.LastSuccess = s.Now()
	if s.stats.LastError != "" {
		s.stats.LastError = ""
		s.said = ""
		s.log(slog.LevelInfo, "delivery works again")
	}
}

func (s *Sender) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Failures++
	s.stats.LastError = err.Error()
	if s.said != s.stats.LastError { // once, not with every attempt
		s.said = s.stats.LastError
		s.log(slog.LevelWarn, "delivery failed, will be tried again", "error", s.said)
	}
}

func (s *Sender) rejected(reason string, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Rejected++
	if s.stats.LastReject != reason {
		s.log(slog.LevelWarn, "batch dropped because the server refuses it", "reason", reason, "bytes", size, "dropped_so_far", s.stats.Rejected)
	}
	s.stats.LastReject = reason
}

func (s *Sender) log(level slog.Level, msg string, args ...any) {
	if s.Log != nil {
		s.Log.Log(context.Background(), level, msg, args...)
	}
}

func (s *Sender) defaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.MaxBatches <= 0 {
		s.MaxBatches = 64
	}
	if s.MaxBytes <= 0 {
		s.MaxBytes = 1 << 20
	}
	if s.MinWait <= 0 {
		s.MinWait = 200 * time.Millisecond
	}
	if s.MaxWait <= 0 {
		s.MaxWait = 15 * time.Second
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Sleep == nil {
		s.Sleep = sleep
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// Sink joins the state of a spool and of its delivery to what an agent reports.
func Sink(sp SpoolStats, send SendStats) SinkReport {
	r := SinkReport{
		State:          "ok",
		SpoolBytes:     sp.Bytes,
		SpoolBatches:   sp.Batches,
		DroppedBatches: sp.Dropped + send.Rejected,
		MemoryBatches:  sp.MemoryBatches,
	}
	if send.LastError != "" {
		r.State, r.Reason = "waiting", fmt.Sprintf("The last delivery failed: %s.", send.LastError)
	}
	if sp.State == "memory" {
		r.State, r.Reason = "memory", sp.Reason
	}
	return r
}
