package browsertest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var pictures = flag.String("pictures", "", "write the screenshots of the documentation to `DIR`")

// shared is what the tests of this package use together. Tests run one after
// the other.
var shared struct {
	dir     string          // removed at the end
	binary  string          // the command
	past    *server         // with two days made up; nil until a test asks for it
	browser context.Context // nil until a test asks for it
	quit    func() error    // ends the browser
}

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if shared.dir, err = os.MkdirTemp("", "tacho-browser-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	shared.binary = filepath.Join(shared.dir, "tacho")
	if out, err := exec.Command("go", "build", "-o", shared.binary, "tacho/cmd/tacho").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
		return 1
	}
	code := m.Run()
	// The browser first: a page whose server is gone complains.
	if shared.quit != nil {
		err = shared.quit()
	}
	if shared.past != nil {
		if e := shared.past.stop(); err == nil {
			err = e
		}
	}
	if e := os.RemoveAll(shared.dir); err == nil {
		err = e
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
