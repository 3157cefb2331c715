package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// WriteText draws time in both directions, as the page does. A column is an
// hour and a line a minute; with steps below a minute a column is a minute,
// below a second a second.
//
//	      Mon 3 Mar             (days)
//	      08 09 10 11           (hours; one column each, labelled where it fits)
//	:00   ░▒▓█
//	:10   ╱╱░░
//
// Lines are summed up to o.Rows a band, and a range wider than the terminal is
// drawn in bands below each other. Shades run to the 99th percentile, so that
// one spike does not flatten the rest.
func (h *Heatmap) WriteText(w io.Writer, o Text) error {
	var b strings.Builder
	const day = 24 * hour
	if h.StepMS <= 0 || h.StepMS > 366*day || h.FromMS < 0 || h.FromMS > 200_000*day {
		return fmt.Errorf("heat map: steps of %d ms from %d ms on cannot be drawn", h.StepMS, h.FromMS)
	}
	g := h.grid(o)
	layout := "Mon 2 Jan 2006 15:04"
	if h.StepMS < minute {
		layout += ":05"
	}
	fmt.Fprintf(&b, "%s to %s, %s a cell\n", g.when(h.FromMS, layout), g.when(h.UntilMS, layout+" MST"), FormatFloat(float64(g.rowMS)*1e6, "nanoseconds"))
	writeMissing(&b, o, h.Missing)
	if h.DemoUntilMS != nil {
		fmt.Fprintf(&b, "data before %s was made up by the demo seeder\n", g.when(*h.DemoUntilMS, "Mon 2 Jan 15:04"))
	}
	if len(h.Cells) == 0 {
		b.WriteString("the range is empty\n")
		return flush(w, &b)
	}
	for first := 0; first < g.cols; first += g.band {
		b.WriteByte('\n')
		g.draw(&b, first, min(first+g.band, g.cols))
	}
	b.WriteByte('\n')
	g.legend(&b, h.Unit)
	return flush(w, &b)
}

// grid is the cells of a heat map folded into columns and lines.
type grid struct {
	o           Text
	zone        *time.Location
	first       int64 // start of the first column in local milliseconds
	off         int64 // local minus UTC milliseconds
	colMS       int64
	rowMS       int64
	cols, rows  int
	band        int // columns side by side
	cell        []Cell
	covered     []bool // the range reaches this cell
	top         Cell   // what the darkest shade stands for
	gutterWidth int
}

const (
	minute = int64(60_000)
	hour   = 60 * minute
)

func (h *Heatmap) grid(o Text) *grid {
	g := &grid{o: o, zone: o.zone(), gutterWidth: 6}
	// One offset for the whole range: a column that is an hour must stay one
	// when the clocks change.
	_, off := time.UnixMilli(h.FromMS).In(g.zone).Zone()
	g.off = int64(off) * 1000
	switch {
	case h.StepMS >= hour:
		g.colMS = h.StepMS
	case h.StepMS >= minute:
		g.colMS = hour
	case h.StepMS >= 1000:
		g.colMS = minute
	default:
		g.colMS = 1000
	}
	steps := (g.colMS + h.StepMS - 1) / h.StepMS
	fold := int64(1)
	if o.Rows > 0 {
		for fold < steps && (steps%fold != 0 || steps/fold > int64(o.Rows)) {
			fold++
		}
	}
	g.rowMS = h.StepMS * fold
	g.rows = int((g.colMS + g.rowMS - 1) / g.rowMS)
	from := h.FromMS + g.off
	g.first = from - mod(from, g.colMS)
	last := from + int64(len(h.Cells))*h.StepMS
	g.cols = int((last - g.first + g.colMS - 1) / g.colMS)
	g.band = max(1, o.width()-g.gutterWidth)
	if g.colMS == hour && g.band > 24 && g.cols > g.band {
		g.band -= g.band % 24 // days stay below each other
	}
	g.cell = make([]Cell, g.cols*g.rows)
	g.covered = make([]bool, g.cols*g.rows)
	for i := range g.cell {
		g.cell[i] = NotRecorded
	}
	for i, c := range h.Cells {
		t := from + int64(i)*h.StepMS
		at := int((t-g.first)/g.colMS)*g.rows + int(mod(t, g.colMS)/g.rowMS)
		g.covered[at] = true
		if c >= 0 {
			g.cell[at] = max(g.cell[at], 0) + c
		}
	}
	g.top = p99(g.cell)
	return g
}

func mod(a, b int64) int64 { return ((a % b) + b) % b }

// p99 is the 99th percentile of the cells in which something happened.
func p99(cs []Cell) Cell {
	var busy []Cell
	for _, c := range cs {
		if c > 0 {
			busy = append(busy, c)
		}
	}
	if len(busy) == 0 {
		return 0
	}
	slices.Sort(busy)
	return busy[(len(busy)-1)*99/100]
}

