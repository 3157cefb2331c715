package ingest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"tacho"
	"tacho/store"
	"tacho/wire"
)

// request is one Append waiting for its answer.
type request struct {
	batches []*tacho.Batch
	size    int64
	at      time.Time // by Options.Now: what age is counted from
	due     time.Time // by the monotonic clock: when it is waited with no longer
	done    chan error
}

// queue is what waits of one tenant.
type queue struct {
	tenant  string
	waiting []*request
	batches int   // of waiting
	bytes   int64 // of waiting and of the group under way
	busy    []*request
}

func (g *Ingester) enqueue(tenant string, r *request) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closing {
		g.metrics.reject("closing")
		return store.ErrReadOnly
	}
	q := g.queues[tenant]
	if q == nil {
		q = &queue{tenant: tenant}
		g.queues[tenant] = q
	}
	if q.bytes+r.size > g.o.QueueBytes {
		g.metrics.reject("overloaded")
		return ErrOverloaded
	}
	first := len(q.waiting) == 0
	q.waiting = append(q.waiting, r)
	q.batches += len(r.batches)
	q.bytes += r.size
	g.queued.Add(r.size)
	if g.oldest.Load() == 0 {
		g.oldest.Store(r.at.UnixNano())
	}
	if first || q.batches >= g.o.FlushBatches {
		g.wake()
	}
	return nil
}

// full reports whether a body of so many bytes has no chance: decoded it is
// larger. Under overload this is what most requests hear, and it must not cost
// the server a decode.
func (g *Ingester) full(tenant string, encoded int64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	q := g.queues[tenant]
	return q != nil && q.bytes+max(encoded, 0) > g.o.QueueBytes
}

// flusher commits one group after another until the ingester closes and
// nothing waits.
func (g *Ingester) flusher() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		q, group, next, last := g.take(time.Now())
		switch {
		case group != nil:
			g.wake() // another tenant may be due as well
			g.commit(q.tenant, group)
			g.finish(q, group)
			continue
		case last:
			g.wake() // pass it on to the next flusher
			return
		}
		timer.Reset(next)
		select {
		case <-timer.C:
		case <-g.kick:
		}
	}
}

// take returns a group that is due, or how long nothing will be.
func (g *Ingester) take(now time.Time) (q *queue, group []*request, next time.Duration, last bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	next = time.Hour
	for _, c := range g.queues {
		if len(c.waiting) == 0 || c.busy != nil {
			continue
		}
		wait := c.waiting[0].due.Sub(now)
		if wait > 0 && c.batches < g.o.FlushBatches && !g.closing {
			next = min(next, wait)
			continue
		}
		if q == nil || c.waiting[0].due.Before(q.waiting[0].due) {
			q = c // the one that has waited longest, so that no tenant starves
		}
	}
	if q == nil {
		return nil, nil, next, g.closing && g.idle()
	}
	n, batches := 0, 0
	for n < len(q.waiting) && (n == 0 || batches+len(q.waiting[n].batches) <= g.o.FlushBatches) {
		batches += len(q.waiting[n].batches)
		n++
	}
	group = q.waiting[:n:n]
	q.waiting = q.waiting[n:]
	q.batches -= batches
	q.busy = group
	return q, group, 0, false
}

// idle reports whether nothing waits; a flusher with a group under way comes
// back for what is left of its queue.
func (g *Ingester) idle() bool {
	for _, q := range g.queues {
		if len(q.waiting) > 0 && q.busy == nil {
			return false
		}
	}
	return true
}

// finish gives the room back.
func (g *Ingester) finish(q *queue, group []*request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, r := range group {
		q.bytes -= r.size
		g.queued.Add(-r.size)
	}
	q.busy = nil
	if len(q.waiting) == 0 {
		delete(g.queues, q.tenant)
	}
	oldest := int64(math.MaxInt64)
	for _, c := range g.queues {
		for _, rs := range [2][]*request{c.busy, c.waiting} {
			if len(rs) > 0 {
				oldest = min(oldest, rs[0].at.UnixNano())
			}
		}
	}
	if oldest == math.MaxInt64 {
		oldest = 0
	}
	g.oldest.Store(oldest)
}

