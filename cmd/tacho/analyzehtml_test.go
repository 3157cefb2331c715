package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// One file that needs nothing else, whatever the names in it say.
func TestAnalyzeHTML(t *testing.T) {
	dir := t.TempDir()
	evil := filepath.Join(dir, `x"><script>.txt`)
	hostile := "main;<script>alert(1)</script>;\"><img src=//evil/x onerror=alert(2)> 3\nmain;]]></svg><iframe src=//evil> 1\nmain;{{.Title}} 1\n"
	if err := os.WriteFile(evil, []byte(hostile), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.html")
	code, text, errs := verbSays(t, "", "analyze", evil, "../../format/jfr/testdata/small.jfr", "--html", out)
	if code != 0 || text != "" || errs != "" {
		t.Fatalf("%d %q %q", code, text, errs)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	allowed := regexp.MustCompile(`^(!doctype|/?(html|head|meta|title|style|body|h1|h2|p|pre|figure|section|svg|rect|text|g))( [a-z-]+(="[^"]*")?)*/?$`)
	for _, m := range regexp.MustCompile(`<([^>]*)>`).FindAllStringSubmatch(strings.ReplaceAll(page, "http://www.w3.org/2000/svg", ""), -1) {
		tag := strings.ToLower(m[1])
		if !allowed.MatchString(regexp.MustCompile(`viewbox=|charset=`).ReplaceAllString(tag, "x=")) || regexp.MustCompile(` (on\w+|src|href|style)=`).MatchString(tag) {
			t.Errorf("tag <%s>", m[1])
		}
	}
	if css := regexp.MustCompile(`(?s)<style>.*</style>`).FindString(page); strings.Contains(css, "url(") || strings.Contains(css, "@import") || !strings.Contains(css, "prefers-color-scheme: dark") {
		t.Errorf("style sheet %s", css)
	}
	for _, want := range []string{"default-src &#39;none&#39;", "&lt;script&gt;alert(1)&lt;/script&gt;", "{{.Title}}", "small.jfr: cpu", "small.jfr: offcpu", "small.jfr: alloc", "total 400.0 ms", "227.6 MiB", "Load.compute"} {
		if !strings.Contains(strings.ReplaceAll(page, "'none'", "&#39;none&#39;"), want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if strings.Index(page, "small.jfr: cpu") > strings.Index(page, "small.jfr: alloc") {
		t.Error("cpu is not first")
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"analyze", evil, "--html", evil}, 2, "is the file to analyse"},
		{[]string{"analyze", evil, "--html", out, "--json"}, 2, "want one of them"},
		{[]string{"analyze", evil, "--html", dir + "/none/x.html"}, 75, "no such file"},
	} {
		if code, _, errs := verbSays(t, "", c.args...); code != c.code || !strings.Contains(errs, c.says) {
			t.Errorf("%v: %d %s", c.args, code, errs)
		}
	}
	if left, err := os.ReadFile(evil); err != nil || string(left) != hostile {
		t.Errorf("the input is %q (%v)", left, err)
	}
}
