package web

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"tacho/report"
)

// Limits of what is kept of agents, which report as often as they like.
const (
	maxReport     = 1 << 20 // bytes of one report
	maxAgents     = 1000
	forgetReports = 5 * time.Minute
)

func (s *server) agents(r *http.Request) (any, error) {
	v := &report.Agents{Agents: []report.Agent{}}
	if s.Agents != nil {
		v.Agents = append(v.Agents, s.Agents.List()...)
	}
	for i := range v.Agents {
		v.Agents[i].Fill()
	}
	return v, nil
}

func (s *server) reportAgent(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReport))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			writeError(w, r, &Error{Status: http.StatusRequestEntityTooLarge, Message: "the report is larger than 1 MiB"})
			return
		}
		writeError(w, r, badParam("body", "send it again", "the report did not arrive whole"))
		return
	}
	var a report.Agent
	if err := json.Unmarshal(b, &a); err != nil {
		writeError(w, r, badParam(position(err), "docs/api.md has its shape", "the report is not the JSON of an agent: %s", clip(err.Error())))
		return
	}
	if a.Host == "" {
		writeError(w, r, badParam("host", "docs/api.md has its shape", "the report does not say which host it is from"))
		return
	}
	if err := s.Agents.Report(a); err != nil {
		writeError(w, r, asError(r.Context(), err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// position is the offset or the field a JSON error is about.
func position(err error) string {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return strconv.FormatInt(syntax.Offset, 10)
	case errors.As(err, &typ) && typ.Field != "":
		return typ.Field
	}
	return "body"
}

// AgentTable keeps in memory what every agent said last, and forgets agents
// that are silent for five minutes. Safe for concurrent use.
type AgentTable struct {
	now  func() time.Time
	mu   sync.Mutex
	rows map[agentKey]agentRow
}

// agentKey is one run of an agent: a host may have two (root's and a user's).
type agentKey struct {
	host    string
	started int64
}

type agentRow struct {
	agent report.Agent
	at    time.Time
}

// NewAgentTable makes an empty table on the given clock.
func NewAgentTable(now func() time.Time) *AgentTable {
	return &AgentTable{now: now, rows: map[agentKey]agentRow{}}
}

// List is sorted by host, then by start.
func (t *AgentTable) List() []report.Agent {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget()
	out := make([]report.Agent, 0, len(t.rows))
	for _, row := range t.rows {
		out = append(out, row.agent)
	}
	slices.SortFunc(out, func(a, b report.Agent) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.StartedMS, b.StartedMS))
	})
	return out
}

// Report keeps what an agent says. The first report of a new run takes the
// place of the earlier runs on its host, so that a restarted agent is not shown
// twice; one that is still alive comes back with its next report.
func (t *AgentTable) Report(a report.Agent) error {
	a.Fill()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.forget()
	key := agentKey{a.Host, a.StartedMS}
	if _, ok := t.rows[key]; !ok {
		for k := range t.rows {
			if k.host == key.host && k.started < key.started {
				delete(t.rows, k)
			}
		}
		if len(t.rows) >= maxAgents {
			return &Error{Status: http.StatusTooManyRequests, Message: "this server already keeps the reports of 1000 agents",
				Detail: "agents that went away are forgotten after five minutes"}
		}
	}
	t.rows[key] = agentRow{a, t.now()}
	return nil
}

func (t *AgentTable) forget() {
	for k, row := range t.rows {
		if t.now().Sub(row.at) > forgetReports {
			delete(t.rows, k)
		}
	}
}
