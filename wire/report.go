package wire

// AgentReport is what an agent says about itself to its server, and what
// GET /api/v1/agents answers for each.
type AgentReport struct {
	Host      string         `json:"host"`
	Version   string         `json:"version"`
	StartedMS int64          `json:"started_ms"` // Unix milliseconds
	Sink      SinkReport     `json:"sink"`
	Targets   []TargetReport `json:"targets"`
}

// SinkReport is how an agent gets rid of its batches.
type SinkReport struct {
	State          string `json:"state"`  // "ok", "waiting" (server does not take them) or "memory" (disk does not take them)
	Reason         string `json:"reason"` // one sentence, "" when ok
	SpoolBytes     int64  `json:"spool_bytes"`
	SpoolBatches   int64  `json:"spool_batches"`
	DroppedBatches int64  `json:"dropped_batches"`
	MemoryBatches  int64  `json:"memory_batches"`
}

// TargetReport is one process an agent looks at. The words are those of
// record.Status, with times in Unix milliseconds (0 = never).
type TargetReport struct {
	PID      int               `json:"pid"`
	Service  string            `json:"service"`
	Instance string            `json:"instance"`
	Runtime  string            `json:"runtime"`
	State    string            `json:"state"`
	Reason   string            `json:"reason"`
	Remedy   string            `json:"remedy"`
	SinceMS  int64             `json:"since_ms"`
	LastMS   int64             `json:"last_ms"`
	Counters map[string]int64  `json:"counters"`
	Labels   map[string]string `json:"labels"`
}
