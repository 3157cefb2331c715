package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// scriptBudget is what all script may weigh gzipped (DESIGN.md §7: the page
// must open quickly over a VPN).
const scriptBudget = 60 << 10

// options are shared by the page and its tests, so that tests run the code
// that ships.
func options(ui string) api.BuildOptions {
	return api.BuildOptions{
		AbsWorkingDir:   ui,
		Bundle:          true,
		Format:          api.FormatESModule,
		Target:          api.ES2022,
		JSX:             api.JSXAutomatic,
		JSXImportSource: "preact",
		Charset:         api.CharsetUTF8,
		LegalComments:   api.LegalCommentsNone,
		LogLevel:        api.LogLevelSilent,
	}
}

// bundle returns the contents of web/dist by file name.
func bundle(ui string) (map[string][]byte, error) {
	abs, err := filepath.Abs(ui)
	if err != nil {
		return nil, fmt.Errorf("resolving %s: %w", ui, err)
	}
	o := options(abs)
	o.EntryPointsAdvanced = []api.EntryPoint{{InputPath: "src/main.tsx", OutputPath: "app"}}
	o.Outdir = filepath.Join(abs, "out") // names only: nothing is written here
	o.MinifyIdentifiers, o.MinifySyntax, o.MinifyWhitespace = true, true, true
	res := api.Build(o)
	if err := failed(res.Errors); err != nil {
		return nil, fmt.Errorf("bundling %s: %w", ui, err)
	}
	files := map[string][]byte{}
	for _, f := range res.OutputFiles {
		files[filepath.Base(f.Path)] = f.Contents
	}
	static := filepath.Join(ui, "static")
	entries, err := os.ReadDir(static)
	if err != nil {
		return nil, fmt.Errorf("listing static files: %w", err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(static, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("reading static file: %w", err)
		}
		files[e.Name()] = b
	}
	// Preact's licence asks to go where its code goes.
	notice, err := os.ReadFile(filepath.Join(ui, "node_modules", "preact", "LICENSE"))
	if err != nil {
		return nil, fmt.Errorf("reading the licence of preact: %w", err)
	}
	files["app.js.LICENSE.txt"] = append([]byte("app.js contains Preact:\n\n"), notice...)
	return files, nil
}

func failed(msgs []api.Message) error {
	if len(msgs) == 0 {
		return nil
	}
	text := api.FormatMessages(msgs, api.FormatMessagesOptions{Kind: api.ErrorMessage})
	return fmt.Errorf("%d errors\n%s", len(msgs), strings.Join(text, ""))
}

// report prints the sizes and holds the script to its budget.
func report(out io.Writer, files map[string][]byte) error {
	script := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		z := gzipped(files[name])
		if strings.HasSuffix(name, ".js") {
			script += z
		}
		fmt.Fprintf(out, "%-18s %7d bytes %7d gzipped\n", name, len(files[name]), z)
	}
	if script > scriptBudget {
		return fmt.Errorf("script weighs %d bytes gzipped, the budget is %d", script, scriptBudget)
	}
	return nil
}

func gzipped(b []byte) int {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	// A bytes.Buffer does not fail, and Close reports what Write would.
	_, _ = w.Write(b)
	if err := w.Close(); err != nil {
		return len(b)
	}
	return buf.Len()
}
