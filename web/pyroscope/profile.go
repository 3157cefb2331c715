package pyroscope

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"connectrpc.com/connect"
	googlev1 "github.com/grafana/pyroscope/api/gen/proto/go/google/v1"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"

	"tacho"
	"tacho/report"
	"tacho/store"
)

// SelectMergeProfile merges what is selected into a pprof profile with files
// and lines. Labels of samples are not in it, as the name says: merged.
func (x *querier) SelectMergeProfile(ctx context.Context, r *connect.Request[querierv1.SelectMergeProfileRequest]) (*connect.Response[googlev1.Profile], error) {
	m := r.Msg
	err := supported(&querierv1.SelectMergeStacktracesRequest{ProfileIdSelector: m.ProfileIdSelector, TraceIdSelector: m.TraceIdSelector})
	if err != nil {
		return nil, err
	}
	p, missing, err := x.profile(ctx, profileRequest{
		id: m.ProfileTypeID, selector: m.LabelSelector, start: m.Start, end: m.End, most: m.GetMaxNodes(), stacks: m.StackTraceSelector,
	})
	if err != nil {
		return nil, err
	}
	res := connect.NewResponse(p)
	note(res.Header(), missing)
	return res, nil
}

type profileRequest struct {
	id, selector string
	start, end   int64
	most         int64
	stacks       *typesv1.StackTraceSelector
	spans        []string
}

// stacks are whole stacks with what they add up to.
type stacks []struct {
	s tacho.Stack
	v int64
}

func (x *querier) profile(ctx context.Context, r profileRequest) (*googlev1.Profile, []string, error) {
	sel, err := x.choose(ctx, r.id, r.selector, r.start, r.end)
	if err != nil {
		return nil, nil, err
	}
	all, missing, err := x.stacksOf(ctx, sel, r.spans)
	if err != nil {
		return nil, nil, err
	}
	if site := callSite(r.stacks); len(site) > 0 {
		all = all.below(site)
	}
	if pgo := r.stacks.GetGoPgo(); pgo != nil {
		all.forPGO(int(pgo.KeepLocations), pgo.AggregateCallees)
	}
	if r.most > 0 {
		all.cut(r.most)
	}
	t, _ := profileType(sel.id)
	e := report.NewExport("", tacho.ValueType{Name: t.SampleType, Unit: t.SampleUnit}, sel.from, sel.until)
	e.PeriodType = tacho.ValueType{Name: t.PeriodType, Unit: t.PeriodUnit}
	e.Missing = missing
	for _, one := range all {
		e.Add(nil, one.s, one.v)
	}
	// Through the bytes: both packages mean the same message.
	var b bytes.Buffer
	if err := e.Pprof().WriteUncompressed(&b); err != nil {
		return nil, nil, fmt.Errorf("write the profile: %w", err)
	}
	p := &googlev1.Profile{}
	if err := p.UnmarshalVT(b.Bytes()); err != nil {
		return nil, nil, fmt.Errorf("read back the profile: %w", err)
	}
	return p, missing, nil
}

// stacksOf is every selected stack, of spans only where there are some.
func (x *querier) stacksOf(ctx context.Context, sel *selection, spans []string) (all stacks, missing []string, err error) {
	add := func(s tacho.Stack, v int64) {
		all = append(all, struct {
			s tacho.Stack
			v int64
		}{s, v})
	}
	if len(spans) > 0 {
		ids, err := spanIDs(spans)
		if err != nil {
			return nil, nil, err
		}
		missing, err = x.ofSpans(ctx, sel, ids, func(b *store.SampleBlock, stack uint32, v int64) { add(b.Tree.Stack(stack), v) })
		return all, missing, err
	}
	missing, err = x.gather(ctx, sel, func(p store.Part) {
		for id, v := range p.Values {
			if v != 0 {
				add(p.Tree.Stack(uint32(id)), v)
			}
		}
	})
	return all, missing, err
}

// below keeps the stacks that begin with these calls, root first.
func (all stacks) below(site []string) (out stacks) {
	for _, one := range all {
		ok := len(one.s) >= len(site)
		for i := 0; ok && i < len(site); i++ {
			ok = one.s[len(one.s)-1-i].Function == site[i]
		}
		if ok {
			out = append(out, one)
		}
	}
	return out
}

// forPGO keeps the leaf ends, which is what Go's profile-guided optimisation
// looks at; without the leaf's line calls of one callee become one.
func (all stacks) forPGO(keep int, aggregate bool) {
	for i := range all {
		s := &all[i].s
		if keep > 0 && len(*s) > keep {
			*s = (*s)[:keep]
		}
		if aggregate {
			(*s)[0].Line = 0
		}
	}
}

// cut ends stacks in "other" where max_nodes leaves nothing below.
func (all stacks) cut(most int64) {
	t := newTree()
	for _, one := range all {
		t.addStack(left, one.s, one.v)
	}
	t.sum()
	kept := t.keep(most)
	for i := range all {
		s, at := all[i].s, uint32(0)
		for k, f := range slices.Backward(s) {
			if at = t.step(at, t.ids[f.Function]); !kept[at] {
				all[i].s = append(tacho.Stack{{Function: other}}, s[k+1:]...)
				break
			}
		}
	}
}
