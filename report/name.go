package report

import (
	"strings"
	"unicode/utf8"
)

// Shorten fits a function name into w columns, giving up what says least
// first: the packages one letter at a time from the left (c.e.m.Class.method),
// then the packages altogether, then the middle of what is left, so that the
// start of the class and the end of the method stay. The result is Visible.
func Shorten(name string, w int) string {
	s := Visible(name)
	if width(s) <= w {
		return s
	}
	pkgs, sep, rest := splitPackage(s)
	// The width is kept up, not measured anew: a name may be all dots.
	left := width(s)
	for i, p := range pkgs {
		_, n := utf8.DecodeRuneInString(p)
		pkgs[i] = p[:n]
		if left -= width(p[n:]); left <= w {
			return strings.Join(pkgs, sep) + sep + rest
		}
	}
	return elide(rest, w)
}

// splitPackage takes the packages off a name. In a.b.C.m they are the segments
// before the first that starts with an upper-case letter, in x/y/z.F the
// elements of the path before the last. Names without either have none.
func splitPackage(s string) (pkgs []string, sep, rest string) {
	// The dots and slashes of arguments and generated suffixes are no packages.
	head := s
	if i := strings.IndexAny(s, "([<$ "); i >= 0 {
		head = s[:i]
	}
	if i := strings.LastIndexByte(head, '/'); i > 0 && !upper(head[:i]) {
		return strings.Split(s[:i], "/"), "/", s[i+1:]
	}
	parts := strings.Split(head, ".")
	n := 0
	for n < len(parts) && parts[n] != "" && !upper(parts[n][:1]) {
		n++
	}
	// All lower case, as in a Kotlin file or a Python module: the last two
	// segments are the type and the method.
	if n == len(parts) {
		n = max(0, n-2)
	}
	if n == 0 {
		return nil, ".", s
	}
	return parts[:n], ".", s[len(strings.Join(parts[:n], "."))+1:]
}

func upper(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 'A' && r <= 'Z' })
}

// elide cuts the middle out of visible text: the end, which tells one method
// from another, gets the larger part.
func elide(s string, w int) string {
	if width(s) <= w {
		return s
	}
	if w <= 1 {
		return strings.Repeat("…", max(0, w))
	}
	left := (w - 1) / 3
	return takeLeft(s, left) + "…" + takeRight(s, w-1-left)
}

func takeLeft(s string, w int) string {
	for i, r := range s {
		if w -= runeWidth(r); w < 0 {
			return s[:i]
		}
	}
	return s
}

func takeRight(s string, w int) string {
	i := len(s)
	for i > 0 {
		r, n := utf8.DecodeLastRuneInString(s[:i])
		if w -= runeWidth(r); w < 0 {
			break
		}
		i -= n
	}
	return s[i:]
}
