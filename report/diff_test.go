package report

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"tacho/query"
)

func sampleDiff(tested bool) *Diff {
	none := Value(math.NaN())
	v := &Diff{
		Unit: "nanoseconds", Norm: "share", Scale: 1.25, Total: 1_000_000_000, BaseTotal: 800_000_000, RangeTotal: 1_000_000_000, BaseRange: 800_000_000,
		Seconds: 3600, BaseSeconds: 1800, Strings: []string{"", "all", hostile[3]}, Kinds: Kinds(), Width: 2_000_000_000,
		Nodes: DiffNodes{
			Level: []int32{0, 1}, Name: []int32{1, 2}, File: []int32{0, 0}, Kind: []uint16{0, 2}, Offset: []int64{0, 0}, Width: []int64{2_000_000_000, 5},
			Total: []int64{1_000_000_000, 5}, Self: []int64{0, 5}, BaseTotal: []int64{800_000_000, 0}, BaseSelf: []int64{0, 0}, State: []uint16{0, 1},
		},
		States: query.States(), RowCount: 812, Changed: 5, FalseFraction: query.FDR, Missing: []string{},
		Rows: []DiffRow{
			{"com.acme.shop.pricing.PriceEngine.computeDiscounts", "PriceEngine.java", 217, "jit", 340_000_000, 500_000_000, 100_000_000, 120_000_000, "grew", 0.00012, "grew", 0.0001},
			{"java.util.HashMap.get", "HashMap.java", 10, "jit", 0, 0, 90_000_000, 90_000_000, "removed", 0.004, "removed", 0.004},
			{"com.acme.shop.Cache.get", "Cache.java", 9, "jit", 45_000_000, 45_000_000, 0, 0, "new", 0.0091, "new", 0.0091},
			{"com.acme.shop.Server.run", "Server.java", 1, "jit", 0, 900_000_000, 0, 640_000_000, "grew", 0.001, "same", none},
			{"evil.\x1b]0;owned\x07Class.method", "", 0, "interpreted", 10_000_000, 10_000_000, 24_000_000, 24_000_000, "shrank", 0.009, "shrank", 0.009},
			{"com.acme.shop.Quiet.one", "", 0, "jit", 100_000, 100_000, 90_000, 90_000, "same", 0.8, "same", 0.7},
		},
	}
	if tested {
		v.Tested, v.Slices, v.BaseSlices = true, 48, 24
	}
	return v
}

func TestDiffText(t *testing.T) {
	golden(t, "diff-100.txt", []byte(draw(t, sampleDiff(true), Text{Width: 100})))
	golden(t, "diff-color.txt", []byte(draw(t, sampleDiff(true), Text{Width: 120, Color: true})))
	rate := sampleDiff(false)
	rate.Norm, rate.Scale, rate.Missing = "rate", 2, []string{"a block"}
	golden(t, "diff-rate.txt", []byte(draw(t, rate, Text{Width: 120})))
	few := sampleDiff(false)
	few.Slices, few.BaseSlices = 5, 48
	if got := draw(t, few, Text{}); !strings.Contains(got, "inconclusive: 5 slices of time and 48 of the base are too few") {
		t.Errorf("too few slices: %s", got)
	}
	if got := draw(t, &Diff{Unit: "bytes"}, Text{}); !strings.Contains(got, "nothing was sampled in either range") {
		t.Errorf("nothing: %s", got)
	}
}

func TestNewDiff(t *testing.T) {
	d := &query.Diff{
		Norm: query.ByRate, Scale: 2, BaseTotal: 7, BaseWhole: 8, BaseSeconds: 9, States: []query.State{query.StateShrank}, RowCount: 3, Changed: 2,
		Tree: &query.Icicle{Unit: "bytes", Total: 5, Whole: 6, Seconds: 10, Level: []int32{0}, Name: []int32{0}, File: []int32{0}, Kind: []uint8{2}, Offset: []int64{0},
			TotalV: []int64{5}, Self: []int64{1}, Width: []int64{19}, BaseTotal: []int64{7}, BaseSelf: []int64{2}, PrunedCount: 4, PrunedSum: 3},
		Rows: []query.DiffRow{{TopRow: query.TopRow{Function: "f"}, State: query.StateNew, SelfState: query.StateGrew, P: 0.5, SelfP: 0.25}},
	}
	v := NewDiff(d)
	if v.Unit != "bytes" || v.Norm != "rate" || v.Width != 19 || v.BaseTotal != 7 || v.RangeTotal != 6 || v.BaseRange != 8 || v.Pruned != (Pruned{4, 3}) || v.Changed != 2 {
		t.Errorf("%+v", v)
	}
	if !reflect.DeepEqual(v.Nodes.State, []uint16{4}) || v.States[4] != "shrank" || !reflect.DeepEqual(v.Nodes.BaseSelf, []int64{2}) {
		t.Errorf("nodes %+v, states %q", v.Nodes, v.States)
	}
	if r := v.Rows[0]; r.State != "new" || r.SelfState != "grew" || r.P != 0.5 || r.SelfP != 0.25 || v.Missing == nil || v.Strings == nil {
		t.Errorf("%+v", v)
	}
}

func TestOnlyMatched(t *testing.T) {
	h := &Heatmap{Cells: []Cell{9, NotRecorded, 0, 4}, Matched: []int64{3, 0, 0, 4}}
	h.OnlyMatched()
	if want := []Cell{3, NotRecorded, 0, 4}; !reflect.DeepEqual(h.Cells, want) {
		t.Errorf("cells %v, want %v", h.Cells, want)
	}
}
