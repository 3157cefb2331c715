package report

import (
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"com.acme.Foo.bar":         "com.acme.Foo.bar",
		"größe.Überblick":          "größe.Überblick",
		"漢字.クラス":                   "漢字.クラス",
		"\x1b]0;owned\x07":         `\x1b]0;owned\x07`,
		"a\nb\tc\rd":               `a\x0ab\x09c\x0dd`,
		"\x7f":                     `\x7f`,
		"csi \u009b31m":            `csi \x9b31m`,
		"bad \xff\xfe":             `bad \xff\xfe`,
		"evil\u202egpj.exe":        `evil\u202egpj.exe`,
		"zero\u200bwidth\ufeffbom": `zero\u200bwidth\ufeffbom`,
		"line\u2028sep":            `line\u2028sep`,
		"no\u00a0break":            `no\u00a0break`,
		"tag\U000e0041":            `tag\U000e0041`,
	} {
		if got := Visible(in); got != want {
			t.Errorf("Visible(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzVisible(f *testing.F) {
	f.Add("com.acme.Foo.bar", 12)
	f.Add("\x1b[31m\u202e\xff漢字", 3)
	f.Fuzz(func(t *testing.T, s string, w int) {
		w %= 200
		v := Visible(s)
		if !utf8.ValidString(v) {
			t.Fatalf("Visible(%q) is not UTF-8", s)
		}
		for _, r := range v {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
				t.Fatalf("Visible(%q) keeps %U", s, r)
			}
		}
		if again := Visible(v); again != v {
			t.Fatalf("Visible is not stable: %q then %q", v, again)
		}
		if got := Shorten(s, w); w > 0 && width(got) > w {
			t.Fatalf("Shorten(%q, %d) = %q is %d wide", s, w, got, width(got))
		}
	})
}
