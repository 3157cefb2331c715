package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tacho"
	"tacho/query"
	"tacho/report"
	"tacho/store"
)

// Labels of a profile cost a question for each set of them, and a question
// costs by the length of its range: so many sets, and so many hours of all
// together, are asked for, which is a few seconds at most.
const (
	maxExportSets  = 500
	maxExportHours = 2400
)

// exporting is an export while it is made.
type exporting struct {
	s      *server
	e      *report.Export
	sel    store.Selection
	narrow query.Narrow
	shares shares // of threads and spans; nil when they are left out
}

// profile answers with a file. The steps:
//
//  1. Every series that is selected is asked for by itself, so that its labels
//     are known; formats without labels are one question.
//  2. Threads and spans are known of single samples only. What these add up to
//     is moved from the sum of their series to stacks with a thread and a span;
//     what remains (older than the raw retention, or untimed) stays as it is.
//  3. The format is written.
func (s *server) profile(w http.ResponseWriter, r *http.Request) {
	b, f, name, err := s.export(r)
	if err != nil {
		e := asError(r.Context(), err)
		if e.Status == http.StatusInternalServerError {
			s.Log.Error("a question failed", "endpoint", "profile", "query", r.URL.RawQuery, "error", err)
		}
		writeError(w, r, e)
		return
	}
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+f.Extension+`"`)
	b.send(w, r)
}

func (s *server) export(r *http.Request) (b *body, f report.ExportFormat, name string, err error) {
	p := s.params(r)
	sel := p.selection(true)
	n := p.narrow()
	formats := report.ExportFormats()
	var names []string
	for _, x := range formats {
		names = append(names, x.Name)
	}
	f = formats[slices.Index(names, p.oneOf("format", names...))]
	if p.err != nil {
		return nil, f, "", p.err
	}
	leave, err := s.heavy.enter(r.Context())
	if err != nil {
		return nil, f, "", err
	}
	defer leave()
	x := exporting{s: s, e: report.NewExport(sel.Service, tacho.ValueType{Name: sel.Type}, sel.From, sel.Until), sel: sel, narrow: n}
	if err := x.gather(r.Context(), f.Name == "pprof" || f.Name == "json"); err != nil {
		return nil, f, "", err
	}
	var out bytes.Buffer
	if err := f.Write(x.e, &out); err != nil {
		return nil, f, "", err
	}
	name = fileName(sel.Service) + "-" + fileName(sel.Type) + "-" + sel.From.UTC().Format("20060102T150405Z")
	return newBody(out.Bytes(), f.MIME, !f.Binary && acceptsGzip(r)), f, name, nil
}

// fileName keeps what is harmless in a header and in every file system.
func fileName(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
			return r
		}
		return '_'
	}, s)
	return strings.TrimLeft(s[:min(len(s), 80)], ".")
}

func (x *exporting) gather(ctx context.Context, labelled bool) error {
	x.describe()
	series, err := x.series(ctx)
	if err != nil {
		return err
	}
	if !labelled || len(series) == 0 { // without series the question says what is unknown
		return x.add(ctx, x.sel, nil)
	}
	sets := x.affordable(series)
	if len(sets) == len(series) { // else nobody knows which share is whose
		if err := x.readThreads(ctx); err != nil {
			return err
		}
	}
	for _, set := range sets {
		one := x.sel
		one.Match = append(slices.Clone(x.sel.Match), set.match...)
		if err := x.add(ctx, one, set.labels); err != nil {
			return err
		}
	}
	return nil
}

// labelSet is labels of a profile, and what finds the series that have them.
type labelSet struct {
	labels tacho.Labels
	match  []store.Matcher
}

// affordable parts the series by all their labels; where that is too much by
// those of the target, without the thread group; where that is too much not at
// all. A note says what is missing.
func (x *exporting) affordable(series []tacho.Labels) []labelSet {
	hours := max(1, int(x.sel.Until.Sub(x.sel.From)/hour))
	for _, without := range []string{"", tacho.LabelThreadGroup} {
		if sets := partition(series, without); len(sets) <= maxExportSets && len(sets)*hours <= maxExportHours {
			if without != "" {
				x.e.Notes = append(x.e.Notes, fmt.Sprintf("threads, their groups and spans left out: %d series in %d hours are too many; ask for less", len(series), hours))
			}
			return sets
		}
	}
	x.e.Notes = append(x.e.Notes, fmt.Sprintf("labels left out: %d series in %d hours are too many; ask for less", len(series), hours))
	return []labelSet{{}}
}

