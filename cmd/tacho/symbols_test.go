package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"tacho/internal/jvmtest"
)

// TestNativeSymbols: a C program's addresses, sent as a pprof without symbols
// before its debug file comes and after, have functions, files and lines.
func TestNativeSymbols(t *testing.T) {
	for _, tool := range []string{"gcc", "nm", "readelf", "objcopy", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip("not all of gcc, binutils and curl on this machine: apt-get install gcc binutils curl")
		}
	}
	dir := t.TempDir()
	prog := filepath.Join(dir, "shop")
	src := "__attribute__((noinline)) int price(int n) {\n  volatile int s = n;\n  return s * 3;\n}\nint main(void) {\n  return price(2);\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "shop.c"), []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	tool := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	tool("gcc", "-O0", "-g", "-no-pie", "-Wl,--build-id", "-o", prog, filepath.Join(dir, "shop.c"))
	_, id, _ := strings.Cut(tool("readelf", "-n", prog), "Build ID: ")
	id, _, _ = strings.Cut(id, "\n")
	address := map[string]uint64{}
	for _, line := range strings.Split(tool("nm", prog), "\n") {
		if f := strings.Fields(line); len(f) == 3 {
			address[f[2]], _ = strconv.ParseUint(f[0], 16, 64)
		}
	}
	if id == "" || address["price"] == 0 || address["main"] == 0 {
		t.Fatalf("build id %q, addresses %v", id, address)
	}
	const base = 0x400000 // where gcc -no-pie puts the file's start
	send := func(url, instance string) {
		m := &profile.Mapping{ID: 1, Start: base, Limit: base + 0x10000, File: prog, BuildID: id}
		locs := []*profile.Location{{ID: 1, Mapping: m, Address: address["price"] + 4}, {ID: 2, Mapping: m, Address: address["main"] + 4}}
		p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "cpu", Unit: "nanoseconds"}}, TimeNanos: time.Now().Add(-20 * time.Second).UnixNano(), DurationNanos: 1e9,
			Mapping: []*profile.Mapping{m}, Location: locs, Sample: []*profile.Sample{{Location: locs, Value: []int64{30e6}}}}
		file := filepath.Join(dir, instance+".pprof")
		f, err := os.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Write(f); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if code, _, errs := verbSays(t, "", "push", file, "--server", url, "--service", "shop", "--instance", instance); code != 0 {
			t.Fatalf("push: %d %s", code, errs)
		}
	}
	port := jvmtest.FreePort(t)
	server(t, port, t.TempDir())
	at := "http://" + jvmtest.Addr(port)
	type row struct {
		Function, File string
		Line           int
		Total          int64
	}
	top := func() map[string]row {
		t.Helper()
		res, err := http.Get(at + "/api/v1/top?service=shop&type=cpu&from=now-1h&match=" + url.QueryEscape(`instance=~".*"`))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var got struct{ Rows []row }
		if err := json.NewDecoder(res.Body).Decode(&got); err != nil || res.StatusCode != 200 {
			t.Fatalf("%d %v", res.StatusCode, err)
		}
		out := map[string]row{}
		for _, r := range got.Rows {
			out[r.Function] = r
		}
		return out
	}
	send(at, "before")
	for name := range top() {
		if !strings.HasPrefix(name, "shop+0x") {
			t.Errorf("without symbols: %s", name)
		}
	}
	code, out, errs := verbSays(t, "", "push", prog, "--server", at)
	if code != 0 || !strings.Contains(out, "shop: symbols of build "+id) || !strings.Contains(out, "with files and lines") {
		t.Errorf("push of a program: %d %s %s", code, out, errs)
	}
	check := func(want int64) {
		t.Helper()
		rows := top()
		for name, line := range map[string]int{"price": 1, "main": 5} {
			r := rows[name]
			if filepath.Base(r.File) != "shop.c" || r.Line < line || r.Line > line+1 || r.Total != want {
				t.Errorf("%s: %+v, want shop.c:%d and %d ns; all: %v", name, r, line, want, rows)
			}
		}
		if len(rows) != 2 {
			t.Errorf("rows: %v", rows)
		}
	}
	check(30e6)
	send(at, "after")
	check(60e6)

	page, err := os.ReadFile("../../docs/integrations/native-symbols.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, commands := range fenced(string(page), "sh") {
		cmd := exec.CommandContext(t.Context(), "sh", "-euc", strings.ReplaceAll(commands, "http://127.0.0.1:7700", at))
		cmd.Dir = dir
		cmd.Env = append(cmd.Environ(), "PATH="+filepath.Dir(built(t))+":"+os.Getenv("PATH"))
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), `"module":"shop"`) {
			t.Errorf("%v\n%s\n%s", err, commands, out)
		}
	}
}