// when formats an instant; local time was added already where first is used.
func (g *grid) when(ms int64, layout string) string {
	return time.UnixMilli(ms).In(g.zone).Format(layout)
}

// start is the instant a column starts, as the fixed offset has it.
func (g *grid) start(col int) time.Time {
	return time.UnixMilli(g.first + int64(col)*g.colMS).UTC()
}

func (g *grid) draw(b *strings.Builder, from, until int) {
	major, majorAt, minor, minorEvery := g.axis()
	for _, axis := range []struct {
		layout string
		starts func(col int) bool
	}{{major, majorAt}, {minor, func(col int) bool { return g.unit(col)%minorEvery == 0 }}} {
		line := []rune(strings.Repeat(" ", g.gutterWidth+until-from))
		free := 0 // first column a label may start in
		for col := from; col < until; col++ {
			label := []rune(g.start(col).Format(axis.layout))
			at := g.gutterWidth + col - from
			if (col == from && axis.layout == major || axis.starts(col)) && at >= free && at+len(label) <= len(line) {
				copy(line[at:], label)
				free = at + len(label) + 1
			}
		}
		if s := strings.TrimRight(string(line), " "); s != "" {
			b.WriteString(g.o.paint(sgrDim, s) + "\n")
		}
	}
	every := max(1, g.rows/6)
	for row := range g.rows {
		label := ""
		if row%every == 0 {
			label = g.rowLabel(row)
		}
		pad := strings.Repeat(" ", g.gutterWidth-width(label))
		b.WriteString(strings.TrimRight(g.o.paint(sgrDim, label)+pad+g.line(row, from, until), " ") + "\n")
	}
}

// unit numbers columns by the clock, so that labels stay on round times.
func (g *grid) unit(col int) int64 { return g.first/g.colMS + int64(col) }

// axis chooses the labels above the columns: days over hours, hours over
// minutes, minutes over seconds.
func (g *grid) axis() (major string, majorAt func(int) bool, minor string, every int64) {
	day := func(col int) bool { t := g.start(col); return t.Hour() == 0 && t.Minute() == 0 }
	switch g.colMS {
	case hour:
		return "Mon 2 Jan", day, "15", 3
	case minute:
		return "Mon 2 Jan 15:04", func(col int) bool { return g.start(col).Minute() == 0 }, ":04", 5
	case 1000:
		return "Mon 2 Jan 15:04", func(col int) bool { return g.start(col).Second() == 0 }, ":05", 5
	}
	return "Mon 2 Jan", day, "15:04", 8
}

func (g *grid) rowLabel(row int) string {
	ms := int64(row) * g.rowMS
	switch {
	case g.rows == 1:
		return ""
	case g.colMS == hour:
		return fmt.Sprintf(":%02d", ms/minute)
	case g.colMS == minute:
		return fmt.Sprintf(":%02d", ms/1000)
	}
	return fmt.Sprintf(".%03d", ms)
}

// shades are the five levels of a cell in which something happened.
var shades = []rune("·░▒▓█")

// reds are the same scale in 256 colours, dark background to bright.
var reds = []int{52, 88, 124, 160, 196, 203, 210, 217}

const noData = '╱'

func (g *grid) line(row, from, until int) string {
	var b strings.Builder
	painted := 0 // colour that is switched on, 0 = none
	for col := from; col < until; col++ {
		at := col*g.rows + row
		r, color := ' ', 0
		switch c := g.cell[at]; {
		case c == NotRecorded && g.covered[at]:
			r = noData
		case c > 0 && g.o.Color:
			color = reds[level(c, g.top, len(reds))]
		case c > 0:
			r = shades[level(c, g.top, len(shades))]
		}
		if color != painted {
			if color == 0 {
				b.WriteString("\x1b[0m")
			} else {
				fmt.Fprintf(&b, "\x1b[48;5;%dm", color)
			}
			painted = color
		}
		b.WriteRune(r)
	}
	if painted != 0 {
		b.WriteString("\x1b[0m")
	}
	return b.String()
}

// level is the shade of a value above zero on a scale of n up to top.
func level(c, top Cell, n int) int {
	if top <= 0 || c >= top {
		return n - 1
	}
	return min(n-1, int(float64(c)/float64(top)*float64(n)))
}

func (g *grid) legend(b *strings.Builder, unit string) {
	b.WriteString("0 ")
	for i := range shades {
		if g.o.Color {
			continue
		}
		b.WriteRune(shades[i])
	}
	if g.o.Color {
		for _, c := range reds {
			fmt.Fprintf(b, "\x1b[48;5;%dm \x1b[0m", c)
		}
	}
	fmt.Fprintf(b, " %s and above · blank = idle · %c = nothing recorded\n", Format(int64(g.top), unit), noData)
}
