package report

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
)

// HTML is a report in one file that needs nothing else: no script, no font, no
// picture from elsewhere, and a policy that would let none in.
type HTML struct {
	Title    string
	Sections []HTMLSection
}

// HTMLSection is what is shown of one type of one file.
type HTMLSection struct {
	Title string
	Facts []string // a line each
	Top   *Top
	Stack *Export
}

// Colours that WriteSVG draws its page in are taken over by those of the theme:
// a rule of a style sheet is above the attribute it draws with.
var htmlPage = template.Must(template.New("report").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<style>
:root { --ground: #ffffff; --ink: #231d14; --quiet: #6b6760; --line: #d9d5cd }
@media (prefers-color-scheme: dark) { :root { --ground: #191816; --ink: #ece7dd; --quiet: #a9a398; --line: #3c3933 } }
body { margin: 2rem auto; max-width: 1240px; padding: 0 1rem; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.4rem } h2 { font-size: 1.15rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem }
h1, h2 { overflow-wrap: anywhere }
p { color: var(--quiet); margin: .2rem 0; overflow-wrap: anywhere }
pre, figure { overflow-x: auto; margin: 1rem 0 }
pre { font: 13px/1.4 ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace }
svg > rect[fill="#ffffff"] { fill: var(--ground) }
svg > text[fill="#231d14"] { fill: var(--ink) }
svg > text[fill="#6b6760"] { fill: var(--quiet) }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
{{range .Sections}}<section>
<h2>{{.Title}}</h2>
{{range .Facts}}<p>{{.}}</p>
{{end}}<pre tabindex="0" role="region" aria-label="Top methods">{{.Table}}</pre>
<figure tabindex="0" role="img" aria-label="Call tree, drawn; the table above has the methods in text">{{.Drawing}}</figure>
</section>
{{end}}</body>
</html>
`))

// Write writes the page. Names are text, whatever they say.
func (h *HTML) Write(w io.Writer) error {
	type section struct {
		Title, Table string
		Facts        []string
		Drawing      template.HTML
	}
	page := struct {
		Title    string
		Sections []section
	}{Title: Visible(h.Title)}
	for _, s := range h.Sections {
		x := section{Title: Visible(s.Title)}
		for _, f := range s.Facts {
			x.Facts = append(x.Facts, Visible(f))
		}
		var table, drawing bytes.Buffer
		if err := s.Top.WriteText(&table, Text{Width: 140}); err != nil {
			return fmt.Errorf("write the table of %s: %w", s.Title, err)
		}
		if err := s.Stack.WriteSVG(&drawing); err != nil {
			return fmt.Errorf("draw %s: %w", s.Title, err)
		}
		x.Table = table.String()
		x.Drawing = template.HTML(drawing.String()) // WriteSVG escapes every name
		page.Sections = append(page.Sections, x)
	}
	if err := htmlPage.Execute(w, page); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
