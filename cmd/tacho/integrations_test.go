package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"tacho/internal/jvmtest"
)

// TestIntegrationPages runs every block of commands (```sh) of the pages about
// readers, as it is written but for the address and the place of the binary. A
// page without such a block, or one whose commands fail, fails.
func TestIntegrationPages(t *testing.T) {
	port := jvmtest.FreePort(t)
	server(t, port, t.TempDir())
	url := "http://" + jvmtest.Addr(port)
	sendStacks(t, url, time.Now().Add(-10*time.Second))
	for page, says := range map[string][]string{
		"grafana.md":       {`"ID":"process_cpu:cpu:nanoseconds:cpu:nanoseconds"`, `"total":"55000000"`},
		"go-tool-pprof.md": {"100% of 55ms total", "instance: Total 55", "55ms total", "55ms total"},
		"profilecli.md":    {`"value":"a"`, `"30000000"`},
		"speedscope.md":    {"", "", "", `"total":55000000`},
	} {
		t.Run(page, func(t *testing.T) {
			b, err := os.ReadFile("../../docs/integrations/" + page)
			if err != nil {
				t.Fatal(err)
			}
			blocks := fenced(string(b), "sh")
			if _, err := exec.LookPath("profilecli"); err == nil && page == "profilecli.md" {
				for _, c := range fenced(string(b), "console") {
					blocks = append(blocks, regexp.MustCompile(`(?m)^\$ `).ReplaceAllString(c, ""))
				}
			}
			if len(blocks) < len(says) {
				t.Fatalf("%d blocks of commands, want at least %d", len(blocks), len(says))
			}
			dir := t.TempDir()
			var outs []string
			for _, commands := range blocks {
				cmd := exec.CommandContext(t.Context(), "sh", "-euc", strings.ReplaceAll(commands, "http://127.0.0.1:7700", url))
				cmd.Dir = dir
				cmd.Env = append(cmd.Environ(), "PATH="+filepath.Dir(built(t))+":"+os.Getenv("PATH"), "PPROF_TMPDIR="+dir)
				out, err := cmd.CombinedOutput()
				if err != nil {
					t.Errorf("%v\n%s\n%s", err, commands, out)
				}
				outs = append(outs, string(out))
			}
			for i, want := range says {
				if !strings.Contains(outs[i], want) {
					t.Errorf("no %q in what this prints:\n%s\n%s", want, blocks[i], outs[i])
				}
			}
			files, err := os.ReadDir(dir)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if fi, err := f.Info(); err == nil && fi.Mode().IsRegular() && fi.Size() == 0 {
					t.Errorf("%s is empty", f.Name())
				}
			}
		})
	}
}

// fenced are the blocks of a page in a language.
func fenced(page, language string) []string {
	var out []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		out = append(out, m[1])
	}
	return out
}
