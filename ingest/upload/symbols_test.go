package upload

import (
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"tacho/ingest"
	"tacho/symbol"
)

func TestSymbolsRefused(t *testing.T) {
	s, err := symbol.Open(symbol.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	h := Symbols(SymbolsOptions{Intake: ingest.NewIntake(ingest.IntakeOptions{}), Store: s, Bytes: 1 << 20})
	for _, c := range []struct {
		method, path, body, say string
		status                  int
	}{
		{"POST", SymbolsPath, "main;work 3\n", `"position":"byte 0"`, 415},
		{"POST", SymbolsPath, string(program[:5000]), `"position":"byte 0x1388"`, 400},
		{"POST", SymbolsPath, "\x7fELF\x09\x01\x01" + strings.Repeat("\x00", 60), `"position":"byte 0x0"`, 400},
		{"POST", SymbolsPath, strings.Repeat("x", 1<<20+1), "larger than 1048576 bytes", 413},
		{"DELETE", SymbolsPath + "/ab", "", `"position":"build_id"`, 404},
		{"PUT", SymbolsPath, "", "method", 405},
		{"GET", SymbolsPath + "/ab", "", "method", 405},
		{"GET", SymbolsPath, "", `{"files":[]}`, 200},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, strings.NewReader(c.body)))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.say) {
			t.Errorf("%s %s %.10q: %d %s, want %d with %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.say)
		}
	}
}
