package query

import (
	"slices"
	"strings"
	"time"

	"tacho"
	"tacho/store"
)

// serviceInstance stands in the place of an instance in the target of events
// that concern a whole service: a target must have one.
const serviceInstance = "(service)"

// ServiceWide is the target of events that concern a whole service.
func ServiceWide(service string) tacho.Labels {
	return tacho.NewLabels(map[string]string{tacho.LabelService: service, tacho.LabelInstance: serviceInstance})
}

// IsServiceWide reports whether a target stands for its whole service, and is no
// instance.
func IsServiceWide(target tacho.Labels) bool {
	return target.Get(tacho.LabelInstance) == serviceInstance
}

// EventTarget is a target as lists of events show it: without an instance where
// the whole service is meant.
func EventTarget(target tacho.Labels) tacho.Labels {
	if IsServiceWide(target) {
		return target.With(tacho.LabelInstance, "")
	}
	return target
}

// eventMatchers leaves out what events do not have.
func eventMatchers(ms []store.Matcher) []store.Matcher {
	var out []store.Matcher
	for _, m := range ms {
		if m.Name != tacho.LabelThreadGroup {
			out = append(out, m)
		}
	}
	return out
}

// sameStart is how close to the beginning of all data of a service an instance
// must begin to be taken for one that was there before.
const sameStart = 5 * time.Minute

// versionGap is how long no instance of a version may have been there for its
// next one to be a deploy.
const versionGap = 10 * time.Minute

// startEvents derives events from when instances were first seen:
// "instance.start" for each, and "deploy" where it is the first of its version
// while others run. Nothing is said of those the data begins with: they may have
// started any time before.
func startEvents(svc *store.Service, sel store.Selection) []TargetEvent {
	var all []store.Instance
	for _, in := range svc.Instances {
		if !IsServiceWide(in.Target) && !in.First.IsZero() {
			all = append(all, in)
		}
	}
	slices.SortStableFunc(all, func(a, b store.Instance) int {
		if c := a.First.Compare(b.First); c != 0 {
			return c
		}
		return strings.Compare(a.Target.String(), b.Target.String())
	})
	match := eventMatchers(sel.Match)
	var out []TargetEvent
	for i, in := range all {
		if in.First.Sub(all[0].First) < sameStart {
			continue
		}
		if in.First.Before(sel.From) || !in.First.Before(sel.Until) || !store.MatchAll(match, in.Target) {
			continue
		}
		attrs := map[string]string{"derived": "true", tacho.LabelVersion: in.Target.Get(tacho.LabelVersion)}
		at := func(kind, name string) TargetEvent {
			return TargetEvent{in.Target, tacho.Event{Time: in.First.UnixNano(), Kind: kind, Name: name, Attrs: tacho.NewLabels(attrs)}}
		}
		out = append(out, at("instance.start", in.Target.Get(tacho.LabelInstance)))
		if before, ok := deployed(all[:i], in); ok {
			attrs["from"] = before
			out = append(out, at("deploy", in.Target.Get(tacho.LabelVersion)))
		}
	}
	return out
}

// deployed reports whether an instance brings a version that none of the earlier
// ones was running, and which version was there before.
func deployed(earlier []store.Instance, in store.Instance) (before string, ok bool) {
	version := in.Target.Get(tacho.LabelVersion)
	if version == "" {
		return "", false
	}
	for _, e := range earlier {
		switch v := e.Target.Get(tacho.LabelVersion); {
		case v == version && e.Last.After(in.First.Add(-versionGap)):
			return "", false
		case v != "" && v != version:
			before, ok = v, true
		}
	}
	return before, ok
}
