// Command uibuild makes web/dist, the files the server embeds, from web/ui.
// It is a program of its own so that the bundler is not linked into tacho and
// a plain `go build` needs neither Node nor this command.
//
//	go run ./web/uibuild          bundle web/ui/src into web/dist
//	go run ./web/uibuild -check   exit 1 if web/dist is not what would be made
//	go run ./web/uibuild -test    bundle web/ui/test and run it with node --test
//
// The steps: esbuild bundles src/main.tsx (and the styles it imports) into
// app.js and app.css, the files of web/ui/static and the licence of Preact are
// put beside them, and the script is held to its size budget. File names are
// fixed: whoever serves them needs an ETag. The output depends on the sources
// only.
//
// Preact comes from web/ui/node_modules: run `npm ci` in web/ui once.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

func main() {
	check := flag.Bool("check", false, "fail if web/dist is stale instead of writing it")
	test := flag.Bool("test", false, "bundle and run the unit tests instead of building")
	root := flag.String("web", "web", "the web directory, holding ui and dist")
	flag.Parse()
	if err := run(os.Stdout, *root, *check, *test); err != nil {
		fmt.Fprintln(os.Stderr, "uibuild:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, root string, check, test bool) error {
	ui := filepath.Join(root, "ui")
	if _, err := os.Stat(filepath.Join(ui, "node_modules", "preact")); err != nil {
		return fmt.Errorf("preact is not installed, run `npm ci` in %s: %w", ui, err)
	}
	if test {
		return runTests(out, ui)
	}
	files, err := bundle(ui)
	if err != nil {
		return err
	}
	if err := report(out, files); err != nil {
		return err
	}
	dist := filepath.Join(root, "dist")
	if check {
		return compare(dist, files)
	}
	return write(dist, files)
}
