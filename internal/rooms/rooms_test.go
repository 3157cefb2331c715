package rooms

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

func TestImportsFlowOneWay(t *testing.T) {
	// -e: a package that does not compile at the moment still has imports.
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	n := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; n++ {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("go list printed what is no JSON: %v", err)
		}
		for _, imp := range p.Imports {
			if err := Check(p.ImportPath, imp); err != nil {
				t.Error(err)
			}
		}
	}
	if n < 5 { // root, record, wire, store, ingest at least
		t.Fatalf("go list found %d packages:\n%s", n, out)
	}
}

// TestCheck is the proof that the test above can fail.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		pkg, imp string
		ok       bool
	}{
		{"tacho", "fmt", true},
		{"tacho", "encoding/json", true},
		{"tacho", "tacho/wire", false},
		{"tacho", "golang.org/x/sys/unix", false},

		{"tacho/record", "tacho", true},
		{"tacho/record", "tacho/wire", true},
		{"tacho/record/jvm", "tacho/format/jfr", true},
		{"tacho/record/jvm", "tacho/record", true},
		{"tacho/record/jvm", "tacho/record/hotspot", true},
		{"tacho/record/hotspot", "tacho/record/jvm", false},
		{"tacho/record/jvm", "tacho/record/proc", false},
		{"tacho/record/jvm/attach", "tacho/record/proc", false},
		{"tacho/record/jvm", "tacho/record/jvm/attach", true},
		{"tacho/record/jvm", "tacho/store", false},
		{"tacho/record/jvm", "tacho/ingest", false},
		{"tacho/record/jvm", "golang.org/x/sys/unix", true},

		{"tacho/wire", "tacho", true},
		{"tacho/wire", "tacho/record", false},
		{"tacho/wire", "tacho/store", false},
		{"tacho/format/jfr", "tacho/format", true},
		{"tacho/format/jfr", "tacho/format/pprof", false},
		{"tacho/format/all", "tacho/format/pprof", true},
		{"tacho/format/all", "tacho/wire", false},
		{"tacho/symbol", "tacho/format", false},
		{"tacho/heap", "tacho/wire", false},

		{"tacho/ingest", "tacho/wire", true},
		{"tacho/ingest", "tacho/store", true},
		{"tacho/ingest", "tacho/store/local", false},
		{"tacho/ingest", "tacho/query", false},
		{"tacho/ingest", "tacho/internal/faults", true},
		{"tacho/internal/faults", "tacho/wire", false},
		{"tacho/store", "tacho/wire", false},
		{"tacho/store/local", "tacho/store", true},
		{"tacho/store/local", "tacho/store/clickhouse", false},
		{"tacho/store/storetest", "tacho/store", true},
		{"tacho/query", "tacho/store", true},
		{"tacho/query", "tacho/store/local", false},
		{"tacho/query", "tacho/report", false},
		{"tacho/detect", "tacho/query", true},
		{"tacho/detect", "tacho/store", false},
		{"tacho/report", "tacho/query", true},
		{"tacho/report", "tacho/web", false},
		{"tacho/web", "tacho/ingest", true},
		{"tacho/web", "tacho/report", true},
		{"tacho/web", "tacho/wire", false},
		{"tacho/web", "tacho/store/local", false},
		{"tacho/webhooks", "fmt", false}, // a room nobody has decided on

		{"tacho/cmd/tacho", "tacho/store/local", true},
		{"tacho/bench/load", "tacho/store/local", true},
		{"tacho/casebook", "tacho/web", true},
		{"example.com/other", "fmt", false},
	} {
		if err := Check(c.pkg, c.imp); (err == nil) != c.ok {
			t.Errorf("%s importing %s: %v, want allowed %v", c.pkg, c.imp, err, c.ok)
		}
	}
}
