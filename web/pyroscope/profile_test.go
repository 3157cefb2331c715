//lint:file-ignore SA1019 clients call the deprecated methods

package pyroscope_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/querier/v1/querierv1connect"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"
)

func TestSelectMergeProfile(t *testing.T) {
	for protocol, c := range protocols(serve(t)) {
		t.Run(protocol, func(t *testing.T) {
			res, err := c.SelectMergeProfile(t.Context(), connect.NewRequest(&querierv1.SelectMergeProfileRequest{ProfileTypeID: cpuID, LabelSelector: "{}", Start: ms(0), End: ms(time.Minute)}))
			if err != nil {
				t.Fatal(err)
			}
			p := res.Msg
			str := func(i int64) string { return p.StringTable[i] }
			var got []string
			for _, s := range p.Sample {
				var frames []string
				for _, id := range s.LocationId {
					l := p.Location[id-1]
					f := p.Function[l.Line[0].FunctionId-1]
					one := str(f.Name) + " " + str(f.Filename)
					if l.Line[0].Line != 0 {
						one += ":" + string(rune('0'+l.Line[0].Line%10))
					}
					if l.MappingId != 0 {
						one += " " + str(p.Mapping[l.MappingId-1].Filename)
					}
					frames = append(frames, one)
				}
				got = append(got, strings.Join(frames, "; "))
				got = append(got, string(rune('0'+s.Value[0]/10))+string(rune('0'+s.Value[0]%10)))
				if len(s.Label) != 0 {
					t.Errorf("labels %v: merged samples have none", s.Label)
				}
			}
			same(t, "samples", got, []string{
				"work work.go:2 app; main main.go:0", "25",
				"read  libc.so.6; work work.go:3 app; main main.go:0", "30",
				"pay\uFFFD ; main main.go:0", "07",
			})
			if str(p.SampleType[0].Type) != "cpu" || str(p.SampleType[0].Unit) != "nanoseconds" || str(p.PeriodType.Type) != "cpu" || p.TimeNanos != base.UnixNano() || p.DurationNanos != 60e9 {
				t.Errorf("head: %v %v %d %d", p.SampleType, p.PeriodType, p.TimeNanos, p.DurationNanos)
			}
		})
	}
	c := protocols(serve(t))["connect"]
	pgo, err := c.SelectMergeProfile(t.Context(), connect.NewRequest(&querierv1.SelectMergeProfileRequest{ProfileTypeID: allocID, LabelSelector: "{}", Start: ms(0), End: ms(time.Minute),
		StackTraceSelector: &typesv1.StackTraceSelector{GoPgo: &typesv1.GoPGO{KeepLocations: 1, AggregateCallees: true}}}))
	if err != nil {
		t.Fatal(err)
	}
	p := pgo.Msg
	if len(p.Sample) != 1 || len(p.Sample[0].LocationId) != 1 || p.Location[0].Line[0].Line != 0 || p.Sample[0].Value[0] != 4096 || p.StringTable[p.SampleType[0].Type] != "alloc_space" || p.StringTable[p.PeriodType.Type] != "space" {
		t.Errorf("profile for Go PGO: %v", p)
	}
}

func TestSpans(t *testing.T) {
	for protocol, c := range protocols(serve(t)) {
		res, err := c.SelectMergeSpanProfile(t.Context(), connect.NewRequest(&querierv1.SelectMergeSpanProfileRequest{
			ProfileTypeID: cpuID, LabelSelector: `{service_name="orders"}`, SpanSelector: []string{"9a517183f26a089d"}, Start: ms(0), End: ms(time.Minute)}))
		if err != nil {
			t.Fatalf("%s: %v", protocol, err)
		}
		same(t, protocol, values(res.Msg.Flamegraph), [][]int64{{0, 20, 0, 0}, {0, 20, 0, 1}, {0, 20, 20, 2}})
		for _, spans := range [][]string{nil, {"span"}, {""}} {
			_, err := c.SelectMergeSpanProfile(t.Context(), connect.NewRequest(&querierv1.SelectMergeSpanProfileRequest{ProfileTypeID: cpuID, SpanSelector: spans, Start: ms(0), End: ms(time.Minute)}))
			if connect.CodeOf(err) != connect.CodeInvalidArgument {
				t.Errorf("%s: spans %q: %v, want invalid argument", protocol, spans, err)
			}
		}
	}
}

// allowUTF8 adds the header profilecli sends.
type allowUTF8 struct{ http.RoundTripper }

func (a allowUTF8) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "*/*;allow-utf8-labelnames=true")
	return a.RoundTripper.RoundTrip(r)
}

// TestProfilecliCalls makes the calls profilecli makes, with its header.
func TestProfilecliCalls(t *testing.T) {
	addr := serve(t)
	c := querierv1connect.NewQuerierServiceClient(&http.Client{Transport: allowUTF8{http.DefaultTransport}}, addr)
	ctx := t.Context()
	p, err := c.SelectMergeProfile(ctx, connect.NewRequest(&querierv1.SelectMergeProfileRequest{ProfileTypeID: cpuID, LabelSelector: `{service_name="orders"}`, Start: ms(0), End: ms(time.Minute)}))
	if err != nil || len(p.Msg.Sample) != 2 || p.Msg.Sample[0].Value[0] != 25 || p.Msg.Sample[1].Value[0] != 30 {
		t.Errorf("query profile: %v, %v; want 25 and 30", p, err)
	}
	both := stacktraces(t, c, cpuID, "{}", func(m *querierv1.SelectMergeStacktracesRequest) {
		m.Format = querierv1.ProfileFormat_PROFILE_FORMAT_PPROF
	})
	var sum int64
	for _, s := range both.Pprof.Profile.Sample {
		sum += s.Value[0]
	}
	if sum != 62 {
		t.Errorf("query profile, format 4: %d, want 62", sum)
	}
	tree := stacktraces(t, c, cpuID, "{}", func(m *querierv1.SelectMergeStacktracesRequest) {
		m.Format = querierv1.ProfileFormat_PROFILE_FORMAT_TREE
	})
	if len(tree.Tree) == 0 {
		t.Error("query profile --tree: nothing")
	}
	s, err := c.Series(ctx, connect.NewRequest(&querierv1.SeriesRequest{Matchers: []string{"{}"}, Start: ms(0), End: ms(time.Minute)}))
	if err != nil || len(s.Msg.LabelsSet) != 10 {
		t.Errorf("query series: %d sets, %v; want 10", len(s.Msg.GetLabelsSet()), err)
	}
	n, err := c.LabelNames(ctx, connect.NewRequest(&typesv1.LabelNamesRequest{Matchers: []string{"{}"}, Start: ms(0), End: ms(time.Minute)}))
	if err != nil || len(n.Msg.Names) != 10 {
		t.Errorf("label names: %v, %v; want 10", n, err)
	}
}
