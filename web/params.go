package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tacho/query"
	"tacho/store"
)

// Limits of a question, beside those of package query. Beyond them an answer
// would be of no use to anybody and cost everybody else theirs.
const (
	maxMatch   = 32
	maxText    = 16 << 10 // C++ and Scala have methods with names of 10,000 characters
	timesHint  = "write RFC 3339, Unix seconds or milliseconds, now, or now-24h"
	maxTop     = 10_000
	maxEvents  = 100_000
	maxSamples = 1_000_000
	hour       = time.Hour
)

// params reads the parameters of a request. The first error sticks; the
// methods after it return zero values.
type params struct {
	q   url.Values
	now time.Time
	err error
}

func (s *server) params(r *http.Request) *params {
	p := &params{now: s.Now()}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		p.fail(badParam("query", "percent-encode the parameters", "the query of the address cannot be read: %s", clip(err.Error())))
	}
	p.q = q
	return p
}

func (p *params) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

// text reads an optional string.
func (p *params) text(name string) string {
	v := p.q.Get(name)
	if len(v) > maxText {
		p.fail(badParam(name, "", "%s is longer than %d bytes", name, maxText))
		return ""
	}
	return v
}

// required reads a string that must be there.
func (p *params) required(name, detail string) string {
	v := p.text(name)
	if v == "" {
		p.fail(badParam(name, detail, "%s is missing", name))
	}
	return v
}

func (p *params) service() string {
	return p.required("service", "GET /api/v1/services lists them")
}

// selection reads service, range and matchers, and the type where one is
// needed.
func (p *params) selection(typed bool) store.Selection {
	sel := store.Selection{Service: p.service()}
	if typed {
		sel.Type = p.required("type", "one of cpu, offcpu, wall, alloc, lock; GET /api/v1/types?service= lists what is stored")
	}
	sel.From = p.time("from", "")
	sel.Until = p.time("until", "now")
	if p.err == nil {
		switch span := sel.Until.Sub(sel.From); {
		case span <= 0:
			p.fail(badParam("until", "from must lie before until", "the range is empty or runs backwards"))
		case span > query.MaxRange:
			p.fail(badParam("from", "ask for a shorter range", "the range is longer than 400 days"))
		}
	}
	sel.Match = p.matchers("match")
	return sel
}

// base reads the selection that another one is compared with: what is not said
// of it is as in sel.
func (p *params) base(sel store.Selection) store.Selection {
	base := sel
	if p.q.Has("base_from") {
		base.From = p.time("base_from", "")
	}
	if p.q.Has("base_until") {
		base.Until = p.time("base_until", "")
	}
	if p.err == nil {
		switch span := base.Until.Sub(base.From); {
		case span <= 0:
			p.fail(badParam("base_until", "base_from must lie before base_until", "the range of the base is empty or runs backwards"))
		case span > query.MaxRange:
			p.fail(badParam("base_from", "ask for a shorter range", "the range of the base is longer than 400 days"))
		}
	}
	if p.q.Has("base_match") {
		base.Match = p.matchers("base_match")
	}
	return base
}

func (p *params) time(name, def string) time.Time {
	v := p.q.Get(name)
	if v == "" {
		v = def
	}
	if v == "" {
		p.fail(badParam(name, timesHint, "%s is missing", name))
		return time.Time{}
	}
	t, err := ParseTime(v, p.now)
	if err != nil {
		p.fail(badParam(name, timesHint, "%s: %v", name, err))
	}
	return t
}

func (p *params) matchers(name string) []store.Matcher {
	exprs := p.q[name]
	if len(exprs) > maxMatch {
		p.fail(badParam(name, "", "more than %d label selectors", maxMatch))
		return nil
	}
	var ms []store.Matcher
	for _, x := range exprs {
		if x == "" {
			continue // base_match= says that the base has none
		}
		if len(x) > maxText {
			p.fail(badParam(name, "", "a label selector is longer than %d bytes", maxText))
			return nil
		}
		m, err := store.ParseMatcher(x)
		if err != nil {
			p.fail(badParam(name, `write name="value" with =, !=, =~ or !~`, "%v", err))
			return nil
		}
		ms = append(ms, m)
	}
	return ms
}

// step reads a duration between query.MinStep and most that divides the range of sel
// into at most query.MaxCells.
func (p *params) step(sel store.Selection, def, most time.Duration) time.Duration {
	d := def
	if v := p.q.Get("step"); v != "" {
		var err error
		if d, err = ParseDuration(v); err != nil {
			p.fail(badParam("step", "write 60s, 1m or 20ms", "step %q: %v", clip(v), err))
			return def
		}
	}
	switch {
	case d < query.MinStep || d > most:
		p.fail(badParam("step", "", "step %v lies outside %v to %v", d, query.MinStep, most))
		return def
	case p.err == nil && sel.Until.Sub(sel.From)/d > query.MaxCells:
		p.fail(badParam("step", "ask for a longer step or a shorter range", "the range has more than %d steps", query.MaxCells))
	}
	return d
}

// count reads a whole number of at least least; larger ones than most are most,
// since the answer says when it was cut.
func (p *params) count(name string, def, least, most int) int {
	v := p.q.Get(name)
	if v == "" {
		return def
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least {
		p.fail(badParam(name, "", "%s %q is not a whole number of at least %d", name, clip(v), least))
		return def
	}
	return min(n, most)
}

// share reads a number in [0, 1].
func (p *params) share(name string, def float64) float64 {
	v := p.q.Get(name)
	if v == "" {
		return def
	}
	f, err := strconv.ParseFloat(v, 64)
	if err != nil || !(f >= 0 && f <= 1) { // NaN is neither
		p.fail(badParam(name, "", "%s %q is not a number from 0 to 1", name, clip(v)))
		return def
	}
	return f
}

// oneOf reads a word of a list, the first of which is the default.
func (p *params) oneOf(name string, words ...string) string {
	v := p.q.Get(name)
	if v == "" {
		return words[0]
	}
	for _, w := range words {
		if v == w {
			return v
		}
	}
	p.fail(badParam(name, "", "%s %q is none of %q", name, clip(v), words))
	return words[0]
}
