package upload

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"tacho"
	"tacho/ingest"
)

// Batches are handed over in groups of about so many bytes of memory, and so
// many groups wait for their commit while the decoder goes on.
const (
	groupBytes   = 8 << 20
	groupBatches = 100
	underWay     = 2
)

// feed hands the batches of one file to the store.
type feed struct {
	in     *ingest.Intake
	tenant string
	ctx    context.Context // ends when a group is refused
	group  *errgroup.Group

	at      time.Time // where the file is moved to, zero: nowhere
	shift   int64
	shifted bool

	waiting []*tacho.Batch
	bytes   int64
	sum     summary
}

// summary is what a file came to.
type summary struct {
	from, until int64
	batches     int
	samples     int64
	types       []tacho.ValueType
}

func newFeed(ctx context.Context, in *ingest.Intake, tenant string, at time.Time) *feed {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(underWay)
	return &feed{in: in, tenant: tenant, ctx: ctx, group: g, at: at}
}

// add takes one batch; it is the decoder's emit.
func (f *feed) add(b *tacho.Batch) error {
	f.move(b)
	f.sum.add(b)
	f.waiting = append(f.waiting, b)
	f.bytes += ingest.Cost(b)
	if f.bytes >= groupBytes || len(f.waiting) >= groupBatches {
		f.flush()
	}
	return f.ctx.Err()
}

func (f *feed) flush() {
	if len(f.waiting) == 0 {
		return
	}
	group := f.waiting
	f.waiting, f.bytes = nil, 0
	f.group.Go(func() error { return f.in.AppendPatiently(f.ctx, f.tenant, group) })
}

// finish returns when everything is durable.
func (f *feed) finish() error {
	f.flush()
	return f.group.Wait()
}

// move shifts a batch so that the file starts at f.at.
func (f *feed) move(b *tacho.Batch) {
	if f.at.IsZero() {
		return
	}
	if !f.shifted {
		f.shift, f.shifted = f.at.UnixNano()-b.From, true
	}
	b.From += f.shift
	b.Until += f.shift
	for i := range b.Profiles {
		s := b.Profiles[i].Samples
		for k := range s {
			if s[k].Time != 0 {
				s[k].Time += f.shift
			}
		}
	}
	for i := range b.Series {
		p := b.Series[i].Points
		for k := range p {
			p[k].Time += f.shift
		}
	}
	for i := range b.Events {
		b.Events[i].Time += f.shift
	}
}

func (s *summary) add(b *tacho.Batch) {
	if s.batches == 0 {
		s.from, s.until = b.From, b.Until
	}
	s.batches++
	s.from, s.until = min(s.from, b.From), max(s.until, b.Until)
	for i := range b.Profiles {
		s.samples += int64(len(b.Profiles[i].Samples))
		known := false
		for _, t := range s.types {
			known = known || t == b.Profiles[i].Type
		}
		if !known {
			s.types = append(s.types, b.Profiles[i].Type)
		}
	}
}
