package pyroscope

import (
	"context"
	"maps"
	"slices"

	"connectrpc.com/connect"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"

	"tacho"
)

// maxSeries bounds lists of series.
const maxSeries = 200_000

// ProfileTypes lists the types of everything recorded in the range.
func (x *querier) ProfileTypes(ctx context.Context, r *connect.Request[querierv1.ProfileTypesRequest]) (*connect.Response[querierv1.ProfileTypesResponse], error) {
	all, err := x.o.Store.Services(ctx, "")
	if err != nil {
		return nil, err
	}
	ids := map[string]bool{}
	for _, svc := range all {
		if len(recorded(svc, r.Msg.Start, r.Msg.End)) > 0 {
			for _, t := range offered(svc) {
				ids[typeID(t)] = true
			}
		}
	}
	out := &querierv1.ProfileTypesResponse{}
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		if t, ok := profileType(id); ok {
			out.ProfileTypes = append(out.ProfileTypes, t)
		}
	}
	return connect.NewResponse(out), nil
}

// LabelNames lists the labels of what is selected.
func (x *querier) LabelNames(ctx context.Context, r *connect.Request[typesv1.LabelNamesRequest]) (*connect.Response[typesv1.LabelNamesResponse], error) {
	names := map[string]bool{}
	err := x.identities(ctx, r.Msg.Matchers, r.Msg.Start, r.Msg.End, func(_ string, ls tacho.Labels) {
		for _, l := range ls {
			names[l.Name] = true
		}
	})
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&typesv1.LabelNamesResponse{Names: slices.Sorted(maps.Keys(names))}), nil
}

// LabelValues lists the values of one label.
func (x *querier) LabelValues(ctx context.Context, r *connect.Request[typesv1.LabelValuesRequest]) (*connect.Response[typesv1.LabelValuesResponse], error) {
	values, err := x.values(ctx, r.Msg.Name, r.Msg.Matchers, r.Msg.Start, r.Msg.End)
	if err != nil {
		return nil, err
	}
	return connect.NewResponse(&typesv1.LabelValuesResponse{Names: values}), nil
}

func (x *querier) values(ctx context.Context, name string, matchers []string, start, end int64) ([]string, error) {
	if name == "" {
		return nil, bad("name: of which label?")
	}
	values := map[string]bool{}
	err := x.identities(ctx, matchers, start, end, func(_ string, ls tacho.Labels) {
		if v := ls.Get(name); v != "" {
			values[v] = true
		}
	})
	return slices.Sorted(maps.Keys(values)), err
}

// Series lists label sets, cut down to the names asked for.
func (x *querier) Series(ctx context.Context, r *connect.Request[querierv1.SeriesRequest]) (*connect.Response[querierv1.SeriesResponse], error) {
	sets := map[string]tacho.Labels{}
	err := x.identities(ctx, r.Msg.Matchers, r.Msg.Start, r.Msg.End, func(_ string, ls tacho.Labels) {
		if len(r.Msg.LabelNames) > 0 {
			ls = slices.DeleteFunc(slices.Clone(ls), func(l tacho.Label) bool { return !slices.Contains(r.Msg.LabelNames, l.Name) })
		}
		if len(ls) > 0 {
			sets[ls.String()] = ls
		}
	})
	if err != nil {
		return nil, err
	}
	if len(sets) > maxSeries {
		return nil, connect.NewError(connect.CodeResourceExhausted, tooMany("series", len(sets), maxSeries))
	}
	out := &querierv1.SeriesResponse{}
	for _, key := range slices.Sorted(maps.Keys(sets)) {
		out.LabelsSet = append(out.LabelsSet, &typesv1.Labels{Labels: pairs(sets[key])})
	}
	return connect.NewResponse(out), nil
}

func pairs(ls tacho.Labels) []*typesv1.LabelPair {
	out := make([]*typesv1.LabelPair, len(ls))
	for i, l := range ls {
		out[i] = &typesv1.LabelPair{Name: l.Name, Value: l.Value}
	}
	return out
}

// GetProfileStats says whether anything was ever recorded, and from when to when.
func (x *querier) GetProfileStats(ctx context.Context, _ *connect.Request[typesv1.GetProfileStatsRequest]) (*connect.Response[typesv1.GetProfileStatsResponse], error) {
	all, err := x.o.Store.Services(ctx, "")
	if err != nil {
		return nil, err
	}
	out := &typesv1.GetProfileStatsResponse{}
	for _, svc := range all {
		for _, i := range svc.Instances {
			first, last := i.First.UnixMilli(), i.Last.UnixMilli()
			if !out.DataIngested || first < out.OldestProfileTime {
				out.OldestProfileTime = first
			}
			out.DataIngested = true
			out.NewestProfileTime = max(out.NewestProfileTime, last)
		}
	}
	return connect.NewResponse(out), nil
}