// partition parts series by their labels other than one.
func partition(series []tacho.Labels, without string) []labelSet {
	names := map[string]bool{}
	for _, ls := range series {
		for _, l := range ls {
			names[l.Name] = l.Name != without
		}
	}
	sorted := slices.Sorted(maps.Keys(names))
	seen := map[string]bool{}
	var out []labelSet
	for _, ls := range series {
		ls = ls.With(without, "")
		if key := ls.String(); !seen[key] {
			seen[key] = true
			set := labelSet{labels: ls}
			for _, name := range sorted {
				if m, err := store.NewMatcher(name, store.Equal, ls.Get(name)); err == nil && names[name] { // = never fails
					set.match = append(set.match, m)
				}
			}
			out = append(out, set)
		}
	}
	return out
}

// describe notes how the stacks were narrowed.
func (x *exporting) describe() {
	note := func(word string, values ...string) {
		for _, v := range values {
			if v != "" {
				x.e.Notes = append(x.e.Notes, word+": "+v)
			}
		}
	}
	for _, m := range x.sel.Match {
		note("match", m.Name+string(m.Op)+strconv.Quote(m.Value))
	}
	note("filter", x.narrow.Filter...)
	note("exclude", x.narrow.Exclude...)
	note("focus", x.narrow.Focus)
	note("collapse", x.narrow.Collapse...)
	if r := x.narrow.Rhythm; r != (query.Rhythm{}) {
		note("rhythm", fmt.Sprintf("the first %s of every %s", r.Keep, r.Every))
	}
}

// series are the identities that are selected, each once.
func (x *exporting) series(ctx context.Context) ([]tacho.Labels, error) {
	found := map[string]tacho.Labels{}
	for _, sel := range x.stored() {
		all, err := x.s.Store.Series(ctx, sel.Tenant, sel.Service, sel.Type)
		if err != nil && !errors.Is(err, store.ErrUnknownService) {
			return nil, err
		}
		for _, ls := range all {
			if store.MatchAll(sel.Match, ls) {
				found[ls.String()] = ls
			}
		}
	}
	out := make([]tacho.Labels, 0, len(found))
	for _, key := range slices.Sorted(maps.Keys(found)) {
		out = append(out, found[key])
	}
	return out, nil
}

// stored are the selections the export may be the sum of: wall is not stored.
func (x *exporting) stored() []store.Selection {
	if x.sel.Type != tacho.Wall.Name {
		return []store.Selection{x.sel}
	}
	out := make([]store.Selection, 3)
	for i, t := range []string{tacho.CPU.Name, tacho.OffCPU.Name, tacho.Wall.Name} {
		out[i] = x.sel
		out[i].Type = t
	}
	return out
}

// add adds the stacks of a selection under labels, what is known of threads
// and spans under theirs.
func (x *exporting) add(ctx context.Context, sel store.Selection, labels tacho.Labels) error {
	series := labels.String()
	return x.s.Query.Stacks(ctx, sel, x.narrow, func(t *query.StackTotals) error {
		x.e.Type.Unit = t.Unit
		x.e.Seconds = max(x.e.Seconds, t.Seconds)
		x.missing(t.Missing)
		return nil
	}, func(s tacho.Stack, v int64) error {
		for _, sh := range x.shares.of(series, x.e, s) {
			// Never more than the sum says: what came in since is not in it.
			if part := min(v, sh.value); part > 0 {
				x.e.Add(sh.labels(labels), s, part)
				v, sh.value = v-part, sh.value-part
			}
		}
		x.e.Add(labels, s, v)
		return nil
	})
}

func (x *exporting) missing(notes []string) {
	for _, m := range notes {
		if !slices.Contains(x.e.Missing, m) {
			x.e.Missing = append(x.e.Missing, m)
		}
	}
}
