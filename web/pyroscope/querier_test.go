package pyroscope_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/querier/v1/querierv1connect"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"

	"tacho"
	"tacho/query"
	"tacho/store/local"
	"tacho/web"
)

var base = time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)

const (
	cpuID   = "process_cpu:cpu:nanoseconds:cpu:nanoseconds"
	wallID  = "wall:wall:nanoseconds:wall:nanoseconds"
	allocID = "memory:alloc_space:bytes:space:bytes"
)

func ms(d time.Duration) int64 { return base.Add(d).UnixMilli() }

// serve stores two instances of orders and one of pay, and serves them as the
// program does.
func serve(t *testing.T) string {
	t.Helper()
	now := func() time.Time { return base.Add(2 * time.Minute) }
	st, err := local.Open(local.Options{Dir: t.TempDir(), MinFree: 1, Ballast: -1, RollEvery: -1, WatchEvery: -1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	main := tacho.Frame{Function: "main", File: "main.go", Line: 10}
	work := tacho.Frame{Function: "work", File: "work.go", Line: 42, Module: "app"}
	late := tacho.Frame{Function: "work", File: "work.go", Line: 43, Module: "app"}
	read := tacho.Frame{Function: "read", Module: "libc.so.6"}
	wait := tacho.Frame{Function: "wait"}
	at := func(d time.Duration) int64 { return base.Add(d).UnixNano() }
	web1, gc := tacho.Thread{ID: 1, Name: "http-1", Group: "http-#"}, tacho.Thread{ID: 2, Name: "GC 0", Group: "GC"}
	var batches []*tacho.Batch
	batch := func(service, instance string, fill func(x *tacho.Builder)) {
		x := tacho.NewBuilder()
		fill(x)
		target := tacho.NewLabels(map[string]string{tacho.LabelService: service, tacho.LabelInstance: instance, "zone": "z-" + instance})
		batches = append(batches, x.Take(target, "test", at(0), at(time.Minute), 1))
	}
	batch("orders", "a", func(x *tacho.Builder) {
		x.Sample(tacho.CPU, tacho.Sample{Time: at(time.Second), Value: 20, Stack: x.Stack(tacho.Stack{work, main}), Thread: x.Thread(web1), Span: 0x9a517183f26a089d})
		x.Sample(tacho.CPU, tacho.Sample{Time: at(2 * time.Second), Value: 30, Stack: x.Stack(tacho.Stack{read, late, main}), Thread: x.Thread(gc)})
		x.Sample(tacho.OffCPU, tacho.Sample{Time: at(20 * time.Second), Value: 100, Stack: x.Stack(tacho.Stack{wait, main}), Thread: x.Thread(web1)})
	})
	batch("orders", "b", func(x *tacho.Builder) {
		x.Sample(tacho.CPU, tacho.Sample{Time: at(15 * time.Second), Value: 5, Stack: x.Stack(tacho.Stack{work, main}), Thread: x.Thread(web1)})
		x.Sample(tacho.Alloc, tacho.Sample{Value: 4096, Stack: x.Stack(tacho.Stack{work, main}), Thread: x.Thread(web1)})
		x.Sample(tacho.ValueType{Name: "widgets", Unit: "count"}, tacho.Sample{Value: 3, Stack: x.Stack(tacho.Stack{main}), Thread: x.Thread(web1)})
	})
	batch("pay", "p", func(x *tacho.Builder) {
		x.Sample(tacho.CPU, tacho.Sample{Time: at(40 * time.Second), Value: 7, Stack: x.Stack(tacho.Stack{{Function: "pay\xff"}, main}), Thread: x.Thread(tacho.Thread{})})
	})
	if err := st.Append(context.Background(), "", batches); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(web.New(web.Options{Query: query.New(st), Store: st, Now: now}))
	t.Cleanup(func() {
		srv.Close()
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return srv.URL
}

// protocols are the ways clients may speak: Grafana's (Connect, protobuf, gzip)
// and the others.
func protocols(addr string) map[string]querierv1connect.QuerierServiceClient {
	c := func(o ...connect.ClientOption) querierv1connect.QuerierServiceClient {
		return querierv1connect.NewQuerierServiceClient(http.DefaultClient, addr, o...)
	}
	return map[string]querierv1connect.QuerierServiceClient{
		"connect": c(), "connect, gzip": c(connect.WithSendGzip()), "connect, JSON": c(connect.WithProtoJSON()), "gRPC-Web": c(connect.WithGRPCWeb()),
	}
}

func names(ts []*typesv1.ProfileType) (out []string) {
	for _, t := range ts {
		out = append(out, t.ID)
	}
	return out
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s\n got %v\nwant %v", what, got, want)
	}
}

func TestLists(t *testing.T) {
	for protocol, c := range protocols(serve(t)) {
		t.Run(protocol, func(t *testing.T) {
			ctx := t.Context()
			types, err := c.ProfileTypes(ctx, connect.NewRequest(&querierv1.ProfileTypesRequest{Start: ms(-time.Hour), End: ms(time.Hour)}))
			if err != nil {
				t.Fatal(err)
			}
			same(t, "types", names(types.Msg.ProfileTypes), []string{allocID, cpuID, "tacho:offcpu:nanoseconds:offcpu:nanoseconds", "tacho:widgets:count:widgets:count", wallID})
			if p := types.Msg.ProfileTypes[0]; p.Name != "memory" || p.SampleType != "alloc_space" || p.SampleUnit != "bytes" || p.PeriodType != "space" || p.PeriodUnit != "bytes" {
				t.Errorf("parts of a type: %v", p)
			}
			none, err := c.ProfileTypes(ctx, connect.NewRequest(&querierv1.ProfileTypesRequest{Start: ms(time.Hour), End: ms(2 * time.Hour)}))
			if err != nil || len(none.Msg.ProfileTypes) != 0 {
				t.Errorf("types of an hour without data: %v, %v", none, err)
			}
			ln, err := c.LabelNames(ctx, connect.NewRequest(&typesv1.LabelNamesRequest{Matchers: []string{`{service_name="orders"}`}, Start: ms(0), End: ms(time.Minute)}))
			if err != nil {
				t.Fatal(err)
			}
			same(t, "label names", ln.Msg.Names, []string{"__name__", "__period_type__", "__period_unit__", "__profile_type__", "__type__", "__unit__", "instance", "service_name", "thread_group", "zone"})
			for _, x := range []struct {
				name     string
				matchers []string
				want     []string
			}{
				{"service_name", nil, []string{"orders", "pay"}},
				{"service_name", []string{"{}"}, []string{"orders", "pay"}},
				{"service_name", []string{""}, []string{"orders", "pay"}},
				{"service_name", []string{`{__profile_type__="` + allocID + `"}`}, []string{"orders"}},
				{"instance", []string{`{service_name="orders"}`}, []string{"a", "b"}},
				{"instance", []string{`{service_name="pay"}`, `{zone=~".-b"}`}, []string{"b", "p"}},
				{"thread_group", []string{`{instance="a"}`}, []string{"GC", "http-#"}},
				{"nothing", nil, nil},
			} {
				lv, err := c.LabelValues(ctx, connect.NewRequest(&typesv1.LabelValuesRequest{Name: x.name, Matchers: x.matchers}))
				if err != nil {
					t.Fatal(err)
				}
				same(t, "values of "+x.name, lv.Msg.Names, x.want)
			}
			series, err := c.Series(ctx, connect.NewRequest(&querierv1.SeriesRequest{Matchers: []string{`{service_name=~".+"}`}, LabelNames: []string{"service_name", "__profile_type__"}, Start: ms(0), End: ms(time.Minute)}))
			if err != nil {
				t.Fatal(err)
			}
			var sets []string
			for _, s := range series.Msg.LabelsSet {
				var one []string
				for _, l := range s.Labels {
					one = append(one, l.Value)
				}
				sets = append(sets, strings.Join(one, " "))
			}
			same(t, "series", sets, []string{allocID + " orders", cpuID + " orders", cpuID + " pay", "tacho:offcpu:nanoseconds:offcpu:nanoseconds orders", "tacho:widgets:count:widgets:count orders", wallID + " orders"})
			stats, err := c.GetProfileStats(ctx, connect.NewRequest(&typesv1.GetProfileStatsRequest{}))
			if err != nil || !stats.Msg.DataIngested || stats.Msg.OldestProfileTime != ms(0) || stats.Msg.NewestProfileTime != ms(time.Minute) {
				t.Errorf("stats %v, %v; want from noon to a minute after", stats, err)
			}
		})
	}
}
