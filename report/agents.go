package report

// Agents is the answer of /api/v1/agents.
type Agents struct {
	Agents []Agent `json:"agents"`
}

// Agent is what an agent says about itself.
type Agent struct {
	Host      string   `json:"host"`
	Version   string   `json:"version"`
	StartedMS int64    `json:"started_ms"`
	Sink      Sink     `json:"sink"`
	Targets   []Target `json:"targets"`
}

// Sink is where the agent's batches go and how well that works.
type Sink struct {
	State          string `json:"state"`
	Reason         string `json:"reason"` // one sentence, "" when all is well
	SpoolBytes     int64  `json:"spool_bytes"`
	SpoolBatches   int64  `json:"spool_batches"`
	DroppedBatches int64  `json:"dropped_batches"`
	MemoryBatches  int64  `json:"memory_batches"`
}

// Target is how well the agent sees one process.
type Target struct {
	PID      int               `json:"pid"`
	Service  string            `json:"service"`
	Instance string            `json:"instance"`
	Runtime  string            `json:"runtime"`
	State    string            `json:"state"`  // starting, recording, limited, refused, gone
	Reason   string            `json:"reason"` // one sentence, "" when all is well
	Remedy   string            `json:"remedy"` // what to do, "" when nothing is needed
	SinceMS  int64             `json:"since_ms"`
	LastMS   int64             `json:"last_ms"` // last batch, 0 before the first
	Counters map[string]int64  `json:"counters"`
	Labels   map[string]string `json:"labels"`
}

// Fill replaces what is nil by what is empty, down to the maps of each target.
// The targets are copied first: whoever handed them over may share them.
func (a *Agent) Fill() {
	a.Targets = append([]Target{}, a.Targets...)
	for i := range a.Targets {
		t := &a.Targets[i]
		if t.Counters == nil {
			t.Counters = map[string]int64{}
		}
		if t.Labels == nil {
			t.Labels = map[string]string{}
		}
	}
}
