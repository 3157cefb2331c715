package report

import (
	"slices"

	"tacho/store"
)

// Heatmap is the answer of /api/v1/heatmap: Cells[i] sums
// [FromMS+i·StepMS, FromMS+(i+1)·StepMS).
type Heatmap struct {
	FromMS      int64    `json:"from_ms"`
	UntilMS     int64    `json:"until_ms"`
	StepMS      int64    `json:"step_ms"`
	Unit        string   `json:"unit"`
	Cells       []Cell   `json:"cells"`
	Matched     []int64  `json:"matched,omitempty"` // of a search: how much of each cell is in stacks that match
	DemoUntilMS *int64   `json:"demo_until_ms"`
	Missing     []string `json:"missing"`
}

// NewHeatmap builds the view of sums per step.
func NewHeatmap(c *store.Counts, demoUntil *int64) *Heatmap {
	h := &Heatmap{
		FromMS: c.From.UnixMilli(), StepMS: c.Step.Milliseconds(), Unit: c.Unit,
		Cells: cells(c), DemoUntilMS: demoUntil, Missing: full(c.Missing),
	}
	h.UntilMS = h.FromMS + int64(len(h.Cells))*h.StepMS
	return h
}

// Match adds what a search found in each cell.
func (h *Heatmap) Match(c *store.Counts) {
	h.Matched = make([]int64, len(h.Cells))
	copy(h.Matched, c.Values)
	for _, m := range c.Missing {
		if !slices.Contains(h.Missing, m) {
			h.Missing = append(h.Missing, m)
		}
	}
}

// OnlyMatched makes cells of what matched.
func (h *Heatmap) OnlyMatched() {
	for i, v := range h.Matched {
		if i < len(h.Cells) && h.Cells[i] != NotRecorded {
			h.Cells[i] = Cell(v)
		}
	}
}

func cells(c *store.Counts) []Cell {
	out := make([]Cell, len(c.Values))
	for i, v := range c.Values {
		out[i] = NotRecorded
		// A value without the mark would be a store's mistake; it is shown
		// rather than hidden.
		if v > 0 || (i < len(c.Recorded) && c.Recorded[i]) {
			out[i] = Cell(v)
		}
	}
	return out
}

// AppendJSON appends the answer.
func (h *Heatmap) AppendJSON(b []byte) []byte {
	b = slices.Grow(b, 300+12*len(h.Cells))
	b = append(b, '{')
	b = appendIntMember(b, "from_ms", h.FromMS)
	b = appendIntMember(b, "until_ms", h.UntilMS)
	b = appendIntMember(b, "step_ms", h.StepMS)
	b = appendStringMember(b, "unit", h.Unit)
	b = appendCells(b, "cells", h.Cells)
	if len(h.Matched) > 0 {
		b = appendInts(b, "matched", h.Matched)
	}
	if h.DemoUntilMS != nil {
		b = appendIntMember(b, "demo_until_ms", *h.DemoUntilMS)
	} else {
		b = append(appendKey(b, "demo_until_ms"), "null"...)
	}
	b = appendStrings(b, "missing", h.Missing)
	return append(b, '}')
}
