package store

import (
	"fmt"
	"regexp"
	"strings"

	"tacho"
)

// Op is how a Matcher compares.
type Op string

const (
	Equal    Op = "="
	NotEqual Op = "!="
	Match    Op = "=~" // anchored regular expression, RE2 syntax
	NotMatch Op = "!~"
)

// Matcher is one condition on one label. An absent label has the value "".
type Matcher struct {
	Name  string
	Op    Op
	Value string
	re    *regexp.Regexp
}

// NewMatcher checks the condition once, so that Matches cannot fail.
func NewMatcher(name string, op Op, value string) (Matcher, error) {
	m := Matcher{Name: name, Op: op, Value: value}
	switch op {
	case Equal, NotEqual:
	case Match, NotMatch:
		re, err := regexp.Compile("^(?:" + value + ")$")
		if err != nil {
			return m, fmt.Errorf("selector %s%s%q: %w", name, op, value, err)
		}
		m.re = re
	default:
		return m, fmt.Errorf("selector %s: unknown operator %q (want =, !=, =~ or !~)", name, op)
	}
	return m, nil
}

// ParseMatcher reads one condition: instance="a", thread_group=~"http.*". The
// quotes may be left out.
func ParseMatcher(s string) (Matcher, error) {
	i := strings.IndexAny(s, "=!")
	if i <= 0 {
		return Matcher{}, fmt.Errorf(`selector %q: want name="value" with one of = != =~ !~`, s)
	}
	name, rest := strings.TrimSpace(s[:i]), s[i:]
	for _, op := range []Op{NotMatch, Match, NotEqual, Equal} {
		if v, ok := strings.CutPrefix(rest, string(op)); ok {
			v = strings.TrimSpace(v)
			if len(v) >= 2 && v[0] == '"' && v[len(v)-1] == '"' {
				v = strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(v[1 : len(v)-1])
			}
			return NewMatcher(name, op, v)
		}
	}
	return Matcher{}, fmt.Errorf("selector %q: unknown operator at position %d", s, i)
}

// Matches reports whether the condition holds for the identity.
func (m Matcher) Matches(ls tacho.Labels) bool {
	v := ls.Get(m.Name)
	switch m.Op {
	case Equal:
		return v == m.Value
	case NotEqual:
		return v != m.Value
	case Match:
		return m.re.MatchString(v)
	default:
		return !m.re.MatchString(v)
	}
}

// MatchAll reports whether every condition holds.
func MatchAll(ms []Matcher, ls tacho.Labels) bool {
	for _, m := range ms {
		if !m.Matches(ls) {
			return false
		}
	}
	return true
}
