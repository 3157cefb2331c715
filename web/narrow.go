package web

import (
	"strings"
	"time"

	"tacho/query"
)

// narrow reads what selects and changes stacks. Package query checks the words
// themselves; the lengths are the web's to bound.
func (p *params) narrow() query.Narrow {
	return query.Narrow{
		Filter: p.texts("filter"), Exclude: p.texts("exclude"), Focus: p.text("focus"), Collapse: p.texts("collapse"),
		Invert: p.yes("invert"), Rhythm: query.Rhythm{Every: p.duration("every"), Keep: p.duration("keep")},
	}
}

// texts reads a parameter that may be given several times. Empty ones are as
// good as not given.
func (p *params) texts(name string) []string {
	var out []string
	for _, v := range p.q[name] {
		if len(v) > maxText {
			p.fail(badParam(name, "", "%s is longer than %d bytes", name, maxText))
			return nil
		}
		if v != "" {
			out = append(out, v)
		}
	}
	if len(out) > query.MaxNarrow {
		p.fail(badParam(name, "", "%s is given more than %d times", name, query.MaxNarrow))
		return nil
	}
	return out
}

// duration reads an optional length of time, 0 when it is not given.
func (p *params) duration(name string) time.Duration {
	v := p.q.Get(name)
	if v == "" {
		return 0
	}
	d, err := ParseDuration(v)
	if err != nil || d <= 0 {
		p.fail(badParam(name, "write 5m, 1h or 90s", "%s %q is not a length of time", name, clip(v)))
		return 0
	}
	return d
}

// yes reads a switch.
func (p *params) yes(name string) bool {
	switch v := strings.ToLower(p.q.Get(name)); v {
	case "", "false", "0":
		return false
	case "true", "1":
		return true
	default:
		p.fail(badParam(name, "", "%s %q is neither true nor false", name, clip(v)))
		return false
	}
}
