package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// question is one request of the page, or two for a diff made of two trees.
type question struct {
	name  string
	path  string
	hours int // how far back from the end
	match string
	in    func(target int) bool // what match selects
	extra url.Values
	cells bool // the answer is a heat map
	base  bool // the same again for the range before
}

func all(int) bool { return true }

// weekQuestions is what bench/README.md promises.
func weekQuestions(diff bool) []question {
	five := func(t int) bool { return t%2 == 0 }
	one := func(t int) bool { return t == 3 }
	const fiveOf10, oneOf10 = `instance=~"i[02468]"`, `instance="i3"`
	icicle := func(name string, hours int, match string, in func(int) bool) question {
		return question{name: name, path: "/api/v1/icicle", hours: hours, match: match, in: in}
	}
	top := url.Values{"limit": {"100"}}
	qs := []question{
		{name: "heatmap_7d", path: "/api/v1/heatmap", hours: 168, in: all, extra: url.Values{"step": {"60s"}}, cells: true},
		icicle("icicle_1h", 1, "", all),
		icicle("icicle_24h", 24, "", all),
		icicle("icicle_7d", 168, "", all),
		icicle("icicle_1h_5of10", 1, fiveOf10, five),
		icicle("icicle_24h_5of10", 24, fiveOf10, five),
		icicle("icicle_7d_5of10", 168, fiveOf10, five),
		icicle("icicle_1h_1of10", 1, oneOf10, one),
		icicle("icicle_24h_1of10", 24, oneOf10, one),
		icicle("icicle_7d_1of10", 168, oneOf10, one),
		{name: "top_24h", path: "/api/v1/top", hours: 24, in: all, extra: top},
		{name: "top_7d", path: "/api/v1/top", hours: 168, in: all, extra: top},
	}
	d := icicle("diff_2d", 24, "", all)
	d.base = true
	if diff {
		d.path = "/api/v1/diff"
	}
	return append(qs, d)
}

// asked is a question about a range: its requests and the sums of their answers.
type asked struct {
	paths []string
	from  int // of the first request, in minutes after start
	sums  []int64
}

// of puts the question to a range that ends at a minute.
func (q question) of(g *generator, service string, until int) asked {
	from := until - 60*q.hours
	v := url.Values{"service": {service}, "type": {"cpu"}}
	for k, x := range q.extra {
		v[k] = x
	}
	if q.match != "" {
		v.Set("match", q.match)
	}
	at := func(m int) string {
		return strconv.FormatInt(start.Add(time.Duration(m)*time.Minute).UnixMilli(), 10)
	}
	path := func(v url.Values) string { return q.path + "?" + v.Encode() }
	v.Set("from", at(from))
	v.Set("until", at(until))
	a := asked{from: from, paths: []string{path(v)}, sums: []int64{g.sum(from, until, q.in)}}
	if !q.base {
		return a
	}
	before := 2*from - until
	a.sums = append(a.sums, g.sum(before, from, q.in))
	if q.path == "/api/v1/diff" {
		v.Set("base_from", at(before))
		v.Set("base_until", at(from))
		a.paths[0] = path(v)
		return a
	}
	v.Set("from", at(before))
	v.Set("until", at(from))
	a.paths = append(a.paths, path(v))
	return a
}

// check holds the i-th answer to the sums of the generator.
func (q question) check(g *generator, a asked, i int, body []byte) error {
	var got struct {
		Total     *int64   `json:"total"`
		BaseTotal *int64   `json:"base_total"`
		Cells     []*int64 `json:"cells"`
		Missing   []string `json:"missing"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("%s: %w", q.name, err)
	}
	if len(got.Missing) > 0 {
		return fmt.Errorf("%s: the answer is incomplete: %q", q.name, got.Missing)
	}
	if q.cells {
		if len(got.Cells) != 60*q.hours {
			return fmt.Errorf("%s: %d cells, want %d", q.name, len(got.Cells), 60*q.hours)
		}
		for k, c := range got.Cells {
			m := a.from + k
			want := g.sum(m, m+1, q.in)
			if recorded := m >= 0 && m < len(g.sums); recorded != (c != nil) || recorded && *c != want {
				return fmt.Errorf("%s: minute %d is not what was stored, %d", q.name, m, want)
			}
		}
		return nil
	}
	if got.Total == nil || *got.Total != a.sums[i] {
		return fmt.Errorf("%s: total of answer %d is not what was stored, %d: %.200s", q.name, i, a.sums[i], body)
	}
	if len(a.sums) > len(a.paths) && (got.BaseTotal == nil || *got.BaseTotal != a.sums[1]) {
		return fmt.Errorf("%s: total of the base is not what was stored, %d: %.200s", q.name, a.sums[1], body)
	}
	return nil
}
