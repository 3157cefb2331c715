package pyroscope

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"connectrpc.com/connect"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"

	"tacho/store"
)

func tooMany(what string, n, most int) error {
	return fmt.Errorf("the answer has %d %s, at most %d fit one: select less", n, what, most)
}

// SelectMergeStacktraces merges what is selected into a flame graph, a tree or
// a pprof profile.
func (x *querier) SelectMergeStacktraces(ctx context.Context, r *connect.Request[querierv1.SelectMergeStacktracesRequest]) (*connect.Response[querierv1.SelectMergeStacktracesResponse], error) {
	m := r.Msg
	if err := supported(m); err != nil {
		return nil, err
	}
	res := connect.NewResponse(&querierv1.SelectMergeStacktracesResponse{})
	if m.Format == querierv1.ProfileFormat_PROFILE_FORMAT_PPROF {
		p, missing, err := x.profile(ctx, profileRequest{
			id: m.ProfileTypeID, selector: m.LabelSelector, start: m.Start, end: m.End,
			most: m.GetMaxNodes(), stacks: m.StackTraceSelector, spans: m.SpanSelector,
		})
		if err != nil {
			return nil, err
		}
		note(res.Header(), missing)
		res.Msg.Pprof = &querierv1.PprofProfile{Profile: p}
		return res, nil
	}
	t := newTree()
	missing, err := x.grow(ctx, t, left, m)
	if err != nil {
		return nil, err
	}
	t.sum()
	note(res.Header(), missing)
	switch m.Format {
	case querierv1.ProfileFormat_PROFILE_FORMAT_TREE:
		res.Msg.Tree = t.bytes(m.GetMaxNodes())
	default:
		res.Msg.Flamegraph = t.flameGraph(m.GetMaxNodes())
	}
	return res, nil
}

// supported refuses what could only be answered wrongly.
func supported(m *querierv1.SelectMergeStacktracesRequest) error {
	switch {
	case m.Format == querierv1.ProfileFormat_PROFILE_FORMAT_DOT:
		return unsupported("graphs in DOT are not made here: ask for pprof, which `go tool pprof -dot` draws")
	case m.Format > querierv1.ProfileFormat_PROFILE_FORMAT_PPROF || m.Format < 0:
		return unsupported("format %d is not known", m.Format)
	case len(m.ProfileIdSelector) > 0:
		return unsupported("profile ids select nothing here: profiles are merged as they come; select by time and labels")
	case len(m.TraceIdSelector) > 0:
		return unsupported("trace ids select nothing here: samples carry the id of their span; use span_selector")
	case m.Async.GetType() == querierv1.AsyncQueryType_ASYNC_QUERY_TYPE_FORCE || m.Async.GetRequestId() != "":
		return unsupported("questions are answered at once: leave async out")
	}
	return nil
}

// grow adds what a request selects to one side of a tree.
func (x *querier) grow(ctx context.Context, t *tree, side int, m *querierv1.SelectMergeStacktracesRequest) (missing []string, err error) {
	sel, err := x.choose(ctx, m.ProfileTypeID, m.LabelSelector, m.Start, m.End)
	if err != nil {
		return nil, err
	}
	if len(m.SpanSelector) > 0 {
		spans, err := spanIDs(m.SpanSelector)
		if err != nil {
			return nil, err
		}
		missing, err = x.ofSpans(ctx, sel, spans, func(b *store.SampleBlock, stack uint32, v int64) { t.addStack(side, b.Tree.Stack(stack), v) })
		if err != nil {
			return nil, err
		}
	} else if missing, err = x.gather(ctx, sel, func(p store.Part) { t.addPart(side, p) }); err != nil {
		return nil, err
	}
	if site := callSite(m.StackTraceSelector); len(site) > 0 {
		t.below(side, site)
	}
	return missing, nil
}

func callSite(s *typesv1.StackTraceSelector) []string {
	var out []string
	if s.GetGoPgo() == nil {
		for _, l := range s.GetCallSite() {
			out = append(out, l.GetName())
		}
	}
	return out
}

