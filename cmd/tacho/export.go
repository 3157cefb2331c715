package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tacho/report"
	"tacho/web/client"
)

// runExport writes a selection as a file for other tools.
func runExport(ctx context.Context, std stdio, args []string) error {
	f := newFlags(std, "export", "write the stacks of a range as a file for other tools.",
		"  tacho export --service orders -o orders.pb.gz && go tool pprof -http : orders.pb.gz\n"+
			"  tacho export --service orders --format collapsed | flamegraph.pl > orders.svg\n"+
			"  tacho export --service orders --type alloc --from now-10m --format svg -o alloc.svg\n")
	var v viewFlags
	v.add(f, "now-1h")
	var n client.Narrow
	var format, out string
	f.StringVar(&format, "format", "", "`FORMAT`: "+strings.Join(exportNames(), ", ")+"; without it what the name of the file says, else pprof")
	f.StringVar(&out, "o", "", "write to `FILE` instead of standard output")
	narrowFlags(f, &n, false)
	if done, err := f.parse(args); done || err != nil {
		return err
	}
	how, ok := exportFormat(format, out)
	if !ok {
		fmt.Fprintf(std.err, "%s: --format %q: want one of %s\n", f.Name(), format, strings.Join(exportNames(), ", "))
		return errUsage
	}
	if _, isTerm := terminal(std.out); out == "" && how.Binary && isTerm {
		fmt.Fprintf(std.err, "%s: %s is not for a terminal: give -o FILE, pipe it on, or choose --format collapsed\n", f.Name(), how.Name)
		return errUsage
	}
	c, q, _, err := v.ask(ctx, std)
	if err != nil {
		return err
	}
	b, err := c.Profile(ctx, q, n, how.Name)
	if err != nil {
		return err
	}
	if out == "" {
		_, err := std.out.Write(b)
		return err
	}
	if err := writeWhole(out, b); err != nil {
		return err
	}
	fmt.Fprintf(std.err, "%s %s of %s: %d bytes in %s\n", how.Name, q.Type, report.Visible(q.Service), len(b), report.Visible(out))
	return nil
}

func exportNames() []string {
	var out []string
	for _, f := range report.ExportFormats() {
		out = append(out, f.Name)
	}
	return out
}

// exportFormat is the one asked for, else what the name of the file says.
func exportFormat(name, file string) (report.ExportFormat, bool) {
	all := report.ExportFormats()
	if name == "" {
		name = all[0].Name
		for _, ends := range [][2]string{{".collapsed", "collapsed"}, {".folded", "collapsed"}, {".txt", "collapsed"}, {".speedscope.json", "speedscope"}, {".svg", "svg"}, {".json", "json"}} {
			if strings.HasSuffix(file, ends[0]) {
				name = ends[1]
				break
			}
		}
	}
	i := slices.IndexFunc(all, func(f report.ExportFormat) bool { return f.Name == name })
	if i < 0 {
		return report.ExportFormat{}, false
	}
	return all[i], true
}

// writeWhole writes a file that is there whole or not at all.
func writeWhole(path string, b []byte) error {
	if fi, err := os.Stat(path); err == nil && !fi.Mode().IsRegular() {
		return os.WriteFile(path, b, 0o644) // /dev/stdout, a pipe
	}
	t, err := os.CreateTemp(filepath.Dir(path), ".tacho-export-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = t.Write(b)
	if e := t.Chmod(0o644); err == nil {
		err = e
	}
	if e := t.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		os.Remove(t.Name())
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
