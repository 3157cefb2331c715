package pyroscope

import (
	"slices"
	"strings"

	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"

	"tacho"
	"tacho/store"
)

// known are the types Pyroscope's clients have a name for. Its ids are
// NAME:SAMPLE_TYPE:SAMPLE_UNIT:PERIOD_TYPE:PERIOD_UNIT; Grafana groups by NAME,
// shows SAMPLE_TYPE and scales by SAMPLE_UNIT. Where two stored types have one
// id, the first a service has answers. Every other type is
// tacho:NAME:UNIT:NAME:UNIT.
var known = []struct {
	stored tacho.ValueType
	id     string
}{
	{tacho.CPU, "process_cpu:cpu:nanoseconds:cpu:nanoseconds"},
	{tacho.ValueType{Name: "samples", Unit: "count"}, "process_cpu:samples:count:cpu:nanoseconds"},
	{tacho.Wall, "wall:wall:nanoseconds:wall:nanoseconds"},
	{tacho.ValueType{Name: "alloc_space", Unit: "bytes"}, "memory:alloc_space:bytes:space:bytes"},
	{tacho.Alloc, "memory:alloc_space:bytes:space:bytes"},
	{tacho.ValueType{Name: "alloc_objects", Unit: "count"}, "memory:alloc_objects:count:space:bytes"},
	{tacho.ValueType{Name: "inuse_space", Unit: "bytes"}, "memory:inuse_space:bytes:space:bytes"},
	{tacho.ValueType{Name: "inuse_objects", Unit: "count"}, "memory:inuse_objects:count:space:bytes"},
	{tacho.ValueType{Name: "goroutine", Unit: "count"}, "goroutine:goroutine:count:goroutine:count"},
	{tacho.ValueType{Name: "goroutines", Unit: "count"}, "goroutine:goroutine:count:goroutine:count"},
	{tacho.ValueType{Name: "mutex_count", Unit: "count"}, "mutex:contentions:count:contentions:count"},
	{tacho.ValueType{Name: "mutex_duration", Unit: "nanoseconds"}, "mutex:delay:nanoseconds:contentions:count"},
	{tacho.ValueType{Name: "block_count", Unit: "count"}, "block:contentions:count:contentions:count"},
	{tacho.ValueType{Name: "block_duration", Unit: "nanoseconds"}, "block:delay:nanoseconds:contentions:count"},
	{tacho.Lock, "mutex:delay:nanoseconds:mutex:count"},
	{tacho.ValueType{Name: "lock_count", Unit: "count"}, "mutex:contentions:count:mutex:count"},
}

// typeID is the id of a stored type. Colons part an id, so a name has none.
func typeID(t tacho.ValueType) string {
	for _, k := range known {
		if k.stored == t {
			return k.id
		}
	}
	name, unit := strings.ReplaceAll(t.Name, ":", "_"), strings.ReplaceAll(t.Unit, ":", "_")
	return "tacho:" + name + ":" + unit + ":" + name + ":" + unit
}

// profileType takes an id apart.
func profileType(id string) (*typesv1.ProfileType, bool) {
	p := strings.Split(id, ":")
	if len(p) != 5 && len(p) != 6 || p[0] == "" || p[1] == "" || p[2] == "" {
		return nil, false // 6: ids may end in ":delta"
	}
	return &typesv1.ProfileType{ID: id, Name: p[0], SampleType: p[1], SampleUnit: p[2], PeriodType: p[3], PeriodUnit: p[4]}, true
}

// offered are the types a service answers for: what it has stored, and wall
// where both its halves are.
func offered(svc store.Service) []tacho.ValueType {
	ts := slices.Clone(svc.Types)
	if !slices.Contains(ts, tacho.Wall) && slices.Contains(ts, tacho.CPU) && slices.Contains(ts, tacho.OffCPU) {
		ts = append(ts, tacho.Wall)
	}
	return ts
}

// storedOf are the stored types that add up to an offered one.
func storedOf(svc store.Service, t tacho.ValueType) []tacho.ValueType {
	if t == tacho.Wall && slices.Contains(svc.Types, tacho.CPU) && slices.Contains(svc.Types, tacho.OffCPU) {
		return []tacho.ValueType{tacho.CPU, tacho.OffCPU}
	}
	return []tacho.ValueType{t}
}

// typeOf is the type of a service that answers for an id.
func typeOf(svc store.Service, id string) (tacho.ValueType, bool) {
	ts := offered(svc)
	for _, k := range known {
		if k.id == id && slices.Contains(ts, k.stored) {
			return k.stored, true
		}
	}
	for _, t := range ts {
		if typeID(t) == id {
			return t, true
		}
	}
	return tacho.ValueType{}, false
}

// typeLabels are the labels Pyroscope puts on every profile for its type.
func typeLabels(id string) map[string]string {
	t, _ := profileType(id)
	return map[string]string{
		"__profile_type__": id, "__name__": t.GetName(), "__type__": t.GetSampleType(), "__unit__": t.GetSampleUnit(),
		"__period_type__": t.GetPeriodType(), "__period_unit__": t.GetPeriodUnit(),
	}
}