// SelectMergeSpanProfile merges the samples taken while the spans were served.
func (x *querier) SelectMergeSpanProfile(ctx context.Context, r *connect.Request[querierv1.SelectMergeSpanProfileRequest]) (*connect.Response[querierv1.SelectMergeSpanProfileResponse], error) {
	m := r.Msg
	if len(m.SpanSelector) == 0 {
		return nil, bad("span_selector: of which spans?")
	}
	if m.Format == querierv1.ProfileFormat_PROFILE_FORMAT_PPROF {
		return nil, unsupported("pprof of spans is answered by SelectMergeStacktraces with span_selector")
	}
	res, err := x.SelectMergeStacktraces(ctx, connect.NewRequest(&querierv1.SelectMergeStacktracesRequest{
		ProfileTypeID: m.ProfileTypeID, LabelSelector: m.LabelSelector, Start: m.Start, End: m.End,
		MaxNodes: m.MaxNodes, Format: m.Format, SpanSelector: m.SpanSelector,
	}))
	if err != nil {
		return nil, err
	}
	out := connect.NewResponse(&querierv1.SelectMergeSpanProfileResponse{Flamegraph: res.Msg.Flamegraph, Tree: res.Msg.Tree})
	for _, v := range res.Header().Values(headerMissing) {
		out.Header().Add(headerMissing, v)
	}
	return out, nil
}

// maxSpans bounds a list of spans.
const maxSpans = 100_000

// spanIDs reads ids of 16 hexadecimal digits.
func spanIDs(list []string) (map[uint64]bool, error) {
	if len(list) > maxSpans {
		return nil, bad("span_selector: more than %d spans", maxSpans)
	}
	out := make(map[uint64]bool, len(list))
	for _, s := range list {
		id, err := strconv.ParseUint(strings.TrimSpace(s), 16, 64)
		if err != nil || id == 0 {
			return nil, bad("span_selector: %q is not a span id of 16 hexadecimal digits", s)
		}
		out[id] = true
	}
	return out, nil
}

// ofSpans visits the samples of spans. Spans are kept with raw samples only.
func (x *querier) ofSpans(ctx context.Context, sel *selection, spans map[uint64]bool, visit func(b *store.SampleBlock, stack uint32, v int64)) (missing []string, err error) {
	for _, s := range sel.selections() {
		err := x.o.Store.Samples(ctx, s, func(b *store.SampleBlock) error {
			sums := map[uint32]int64{}
			for _, one := range b.Samples {
				if spans[one.Span] {
					sums[one.Stack] += one.Value
				}
			}
			for _, stack := range slices.Sorted(maps.Keys(sums)) {
				visit(b, stack, sums[stack])
			}
			return ctx.Err()
		})
		var part *store.MissingError
		switch {
		case errors.As(err, &part):
			missing = append(missing, part.Missing...)
		case errors.Is(err, store.ErrUnknownService): // its retention ended between the two questions
		case err != nil:
			return nil, fmt.Errorf("read samples of %s: %w", s.Service, err)
		}
	}
	return missing, nil
}

// Diff compares two selections.
func (x *querier) Diff(ctx context.Context, r *connect.Request[querierv1.DiffRequest]) (*connect.Response[querierv1.DiffResponse], error) {
	res := connect.NewResponse(&querierv1.DiffResponse{})
	t := newTree()
	for side, m := range []*querierv1.SelectMergeStacktracesRequest{r.Msg.Left, r.Msg.Right} {
		if m == nil {
			return nil, bad("a comparison needs left and right")
		}
		m.Format = querierv1.ProfileFormat_PROFILE_FORMAT_UNSPECIFIED // ignored, as documented
		if err := supported(m); err != nil {
			return nil, err
		}
		missing, err := x.grow(ctx, t, side, m)
		if err != nil {
			return nil, err
		}
		note(res.Header(), missing)
	}
	t.sum()
	res.Msg.Flamegraph = t.flameGraphDiff(max(r.Msg.Left.GetMaxNodes(), r.Msg.Right.GetMaxNodes()))
	return res, nil
}

// SelectHeatmap is not answered: its cells count single profiles or spans by
// their value, and Tacho keeps samples.
func (x *querier) SelectHeatmap(context.Context, *connect.Request[querierv1.SelectHeatmapRequest]) (*connect.Response[querierv1.SelectHeatmapResponse], error) {
	return nil, unsupported("heat maps of single profiles are not kept; Tacho's own heat map of samples is at /api/v1/heatmap and on the service's page")
}

// AnalyzeQuery is internal to Pyroscope.
func (x *querier) AnalyzeQuery(context.Context, *connect.Request[querierv1.AnalyzeQueryRequest]) (*connect.Response[querierv1.AnalyzeQueryResponse], error) {
	return nil, unsupported("the cost of a question cannot be asked for")
}
