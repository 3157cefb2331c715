package jvm

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strings"

	"tacho"
	"tacho/record/hotspot"
)

// maxEnviron bounds how much of a process's environment and command line is
// read.
const maxEnviron = 1 << 20

// procFile reads at most maxEnviron bytes of a file of /proc/PID; what may not
// be read is empty.
func procFile(proc string, pid int, name string) []byte {
	f, err := os.Open(fmt.Sprintf("%s/%d/%s", proc, pid, name))
	if err != nil {
		return nil
	}
	defer f.Close()
	b, _ := io.ReadAll(io.LimitReader(f, maxEnviron))
	return b
}

func splitZero(b []byte) []string {
	var out []string
	for _, s := range bytes.Split(b, []byte{0}) {
		if len(s) > 0 {
			out = append(out, string(s))
		}
	}
	return out
}

// identity is the labels of a JVM: what its operators call it, as far as that
// can be seen from outside. In order: TACHO_SERVICE, OpenTelemetry's variables
// and properties, Spring's application name, the main class or jar.
func identity(proc, host string, p hotspot.Process, extra map[string]string) tacho.Labels {
	env := map[string]string{}
	for _, kv := range splitZero(procFile(proc, p.PID, "environ")) {
		if k, v, ok := strings.Cut(kv, "="); ok {
			env[k] = v
		}
	}
	props := map[string]string{}
	for _, a := range splitZero(procFile(proc, p.PID, "cmdline")) {
		if kv, ok := strings.CutPrefix(a, "-D"); ok {
			k, v, _ := strings.Cut(kv, "=")
			props[k] = v
		}
	}
	res := map[string]string{}
	for _, kv := range strings.Split(firstOf(env["OTEL_RESOURCE_ATTRIBUTES"], props["otel.resource.attributes"]), ",") {
		if k, v, ok := strings.Cut(kv, "="); ok {
			res[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	m := map[string]string{
		tacho.LabelService: firstOf(env["TACHO_SERVICE"], env["OTEL_SERVICE_NAME"], props["otel.service.name"], res["service.name"],
			props["spring.application.name"], env["SPRING_APPLICATION_NAME"], mainName(p.MainClass), "java"),
		tacho.LabelInstance: firstOf(res["service.instance.id"], fmt.Sprintf("%s:%d", host, p.PID)),
		tacho.LabelVersion:  res["service.version"],
		tacho.LabelEnv:      firstOf(res["deployment.environment.name"], res["deployment.environment"]),
		tacho.LabelHost:     host,
		tacho.LabelPID:      fmt.Sprint(p.PID),
		tacho.LabelRuntime:  "jvm",
	}
	for k, v := range extra {
		m[k] = v
	}
	return tacho.NewLabels(m)
}

// Service is what a JVM is recorded as when nothing is configured.
func Service(proc, host string, p hotspot.Process) string {
	return identity(proc, host, p, nil).Get(tacho.LabelService)
}

func firstOf(vs ...string) string {
	for _, v := range vs {
		if v != "" {
			return v
		}
	}
	return ""
}

var jarVersion = regexp.MustCompile(`-\d[\w.+-]*$`)

// mainName makes a service name of a main class or the path of a jar:
// org.apache.catalina.startup.Bootstrap → Bootstrap, /srv/orders-1.4.2.jar →
// orders.
func mainName(main string) string {
	if main == "" {
		return ""
	}
	if strings.HasSuffix(main, ".jar") {
		return jarVersion.ReplaceAllString(strings.TrimSuffix(path.Base(main), ".jar"), "")
	}
	main = main[strings.LastIndexByte(main, '/')+1:] // module/class
	return main[strings.LastIndexByte(main, '.')+1:]
}
