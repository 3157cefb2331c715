package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tacho/internal/jvmtest"
)

// TestSenderPages runs the commands (```sh) of the pages about senders, as they
// are written but for the address and the place of the binary.
func TestSenderPages(t *testing.T) {
	_, port, _, _ := foreignServer(t)
	url := "http://" + jvmtest.Addr(port)
	for page, says := range map[string][]string{
		"pyroscope-sdks.md": {"total 400.0 ms"},
		"opentelemetry.md":  {`"trace_id":"5b8efff798038103d269b633813fc60c"`},
		"files.md":          {`"service":"orders","instance":"stacks.txt"`, `"total":400000000`},
	} {
		b, err := os.ReadFile("../../docs/integrations/" + page)
		if err != nil {
			t.Fatal(err)
		}
		blocks := fenced(string(b), "sh")
		if len(blocks) != len(says) {
			t.Errorf("%s: %d blocks of commands, want %d", page, len(blocks), len(says))
			continue
		}
		dir := t.TempDir()
		for i, commands := range blocks {
			cmd := exec.CommandContext(t.Context(), "sh", "-euc", strings.ReplaceAll(commands, "http://127.0.0.1:7700", url))
			cmd.Dir = dir
			cmd.Env = append(cmd.Environ(), "PATH="+filepath.Dir(built(t))+":"+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), says[i]) {
				t.Errorf("%s: %v, want %q from\n%s\n%s", page, err, says[i], commands, out)
			}
		}
	}
	b, err := os.ReadFile("../../docs/integrations/go-pprof-endpoints.md")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "tacho.yaml")
	if err := os.WriteFile(file, []byte(fenced(string(b), "yaml")[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := newScraper(file, nil, "h", nil, nil); err != nil || len(c.Status()) != 1 || c.Status()[0].Instance != "orders-1" {
		t.Errorf("the configuration of the page: %+v %v", c, err)
	}
}
