package report

import (
	"io"
	"strings"
	"time"
)

// Text is how a view is drawn for a terminal.
type Text struct {
	Width    int            // columns; 0 = 100
	Color    bool           // ANSI escape sequences are welcome
	Zone     *time.Location // of times shown; nil = UTC
	MinShare float64        // icicle: nodes below this share of the total are summed up; 0 = 0.01
	Depth    int            // icicle: levels below the root; 0 = all
	Box      bool           // icicle: draw branches with box characters
	Rows     int            // heat map: at most so many lines a band; 0 = one a step
}

func (o Text) width() int {
	if o.Width <= 0 {
		return 100
	}
	return max(o.Width, 40)
}

func (o Text) zone() *time.Location {
	if o.Zone == nil {
		return time.UTC
	}
	return o.Zone
}

// paint wraps text in an SGR sequence, if colour was asked for.
func (o Text) paint(sgr, s string) string {
	if !o.Color || sgr == "" || s == "" {
		return s
	}
	return "\x1b[" + sgr + "m" + s + "\x1b[0m"
}

const (
	sgrDim  = "2"
	sgrBold = "1"
)

// kindColor is the 256-colour foreground of a frame kind, "" for plain. Blue,
// orange and grey stay apart for colour-blind eyes.
func kindColor(kind string) string {
	switch kind {
	case "kernel":
		return "38;5;208"
	case "native":
		return "38;5;214"
	case "interpreted":
		return "38;5;75"
	case "compiler", "gc", "vm", "unsampled":
		return "38;5;245"
	}
	return ""
}

// writeMissing says what the answer lacks; a view never hides it.
func writeMissing(b *strings.Builder, o Text, missing []string) {
	for _, m := range missing {
		b.WriteString(o.paint("33", "incomplete: "+Visible(m)))
		b.WriteByte('\n')
	}
}

func flush(w io.Writer, b *strings.Builder) error {
	_, err := io.WriteString(w, b.String())
	return err
}
