package web

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"tacho"
	"tacho/query"
	"tacho/report"
	"tacho/store"
)

// maxExportSamples is up to how many single samples keep their thread and span
// in a profile.
const maxExportSamples = 500_000

// shares is what single samples add up to, by series and stack of an export.
type shares map[shareOf][]*share

type shareOf struct {
	series string
	stack  uint32
}

// share is the part of one thread and span.
type share struct {
	thread tacho.Thread
	span   uint64
	value  int64
}

// labels spells the thread and the span as package format/pprof reads them.
func (s *share) labels(of tacho.Labels) tacho.Labels {
	out := of
	if s.thread.Name != "" {
		out = out.With("thread", s.thread.Name)
	}
	if s.thread.ID != 0 {
		out = out.With("thread_id", strconv.FormatInt(s.thread.ID, 10))
	}
	if s.span != 0 {
		out = out.With("span_id", fmt.Sprintf("%016x", s.span))
	}
	return out
}

func (s shares) of(series string, e *report.Export, st tacho.Stack) []*share {
	if len(s) == 0 {
		return nil
	}
	return s[shareOf{series, e.Stack(st)}]
}

// readThreads sums the single samples of the selection. There are none when
// stacks are narrowed, for then a sample's stack is another one.
func (x *exporting) readThreads(ctx context.Context) error {
	if n := x.narrow; len(n.Filter)+len(n.Exclude)+len(n.Collapse) > 0 || n.Focus != "" || n.Rhythm != (query.Rhythm{}) {
		x.e.Notes = append(x.e.Notes, "threads and spans left out: the stacks were narrowed")
		return nil
	}
	r := shareReader{e: x.e, out: shares{}, at: map[shareKey]*share{}}
	count := 0
	for _, sel := range x.stored() {
		err := x.s.Store.Samples(ctx, sel, func(b *store.SampleBlock) error {
			if count += len(b.Samples); count > maxExportSamples {
				return errEnough
			}
			r.read(b)
			return ctx.Err()
		})
		lost, err := partly(err)
		x.missing(lost)
		switch {
		case errors.Is(err, errEnough):
			x.e.Notes = append(x.e.Notes, fmt.Sprintf("threads and spans left out: the range has more than %d single samples", maxExportSamples))
			return nil
		case errors.Is(err, store.ErrUnknownService): // the question for stacks says so
		case err != nil:
			return err
		}
	}
	x.shares = r.out
	return nil
}

type shareReader struct {
	e   *report.Export
	out shares
	at  map[shareKey]*share
}

type shareKey struct {
	shareOf
	thread tacho.Thread
	span   uint64
}

func (r *shareReader) read(b *store.SampleBlock) {
	stacks := map[uint32]uint32{} // of the tree → of the export
	series := make([]string, len(b.Threads))
	for _, s := range b.Samples {
		t := b.Threads[s.Thread]
		if t.Name == "" && t.ID == 0 && s.Span == 0 {
			continue
		}
		if series[s.Thread] == "" {
			series[s.Thread] = b.Target.With(tacho.LabelThreadGroup, t.Group).String()
		}
		stack, ok := stacks[s.Stack]
		if !ok {
			stack = r.e.Stack(b.Tree.Stack(s.Stack))
			stacks[s.Stack] = stack
		}
		k := shareKey{shareOf{series[s.Thread], stack}, t, s.Span}
		sh := r.at[k]
		if sh == nil {
			sh = &share{thread: t, span: s.Span}
			r.at[k] = sh
			r.out[k.shareOf] = append(r.out[k.shareOf], sh)
		}
		sh.value += s.Value
	}
}
