package pyroscope

import (
	"fmt"
	"strconv"
	"strings"

	"tacho/store"
)

// Limits of a request.
const (
	maxSelector = 16 << 10 // bytes
	maxMatchers = 64       // conditions of a selector, and selectors of a request
)

// parseSelector reads {a="b", c=~"d.*", "odd name"!="e"}: the conditions of
// Prometheus's selectors. Braces may be left out; nothing at all is everything.
func parseSelector(s string) ([]store.Matcher, error) {
	if len(s) > maxSelector {
		return nil, fmt.Errorf("label selector is longer than %d bytes", maxSelector)
	}
	p := selectorParser{s: s}
	p.blank()
	braces := p.take("{")
	var out []store.Matcher
	for p.blank(); p.at < len(p.s) && p.s[p.at] != '}'; p.blank() {
		m, err := p.matcher()
		if err != nil {
			return nil, err
		}
		if out = append(out, m); len(out) > maxMatchers {
			return nil, fmt.Errorf("label selector has more than %d conditions", maxMatchers)
		}
		p.blank()
		if !p.take(",") {
			break
		}
	}
	p.blank()
	if braces && !p.take("}") {
		return nil, p.fail("expected } at the end")
	}
	p.blank()
	if p.at < len(p.s) {
		return nil, p.fail("expected a comma or the end")
	}
	return out, nil
}

type selectorParser struct {
	s  string
	at int
}

func (p *selectorParser) fail(what string) error {
	return fmt.Errorf("label selector %q: byte %d: %s", p.s, p.at, what)
}

func (p *selectorParser) blank() {
	for p.at < len(p.s) && strings.IndexByte(" \t\r\n", p.s[p.at]) >= 0 {
		p.at++
	}
}

func (p *selectorParser) take(t string) bool {
	if !strings.HasPrefix(p.s[p.at:], t) {
		return false
	}
	p.at += len(t)
	return true
}

func (p *selectorParser) matcher() (m store.Matcher, err error) {
	name := ""
	if p.at < len(p.s) && strings.IndexByte("\"'`", p.s[p.at]) >= 0 {
		if name, err = p.quoted(); err != nil {
			return m, err
		}
	} else {
		from := p.at
		for p.at < len(p.s) && strings.IndexByte("=!,{} \t\r\n\"", p.s[p.at]) < 0 {
			p.at++
		}
		name = p.s[from:p.at]
	}
	if name == "" {
		return m, p.fail("expected the name of a label")
	}
	p.blank()
	for _, op := range []store.Op{store.NotMatch, store.Match, store.NotEqual, store.Equal} {
		if !p.take(string(op)) {
			continue
		}
		p.blank()
		value, err := p.quoted()
		if err != nil {
			return m, err
		}
		return store.NewMatcher(name, op, value)
	}
	return m, p.fail("expected one of = != =~ !~")
}

// quoted reads a string in double quotes, single quotes or backquotes.
func (p *selectorParser) quoted() (string, error) {
	if p.at >= len(p.s) {
		return "", p.fail("expected a quoted string")
	}
	q := p.s[p.at]
	if strings.IndexByte("\"'`", q) < 0 {
		return "", p.fail("expected a quoted string")
	}
	end := p.at + 1
	for end < len(p.s) && p.s[end] != q {
		if p.s[end] == '\\' && q != '`' {
			end++
		}
		end++
	}
	if end >= len(p.s) {
		return "", p.fail("the quotes are not closed")
	}
	raw := p.s[p.at+1 : end]
	if q == '`' || !strings.Contains(raw, `\`) {
		p.at = end + 1
		return raw, nil
	}
	var b strings.Builder
	for rest := raw; rest != ""; {
		r, multibyte, tail, err := strconv.UnquoteChar(rest, q)
		if err != nil {
			return "", p.fail("an escape that is none")
		}
		if r < 0x80 || multibyte {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		rest = tail
	}
	p.at = end + 1
	return b.String(), nil
}
