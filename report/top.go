package report

// Top is the answer of /api/v1/top.
type Top struct {
	Unit       string   `json:"unit"`
	Total      int64    `json:"total"`
	RangeTotal int64    `json:"range_total"` // of all stacks, before narrowing
	Seconds    float64  `json:"seconds"`     // recorded time in the range
	Rows       []TopRow `json:"rows"`
	RowCount   int      `json:"row_count"` // methods before the limit
	Missing    []string `json:"missing"`
}

// TopRow is one method.
type TopRow struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int32  `json:"line"`
	Kind     string `json:"kind"`
	Self     int64  `json:"self"`
	Total    int64  `json:"total"`
}
