package report

import (
	"slices"

	"tacho"
)

// Icicle is the answer of /api/v1/icicle and /api/v1/callers: a tree in
// depth-first order, one entry a node in each column.
type Icicle struct {
	Unit       string   `json:"unit"`
	Total      int64    `json:"total"`
	RangeTotal int64    `json:"range_total"` // of all stacks, before narrowing
	Seconds    float64  `json:"seconds"`
	Strings    []string `json:"strings"`
	Nodes      Nodes    `json:"nodes"`
	Kinds      []string `json:"kinds"`
	Pruned     Pruned   `json:"pruned"`
	Missing    []string `json:"missing"`
}

// Nodes are the columns. A node's parent is the nearest earlier node of
// Level-1; Name and File index Strings, Kind indexes Kinds.
type Nodes struct {
	Level  []int32  `json:"level"`
	Name   []int32  `json:"name"`
	File   []int32  `json:"file"`
	Kind   []uint16 `json:"kind"` // not []uint8, which encoding/json takes for base64
	Offset []int64  `json:"offset"`
	Total  []int64  `json:"total"`
	Self   []int64  `json:"self"`
}

// Pruned says what was left out of the tree.
type Pruned struct {
	Count int   `json:"count"`
	Sum   int64 `json:"sum"`
}

func (p Pruned) appendMember(b []byte) []byte {
	b = append(appendKey(b, "pruned"), '{')
	b = appendIntMember(b, "count", int64(p.Count))
	b = appendIntMember(b, "sum", p.Sum)
	return append(b, '}')
}

// Kinds are the words of the frame kinds, indexed by kind.
func Kinds() []string {
	var out []string
	// The words end where a kind has none of its own.
	for k := tacho.KindUnknown; k == tacho.KindUnknown || k.String() != tacho.KindUnknown.String(); k++ {
		out = append(out, k.String())
	}
	return out
}

// AppendJSON appends the answer.
func (v *Icicle) AppendJSON(b []byte) []byte {
	size := 500 + 50*len(v.Nodes.Level) // a usual node is 40 to 50 bytes
	for _, s := range v.Strings {
		size += len(s) + 3
	}
	b = slices.Grow(b, size)
	b = append(b, '{')
	b = appendStringMember(b, "unit", v.Unit)
	b = appendIntMember(b, "total", v.Total)
	b = appendIntMember(b, "range_total", v.RangeTotal)
	b = appendFloatMember(b, "seconds", v.Seconds)
	b = appendStrings(b, "strings", v.Strings)
	b = append(appendKey(b, "nodes"), '{')
	b = appendInts(b, "level", v.Nodes.Level)
	b = appendInts(b, "name", v.Nodes.Name)
	b = appendInts(b, "file", v.Nodes.File)
	b = appendInts(b, "kind", v.Nodes.Kind)
	b = appendInts(b, "offset", v.Nodes.Offset)
	b = appendInts(b, "total", v.Nodes.Total)
	b = appendInts(b, "self", v.Nodes.Self)
	b = append(b, '}')
	b = appendStrings(b, "kinds", v.Kinds)
	b = v.Pruned.appendMember(b)
	b = appendStrings(b, "missing", v.Missing)
	return append(b, '}')
}
