package pyroscope

import (
	"encoding/json"
	"net/http"
	"strings"

	"tacho"
	"tacho/format"
	"tacho/ingest"
)

// sampleType is one entry of sample_type_config: what the sender calls a type
// of its pprof profile. Tacho needs the name only: units are in the profile,
// and how to add up is a matter of the question.
type sampleType struct {
	DisplayName string `json:"display-name"`
}

func readTypes(b []byte) (map[string]sampleType, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var m map[string]sampleType
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, &ingest.Refusal{Status: http.StatusBadRequest, Reason: "malformed", Sentence: "sample_type_config is not JSON of the known form: " + err.Error(),
			Detail: `Send {"type": {"display-name": "name"}}.`, Position: "sample_type_config"}
	}
	if len(m) > ingest.MaxLabels {
		return nil, ingest.TooLarge("types in sample_type_config", ingest.MaxLabels)
	}
	for _, t := range m {
		if err := ingest.CheckText("display-name", t.DisplayName, ingest.MaxLabelName); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// ofProfile names the types of Go's contention profiles, which are alike for
// mutex and block; name is the profile's (__name__).
func ofProfile(name string) map[string]sampleType {
	switch name {
	case "mutex", "godeltaprof_mutex":
		return map[string]sampleType{"contentions": {"mutex_count"}, "delay": {"mutex_duration"}}
	case "block", "godeltaprof_block":
		return map[string]sampleType{"contentions": {"block_count"}, "delay": {"block_duration"}}
	}
	return nil
}

// rename gives the types of a batch the names their sender has for them. A name
// that is taken stays what it is: two types must not become one.
func rename(b *tacho.Batch, types map[string]sampleType) {
	for i := range b.Profiles {
		to := types[b.Profiles[i].Type.Name].DisplayName
		taken := to == ""
		for k := range b.Profiles {
			taken = taken || b.Profiles[k].Type.Name == to
		}
		if !taken {
			b.Profiles[i].Type.Name = to
		}
	}
}

// textTypes are what the last dotted part of a name can say of formats that
// hold numbers only.
var textTypes = map[string]tacho.ValueType{
	"cpu": tacho.CPU, "itimer": tacho.CPU, "wall": tacho.Wall,
	"alloc_objects": {Name: "alloc_objects", Unit: "count"}, "alloc_space": {Name: "alloc_space", Unit: "bytes"},
	"alloc_in_new_tlab_objects": {Name: "alloc_objects", Unit: "count"}, "alloc_in_new_tlab_bytes": {Name: "alloc_space", Unit: "bytes"},
	"inuse_objects": {Name: "inuse_objects", Unit: "count"}, "inuse_space": {Name: "inuse_space", Unit: "bytes"},
	"goroutines": {Name: "goroutine", Unit: "count"}, "exceptions": {Name: "exceptions", Unit: "count"},
	"mutex_count": {Name: "mutex_count", Unit: "count"}, "mutex_duration": {Name: "mutex_duration", Unit: "nanoseconds"},
	"block_count": {Name: "block_count", Unit: "count"}, "block_duration": {Name: "block_duration", Unit: "nanoseconds"},
	"lock_count": {Name: "lock_count", Unit: "count"}, "lock_duration": tacho.Lock,
}

// textType parts the type from the name of a text profile, and says in which
// unit its numbers are.
func textType(app, units string, rate int) (string, tacho.ValueType, int) {
	name, suffix, t := app, "", tacho.ValueType{}
	if i := strings.LastIndexByte(app, '.'); i > 0 {
		if known, ok := textTypes[app[i+1:]]; ok {
			name, suffix, t = app[:i], app[i+1:], known
		}
	}
	switch units {
	case "", "samples": // of time, at the sampling rate, unless the name says otherwise
		if suffix == "" {
			t = tacho.CPU
		}
		if t == tacho.CPU || t == tacho.Wall {
			return name, t, rate
		}
	case "bytes", "nanoseconds":
		if suffix == "" {
			t = map[string]tacho.ValueType{"bytes": tacho.Alloc, "nanoseconds": tacho.CPU}[units]
		}
		t.Unit = units
	case "lock_nanoseconds":
		if suffix == "" {
			t = tacho.Lock
		}
	case "goroutines":
		t = textTypes["goroutines"]
	default: // objects, lock_samples, exceptions, and what may come
		if suffix == "" {
			t = tacho.ValueType{Name: units, Unit: "count"}
		}
	}
	return name, t, 0
}

// textual formats hold numbers and stacks and nothing else.
func textual(d format.Decoder) bool {
	switch d.Name {
	case "pprof", "jfr", "speedscope":
		return false
	}
	return true
}
