package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"tacho"
	"tacho/query"
	"tacho/report"
	"tacho/store"
)

// checkHTML refuses what could not be meant before any file is read.
func (a *analyzeFlags) checkHTML(std stdio, files []string) error {
	if a.html == "" {
		return nil
	}
	if a.asJSON {
		fmt.Fprintln(std.err, "tacho analyze: --html and --json: want one of them")
		return errUsage
	}
	out, err := os.Stat(a.html)
	if err != nil {
		return nil // it is not there yet, or writing it says why not
	}
	for _, f := range files {
		if in, err := os.Stat(f); err == nil && os.SameFile(in, out) {
			fmt.Fprintf(std.err, "tacho analyze: --html %s is the file to analyse\n", report.Visible(a.html))
			return errUsage
		}
	}
	return nil
}

// addHTML takes up a file into the page.
func (a *analyzeFlags) addHTML(ctx context.Context, std stdio, st store.Store, x *analysis) error {
	x.warn(std)
	if a.page.Title == "" {
		a.page.Title = "Tacho: " + x.File
	} else {
		a.page.Title += ", " + x.File
	}
	from, until := time.UnixMilli(x.FromMS), time.UnixMilli(x.UntilMS)
	i := slices.IndexFunc(x.Types, func(t analysisType) bool { return t.Name == x.Type })
	x.Types[0], x.Types[i] = x.Types[i], x.Types[0] // what a terminal would show is first
	for _, t := range x.Types {
		if a.typ != "" && t.Name != a.typ {
			continue
		}
		top, err := query.New(st).Top(ctx, selected(t.Name), query.TopOptions{Limit: a.limit, Search: a.search})
		if err != nil {
			return err
		}
		merged, err := st.Merge(ctx, selected(t.Name))
		if err != nil {
			return err
		}
		s := report.HTMLSection{Title: x.File + ": " + t.Name, Top: report.NewTop(top),
			Stack: report.NewExport(x.File, tacho.ValueType{Name: t.Name, Unit: t.Unit}, from, until)}
		s.Top.Seconds = until.Sub(from).Seconds()
		s.Stack.Missing = merged.Missing
		for _, p := range merged.Parts {
			s.Stack.AddPart(nil, p.Tree, p.Values)
		}
		s.Facts = append(s.Facts, fmt.Sprintf("%s, %d samples, %s to %s", x.Format, x.Samples, from.UTC().Format(time.RFC3339), until.UTC().Format(time.RFC3339)))
		for _, w := range x.Warnings {
			s.Facts = append(s.Facts, w.Position+": "+w.Text)
		}
		a.page.Sections = append(a.page.Sections, s)
	}
	return nil
}

// writeHTML writes the page, if there is anything to be in it.
func (a *analyzeFlags) writeHTML() error {
	if a.html == "" || len(a.page.Sections) == 0 {
		return nil
	}
	var b bytes.Buffer
	if err := a.page.Write(&b); err != nil {
		return err
	}
	if err := os.WriteFile(a.html, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}
