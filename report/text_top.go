package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
)

// WriteText draws the table:
//
//	cpu total 12.3 min in 1.0 h · 3 of 812 methods
//
//	  SELF  SELF %    TOTAL  TOTAL %  METHOD                  SOURCE
//	 4.2 s  34.1 %    9.9 s   80.5 %  com.acme.Orders.price   Orders.java:120
//
// The method column gets the room the numbers leave; the source column goes
// first when that is little.
func (t *Top) WriteText(w io.Writer, o Text) error {
	var b strings.Builder
	fmt.Fprintf(&b, "total %s in %s · %s of %s methods\n", Format(t.Total, t.Unit),
		FormatFloat(t.Seconds, "seconds"), group(len(t.Rows)), group(t.RowCount))
	writeMissing(&b, o, t.Missing)
	if len(t.Rows) == 0 {
		b.WriteString("nothing was sampled in this range\n")
		return flush(w, &b)
	}
	head := [4]string{"SELF", "SELF %", "TOTAL", "TOTAL %"}
	cells := make([][4]string, len(t.Rows))
	wide := [4]int{}
	for c := range head {
		wide[c] = width(head[c])
	}
	method, source := len("METHOD"), len("SOURCE")
	sources := make([]string, len(t.Rows))
	for i, r := range t.Rows {
		cells[i] = [4]string{Format(r.Self, t.Unit), Percent(r.Self, t.Total), Format(r.Total, t.Unit), Percent(r.Total, t.Total)}
		for c := range cells[i] {
			wide[c] = max(wide[c], width(cells[i][c]))
		}
		sources[i] = Visible(place(r.File, r.Line))
		method = max(method, width(Visible(r.Function)))
		source = max(source, width(sources[i]))
	}
	room := o.width() - (wide[0] + wide[1] + wide[2] + wide[3] + 4*2)
	source = min(source, room/3)
	if room < 48 {
		source = 0
	} else {
		room -= source + 2
	}
	method = min(method, room)

	b.WriteByte('\n')
	line := strings.Builder{}
	for c, h := range head {
		line.WriteString(padLeft(h, wide[c]) + "  ")
	}
	line.WriteString(padRight("METHOD", method))
	if source > 0 {
		line.WriteString("  SOURCE")
	}
	b.WriteString(o.paint(sgrBold, strings.TrimRight(line.String(), " ")) + "\n")
	for i, r := range t.Rows {
		line.Reset()
		for c, s := range cells[i] {
			line.WriteString(padLeft(s, wide[c]) + "  ")
		}
		name := Shorten(r.Function, method)
		pad := strings.Repeat(" ", max(0, method-width(name)))
		line.WriteString(o.paint(kindColor(r.Kind), name))
		if source > 0 && sources[i] != "" {
			line.WriteString(pad + "  " + o.paint(sgrDim, elide(sources[i], source)))
		}
		b.WriteString(line.String() + "\n")
	}
	return flush(w, &b)
}

// place is file:line as far as it is known.
func place(file string, line int32) string {
	if file == "" || line <= 0 {
		return file
	}
	return file + ":" + strconv.Itoa(int(line))
}
