package query

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

// Narrow selects and changes stacks, after the matchers of a Request have
// selected series; its Rhythm selects time within the range. The fields apply in their order: Filter and Exclude look at
// the stack as recorded, Focus shortens what is left, Collapse folds what Focus
// left.
type Narrow struct {
	// Filter keeps stacks that have, for each text, a function matching it: part
	// of its name, or /RE2/, in upper or lower case.
	Filter []string
	// Exclude drops stacks that contain exactly one of these functions.
	Exclude []string
	// Focus keeps stacks that contain this function, from its outermost call on:
	// who called it is cut off.
	Focus string
	// Collapse folds frames into the one above them: "recursion" a function that
	// calls itself directly, "package:PREFIX" a call within functions whose names
	// begin with PREFIX. A frame is held against the frame above it that stayed.
	Collapse []string
	// Invert grows a tree from the leaves: the children of a node are its
	// callers. It changes icicles and diffs, and nothing else.
	Invert bool
	// Rhythm takes repeating parts of the range only.
	Rhythm
}

// Bounds of one Narrow.
const (
	MaxNarrow = 32 // entries of Filter, Exclude and Collapse each
	maxRegexp = 1000
)

// packagePrefix begins a Collapse of a package.
const packagePrefix = "package:"

// narrowing is a Narrow that was checked.
type narrowing struct {
	filters   []func(function string) bool
	exclude   []string
	focus     string
	recursion bool
	packages  []string
	invert    bool
}

func (n Narrow) compile() (*narrowing, error) {
	for _, x := range []struct {
		param string
		list  []string
	}{{"filter", n.Filter}, {"exclude", n.Exclude}, {"collapse", n.Collapse}} {
		if len(x.list) > MaxNarrow {
			return nil, &RequestError{x.param, fmt.Sprintf("is given %d times, at most %d are read", len(x.list), MaxNarrow)}
		}
		if slices.Contains(x.list, "") {
			return nil, &RequestError{x.param, "is empty"}
		}
	}
	out := &narrowing{exclude: n.Exclude, focus: n.Focus, invert: n.Invert}
	for _, text := range n.Filter {
		match, err := searcher("filter", text)
		if err != nil {
			return nil, err
		}
		out.filters = append(out.filters, match)
	}
	for _, c := range n.Collapse {
		prefix, isPackage := strings.CutPrefix(c, packagePrefix)
		switch {
		case c == "recursion":
			out.recursion = true
		case isPackage && prefix != "":
			out.packages = append(out.packages, prefix)
		default:
			return nil, &RequestError{"collapse", fmt.Sprintf("%q is neither recursion nor package:PREFIX", c)}
		}
	}
	return out, nil
}

// selects reports whether some stacks are dropped.
func (n *narrowing) selects() bool { return len(n.filters)+len(n.exclude) > 0 }

// reshapes reports whether stacks are changed.
func (n *narrowing) reshapes() bool { return n.focus != "" || n.recursion || len(n.packages) > 0 }

// searcher reads a search: /…/ is a regular expression, anything else a part of
// the name; both in upper or lower case, as the page searches what it shows.
func searcher(param, s string) (func(string) bool, error) {
	switch {
	case s == "":
		return func(string) bool { return true }, nil
	case len(s) >= 2 && s[0] == '/' && s[len(s)-1] == '/':
		body := s[1 : len(s)-1]
		if len(body) > maxRegexp {
			return nil, &RequestError{param, fmt.Sprintf("the regular expression is longer than %d bytes", maxRegexp)}
		}
		re, err := regexp.Compile("(?i)" + body)
		if err != nil {
			return nil, &RequestError{param, badRegexp(body, err)}
		}
		return re.MatchString, nil
	}
	part := strings.ToLower(s)
	return func(name string) bool { return strings.Contains(strings.ToLower(name), part) }, nil
}

// badRegexp says what is wrong with an expression and, where it can be found,
// at which byte of it.
func badRegexp(body string, err error) string {
	var bad *syntax.Error
	if !errors.As(err, &bad) {
		return err.Error()
	}
	if i := strings.Index(body, bad.Expr); i >= 0 && bad.Expr != body && bad.Expr != "" {
		return fmt.Sprintf("/%s/ is not a regular expression: %s at byte %d (%s)", body, bad.Code, i, bad.Expr)
	}
	return fmt.Sprintf("/%s/ is not a regular expression: %s", body, bad.Code)
}
