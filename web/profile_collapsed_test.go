package web

import (
	"slices"
	"strings"
	"testing"

	"tacho"
	"tacho/format/collapsed"
)

// TestCollapsedRoundTrip: collapsed → store → collapsed is the same file,
// sorted.
func TestCollapsedRoundTrip(t *testing.T) {
	in := "main;serve;render 7\nmain;serve;java/util/HashMap.get_[j];copy_user_[k] 12\nmain;gc 1\nmain 3\na b;c::d<e, f>;λ 5\nx_[i];y_[0] 2\n"
	st := openStore(t)
	keep(t, st, collapsed.Decoder(), []byte(in), map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: "a"})
	w := get(t, newServer(st, nil), "/api/v1/profile?service=orders&type=cpu&format=collapsed"+exportRange)
	lines := strings.SplitAfter(strings.TrimSuffix(in, "\n"), "\n")
	lines[len(lines)-1] += "\n"
	slices.Sort(lines)
	if want := strings.Join(lines, ""); w.Body.String() != want {
		t.Errorf("got\n%swant\n%s", w.Body, want)
	}
	if c := w.Header().Get("Content-Disposition"); c != `attachment; filename="orders-cpu-20250303T120000Z.collapsed.txt"` {
		t.Errorf("Content-Disposition %q", c)
	}
}
