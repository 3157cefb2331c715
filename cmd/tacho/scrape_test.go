package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tacho/internal/jvmtest"
	"tacho/report"
	"tacho/web/client"
)

// An agent with a target in its configuration: this test's own pprof handlers,
// and a port nobody listens on. JVMs of this host are left alone (--min-age).
func TestAgentScrapes(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	program := httptest.NewServer(mux)
	defer program.Close()
	file := filepath.Join(t.TempDir(), "tacho.yaml")
	config := fmt.Sprintf("targets:\n  - {service: gopher, url: %q, every: 1s, profiles: [cpu, heap]}\n  - {service: nobody, url: \"http://127.0.0.1:%d\", every: 1s}\n", program.URL, jvmtest.FreePort(t))
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _, _ := foreignServer(t)
	c := &client.Client{URL: "http://" + jvmtest.Addr(port)}
	agent(t, port, t.TempDir(), "--config", file, "--min-age", "100h")
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
				spinHere()
				time.Sleep(time.Millisecond)
			}
		}
	}()
	defer func() { close(stop); <-done }()
	states := map[string]report.Target{}
	jvmtest.Until(t, "both targets have a state and the program is recorded", 60*time.Second, func() bool {
		as, err := c.Agents(t.Context())
		if err != nil {
			return false
		}
		for _, a := range as.Agents {
			for _, x := range a.Targets {
				states[x.Service] = x
			}
		}
		s, err := c.Services(t.Context())
		return err == nil && states["gopher"].State == "recording" && states["nobody"].State == "refused" &&
			slices.ContainsFunc(s.Services, func(x report.Service) bool { return x.Name == "gopher" && len(x.Types) >= 6 })
	})
	if x := states["nobody"]; !strings.Contains(x.Reason, "does not answer") || !strings.Contains(x.Remedy, "Start the program") {
		t.Errorf("the target nobody answers for: %+v", x)
	}
	if sum, functions := total(t, c, "gopher", "cpu"); sum == 0 || !slices.ContainsFunc(functions, func(f string) bool { return strings.HasSuffix(f, ".spinHere") }) {
		t.Errorf("cpu %d in %v", sum, functions)
	}
	if sum, _ := total(t, c, "gopher", "inuse_space"); sum == 0 {
		t.Error("no heap")
	}
}
