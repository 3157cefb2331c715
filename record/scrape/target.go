package scrape

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Target is one program to ask.
type Target struct {
	Service  string
	Instance string // default: host and port of URL
	URL      string // of its pprof handlers: http://host:6060/debug/pprof
	Profiles []string
	Every    time.Duration // default 15 s
	Labels   map[string]string
}

// Profiles there are, by the names net/http/pprof has for them; cpu is its
// "profile".
var profiles = map[string]string{"cpu": "profile", "heap": "heap", "mutex": "mutex", "block": "block", "goroutine": "goroutine", "allocs": "allocs"}

// Limits of Every.
const (
	minEvery = time.Second
	maxEvery = time.Hour
)

// filled is the target with its defaults, or why it makes no sense.
func (t Target) filled() (Target, error) {
	u, err := url.Parse(t.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return t, fmt.Errorf("target %q: url %q: want http://host:port/debug/pprof", t.Service, t.URL)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/debug/pprof"
	}
	u.Path, u.RawQuery, u.Fragment = strings.TrimSuffix(u.Path, "/"), "", ""
	t.URL = u.String()
	if t.Service == "" {
		return t, fmt.Errorf("target %s: service is missing", u.Redacted())
	}
	if t.Instance == "" {
		t.Instance = u.Host
	}
	if t.Every == 0 {
		t.Every = 15 * time.Second
	}
	if t.Every < minEvery || t.Every > maxEvery {
		return t, fmt.Errorf("target %q: every %s: want %s to %s", t.Service, t.Every, minEvery, maxEvery)
	}
	if len(t.Profiles) == 0 {
		t.Profiles = []string{"cpu", "heap", "mutex", "block", "goroutine"}
	}
	seen := map[string]bool{}
	for _, p := range t.Profiles {
		if profiles[p] == "" {
			return t, fmt.Errorf("target %q: profile %q is not known: cpu, heap, allocs, mutex, block or goroutine", t.Service, p)
		}
		if seen[p] {
			return t, fmt.Errorf("target %q: profile %q twice", t.Service, p)
		}
		seen[p] = true
	}
	return t, nil
}
