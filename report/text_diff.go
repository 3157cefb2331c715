package report

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// diffMark says at a glance, also without colour, which way a state goes.
var diffMark = map[string]string{"new": "+", "removed": "-", "grew": "▲", "shrank": "▼"}

// diffColor is orange for more and blue for less, which stay apart for
// colour-blind eyes.
func diffColor(state string) string {
	switch state {
	case "new", "grew":
		return "38;5;208"
	case "removed", "shrank":
		return "38;5;75"
	}
	return sgrDim
}

// WriteText draws the table of changes, largest first:
//
//	total 12.3 min in 1.0 h · base 10.1 min in 1.0 h · by share, base × 1.22
//	7 of 812 methods changed significantly (48 slices of time, 48 of the base, false discovery rate 1 %)
//
//	   SELF BEFORE    NOW  TOTAL BEFORE    NOW   CHANGE  METHOD
//	▲        3.1 %  9.8 %         3.3 %  9.9 %  +6.7 pp  com.acme.Orders.price
//
// The change is that of self, of total where a method never executes itself.
// By share values are parts of the total; by rate they are per recorded second.
func (v *Diff) WriteText(w io.Writer, o Text) error {
	var b strings.Builder
	fmt.Fprintf(&b, "total %s in %s · base %s in %s · by %s, base × %s\n", Format(v.Total, v.Unit), FormatFloat(v.Seconds, "seconds"),
		Format(v.BaseTotal, v.Unit), FormatFloat(v.BaseSeconds, "seconds"), Visible(v.Norm), strconv.FormatFloat(v.Scale, 'g', 3, 64))
	writeMissing(&b, o, v.Missing)
	b.WriteString(v.verdict() + "\n")
	if len(v.Rows) == 0 {
		return flush(w, &b)
	}
	head := [6]string{"", "SELF BEFORE", "NOW", "TOTAL BEFORE", "NOW", "CHANGE"}
	cells := make([][6]string, len(v.Rows))
	wide := [6]int{1}
	for c := range head {
		wide[c] = max(wide[c], width(head[c]))
	}
	for i, r := range v.Rows {
		self := strings.TrimSpace(diffMark[r.SelfState])
		total := strings.TrimSpace(diffMark[r.State])
		if total == "" {
			total = self
		}
		change, before, now := v.change(r.Self, r.BaseSelf), v.value(r.BaseSelf, true), v.value(r.Self, false)
		if r.Self == 0 && r.BaseSelf == 0 {
			change = v.change(r.Total, r.BaseTotal)
		}
		cells[i] = [6]string{total, before, now, v.value(r.BaseTotal, true), v.value(r.Total, false), change}
		for c := range cells[i] {
			wide[c] = max(wide[c], width(cells[i][c]))
		}
	}
	method := len("METHOD")
	for _, r := range v.Rows {
		method = max(method, width(Visible(r.Function)))
	}
	room := o.width()
	for _, c := range wide {
		room -= c + 2
	}
	method = min(method, max(room, 20))
	b.WriteByte('\n')
	var line strings.Builder
	for c, h := range head {
		line.WriteString(padLeft(h, wide[c]) + "  ")
	}
	b.WriteString(o.paint(sgrBold, line.String()+"METHOD") + "\n")
	for i, r := range v.Rows {
		line.Reset()
		for c, s := range cells[i] {
			line.WriteString(padLeft(s, wide[c]) + "  ")
		}
		state := r.State
		if state == "same" {
			state = r.SelfState
		}
		b.WriteString(o.paint(diffColor(state), line.String()+Shorten(r.Function, method)) + "\n")
	}
	return flush(w, &b)
}

// verdict is what the test says, in a sentence.
func (v *Diff) verdict() string {
	switch {
	case v.Total == 0 && v.BaseTotal == 0:
		return "nothing was sampled in either range"
	case v.Tested:
		return fmt.Sprintf("%s of %s methods changed significantly (%d slices of time, %d of the base, false discovery rate %s)",
			group(v.Changed), group(v.RowCount), v.Slices, v.BaseSlices, strconv.FormatFloat(v.FalseFraction*100, 'g', 3, 64)+" %")
	case v.Slices > 0 || v.BaseSlices > 0:
		return fmt.Sprintf("inconclusive: %d slices of time and %d of the base are too few to tell a change from chance; marks rest on the sums alone",
			v.Slices, v.BaseSlices)
	}
	return fmt.Sprintf("%s of %s methods shown; no test was made, marks rest on the sums alone", group(len(v.Rows)), group(v.RowCount))
}

// value writes one side: a part of its total, or per recorded second.
func (v *Diff) value(x int64, base bool) string {
	total, seconds := v.Total, v.Seconds
	if base {
		total, seconds = v.BaseTotal, v.BaseSeconds
	}
	if v.Norm == "rate" {
		if seconds <= 0 {
			return "-"
		}
		return FormatFloat(float64(x)/seconds, v.Unit) + "/s"
	}
	return Percent(x, total)
}

// change writes the difference: in percentage points, or per recorded second.
func (v *Diff) change(x, base int64) string {
	if v.Norm == "rate" {
		if v.Seconds <= 0 || v.BaseSeconds <= 0 {
			return "-"
		}
		return signed(float64(x)/v.Seconds-float64(base)/v.BaseSeconds, func(d float64) string { return FormatFloat(d, v.Unit) + "/s" })
	}
	if v.Total <= 0 || v.BaseTotal <= 0 {
		return "-"
	}
	points := 100 * (float64(x)/float64(v.Total) - float64(base)/float64(v.BaseTotal))
	if math.Abs(points) < 0.05 {
		return "0.0 pp"
	}
	return signed(points, func(d float64) string { return strconv.FormatFloat(d, 'f', 1, 64) + " pp" })
}

func signed(d float64, format func(float64) string) string {
	if d < 0 {
		return "-" + format(-d)
	}
	return "+" + format(d)
}
