package ingest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"tacho/wire"
)

const (
	forgetAfter = 5 * time.Minute
	// An agent that was started again is another agent to the registry; its
	// predecessor leaves the list when it has been silent for this long.
	replaceAfter = 30 * time.Second
	maxAgents    = 10_000
	maxReport    = 1 << 20
)

// ErrTooManyAgents is returned when the registry is full of agents that report.
var ErrTooManyAgents = errors.New("too many agents report to this server")

// Agents is the registry of what agents last said about themselves. It is in
// memory only: agents report several times a minute.
type Agents struct {
	now func() time.Time
	mu  sync.Mutex
	m   map[agentKey]reported
}

type agentKey struct {
	host    string
	started int64
}

type reported struct {
	report wire.AgentReport
	at     time.Time
}

// NewAgents makes an empty registry.
func NewAgents(now func() time.Time) *Agents {
	return &Agents{now: now, m: map[agentKey]reported{}}
}

// Report keeps a report until the next one of the same agent.
func (a *Agents) Report(r wire.AgentReport) error {
	if r.Host == "" || r.StartedMS <= 0 {
		return errors.New("an agent's report needs host and started_ms")
	}
	if r.Targets == nil {
		r.Targets = []wire.TargetReport{}
	}
	now := a.now()
	key := agentKey{r.Host, r.StartedMS}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, known := a.m[key]; !known && len(a.m) >= maxAgents {
		if a.forget(now); len(a.m) >= maxAgents {
			return ErrTooManyAgents
		}
	}
	a.m[key] = reported{r, now}
	return nil
}

func (a *Agents) forget(now time.Time) {
	newest := map[string]int64{}
	for k := range a.m {
		newest[k.host] = max(newest[k.host], k.started)
	}
	for k, r := range a.m {
		silent := now.Sub(r.at)
		if silent > forgetAfter || (silent > replaceAfter && k.started < newest[k.host]) {
			delete(a.m, k)
		}
	}
}

// List returns the agents that have reported in the last five minutes, by
// host, never nil.
func (a *Agents) List(now time.Time) []wire.AgentReport {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.forget(now)
	out := make([]wire.AgentReport, 0, len(a.m))
	for _, r := range a.m {
		out = append(out, r.report)
	}
	slices.SortFunc(out, func(x, y wire.AgentReport) int {
		return cmp.Or(cmp.Compare(x.Host, y.Host), cmp.Compare(x.StartedMS, y.StartedMS))
	})
	return out
}

// Handler serves POST /api/v1/agents.
func (a *Agents) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if bad := a.serve(w, r); bad != nil {
			writeError(w, bad)
			return
		}
		writeJSON(w, http.StatusOK, map[string]bool{"accepted": true})
	})
}

func (a *Agents) serve(w http.ResponseWriter, r *http.Request) *answer {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &answer{status: http.StatusMethodNotAllowed, sentence: "reports are posted", detail: "Use POST."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReport))
	if err != nil {
		return readAnswer(err)
	}
	var report wire.AgentReport
	if err := json.Unmarshal(body, &report); err != nil {
		bad := &answer{status: http.StatusBadRequest, sentence: "the report is not the JSON of an agent: " + err.Error(), detail: "See GET /api/v1/agents for its form."}
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			bad.position = fmt.Sprint(syntax.Offset)
		}
		return bad
	}
	switch err := a.Report(report); {
	case errors.Is(err, ErrTooManyAgents):
		return &answer{status: http.StatusTooManyRequests, sentence: err.Error(), detail: "Silent agents are forgotten after five minutes."}
	case err != nil:
		return &answer{status: http.StatusBadRequest, sentence: err.Error(), detail: "See GET /api/v1/agents for its form."}
	}
	return nil
}
