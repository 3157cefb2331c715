package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"tacho"
	"tacho/format"
	"tacho/format/all"
	"tacho/query"
	"tacho/report"
	"tacho/store"
	"tacho/store/local"
)

// analyzeFlags say what to show of a file.
type analyzeFlags struct {
	typ      string
	rate     int
	limit    int
	minShare float64
	search   string
	asJSON   bool
	html     string // file to write, "" none
	view     viewFlags

	page report.HTML // what html is to hold
}

func runAnalyze(ctx context.Context, std stdio, args []string) error {
	f := newFlags(std, "analyze", "what is in a file, in the terminal: its types, its hottest methods, its call tree. Needs no server.",
		"  tacho analyze app.jfr\n  tacho analyze cpu.pprof heap.pprof --limit 50\n  perf script | tacho analyze -\n  tacho analyze app.jfr --type alloc --json | jq .top.rows[0]\n  tacho analyze app.jfr --html report.html\n")
	var a analyzeFlags
	f.StringVar(&a.typ, "type", "", "show this `TYPE` (default: cpu, or else the file's first)")
	f.IntVar(&a.rate, "rate", 0, "the file counts samples taken `N` times a second: make time of them")
	f.IntVar(&a.limit, "limit", 20, "show `N` methods")
	f.Float64Var(&a.minShare, "min-share", 0.02, "leave out of the tree what is below `SHARE` of the total")
	f.StringVar(&a.search, "search", "", "only methods whose name contains `TEXT`, or matches /regex/")
	f.BoolVar(&a.asJSON, "json", false, "print JSON, one object a file")
	f.StringVar(&a.html, "html", "", "write a page that needs nothing else to `FILE`, every type unless --type says which")
	f.StringVar(&a.view.color, "color", "auto", "`WHEN` to colour: auto, always or never")
	files, done, err := f.parseFiles(args)
	if done || err != nil {
		return err
	}
	text, err := a.view.text(std)
	if err != nil {
		return err
	}
	text.MinShare, text.Box = a.minShare, true
	if err := a.checkHTML(std, files); err != nil {
		return err
	}
	err = eachFile(std, files, "analyze", func(name string) error { return a.file(ctx, std, text, name) })
	return errors.Join(err, a.writeHTML())
}

// analysis is what a file came to, and what --json prints.
type analysis struct {
	File     string         `json:"file"`
	Format   string         `json:"format"`
	FromMS   int64          `json:"from_ms"`
	UntilMS  int64          `json:"until_ms"`
	Samples  int64          `json:"samples"`
	Types    []analysisType `json:"types"`
	Warnings []fileWarning  `json:"warnings"`
	Type     string         `json:"type"`
	Top      *report.Top    `json:"top"`
	Icicle   *report.Icicle `json:"icicle"`
}

type fileWarning struct {
	Position string `json:"position"`
	Text     string `json:"text"`
}

type analysisType struct {
	Name  string `json:"name"`
	Unit  string `json:"unit"`
	Total int64  `json:"total"`
}

// service and base are what every file becomes in the store it is analysed in.
const analysed = "file"

// A file is moved so that it starts at base: the store keeps what is at most 400
// days old by its clock, and a file may be of any age.
var (
	analysisNow  = time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	analysisBase = analysisNow.Add(-200 * 24 * time.Hour)
)

