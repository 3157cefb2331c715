package report

import (
	"slices"

	"tacho/query"
)

// Diff is the answer of /api/v1/diff: a selection beside its base, as one tree
// and one table.
type Diff struct {
	Unit          string    `json:"unit"`
	Norm          string    `json:"norm"`
	Scale         float64   `json:"scale"`
	Total         int64     `json:"total"`
	BaseTotal     int64     `json:"base_total"`
	RangeTotal    int64     `json:"range_total"`
	BaseRange     int64     `json:"base_range_total"`
	Seconds       float64   `json:"seconds"`
	BaseSeconds   float64   `json:"base_seconds"`
	Strings       []string  `json:"strings"`
	Kinds         []string  `json:"kinds"`
	Width         int64     `json:"width"`
	Nodes         DiffNodes `json:"nodes"`
	States        []string  `json:"states"`
	Rows          []DiffRow `json:"rows"`
	RowCount      int       `json:"row_count"`
	Changed       int       `json:"changed"` // of row_count
	Slices        int       `json:"slices"`
	BaseSlices    int       `json:"base_slices"`
	Tested        bool      `json:"tested"`
	FalseFraction float64   `json:"fdr"`
	Pruned        Pruned    `json:"pruned"`
	Missing       []string  `json:"missing"`
}

// DiffNodes are the columns of the tree, as those of Nodes. A node spans
// [Offset, Offset+Width); State indexes Diff.States.
type DiffNodes struct {
	Level     []int32  `json:"level"`
	Name      []int32  `json:"name"`
	File      []int32  `json:"file"`
	Kind      []uint16 `json:"kind"`
	Offset    []int64  `json:"offset"`
	Width     []int64  `json:"width"`
	Total     []int64  `json:"total"`
	Self      []int64  `json:"self"`
	BaseTotal []int64  `json:"base_total"`
	BaseSelf  []int64  `json:"base_self"`
	State     []uint16 `json:"state"`
}

// DiffRow is one method. P is null where no test was made.
type DiffRow struct {
	Function  string `json:"function"`
	File      string `json:"file"`
	Line      int32  `json:"line"`
	Kind      string `json:"kind"`
	Self      int64  `json:"self"`
	Total     int64  `json:"total"`
	BaseSelf  int64  `json:"base_self"`
	BaseTotal int64  `json:"base_total"`
	State     string `json:"state"`
	P         Value  `json:"p"`
	SelfState string `json:"self_state"`
	SelfP     Value  `json:"self_p"`
}

// NewDiff builds the view of a comparison.
func NewDiff(d *query.Diff) *Diff {
	t := d.Tree
	v := &Diff{
		Unit: t.Unit, Norm: string(d.Norm), Scale: d.Scale, Total: t.Total, BaseTotal: d.BaseTotal, RangeTotal: t.Whole, BaseRange: d.BaseWhole,
		Seconds: t.Seconds, BaseSeconds: d.BaseSeconds, Strings: full(t.Strings), Kinds: Kinds(), Width: t.Width[0],
		Nodes: DiffNodes{
			Level: convert[int32](t.Level), Name: convert[int32](t.Name), File: convert[int32](t.File), Kind: convert[uint16](t.Kind),
			Offset: full(t.Offset), Width: full(t.Width), Total: full(t.TotalV), Self: full(t.Self),
			BaseTotal: full(t.BaseTotal), BaseSelf: full(t.BaseSelf), State: convert[uint16](d.States),
		},
		States: query.States(), Rows: make([]DiffRow, len(d.Rows)), RowCount: d.RowCount, Changed: d.Changed, Slices: d.Slices, BaseSlices: d.BaseSlices,
		Tested: d.Tested, FalseFraction: query.FDR, Pruned: Pruned{Count: t.PrunedCount, Sum: t.PrunedSum}, Missing: full(t.Missing),
	}
	for i, r := range d.Rows {
		v.Rows[i] = DiffRow{
			Function: r.Function, File: r.File, Line: r.Line, Kind: r.Kind.String(), Self: r.Self, Total: r.Total,
			BaseSelf: r.BaseSelf, BaseTotal: r.BaseTotal, State: r.State.String(), P: Value(r.P), SelfState: r.SelfState.String(), SelfP: Value(r.SelfP),
		}
	}
	return v
}

// AppendJSON appends the answer.
func (v *Diff) AppendJSON(b []byte) []byte {
	size := 1000 + 80*len(v.Nodes.Level) + 300*len(v.Rows)
	for _, s := range v.Strings {
		size += len(s) + 3
	}
	b = slices.Grow(b, size)
	b = append(b, '{')
	b = appendStringMember(b, "unit", v.Unit)
	b = appendStringMember(b, "norm", v.Norm)
	b = appendFloatMember(b, "scale", v.Scale)
	b = appendIntMember(b, "total", v.Total)
	b = appendIntMember(b, "base_total", v.BaseTotal)
	b = appendIntMember(b, "range_total", v.RangeTotal)
	b = appendIntMember(b, "base_range_total", v.BaseRange)
	b = appendFloatMember(b, "seconds", v.Seconds)
	b = appendFloatMember(b, "base_seconds", v.BaseSeconds)
	b = appendStrings(b, "strings", v.Strings)
	b = appendStrings(b, "kinds", v.Kinds)
	b = appendIntMember(b, "width", v.Width)
	n := &v.Nodes
	b = append(appendKey(b, "nodes"), '{')
	b = appendInts(b, "level", n.Level)
	b = appendInts(b, "name", n.Name)
	b = appendInts(b, "file", n.File)
	b = appendInts(b, "kind", n.Kind)
	b = appendInts(b, "offset", n.Offset)
	b = appendInts(b, "width", n.Width)
	b = appendInts(b, "total", n.Total)
	b = appendInts(b, "self", n.Self)
	b = appendInts(b, "base_total", n.BaseTotal)
	b = appendInts(b, "base_self", n.BaseSelf)
	b = appendInts(b, "state", n.State)
	b = append(b, '}')
	b = appendStrings(b, "states", v.States)
	b = append(appendKey(b, "rows"), '[')
	for i := range v.Rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = v.Rows[i].append(b)
	}
	b = append(b, ']')
	b = appendIntMember(b, "row_count", int64(v.RowCount))
	b = appendIntMember(b, "changed", int64(v.Changed))
	b = appendIntMember(b, "slices", int64(v.Slices))
	b = appendIntMember(b, "base_slices", int64(v.BaseSlices))
	b = appendBoolMember(b, "tested", v.Tested)
	b = appendFloatMember(b, "fdr", v.FalseFraction)
	b = v.Pruned.appendMember(b)
	b = appendStrings(b, "missing", v.Missing)
	return append(b, '}')
}

func (r *DiffRow) append(b []byte) []byte {
	b = append(b, '{')
	b = appendStringMember(b, "function", r.Function)
	b = appendStringMember(b, "file", r.File)
	b = appendIntMember(b, "line", int64(r.Line))
	b = appendStringMember(b, "kind", r.Kind)
	b = appendIntMember(b, "self", r.Self)
	b = appendIntMember(b, "total", r.Total)
	b = appendIntMember(b, "base_self", r.BaseSelf)
	b = appendIntMember(b, "base_total", r.BaseTotal)
	b = appendStringMember(b, "state", r.State)
	b = appendFloatMember(b, "p", float64(r.P))
	b = appendStringMember(b, "self_state", r.SelfState)
	b = appendFloatMember(b, "self_p", float64(r.SelfP))
	return append(b, '}')
}
