package local

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"tacho"
	"tacho/store"
)

// Append stores all batches of the call in one synced commit, or none of them.
func (s *Store) Append(ctx context.Context, tenant string, batches []*tacho.Batch) error {
	for i, b := range batches {
		if b == nil {
			return &store.RefusedError{Index: i, Err: errors.New("no batch")}
		}
		if err := b.Validate(); err != nil {
			return &store.RefusedError{Index: i, Err: err}
		}
	}
	return s.AppendValid(ctx, tenant, batches)
}

// AppendValid is Append of batches that Validate accepts. With others it may
// panic.
func (s *Store) AppendValid(ctx context.Context, tenant string, batches []*tacho.Batch) error {
	if err := s.begin(ctx); err != nil {
		return err
	}
	defer s.end()
	ctx, cancel := s.patience(ctx)
	defer cancel()
	if err := s.health.errFailed(); err != nil {
		return err
	}
	if err := s.checkSpace(); err != nil {
		return err
	}
	if len(batches) == 0 {
		return nil
	}
	now := s.now()
	oldest := s.oldest(tenant, now)
	for i, b := range batches {
		if err := s.admit(b, oldest, now); err != nil {
			return &store.RefusedError{Index: i, Err: err}
		}
	}
	for {
		again, err := s.append(ctx, tenant, batches, now)
		if err != nil || !again {
			return err
		}
	}
}

// admit checks the times and values of a valid batch.
func (s *Store) admit(b *tacho.Batch, oldest int64, now time.Time) error {
	newest := now.Add(s.opt.MaxAhead).UnixNano()
	// The text is only put together for an error: there is a call a sample.
	at := func(what, name string, t int64) error {
		switch {
		case t < oldest:
			return fmt.Errorf("%s%s at %s is older than what is kept (since %s)", what, name, nanoTime(t).Format(time.RFC3339Nano), nanoTime(oldest).Format(time.RFC3339))
		case t > newest:
			return fmt.Errorf("%s%s at %s is more than %s ahead of the clock", what, name, nanoTime(t).Format(time.RFC3339Nano), s.opt.MaxAhead)
		}
		return nil
	}
	if err := at("the window's start", "", b.From); err != nil {
		return err
	}
	if err := at("the window's end", "", b.Until); err != nil {
		return err
	}
	samples := 0
	for _, p := range b.Profiles {
		if samples += len(p.Samples); samples > maxColumn {
			return fmt.Errorf("more than %d samples in one batch", maxColumn)
		}
		for i := range p.Samples {
			sm := &p.Samples[i]
			if sm.Value > maxValue {
				return fmt.Errorf("%s sample %d: value %d is beyond %d", p.Type.Name, i, sm.Value, int64(maxValue))
			}
			if sm.Time == 0 {
				continue
			}
			if err := at("sample of ", p.Type.Name, sm.Time); err != nil {
				return err
			}
		}
	}
	for _, se := range b.Series {
		for _, p := range se.Points {
			if err := at("point of ", se.Name, p.Time); err != nil {
				return err
			}
		}
	}
	for i := range b.Events {
		if err := at("event ", b.Events[i].Kind, b.Events[i].Time); err != nil {
			return err
		}
	}
	return nil
}

// maxValue leaves room for sums: 2^56 ns are two years, 2^56 bytes 64 PiB.
const maxValue = 1 << 56

// append stages and commits. again is true when a service was removed by
// retention just now and must be looked up anew.
func (s *Store) append(ctx context.Context, tenant string, batches []*tacho.Batch, now time.Time) (again bool, err error) {
	svcs, err := s.servicesOf(tenant, batches)
	if err != nil {
		return false, err
	}
	// Locks are taken in the order of ids, so that two appends cannot wait for
	// each other.
	order := make([]*service, 0, len(svcs))
	for _, v := range svcs {
		order = append(order, v)
	}
	slices.SortFunc(order, func(a, b *service) int { return int(a.id) - int(b.id) })
	locked := 0
	unlock := func() {
		for _, v := range order[:locked] {
			v.release()
		}
	}
	for _, v := range order {
		if err := v.acquire(ctx); err != nil {
			unlock()
			return false, err
		}
		locked++
		if v.dead {
			unlock()
			return true, nil
		}
	}
	pb := s.db.NewBatch()
	writers := map[*service]*writer{}
	defer func() {
		for _, w := range writers {
			w.free()
		}
	}()
	replaced := replacedWithin(batches)
	for i, b := range batches {
		if replaced[i] {
			continue
		}
		v := svcs[b.Target.Get(tacho.LabelService)]
		w := writers[v]
		if w == nil {
			w = s.newWriter(v, pb, now)
			writers[v] = w
		}
		if err := w.add(b); err != nil {
			for _, v := range order {
				s.abort(v)
			}
			unlock()
			_ = pb.Close() // nothing was applied
			return false, &store.RefusedError{Index: i, Err: err}
		}
	}
	for _, w := range writers {
		w.finish()
	}
	return false, s.commit(ctx, pb, func() {
		for _, w := range writers {
			w.committed()
		}
	}, unlock)
}

