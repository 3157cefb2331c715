package browsertest

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"tacho/report"
	"tacho/web/client"
)

// The server's own answers, which the page has to show as they are.

func (s *server) query(typ string, from, until int64) client.Query {
	return client.Query{Service: service, Type: typ, From: strconv.FormatInt(from, 10), Until: strconv.FormatInt(until, 10)}
}

func (s *server) top(t *testing.T, typ string, from, until int64) *report.Top {
	t.Helper()
	a, err := s.api.Top(t.Context(), s.query(typ, from, until), client.TopOptions{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *server) icicle(t *testing.T, typ string, from, until int64) *report.Icicle {
	t.Helper()
	a, err := s.api.Icicle(t.Context(), s.query(typ, from, until), client.IcicleOptions{MinShare: 0.0005})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *server) callers(t *testing.T, typ string, from, until int64, function string) *report.Icicle {
	t.Helper()
	a, err := s.api.Callers(t.Context(), s.query(typ, from, until), function, client.IcicleOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// story is when the made-up past has what, as package casebook/demo tells it:
// 48 hours, a deploy after 18, an incident of 20 minutes after 42.
type story struct{ first, deploy, incident, resolved, last int64 }

const minute = 60_000

func (s *server) story(t *testing.T) story {
	t.Helper()
	a, err := s.api.Services(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range a.Services {
		for _, i := range x.Instances {
			if x.Name == service && i.Instance == "seeded-1" {
				f := i.FirstMS
				return story{f, f + 18*60*minute, f + 42*60*minute, f + (42*60+20)*minute, f + 48*60*minute}
			}
		}
	}
	t.Fatalf("no instance seeded-1 of %s", service)
	return story{}
}

// sameRows compares the table of methods with the server's.
func sameRows(t *testing.T, what string, v *view, want *report.Top) {
	t.Helper()
	// The page renders the rows of the first screens until somebody scrolls.
	if v.Top.RowCount != want.RowCount || v.Top.Rows != len(want.Rows) || len(v.Rows) < min(50, len(want.Rows)) {
		t.Errorf("%s: the page has %d of %d methods, the server %d of %d", what, v.Top.Rows, v.Top.RowCount, len(want.Rows), want.RowCount)
		return
	}
	for i, got := range v.Rows {
		w := want.Rows[i]
		// Equal values are in no order of their own.
		if got.Self != w.Self || got.Total != w.Total && tied(want, i) == 1 || got.Name != w.Function && tied(want, i) == 1 {
			t.Errorf("%s: row %d is %s, self %d, total %d; the server has %s, %d, %d", what, i, got.Name, got.Self, got.Total, w.Function, w.Self, w.Total)
			return
		}
		if cells := []string{percent(got.Self, want.Total), percent(got.Total, want.Total)}; got.Cells[1] != cells[0] || got.Cells[3] != cells[1] {
			t.Errorf("%s: %s is shown as %q, want %s and %s", what, got.Name, got.Cells, cells[0], cells[1])
		}
	}
}

// tied is how many rows have the same self value as row i.
func tied(a *report.Top, i int) (n int) {
	for _, r := range a.Rows {
		if r.Self == a.Rows[i].Self {
			n++
		}
	}
	return n
}

// sameTree compares the icicle with the server's.
func sameTree(t *testing.T, what string, v *view, want *report.Icicle) {
	t.Helper()
	if v.Icicle.Total != want.Total || v.Icicle.Nodes != len(want.Nodes.Level) || v.Icicle.Pruned != want.Pruned.Count {
		t.Errorf("%s: the icicle has %d nodes of total %d, %d pruned; the server's %d, %d, %d",
			what, v.Icicle.Nodes, v.Icicle.Total, v.Icicle.Pruned, len(want.Nodes.Level), want.Total, want.Pruned.Count)
		return
	}
	for _, f := range v.Frames {
		n := want.Nodes
		if name := want.Strings[n.Name[f.Node]]; name != f.Name || n.Total[f.Node] != f.Total || n.Self[f.Node] != f.Self || int(n.Level[f.Node]) != f.Level {
			t.Errorf("%s: node %d is shown as %+v; the server has %s, total %d, self %d", what, f.Node, f, name, n.Total[f.Node], n.Self[f.Node])
			return
		}
		if v.Icicle.ZoomNode != 0 {
			continue
		}
		// The page draws for whole pixels of width.
		w := v.Icicle.Box.W * float64(f.Total) / float64(want.Total)
		x := v.Icicle.Box.W * float64(n.Offset[f.Node]) / float64(want.Total)
		if math.Abs(f.W-w) > 0.6 || math.Abs(f.X-x) > 0.6 {
			t.Errorf("%s: %s is drawn at %.1f, %.1f wide; its share asks for %.1f, %.1f", what, f.Name, f.X, f.W, x, w)
			return
		}
	}
}

// matched is what a search for a text covers of a tree, and the largest frames
// that match: those inside other matched frames count once.
func matched(a *report.Icicle, text string) (sum int64, nodes []int) {
	covered := int32(-1) // inside a match at this level
	for i, level := range a.Nodes.Level {
		if covered >= 0 && level > covered {
			continue
		}
		covered = -1
		if strings.Contains(strings.ToLower(a.Strings[a.Nodes.Name[i]]), strings.ToLower(text)) {
			sum, nodes, covered = sum+a.Nodes.Total[i], append(nodes, i), level
		}
	}
	slices.SortStableFunc(nodes, func(x, y int) int { return cmp.Compare(a.Nodes.Total[y], a.Nodes.Total[x]) })
	return sum, nodes
}

// percent is a share as the page writes it.
func percent(part, whole int64) string {
	p := 100 * float64(part) / float64(whole)
	switch {
	case part == 0:
		return "0 %"
	case p < 0.01:
		return "<0.01 %"
	case p >= 99.95:
		return "100 %"
	case p >= 10:
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%.2f %%", p)
}
