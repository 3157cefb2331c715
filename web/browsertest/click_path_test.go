package browsertest

import (
	"math"
	"strings"
	"testing"
)

// From the URL to the callers of the hottest method in four clicks, as README
// tells it: the service, the dark patch, the first method, "callers". What to
// click is taken from what is on the screen, not from what the test knows.
func TestFourClicks(t *testing.T) {
	s := seeded(t)
	story := s.story(t)
	b := newTab(t, s)
	clicks := 0

	b.open("/")
	v := b.wait("the services", soon, func(v *view) bool { x := v.listed(service); return x != nil && x.Live == "true" && x.Recorded > 0 })
	x := v.listed(service)
	own := 0
	for _, i := range x.Instances {
		if i.Recorded != nil && *i.Recorded > 0 {
			own++
		}
		if i.Live == "true" && i.Rate == nil {
			t.Errorf("the live instance %s does not say how many samples come: %q", i.Name, i.Text)
		}
	}
	if len(x.Instances) != 2 || own == 0 {
		t.Errorf("%d instances, %d with a day of their own, want the recorded and the made-up one: %+v", len(x.Instances), own, x.Instances)
	}
	b.click(hook("service", "name", service) + " " + hook("service-link"))
	clicks++

	// The dark patch: the largest sum of an hour, found by its colour.
	v = b.wait("the heat map", soon, func(v *view) bool { return v.Heat != nil && v.Heat.CellsRecorded >= 48*60 && v.settled() })
	var dark column
	for _, c := range v.Columns {
		if c.Sum > dark.Sum {
			dark = c
		}
	}
	first, last := int64(0), int64(0)
	var at []point
	for ms := dark.FromMS; ms < dark.UntilMS; ms += minute {
		at = append(at, v.Heat.at(ms))
	}
	for i, c := range b.colours(at...) {
		if ms := dark.FromMS + int64(i)*minute; bright(c) < 70 {
			if first == 0 {
				first = ms
			}
			last = ms
		}
	}
	if first < story.incident || last >= story.resolved || last-first < 5*minute {
		t.Fatalf("the darkest squares are from %s to %s, the incident from %s to %s", utc(first), utc(last), utc(story.incident), utc(story.resolved))
	}
	b.drag(v.Heat.at(first), v.Heat.at(last))
	clicks++

	v = b.wait("its methods", soon, func(v *view) bool {
		return v.Selection != "Whole range" && v.settled() && len(v.Rows) > 3 && v.URL != "" && strings.Contains(v.URL, "sel=")
	})
	hottest := v.Rows[0].Name
	for _, r := range v.Rows {
		if r.Self > v.Rows[0].Self {
			t.Errorf("%s is hotter than the first row", r.Name)
		}
	}
	b.click(hook("top-row", "name", hottest))
	clicks++
	b.wait("highlighted", soon, func(v *view) bool { return v.Chips["highlight"] == hottest && v.settled() })
	b.click(hook("top-row", "name", hottest) + " " + hook("top-callers"))
	clicks++

	v = b.wait("its callers", soon, func(v *view) bool {
		return v.Pane == "callers" && v.settled() && v.Chips["callers"] == hottest && v.frame(reader) != nil
	})
	if hottest != read0 || clicks != 4 {
		t.Errorf("the callers of %s after %d clicks, want %s after 4", hottest, clicks, read0)
	}
	// The method below, who calls it above: two rows up is the service's own code.
	f, c := v.frame(read0), v.frame(reader+"$RafInputStream.read")
	if c == nil || !v.Icicle.Flip || math.Abs(f.Y-c.Y-2*v.Icicle.RowH) > 1 {
		t.Errorf("%+v is not two rows above %+v", c, f)
	}
}
