package report

import (
	"time"

	"tacho"
	"tacho/query"
)

// NewTop builds the view of a table of methods.
func NewTop(t *query.Top) *Top {
	v := &Top{Unit: t.Unit, Total: t.Total, RangeTotal: t.Whole, Seconds: t.Seconds, RowCount: t.RowCount, Rows: make([]TopRow, len(t.Rows)), Missing: full(t.Missing)}
	for i, r := range t.Rows {
		v.Rows[i] = TopRow{Function: r.Function, File: r.File, Line: r.Line, Kind: r.Kind.String(), Self: r.Self, Total: r.Total}
	}
	return v
}

// NewIcicle builds the view of a tree, of calls or of callers.
func NewIcicle(t *query.Icicle) *Icicle {
	return &Icicle{
		Unit: t.Unit, Total: t.Total, RangeTotal: t.Whole, Seconds: t.Seconds, Strings: full(t.Strings),
		Nodes: Nodes{
			Level: convert[int32](t.Level), Name: convert[int32](t.Name), File: convert[int32](t.File), Kind: convert[uint16](t.Kind),
			Offset: full(t.Offset), Total: full(t.TotalV), Self: full(t.Self),
		},
		Kinds: Kinds(), Pruned: Pruned{Count: t.PrunedCount, Sum: t.PrunedSum}, Missing: full(t.Missing),
	}
}

func convert[To, From ~int32 | ~uint32 | ~uint8 | ~uint16](vs []From) []To {
	out := make([]To, len(vs))
	for i, v := range vs {
		out[i] = To(v)
	}
	return out
}

// NewTimeline builds the view of series per step.
func NewTimeline(t *query.Timeline) *Timeline {
	v := &Timeline{FromMS: t.From.UnixMilli(), StepMS: t.Step.Milliseconds(), Series: make([]TimelineSeries, len(t.Series)), Missing: full(t.Missing)}
	for i, s := range t.Series {
		values := make([]Value, len(s.Values))
		for k, x := range s.Values {
			values[k] = Value(x)
		}
		v.Series[i] = TimelineSeries{Name: s.Name, Unit: s.Unit, Labels: s.Labels.Map(), Values: values}
	}
	return v
}

// NewEvents builds the view of a list of events.
func NewEvents(evs []query.TargetEvent, truncated bool) *Events {
	v := &Events{Events: make([]Event, len(evs)), Truncated: truncated, Missing: []string{}}
	for i, e := range evs {
		v.Events[i] = Event{
			TimeMS: e.Time / int64(time.Millisecond), DurationNS: e.Duration, Kind: e.Kind, Name: e.Name, Thread: e.Thread,
			Instance: e.Target.Get(tacho.LabelInstance), Attrs: e.Attrs.Map(),
		}
	}
	return v
}