// abort takes back what a refused call added to a service. The caller holds
// the writer lock.
func (s *Store) abort(v *service) {
	v.rollback()
	if !v.saved {
		s.remove(v)
	}
}

// remove forgets a service. Who waits for its writer lock sees that it is dead.
func (s *Store) remove(v *service) {
	s.mu.Lock()
	delete(s.byName, [2]string{v.tenant, v.name})
	delete(s.byID, v.id)
	s.mu.Unlock()
	v.mu.Lock()
	v.dead = true
	v.mu.Unlock()
}

// replacedWithin tells which batches are followed by an equal one in the call.
func replacedWithin(batches []*tacho.Batch) []bool {
	out := make([]bool, len(batches))
	if len(batches) < 2 {
		return out
	}
	last := make(map[string]int, len(batches))
	for i, b := range batches {
		k := newKey(0).str(b.Target.String()).u8(0).str(b.Collector).u8(0).u64(uint64(b.From)).u64(b.Sequence)
		if before, ok := last[string(k)]; ok {
			out[before] = true
		}
		last[string(k)] = i
	}
	return out
}

// servicesOf finds or makes the services of the batches.
func (s *Store) servicesOf(tenant string, batches []*tacho.Batch) (map[string]*service, error) {
	out := map[string]*service{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, b := range batches {
		name := b.Target.Get(tacho.LabelService)
		v := s.byName[[2]string{tenant, name}]
		if v == nil {
			n := 0
			for id := range s.byName {
				if id[0] == tenant {
					n++
				}
			}
			if n >= s.opt.MaxServices {
				return nil, &store.RefusedError{Index: i, Err: fmt.Errorf("the tenant has %d services already", n)}
			}
			v = newService(s.nextID, tenant, name)
			s.register(v)
		}
		out[name] = v
	}
	return out, nil
}

// commit applies and syncs pb in a goroutine of its own, so that a caller whose
// context ends need not wait for a disk that hangs. applied runs once the batch
// is visible, unlock when the writer locks may be given back: both before the
// sync, since the order of commits is fixed from then on.
func (s *Store) commit(ctx context.Context, pb *pebble.Batch, applied, unlock func()) error {
	done := make(chan error, 1)
	s.commits.Add(1)
	s.inFlight.add(pb, s.now())
	go func() {
		defer s.commits.Done()
		done <- s.apply(pb, applied, unlock)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-s.health.failed:
		return s.health.errFailed()
	}
}

func (s *Store) apply(pb *pebble.Batch, applied, unlock func()) (err error) {
	unlocked := false
	defer func() {
		if p := recover(); p != nil { // Pebble panics when its log cannot be written
			s.health.fail(fmt.Errorf("commit: %v", p))
			err = s.health.errFailed()
		}
		if !unlocked {
			unlock()
		}
		s.inFlight.remove(pb)
	}()
	start := s.now()
	if err := s.db.ApplyNoSyncWait(pb, pebble.Sync); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	// Pebble reports a commit that failed for good through Fatalf, not here.
	if err := s.health.errFailed(); err != nil {
		return err
	}
	applied()
	unlock()
	unlocked = true
	if err := pb.SyncWait(); err != nil {
		s.health.fail(fmt.Errorf("sync: %w", err))
	}
	if err := s.health.errFailed(); err != nil {
		return err
	}
	s.stats.committed(s.now(), s.now().Sub(start))
	return pb.Close()
}
