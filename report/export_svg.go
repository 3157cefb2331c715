package report

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"tacho"
)

// The geometry of a drawn icicle, in pixels.
const (
	svgWidth  = 1200
	svgRow    = 18
	svgHead   = 44  // above the root: title and what was left out
	svgGlyph  = 6.7 // of the 11 px monospace font
	svgLeast  = 0.5 // narrower frames are counted, not drawn
	svgLevels = 600 // deeper ones are counted too: no page is that tall
)

// WriteSVG draws an icicle, root on top, in the colours of the page: packages
// by a hash of their name, and kernel, compiler, GC and VM by their kind. It has
// no script and no style sheet, so that it stays what it is wherever it is
// opened; a name is text, whatever it says. Hovering a frame shows its numbers.
func (e *Export) WriteSVG(w io.Writer) error {
	t := e.tree()
	d := svgDrawing{t: t, scale: svgWidth / float64(max(t[0].total, 1)), unit: e.Type.Unit}
	d.node(0, 0, 0)
	out := bufio.NewWriter(w)
	height := svgHead + (d.depth+1)*svgRow + 8
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="11">`+"\n",
		svgWidth, height, svgWidth, height)
	fmt.Fprintf(out, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", svgWidth, height)
	fmt.Fprintf(out, `<text x="4" y="16" font-size="13" fill="#231d14">%s</text>`+"\n", escapeXML(e.title()))
	sub := Format(t[0].total, e.Type.Unit) + ", " + e.From.UTC().Format(time.RFC3339) + " to " + e.Until.UTC().Format(time.RFC3339)
	if d.small > 0 {
		sub += fmt.Sprintf("; %s small frames not drawn", group(d.small))
	}
	for _, n := range slices.Concat(e.Notes, e.Missing) {
		sub += "; " + n
	}
	fmt.Fprintf(out, `<text x="4" y="34" fill="#6b6760">%s</text>`+"\n", escapeXML(elide(Visible(sub), 170)))
	out.WriteString(d.out.String())
	out.WriteString("</svg>\n")
	return out.Flush()
}

// svgDrawing draws the frames of a tree.
type svgDrawing struct {
	t     []exportNode
	scale float64
	unit  string
	depth int
	small int // frames not drawn
	out   strings.Builder
}

// exportNode is a method on one path from the root.
type exportNode struct {
	name        string
	kind        tacho.FrameKind
	self, total int64
	children    []int // sorted by name
}

// tree folds the stacks by method. Node 0 is the root.
func (e *Export) tree() []exportNode {
	t := []exportNode{{name: "all"}}
	child := map[int]map[string]int{}
	for id, v := range e.sums() {
		if v == 0 {
			continue
		}
		at := 0
		t[0].total += v
		for _, f := range slices.Backward(e.stacks[id]) {
			name := e.frames[f].Function
			next, ok := child[at][name]
			if !ok {
				next = len(t)
				if child[at] == nil {
					child[at] = map[string]int{}
				}
				child[at][name] = next
				t = append(t, exportNode{name: name, kind: e.frames[f].Kind})
				t[at].children = append(t[at].children, next)
			}
			at = next
			t[at].total += v
		}
		t[at].self += v
	}
	for i := range t {
		slices.SortFunc(t[i].children, func(a, b int) int { return strings.Compare(t[a].name, t[b].name) })
	}
	return t
}

// node draws a node whose left edge is at offset, and what it called.
func (d *svgDrawing) node(n, level int, offset int64) {
	x := &d.t[n]
	width := float64(x.total) * d.scale
	if width < svgLeast || level > svgLevels {
		d.small += d.count(n)
		return
	}
	d.depth = max(d.depth, level)
	left, top := float64(offset)*d.scale, svgHead+level*svgRow
	fmt.Fprintf(&d.out, `<g><title>%s&#10;%s of %s (%s), %s itself</title>`, escapeXML(Visible(x.name)),
		Format(x.total, d.unit), Format(d.t[0].total, d.unit), Percent(x.total, d.t[0].total), Format(x.self, d.unit))
	fmt.Fprintf(&d.out, `<rect x="%.2f" y="%d" width="%.2f" height="%d" fill="%s"/>`, left, top, max(width-0.5, svgLeast), svgRow-1, svgColor(n, x))
	if columns := int((width - 6) / svgGlyph); columns >= 3 {
		fmt.Fprintf(&d.out, `<text x="%.2f" y="%d" fill="#231d14">%s</text>`, left+3, top+12, escapeXML(Shorten(x.name, columns)))
	}
	d.out.WriteString("</g>\n")
	for _, c := range x.children {
		d.node(c, level+1, offset)
		offset += d.t[c].total
	}
}

// count is how many frames a subtree has.
func (d *svgDrawing) count(n int) int {
	sum := 0
	for todo := []int{n}; len(todo) > 0; sum++ {
		n, todo = todo[len(todo)-1], todo[:len(todo)-1]
		todo = append(todo, d.t[n].children...)
	}
	return sum
}

// The colours of web/ui/src/color/palette.ts, light theme.
var (
	svgPackages = [...]string{"#f4b978", "#a3bdea", "#b9cf8e", "#e8a9a0", "#c9b2e2", "#86cfc6", "#e6cf7c", "#d3b79b", "#9fd0e6", "#e3a8cb", "#c2c9a5", "#bcc3cf"}
	svgKinds    = map[tacho.FrameKind]string{
		tacho.KindKernel: "#c9b2e2", tacho.KindCompiler: "#86cfc6", tacho.KindGC: "#b9cf8e", tacho.KindVM: "#c7ccd4", tacho.KindUnsampled: "#e4e2dd",
	}
)

func svgColor(n int, x *exportNode) string {
	if c := svgKinds[x.kind]; c != "" {
		return c
	}
	if n == 0 {
		return svgKinds[tacho.KindVM]
	}
	return svgPackages[nameHash(packageOf(x.name))%uint32(len(svgPackages))]
}

// nameHash and packageOf are those of the page, so that a package has the same
// colour in both.
func nameHash(s string) uint32 {
	h := uint32(0x811c9dc5)
	for i, c := range utf16.Encode([]rune(s)) {
		if i == 200 {
			break
		}
		h = (h ^ uint32(c)) * 0x01000193
	}
	return h ^ h>>16
}

func packageOf(name string) string {
	if i := strings.IndexAny(name, "(<[ \t\n\r"); i >= 0 {
		name = name[:i]
	}
	ids := strings.Split(name, ".")
	return strings.Join(ids[:max(0, min(3, len(ids)-2))], ".")
}

// escapeXML makes text of anything: what XML cannot hold becomes U+FFFD.
func escapeXML(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '"':
			b.WriteString("&quot;")
		case r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r != 0xfffe && r != 0xffff:
			b.WriteRune(r)
		default:
			b.WriteRune('\uFFFD')
		}
	}
	return b.String()
}

// title is what the file is about, in one line.
func (e *Export) title() string { return Visible(e.Service) + " " + Visible(e.Type.Name) }