// commit stores a group and answers its requests. A request with a batch that
// the store refuses is left out, and the rest tried again.
func (g *Ingester) commit(tenant string, group []*request) {
	err := g.append(tenant, group)
	var refused *store.RefusedError
	for errors.As(err, &refused) {
		i, k := owner(group, refused.Index)
		if i < 0 {
			break
		}
		g.metrics.reject(wrong(refused))
		group[i].done <- &wire.RejectedError{Reason: fmt.Sprintf("batch %d: %v", k, refused.Err), Err: err}
		group = slices.Concat(group[:i], group[i+1:])
		if len(group) == 0 {
			return
		}
		err = g.append(tenant, group)
	}
	if err == nil || len(group) == 1 || unwell(err) {
		for _, r := range group {
			r.done <- err
		}
		return
	}
	g.o.Log.Warn("group commit failed, its requests are committed one by one", "tenant", tenant, "requests", len(group), "error", err)
	stored := false
	for _, r := range group {
		err := g.append(tenant, []*request{r})
		stored = stored || err == nil
		if errors.As(err, &refused) {
			g.metrics.reject(wrong(err))
			err = &wire.RejectedError{Reason: err.Error(), Err: err}
		}
		r.done <- err
	}
	if stored {
		g.failed.Store(nil) // the store works, whatever is wrong with the last request
	}
}

// owner finds the request of batch i of the group, and its place there.
func owner(group []*request, i int) (request, batch int) {
	for n, r := range group {
		if i >= 0 && i < len(r.batches) {
			return n, i
		}
		i -= len(r.batches)
	}
	return -1, 0
}

func (g *Ingester) append(tenant string, group []*request) error {
	var all []*tacho.Batch
	for _, r := range group {
		all = append(all, r.batches...)
	}
	start := time.Now()
	err := g.store(g.ctx, tenant, all)
	g.metrics.committed(all, time.Since(start), err)
	switch {
	case err == nil:
		g.metrics.last.Set(float64(g.o.Now().UnixMilli()) / 1000)
		g.failed.Store(nil)
	case !errors.As(err, new(*store.RefusedError)):
		msg := err.Error()
		if g.failed.Swap(&msg) == nil {
			g.o.Log.Error("commit failed", "tenant", tenant, "batches", len(all), "error", err)
		}
	}
	return err
}

// wrong is the reason for the metrics.
func wrong(err error) string {
	var syntax *wire.SyntaxError
	switch {
	case !errors.As(err, &syntax):
		return "invalid"
	case syntax.Limit != "":
		return "too_large"
	}
	return "malformed"
}

// cost estimates the memory of a batch: its tables, without what the allocator
// rounds up. Of tables that are not loaded it is the bytes they came in: a store
// loads one batch at a time.
func cost(b *tacho.Batch) int64 {
	n := 512 + 40*len(b.Target) + 16*len(b.Strings) + 20*len(b.Frames) + 24*len(b.Stacks) + 56*len(b.Threads) + 120*len(b.Events)
	if b.Tables != nil {
		n += b.Tables.Bytes() + 16*len(b.StackHashes)
	}
	for _, s := range b.Strings {
		n += len(s)
	}
	for _, s := range b.Stacks {
		n += 4 * len(s)
	}
	for i := range b.Threads {
		n += len(b.Threads[i].Name) + len(b.Threads[i].Group)
	}
	for i := range b.Profiles {
		n += 64 + 40*len(b.Profiles[i].Samples)
	}
	for i := range b.Series {
		s := &b.Series[i]
		n += 80 + len(s.Name) + len(s.Unit) + labelsCost(s.Labels) + 16*len(s.Points)
	}
	for i := range b.Events {
		e := &b.Events[i]
		n += len(e.Kind) + len(e.Name) + len(e.Thread) + labelsCost(e.Attrs)
	}
	return int64(n + labelsCost(b.Target))
}

func labelsCost(ls tacho.Labels) int {
	n := 32 * len(ls)
	for _, l := range ls {
		n += len(l.Name) + len(l.Value)
	}
	return n
}
