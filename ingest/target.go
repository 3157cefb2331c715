package ingest

import (
	"fmt"
	"net"
	"strings"
	"unicode"
	"unicode/utf8"

	"tacho"
)

// Limits of what identifies a target: these end up in the key of every series.
const (
	MaxLabels     = 64
	MaxLabelName  = 1024
	MaxLabelValue = 4096
)

// instanceFrom are the labels that tell instances apart, best first.
var instanceFrom = []string{tacho.LabelInstance, "service_instance_id", "hostname", "pod", "__session_id__", "k8s_pod_name", tacho.LabelContainer, tacho.LabelHost}

// ours are labels with a meaning a sender cannot give them.
var ours = map[string]bool{tacho.LabelThreadGroup: true, tacho.LabelDemo: true}

// Target makes the identity of a foreign sender from its labels, in Prometheus
// spelling whatever they are spelled like. service is what it is called if no
// label says so. sender is its address, which tells instances apart when
// nothing else does; a port would make an instance of every connection, so it
// does not count. Labels with two leading underscores are what the sender's
// software tells itself, and are left out.
func Target(service string, labels map[string]string, sender string) (tacho.Labels, error) {
	if len(labels) > MaxLabels {
		return nil, TooLarge("labels", MaxLabels)
	}
	m := make(map[string]string, len(labels)+3)
	for name, value := range labels {
		if err := CheckText("label name", name, MaxLabelName); err != nil {
			return nil, err
		}
		if err := CheckText("label value", value, MaxLabelValue); err != nil {
			return nil, err
		}
		name = Spell(name)
		if ours[name] {
			name = "exported_" + name
		}
		m[name] = value
	}
	if m[tacho.LabelService] == "" {
		m[tacho.LabelService] = service
	}
	instance := ""
	for _, name := range instanceFrom {
		if instance = m[name]; instance != "" {
			break
		}
	}
	if instance == "" {
		instance = host(sender)
	}
	m[tacho.LabelInstance] = instance
	for name := range m {
		if strings.HasPrefix(name, "__") {
			delete(m, name)
		}
	}
	return tacho.NewLabels(m), nil
}

// Spell writes a label's name as Prometheus does.
func Spell(name string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '_'
	}, name)
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		s = "_" + s
	}
	if s == "deployment_environment_name" { // OpenTelemetry's newer word
		return tacho.LabelEnv
	}
	return s
}

// host is a sender's address without its port.
func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil && h != "" {
		return h
	}
	return "local" // over a Unix socket
}

// CheckText refuses what must not become a name or a value of a label.
func CheckText(what, s string, most int) error {
	if len(s) > most {
		return TooLarge(fmt.Sprintf("bytes in a %s", what), int64(most))
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return BadParameter(what, "Send printable UTF-8.", "%s %q is not printable text", what, s)
	}
	return nil
}
