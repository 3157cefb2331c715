package pyroscope

import (
	"bytes"
	"flag"
	"os"
	"testing"
)

func TestFiles(t *testing.T) {
	for name, want := range map[string][]byte{"testdata/app.tree": tree.bytes(), "testdata/app.trie": trie.bytes(), "testdata/app.lines": []byte("main;run\nmain;handle\nmain;handle\nmain;handle;parse\n")} {
		if u := flag.Lookup("update"); u != nil && u.Value.String() == "true" {
			if err := os.WriteFile(name, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the test makes (go test -update): %v", name, err)
		}
	}
}
