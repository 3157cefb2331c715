package pyroscope_test

import (
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/querier/v1/querierv1connect"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"
)

func series(t *testing.T, c querierv1connect.QuerierServiceClient, m *querierv1.SelectSeriesRequest) map[string][][2]int64 {
	t.Helper()
	res, err := c.SelectSeries(t.Context(), connect.NewRequest(m))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][][2]int64{}
	for _, s := range res.Msg.Series {
		var ls []string
		for _, l := range s.Labels {
			ls = append(ls, l.Name+"="+l.Value)
		}
		var points [][2]int64
		for _, p := range s.Points {
			points = append(points, [2]int64{(p.Timestamp - ms(0)) / 1000, int64(p.Value)})
		}
		out[strings.Join(ls, ",")] = points
	}
	return out
}

func TestSelectSeries(t *testing.T) {
	for protocol, c := range protocols(serve(t)) {
		t.Run(protocol, func(t *testing.T) {
			ask := func(change func(*querierv1.SelectSeriesRequest)) map[string][][2]int64 {
				m := &querierv1.SelectSeriesRequest{ProfileTypeID: cpuID, LabelSelector: `{service_name="orders"}`, Start: ms(0), End: ms(time.Minute), Step: 15}
				if change != nil {
					change(m)
				}
				return series(t, c, m)
			}
			// A point is the sum of (t−15 s, t]: the sample at 15 s is in the point 15.
			same(t, "all", ask(nil), map[string][][2]int64{"": {{0, 0}, {15, 55}, {30, 0}, {45, 0}, {60, 0}}})
			same(t, "from a second on", ask(func(m *querierv1.SelectSeriesRequest) {
				m.Start, m.Step = ms(time.Second), 1
				m.End = ms(3 * time.Second)
			}),
				map[string][][2]int64{"": {{1, 20}, {2, 30}, {3, 0}}})
			same(t, "by instance", ask(func(m *querierv1.SelectSeriesRequest) { m.GroupBy = []string{"instance"} }), map[string][][2]int64{
				"instance=a": {{0, 0}, {15, 50}, {30, 0}, {45, 0}, {60, 0}},
				"instance=b": {{0, 0}, {15, 5}, {30, 0}, {45, 0}, {60, 0}},
			})
			limit := int64(1)
			same(t, "the largest service", ask(func(m *querierv1.SelectSeriesRequest) {
				m.LabelSelector, m.GroupBy, m.Limit, m.Step = "{}", []string{"service_name"}, &limit, 30
			}), map[string][][2]int64{"service_name=orders": {{0, 0}, {30, 55}, {60, 0}}})
			same(t, "by service and group", ask(func(m *querierv1.SelectSeriesRequest) {
				m.LabelSelector, m.GroupBy, m.Step, m.Start = `{instance!="b"}`, []string{"service_name", "thread_group"}, 60, ms(time.Minute)
			}), map[string][][2]int64{"service_name=orders,thread_group=GC": {{60, 30}}, "service_name=orders,thread_group=http-#": {{60, 20}}, "service_name=pay": {{60, 7}}})
			// Of a long range the grid is whole minutes: the minute from 0 to 60 is the point 60.
			long := ask(func(m *querierv1.SelectSeriesRequest) {
				m.Start, m.End, m.Step = ms(-7*time.Hour)+17, ms(time.Hour)+17, 3600
			})
			same(t, "hours", long, map[string][][2]int64{"": {{3600, 55}}})
			same(t, "nothing", ask(func(m *querierv1.SelectSeriesRequest) { m.LabelSelector = `{service_name="nobody"}` }), map[string][][2]int64{})
		})
	}
}

func TestRefusals(t *testing.T) {
	c := protocols(serve(t))["connect"]
	ctx := t.Context()
	sel := func(change func(*querierv1.SelectMergeStacktracesRequest)) error {
		m := &querierv1.SelectMergeStacktracesRequest{ProfileTypeID: cpuID, LabelSelector: "{}", Start: ms(0), End: ms(time.Minute)}
		change(m)
		_, err := c.SelectMergeStacktraces(ctx, connect.NewRequest(m))
		return err
	}
	line := func(step float64, change func(*querierv1.SelectSeriesRequest)) error {
		m := &querierv1.SelectSeriesRequest{ProfileTypeID: cpuID, Start: ms(0), End: ms(time.Minute), Step: step}
		if change != nil {
			change(m)
		}
		_, err := c.SelectSeries(ctx, connect.NewRequest(m))
		return err
	}
	average := typesv1.TimeSeriesAggregationType_TIME_SERIES_AGGREGATION_TYPE_AVERAGE
	_, heat := c.SelectHeatmap(ctx, connect.NewRequest(&querierv1.SelectHeatmapRequest{}))
	_, analyze := c.AnalyzeQuery(ctx, connect.NewRequest(&querierv1.AnalyzeQueryRequest{}))
	_, noName := c.LabelValues(ctx, connect.NewRequest(&typesv1.LabelValuesRequest{}))
	_, half := c.Diff(ctx, connect.NewRequest(&querierv1.DiffRequest{}))
	for _, x := range []struct {
		err  error
		code connect.Code
		say  string
	}{
		{sel(func(m *querierv1.SelectMergeStacktracesRequest) { m.ProfileTypeID = "cpu" }), connect.CodeInvalidArgument, "NAME:SAMPLE_TYPE"},
		{sel(func(m *querierv1.SelectMergeStacktracesRequest) { m.LabelSelector = `{a=b}` }), connect.CodeInvalidArgument, "byte 3: expected a quoted string"},
		{sel(func(m *querierv1.SelectMergeStacktracesRequest) { m.LabelSelector = `{a=~"("}` }), connect.CodeInvalidArgument, "missing closing )"},
		{sel(func(m *querierv1.SelectMergeStacktracesRequest) { m.End = m.Start }), connect.CodeInvalidArgument, "not a range"},
		{sel(func(m *querierv1.SelectMergeStacktracesRequest) { m.Start = ms(-401 * 24 * time.Hour) }), connect.CodeInvalidArgument, "longer than 400 days"},
		{sel(func(m *querierv1.SelectMergeStacktracesRequest) { m.ProfileIdSelector = []string{"x"} }), connect.CodeUnimplemented, "profile ids"},
		{sel(func(m *querierv1.SelectMergeStacktracesRequest) {
			m.Format = querierv1.ProfileFormat_PROFILE_FORMAT_DOT
		}), connect.CodeUnimplemented, "DOT"},
		{line(0, nil), connect.CodeInvalidArgument, "step"},
		{line(0.01, func(m *querierv1.SelectSeriesRequest) { m.End = ms(time.Hour) }), connect.CodeInvalidArgument, "at most 20000"},
		{line(15, func(m *querierv1.SelectSeriesRequest) { m.Aggregation = &average }), connect.CodeUnimplemented, "average"},
		{heat, connect.CodeUnimplemented, "/api/v1/heatmap"},
		{analyze, connect.CodeUnimplemented, "cost"},
		{noName, connect.CodeInvalidArgument, "which label"},
		{half, connect.CodeInvalidArgument, "left and right"},
	} {
		if connect.CodeOf(x.err) != x.code || !strings.Contains(x.err.Error(), x.say) {
			t.Errorf("got %v, want %v with %q", x.err, x.code, x.say)
		}
	}
}
