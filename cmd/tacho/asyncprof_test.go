package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"tacho/internal/jvmtest"
	"tacho/record/asyncprof"
	"tacho/report"
	"tacho/web/client"
)

// asyncStub compiles the stand-in for async-profiler that record/asyncprof is
// tested with; what it records was recorded a moment ago.
func asyncStub(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc on this machine: it compiles the library that stands in for async-profiler")
	}
	b, err := os.ReadFile("../../format/jfr/testdata/small.jfr")
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint64(b[32:], uint64(time.Now().Add(-10*time.Second).UnixNano())) // the chunk's start
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/fixture.jfr", b, 0o644); err != nil {
		t.Fatal(err)
	}
	library := dir + "/libasyncProfiler.so"
	out, err := exec.Command("gcc", "-shared", "-fPIC", "-o", library, "../../record/asyncprof/testdata/agent.c",
		`-DFIXTURE="`+dir+`/fixture.jfr"`, `-DTRACE="`+dir+`/commands"`).CombinedOutput()
	if err != nil {
		t.Fatalf("gcc: %v\n%s", err, out)
	}
	return library
}

// The page's configuration, with another name, place and times: what the agent
// makes of it, what the doctor says, and what the server shows.
func TestAsyncProfilerPage(t *testing.T) {
	library := asyncStub(t)
	page, err := os.ReadFile("../../docs/integrations/async-profiler.md")
	if err != nil {
		t.Fatal(err)
	}
	config := fenced(string(page), "yaml")[0]
	file := filepath.Join(t.TempDir(), "tacho.yaml")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(config)
	rules, err := readAsyncprof(file)
	if want := []asyncprof.Rule{{Service: "orders-.*", Event: "wall", Interval: 10 * time.Millisecond, Length: time.Minute, Every: time.Hour,
		Library: "/opt/async-profiler/lib/libasyncProfiler.so"}}; err != nil || !reflect.DeepEqual(rules, want) {
		t.Fatalf("%+v %v", rules, err)
	}

	// A name of its own: other tests' JVMs on this machine are none of its business.
	service := fmt.Sprintf("page-%d", os.Getpid())
	jvm := jvmtest.Java(t, jvmtest.JDK17, "-Dotel.service.name="+service, "-cp", jvmtest.Compile(t, "../../record/jvm/testdata/Spin.java"), "Spin", "1")
	config = strings.NewReplacer("orders-.*", service, "60s", "1s", "1h", "2s", "/opt/async-profiler/lib/libasyncProfiler.so", library).Replace(config)
	write(config + "  - {service: " + service + ", event: lock, library: /nowhere/lib.so}\n")
	out, err := exec.Command(built(t), "doctor", "--data", t.TempDir(), "--config", file).CombinedOutput()
	for _, want := range []string{fmt.Sprintf("ok  async-profiler, wall of JVM %d %s: %s\n", jvm.PID, service, library),
		fmt.Sprintf("no  async-profiler, lock of JVM %d %s: async-profiler is not installed where process %d sees it: libasyncProfiler.so is not at /nowhere/lib.so.\n      → Install", jvm.PID, service, jvm.PID)} {
		if err == nil || !strings.Contains(string(out), want) {
			t.Errorf("%v, no %q in\n%s", err, want, out)
		}
	}

	_, port, _, _ := foreignServer(t)
	c := &client.Client{URL: "http://" + jvmtest.Addr(port)}
	recorder := agent(t, port, t.TempDir(), "--config", file)
	jvmtest.Until(t, "the JVM is recorded on schedule", 90*time.Second, func() bool {
		s, err := c.Services(t.Context())
		x, ok := target(c, jvm.PID)
		return err == nil && ok && x.Counters["async_recordings"] > 0 && slices.ContainsFunc(s.Services, func(x report.Service) bool {
			return x.Name == service && slices.ContainsFunc(x.Types, func(t report.Type) bool { return t.Name == "async_wall" })
		})
	})
	if x, _ := target(c, jvm.PID); x.State != "limited" || !strings.Contains(x.Reason, "libasyncProfiler.so is not at /nowhere/lib.so.") {
		t.Errorf("the rule whose library is missing: %+v", x)
	}
	if sum, functions := total(t, c, service, "async_wall"); sum == 0 || sum%2388675792 != 0 || !slices.Contains(functions, "Load.compute") {
		t.Errorf("async_wall %d in %v", sum, functions)
	}
	recorder.Signal(syscall.SIGTERM)
	<-recorder.Done
	if left, err := filepath.Glob(fmt.Sprintf("/tmp/tacho-async-*-%d-*", jvm.PID)); err != nil || len(left) > 0 {
		t.Errorf("the agent leaves %v (%v)", left, err)
	}
}

func TestAsyncprofConfiguration(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"asyncprof:\n  - {service: a, evnt: wall}\n", "line 2: asyncprof: "},
		{"asyncprof:\n  - {service: a, event: alloc, interval: 10ms}\n", `interval: "10ms" is not a size`},
		{"asyncprof:\n  - {service: a, interval: 512KiB}\n", "interval: time: unknown unit"},
		{"asyncprof:\n  - {service: a}\n  - {length: 5s}\n", "line 3: asyncprof: service is missing"},
		{"asyncprof:\n  - {service: a, every: 30s}\n", "every 30s: want at least 1s more"},
		{"asyncprof: 5\n", "asyncprof: "},
		{"asyncprof:\n  - {service: a, event: alloc, interval: 512KiB}\n", ""},
		{"listen: 127.0.0.1:7700\n", ""},
	} {
		file := filepath.Join(t.TempDir(), "tacho.yaml")
		if err := os.WriteFile(file, []byte(c.yaml), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readAsyncprof(file)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.yaml, err, c.want)
		}
	}
}
