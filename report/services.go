package report

import (
	"maps"
	"slices"
	"strings"
	"time"

	"tacho"
	"tacho/query"
	"tacho/store"
)

// LiveWithin is how recent the last data of an instance must be for it to
// count as running: a few delivery intervals.
const LiveWithin = 90 * time.Second

// Services is the answer of /api/v1/services.
type Services struct {
	Services []Service `json:"services"`
	Missing  []string  `json:"missing"`
}

// Service is one service of the list.
type Service struct {
	Name      string     `json:"name"`
	Demo      bool       `json:"demo"` // has data made up by the demo seeder
	Types     []Type     `json:"types"`
	FirstMS   int64      `json:"first_ms"`
	LastMS    int64      `json:"last_ms"`
	Instances []Instance `json:"instances"`
	Strip     Strip      `json:"strip"`
}

// Type is one value type a service has.
type Type struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
}

// Instance is one instance of a service.
type Instance struct {
	Instance string            `json:"instance"`
	Labels   map[string]string `json:"labels"`
	FirstMS  int64             `json:"first_ms"`
	LastMS   int64             `json:"last_ms"`
	Live     bool              `json:"live"`
	// Cells are the strip of this instance, on the service's steps; empty when
	// there are too many instances to ask for each.
	Cells []Cell `json:"cells"`
	// SamplesPerS is how many cpu samples a second came lately; nil when it is
	// not live.
	SamplesPerS *float64 `json:"samples_per_s"`
}

// Strip is one type per hour over the last day.
type Strip struct {
	FromMS int64  `json:"from_ms"`
	StepMS int64  `json:"step_ms"`
	Unit   string `json:"unit"`
	Cells  []Cell `json:"cells"`
}

// StripRange is the 24 whole hours a strip shows; the last one is running.
func StripRange(now time.Time) (from, until time.Time) {
	until = now.Truncate(time.Hour).Add(time.Hour)
	return until.Add(-24 * time.Hour), until
}

// NewService builds one entry. strip may be nil: nothing recorded in the day.
func NewService(s store.Service, strip *store.Counts, now time.Time) Service {
	v := Service{Name: s.Name, Types: NewTypes(s.Types), Instances: make([]Instance, 0, len(s.Instances))}
	for _, i := range s.Instances {
		if query.IsServiceWide(i.Target) {
			continue // it stands for all of them, in events
		}
		first, last := i.First.UnixMilli(), i.Last.UnixMilli()
		if v.FirstMS == 0 || first < v.FirstMS {
			v.FirstMS = first
		}
		v.LastMS = max(v.LastMS, last)
		v.Demo = v.Demo || i.Target.Get(tacho.LabelDemo) == "seeded"
		v.Instances = append(v.Instances, Instance{
			Instance: i.Target.Get(tacho.LabelInstance), Labels: i.Target.Map(),
			FirstMS: first, LastMS: last, Live: now.Sub(i.Last) <= LiveWithin, Cells: []Cell{},
		})
	}
	slices.SortStableFunc(v.Instances, func(a, b Instance) int { return strings.Compare(a.Instance, b.Instance) })
	from, _ := StripRange(now)
	v.Strip = Strip{FromMS: from.UnixMilli(), StepMS: time.Hour.Milliseconds(), Unit: tacho.CPU.Unit, Cells: make([]Cell, 24)}
	for i := range v.Strip.Cells {
		v.Strip.Cells[i] = NotRecorded
	}
	if strip != nil {
		if strip.Unit != "" {
			v.Strip.Unit = strip.Unit
		}
		copy(v.Strip.Cells, cells(strip))
	}
	return v
}

// SetStrip sets the strip of one instance.
func (s *Service) SetStrip(instance string, c *store.Counts) {
	for i := range s.Instances {
		if s.Instances[i].Instance == instance {
			s.Instances[i].Cells = cells(c)
		}
	}
}

// SetRates sets how many samples a second live instances send.
func (s *Service) SetRates(perSecond map[string]float64) {
	for i := range s.Instances {
		if s.Instances[i].Live {
			v := perSecond[s.Instances[i].Instance]
			s.Instances[i].SamplesPerS = &v
		}
	}
}

// DemoUntil is the instant before which data of the service may be made up by
// the demo seeder, nil when none is.
func DemoUntil(s store.Service) *int64 {
	var until *int64
	for _, i := range s.Instances {
		if i.Target.Get(tacho.LabelDemo) != "seeded" {
			continue
		}
		if ms := i.Last.UnixMilli(); until == nil || ms > *until {
			until = &ms
		}
	}
	return until
}

// Types is the answer of /api/v1/types.
type Types struct {
	Types []Type `json:"types"`
}

// NewTypes lists value types. Where both its parts are stored, wall is among
// them: it is answered as their sum.
func NewTypes(ts []tacho.ValueType) []Type {
	out := make([]Type, 0, len(ts)+1)
	for _, t := range ts {
		out = append(out, Type{t.Name, t.Unit})
	}
	if slices.Contains(ts, tacho.CPU) && slices.Contains(ts, tacho.OffCPU) && !slices.Contains(ts, tacho.Wall) {
		out = append(out, Type{tacho.Wall.Name, tacho.Wall.Unit})
	}
	return out
}

// Labels is the answer of /api/v1/labels: the values of each label, sorted.
type Labels struct {
	Labels map[string][]string `json:"labels"`
}

// NewLabels collects the values of every label of the identities.
func NewLabels(series []tacho.Labels) *Labels {
	seen := map[string]map[string]bool{}
	for _, ls := range series {
		for _, l := range ls {
			if seen[l.Name] == nil {
				seen[l.Name] = map[string]bool{}
			}
			seen[l.Name][l.Value] = true
		}
	}
	v := &Labels{Labels: make(map[string][]string, len(seen))}
	for name, values := range seen {
		v.Labels[name] = slices.Sorted(maps.Keys(values))
	}
	return v
}
