package pyroscope_test

import (
	"testing"
	"time"

	"connectrpc.com/connect"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/querier/v1/querierv1connect"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"
)

func stacktraces(t *testing.T, c querierv1connect.QuerierServiceClient, id, selector string, change func(*querierv1.SelectMergeStacktracesRequest)) *querierv1.SelectMergeStacktracesResponse {
	t.Helper()
	m := &querierv1.SelectMergeStacktracesRequest{ProfileTypeID: id, LabelSelector: selector, Start: ms(0), End: ms(time.Minute)}
	if change != nil {
		change(m)
	}
	res, err := c.SelectMergeStacktraces(t.Context(), connect.NewRequest(m))
	if err != nil {
		t.Fatal(err)
	}
	return res.Msg
}

func values(g *querierv1.FlameGraph) (out [][]int64) {
	for _, l := range g.GetLevels() {
		out = append(out, l.Values)
	}
	return out
}

func TestFlameGraph(t *testing.T) {
	for protocol, c := range protocols(serve(t)) {
		t.Run(protocol, func(t *testing.T) {
			g := stacktraces(t, c, cpuID, `{service_name="orders"}`, nil).Flamegraph
			same(t, "names", g.Names, []string{"total", "main", "work", "read"})
			// 25 of work is its own and lies left of what it called.
			same(t, "levels", values(g), [][]int64{{0, 55, 0, 0}, {0, 55, 0, 1}, {0, 55, 25, 2}, {25, 30, 30, 3}})
			if g.Total != 55 || g.MaxSelf != 30 {
				t.Errorf("total %d, largest self %d; want 55, 30", g.Total, g.MaxSelf)
			}
			for _, x := range []struct {
				id, selector string
				total        int64
			}{
				{cpuID, "{}", 62}, {cpuID, "", 62}, {cpuID, `{service_name="pay"}`, 7}, {cpuID, `{instance="b"}`, 5}, {cpuID, `{thread_group="GC"}`, 30},
				{cpuID, `{service_name!="pay", zone!~"z-b|x"}`, 50}, {wallID, `{service_name="orders"}`, 155}, {allocID, `{service_name="orders"}`, 4096},
				{"tacho:widgets:count:widgets:count", "{}", 3}, {cpuID, `{service_name="nobody"}`, 0}, {"block:delay:nanoseconds:contentions:count", "{}", 0},
			} {
				g := stacktraces(t, c, x.id, x.selector, nil).Flamegraph
				if g.Total != x.total || g.Names[0] != "total" || len(g.Levels) == 0 || g.Levels[0].Values[1] != x.total {
					t.Errorf("%s %s: total %d of %v, want %d", x.id, x.selector, g.Total, g, x.total)
				}
			}
			below := stacktraces(t, c, cpuID, `{service_name="orders"}`, func(m *querierv1.SelectMergeStacktracesRequest) {
				m.StackTraceSelector = &typesv1.StackTraceSelector{CallSite: []*typesv1.Location{{Name: "main"}, {Name: "work"}, {Name: "read"}}}
			}).Flamegraph
			same(t, "below a call site", values(below), [][]int64{{0, 30, 0, 0}, {0, 30, 0, 1}, {0, 30, 0, 2}, {0, 30, 30, 3}})
		})
	}
}

// What max_nodes cuts off is "other", and nothing gets lost.
func TestMaxNodes(t *testing.T) {
	c := protocols(serve(t))["connect"]
	most := func(n int64) func(*querierv1.SelectMergeStacktracesRequest) {
		return func(m *querierv1.SelectMergeStacktracesRequest) { m.MaxNodes = &n }
	}
	g := stacktraces(t, c, wallID, "{}", most(2)).Flamegraph
	// wall of orders: main 155 = work 55 + wait 100. Two nodes may stay: main and wait.
	same(t, "names", g.Names, []string{"total", "main", "wait", "other"})
	same(t, "levels", values(g), [][]int64{{0, 155, 0, 0}, {0, 155, 0, 1}, {0, 100, 100, 2, 0, 55, 55, 3}})
	all := stacktraces(t, c, wallID, "{}", most(4)).Flamegraph
	same(t, "all four", all.Names, []string{"total", "main", "wait", "work", "read"})
	p := stacktraces(t, c, wallID, "{}", func(m *querierv1.SelectMergeStacktracesRequest) {
		most(2)(m)
		m.Format = querierv1.ProfileFormat_PROFILE_FORMAT_PPROF
	}).Pprof.Profile
	var sum int64
	var leaves []string
	for _, s := range p.Sample {
		sum += s.Value[0]
		leaves = append(leaves, p.StringTable[p.Function[p.Location[s.LocationId[0]-1].Line[0].FunctionId-1].Name])
	}
	same(t, "leaves in pprof", leaves, []string{"other", "wait"})
	if sum != 155 {
		t.Errorf("pprof adds up to %d, want 155", sum)
	}
}

func TestTreeBytes(t *testing.T) {
	c := protocols(serve(t))["connect"]
	b := stacktraces(t, c, cpuID, `{service_name="orders"}`, func(m *querierv1.SelectMergeStacktracesRequest) {
		m.Format = querierv1.ProfileFormat_PROFILE_FORMAT_TREE
	}).Tree
	// name length, name, self, children: of the root, main, work and read.
	same(t, "tree", string(b), "\x00\x00\x01"+"\x04main\x00\x01"+"\x04work\x19\x01"+"\x04read\x1e\x00")
	if none := stacktraces(t, c, cpuID, `{service_name="nobody"}`, func(m *querierv1.SelectMergeStacktracesRequest) {
		m.Format = querierv1.ProfileFormat_PROFILE_FORMAT_TREE
	}); len(none.Tree) != 0 {
		t.Errorf("the tree of nothing: %q", none.Tree)
	}
}

func TestDiff(t *testing.T) {
	for protocol, c := range protocols(serve(t)) {
		req := func(instance string) *querierv1.SelectMergeStacktracesRequest {
			return &querierv1.SelectMergeStacktracesRequest{ProfileTypeID: cpuID, LabelSelector: `{instance="` + instance + `"}`, Start: ms(0), End: ms(time.Minute)}
		}
		res, err := c.Diff(t.Context(), connect.NewRequest(&querierv1.DiffRequest{Left: req("a"), Right: req("b")}))
		if err != nil {
			t.Fatalf("%s: %v", protocol, err)
		}
		g := res.Msg.Flamegraph
		var got [][]int64
		for _, l := range g.Levels {
			got = append(got, l.Values)
		}
		same(t, protocol+": names", g.Names, []string{"total", "main", "work", "read"})
		same(t, protocol+": levels", got, [][]int64{{0, 50, 0, 0, 5, 0, 0}, {0, 50, 0, 0, 5, 0, 1}, {0, 50, 20, 0, 5, 5, 2}, {20, 30, 30, 5, 0, 0, 3}})
		if g.Total != 55 || g.LeftTicks != 50 || g.RightTicks != 5 || g.MaxSelf != 30 {
			t.Errorf("%s: totals %d, %d, %d, largest self %d; want 55, 50, 5, 30", protocol, g.Total, g.LeftTicks, g.RightTicks, g.MaxSelf)
		}
	}
}
