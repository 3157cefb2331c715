package client

import "net/url"

// Narrow selects and changes stacks, as docs/api.md says; zero values do
// nothing.
type Narrow struct {
	Filter, Exclude, Collapse []string
	Focus                     string
	Invert                    bool   // Icicle and Diff only
	Every, Keep               string // a rhythm: 1h, 5m
}

func (n Narrow) set(v url.Values) {
	for _, x := range []struct {
		name   string
		values []string
	}{{"filter", n.Filter}, {"exclude", n.Exclude}, {"collapse", n.Collapse}} {
		for _, s := range x.values {
			v.Add(x.name, s)
		}
	}
	set(v, "focus", n.Focus)
	set(v, "every", n.Every)
	set(v, "keep", n.Keep)
	setBool(v, "invert", n.Invert)
}

func setBool(v url.Values, name string, yes bool) {
	if yes {
		v.Set(name, "true")
	}
}
