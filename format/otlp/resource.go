package otlp

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"tacho"
)

// canonical are the attributes whose label is not their name with underscores.
var canonical = map[string]string{
	"service.name":                tacho.LabelService,
	"service.instance.id":         tacho.LabelInstance,
	"service.version":             tacho.LabelVersion,
	"deployment.environment.name": tacho.LabelEnv,
	"deployment.environment":      tacho.LabelEnv, // before semantic conventions 1.27
	"host.name":                   tacho.LabelHost,
	"process.pid":                 tacho.LabelPID,
	"container.id":                tacho.LabelContainer,
	"process.runtime.name":        tacho.LabelRuntime,
}

// ignored attributes describe a process or its SDK at length and tell no targets
// apart; some (command lines) may hold secrets. A trailing dot stands for all below.
var ignored = []string{
	"process.command", "process.command_args", "process.command_line", "process.parent_pid", "process.owner",
	"process.executable.path", "process.runtime.description", "process.creation.time", "process.working_directory",
	"process.environment_variable.", "telemetry.", "os.description", "os.build_id", "host.ip", "host.mac", "host.cpu.",
	"container.command", "container.command_args", "container.command_line", "cpu.logical_number", "container.image.repo_digests",
}

// LabelName is the label of an attribute, "" for those that are none.
func LabelName(attribute string) string {
	if name, ok := canonical[attribute]; ok {
		return name
	}
	for _, x := range ignored {
		if attribute == x || strings.HasSuffix(x, ".") && strings.HasPrefix(attribute, x) {
			return ""
		}
	}
	var b strings.Builder
	for i := 0; i < len(attribute); i++ {
		c := attribute[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '_', c >= '0' && c <= '9' && i > 0:
			b.WriteByte(c)
		default:
			b.WriteByte('_')
		}
	}
	return b.String()
}

// Resource is the identity of what sent something: the canonical labels of its
// attributes, with a service and an instance, which OpenTelemetry does not demand.
// A missing instance is the pod, the container, the host with the process, or
// "unknown".
func Resource(attributes pcommon.Map) tacho.Labels {
	m := map[string]string{}
	add(m, attributes)
	return identity(m)
}

// ResourceOf is Resource for who has the attributes as text.
func ResourceOf(attributes map[string]string) tacho.Labels {
	m := map[string]string{}
	for k, v := range attributes {
		put(m, k, v)
	}
	return identity(m)
}

func identity(m map[string]string) tacho.Labels {
	if m[tacho.LabelService] == "" {
		m[tacho.LabelService] = "unknown_service"
		if x := m["process_executable_name"]; x != "" {
			m[tacho.LabelService] += ":" + x
		}
	}
	if m[tacho.LabelInstance] == "" {
		m[tacho.LabelInstance] = instance(m)
	}
	return tacho.NewLabels(m)
}

func instance(m map[string]string) string {
	if x := m["k8s_pod_name"]; x != "" {
		return x
	}
	if x := m[tacho.LabelContainer]; x != "" {
		return x[:min(len(x), 12)]
	}
	host, pid := m[tacho.LabelHost], m[tacho.LabelPID]
	switch {
	case host != "" && pid != "":
		return host + ":" + pid
	case host != "":
		return host
	case pid != "":
		return "pid:" + pid
	}
	return "unknown"
}

// add puts scalar attributes among labels; lists and maps are not labels.
func add(m map[string]string, attributes pcommon.Map) {
	for k, v := range attributes.All() {
		if s, ok := scalar(v); ok {
			put(m, k, s)
		}
	}
}

func put(m map[string]string, attribute, value string) {
	name := LabelName(attribute)
	if name == "" || value == "" {
		return
	}
	if attribute == "deployment.environment" && m[name] != "" {
		return // the newer spelling wins
	}
	m[name] = value
}

func scalar(v pcommon.Value) (string, bool) {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return v.Str(), true
	case pcommon.ValueTypeInt:
		return strconv.FormatInt(v.Int(), 10), true
	case pcommon.ValueTypeBool:
		return strconv.FormatBool(v.Bool()), true
	case pcommon.ValueTypeDouble:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64), true
	}
	return "", false
}