func (a *analyzeFlags) file(ctx context.Context, std stdio, text report.Text, name string) (err error) {
	dir, err := os.MkdirTemp("", "tacho-analyze-*")
	if err != nil {
		return fmt.Errorf("make room for the analysis: %w", err)
	}
	defer os.RemoveAll(dir)
	st, err := local.Open(local.Options{Dir: dir, Retention: 400 * 24 * time.Hour, RawRetention: 400 * 24 * time.Hour, MinFree: 1, Ballast: -1,
		RollEvery: -1, WatchEvery: -1, Now: func() time.Time { return analysisNow }})
	if err != nil {
		return fmt.Errorf("make room for the analysis: %w", err)
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	x, reading, err := a.read(ctx, std, st, name)
	if err != nil {
		return err
	}
	if reading != nil && x.Samples == 0 {
		return reading
	}
	if err := a.ask(ctx, st, x); err != nil {
		return err
	}
	if a.html != "" {
		err = a.addHTML(ctx, std, st, x)
	} else if a.asJSON {
		enc := json.NewEncoder(std.out)
		enc.SetEscapeHTML(false)
		err = enc.Encode(x)
	} else {
		err = x.write(std, text)
	}
	return errors.Join(err, reading) // what could be read has been shown
}

// read decodes the file into the store. reading is why the file ends early.
func (a *analyzeFlags) read(ctx context.Context, std stdio, st store.Store, name string) (x *analysis, reading, err error) {
	file, shown, err := openInput(std, name)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	x = &analysis{File: shown, Types: []analysisType{}, Warnings: []fileWarning{}}
	var in io.Reader = file
	if fi, err := file.Stat(); err == nil {
		if r, done := newProgress(std, file, shown, fi.Size()); r != in {
			defer done()
			in = r
		}
	}
	o := format.Options{Target: tacho.NewLabels(map[string]string{tacho.LabelService: analysed, tacho.LabelInstance: shown}), SampleRate: a.rate}
	if a.rate > 0 {
		o.Type = tacho.CPU
	}
	shift := int64(0)
	rep, reading := all.Decode(ctx, in, o, func(b *tacho.Batch) error {
		if x.FromMS == 0 {
			shift = analysisBase.UnixNano() - b.From
			x.FromMS, x.UntilMS = b.From/1e6, b.Until/1e6
		}
		x.FromMS, x.UntilMS = min(x.FromMS, b.From/1e6), max(x.UntilMS, b.Until/1e6)
		x.count(b)
		untimed(b, shift)
		return st.Append(ctx, "", []*tacho.Batch{b})
	})
	if errors.Is(reading, format.ErrUnknown) {
		var known []string
		for _, d := range all.List() {
			known = append(known, d.Title)
		}
		return nil, nil, fmt.Errorf("no decoder knows this file; known are %s", strings.Join(known, ", "))
	}
	x.Format = rep.Format
	for _, w := range rep.Warnings {
		x.Warnings = append(x.Warnings, fileWarning(w))
	}
	return x, reading, nil
}

// untimed moves a batch into the range the store keeps. The analysis asks about
// the whole file, so that single times are of no use.
func untimed(b *tacho.Batch, shift int64) {
	b.From, b.Until = b.From+shift, b.Until+shift
	for i := range b.Profiles {
		s := b.Profiles[i].Samples
		for k := range s {
			s[k].Time = 0
		}
	}
	b.Series, b.Events = nil, nil
}

func (x *analysis) count(b *tacho.Batch) {
	for i := range b.Profiles {
		p := &b.Profiles[i]
		k := slices.IndexFunc(x.Types, func(t analysisType) bool { return t.Name == p.Type.Name })
		if k < 0 {
			k = len(x.Types)
			x.Types = append(x.Types, analysisType{Name: p.Type.Name, Unit: p.Type.Unit})
		}
		for j := range p.Samples {
			x.Types[k].Total += p.Samples[j].Value
		}
		x.Samples += int64(len(p.Samples))
	}
}

// ask chooses the type to show and merges it.
func (a *analyzeFlags) ask(ctx context.Context, st store.Store, x *analysis) error {
	if len(x.Types) == 0 {
		return fmt.Errorf("the file is %s and holds no stacks", x.Format)
	}
	x.Type = a.typ
	if x.Type == "" {
		x.Type = x.Types[0].Name
		for _, t := range x.Types {
			if t.Name == tacho.CPU.Name && t.Total > 0 {
				x.Type = t.Name
			}
		}
	}
	if !slices.ContainsFunc(x.Types, func(t analysisType) bool { return t.Name == x.Type }) {
		return fmt.Errorf("the file has no type %q, it has %s", x.Type, x.typeNames())
	}
	sel := selected(x.Type)
	q := query.New(st)
	top, err := q.Top(ctx, sel, query.TopOptions{Limit: a.limit, Search: a.search})
	if err != nil {
		return err
	}
	tree, err := q.Icicle(ctx, sel, query.IcicleOptions{MinShare: a.minShare})
	if err != nil {
		return err
	}
	x.Top, x.Icicle = report.NewTop(top), report.NewIcicle(tree)
	x.Top.Seconds = float64(x.UntilMS-x.FromMS) / 1000 // the store counts minutes
	x.Icicle.Seconds = x.Top.Seconds
	return nil
}

// selected is all of the file there is of a type.
func selected(typ string) store.Selection {
	return store.Selection{Service: analysed, Type: typ, From: analysisNow.Add(-400 * 24 * time.Hour), Until: analysisNow}
}

func (x *analysis) typeNames() string {
	var names []string
	for _, t := range x.Types {
		names = append(names, report.Visible(t.Name))
	}
	return strings.Join(names, ", ")
}

func (x *analysis) warn(std stdio) {
	for _, w := range x.Warnings {
		fmt.Fprintf(std.err, "%s: %s: %s\n", report.Visible(x.File), report.Visible(w.Position), report.Visible(w.Text))
	}
}

func (x *analysis) write(std stdio, text report.Text) error {
	fmt.Fprintf(std.out, "%s: %s, %d samples, %s to %s\n", report.Visible(x.File), x.Format, x.Samples,
		time.UnixMilli(x.FromMS).In(text.Zone).Format("2006-01-02 15:04:05"), time.UnixMilli(x.UntilMS).In(text.Zone).Format("15:04:05"))
	fmt.Fprintf(std.out, "types: %s; shown: %s\n\n", x.typeNames(), report.Visible(x.Type))
	x.warn(std)
	if err := x.Top.WriteText(std.out, text); err != nil {
		return err
	}
	fmt.Fprintln(std.out)
	return x.Icicle.WriteText(std.out, text)
}
