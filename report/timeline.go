package report

// Timeline is the answer of /api/v1/timeline.
type Timeline struct {
	FromMS  int64            `json:"from_ms"`
	StepMS  int64            `json:"step_ms"`
	Series  []TimelineSeries `json:"series"`
	Missing []string         `json:"missing"`
}

// TimelineSeries is one line; Values[i] is the mean in step i.
type TimelineSeries struct {
	Name   string            `json:"name"`
	Unit   string            `json:"unit"`
	Labels map[string]string `json:"labels"`
	Values []Value           `json:"values"`
}

// Events is the answer of /api/v1/events.
type Events struct {
	Events    []Event  `json:"events"`
	Truncated bool     `json:"truncated"` // more lie in the range than the limit
	Missing   []string `json:"missing"`
}

// Event is one fact with a time and a duration.
type Event struct {
	TimeMS     int64             `json:"time_ms"`
	DurationNS int64             `json:"duration_ns"`
	Kind       string            `json:"kind"`
	Name       string            `json:"name"`
	Thread     string            `json:"thread"`
	Instance   string            `json:"instance"`
	Attrs      map[string]string `json:"attrs"`
}
