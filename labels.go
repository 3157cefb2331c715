package tacho

import (
	"slices"
	"strconv"
	"strings"
)

// Label names with a meaning to Tacho itself, in Prometheus spelling of
// OpenTelemetry's resource attributes.
const (
	LabelService     = "service_name"
	LabelInstance    = "instance" // service.instance.id; DESIGN.md §9 selects by it
	LabelVersion     = "service_version"
	LabelEnv         = "deployment_environment"
	LabelHost        = "host_name"
	LabelPID         = "pid"
	LabelContainer   = "container_id"
	LabelThreadGroup = "thread_group"
	LabelRuntime     = "runtime"
	LabelDemo        = "demo" // "seeded" on data made up for the demo, never on recorded data
)

// Label is one name and value.
type Label struct{ Name, Value string }

// NumericLabel spells the name of a numeric label of a sample (pprof's num and
// num_unit): bytes in bytes becomes "bytes[bytes]", without a unit "bytes[]".
// Its value is the decimal number. No label of text ends in a bracket that way,
// so that an export can tell "7" from 7.
func NumericLabel(name, unit string) string { return name + "[" + unit + "]" }

// Numeric takes the spelling of NumericLabel apart; false for a label of text.
func (l Label) Numeric() (name, unit string, value int64, ok bool) {
	open := strings.LastIndexByte(l.Name, '[')
	if open <= 0 || !strings.HasSuffix(l.Name, "]") {
		return "", "", 0, false
	}
	v, err := strconv.ParseInt(l.Value, 10, 64)
	if err != nil {
		return "", "", 0, false
	}
	return l.Name[:open], l.Name[open+1 : len(l.Name)-1], v, true
}

// Labels is an identity: sorted by name, each name once, no empty values.
// Build it with NewLabels to keep that true.
type Labels []Label

// NewLabels makes the canonical identity of a set of labels.
func NewLabels(m map[string]string) Labels {
	ls := make(Labels, 0, len(m))
	for n, v := range m {
		if n != "" && v != "" {
			ls = append(ls, Label{n, v})
		}
	}
	slices.SortFunc(ls, func(a, b Label) int { return strings.Compare(a.Name, b.Name) })
	return ls
}

// Get returns the value of name, "" when absent.
func (ls Labels) Get(name string) string {
	for _, l := range ls {
		if l.Name == name {
			return l.Value
		}
	}
	return ""
}

// With returns a copy in which name has value ("" removes it).
func (ls Labels) With(name, value string) Labels {
	out := make(Labels, 0, len(ls)+1)
	done := value == ""
	for _, l := range ls {
		if !done && l.Name >= name {
			out = append(out, Label{name, value})
			done = true
		}
		if l.Name != name {
			out = append(out, l)
		}
	}
	if !done {
		out = append(out, Label{name, value})
	}
	return out
}

// String is the selector spelling {a="x", b="y"}; equal identities have equal
// strings, so it serves as a map key.
func (ls Labels) String() string {
	var b strings.Builder
	b.WriteByte('{')
	for i, l := range ls {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(l.Name)
		b.WriteString(`="`)
		for _, c := range []byte(l.Value) {
			switch c {
			case '"', '\\':
				b.WriteByte('\\')
				b.WriteByte(c)
			case '\n':
				b.WriteString(`\n`)
			default:
				b.WriteByte(c)
			}
		}
		b.WriteByte('"')
	}
	b.WriteByte('}')
	return b.String()
}

// Map is the labels as a new map.
func (ls Labels) Map() map[string]string {
	m := make(map[string]string, len(ls))
	for _, l := range ls {
		m[l.Name] = l.Value
	}
	return m
}
