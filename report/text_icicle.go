package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// WriteText draws the tree with the root on top, heaviest child first:
//
//	total 12.3 s in 1.0 min
//
//	100.0 % ████████  all
//	 80.5 % ██████▌   ├─ com.acme.Server.run
//	 34.1 % ██▊       │  └─ com.acme.Orders.price
//	 19.5 % █▋        └─ [GC]
//	  0.9 %                … 12 smaller
//
// A long chain of calls with one child each stays in one column, so that depth
// costs width only where the tree branches. Nodes below o.MinShare are summed
// into one line a parent.
func (v *Icicle) WriteText(w io.Writer, o Text) error {
	var b strings.Builder
	fmt.Fprintf(&b, "total %s in %s\n", Format(v.Total, v.Unit), FormatFloat(v.Seconds, "seconds"))
	writeMissing(&b, o, v.Missing)
	if err := v.check(); err != nil {
		return err
	}
	if len(v.Nodes.Level) == 0 || v.Total <= 0 {
		b.WriteString("nothing was sampled in this range\n")
		return flush(w, &b)
	}
	minShare := o.MinShare
	if minShare <= 0 {
		minShare = 0.01
	}
	d := &treeText{v: v, o: o, b: &b, least: int64(minShare * float64(v.Total)), kids: v.children()}
	b.WriteByte('\n')
	d.node(0, "", "", true)
	if v.Pruned.Count > 0 {
		b.WriteString(o.paint(sgrDim, fmt.Sprintf("the server left out %s small nodes: %s", group(v.Pruned.Count), Percent(v.Pruned.Sum, v.Total))) + "\n")
	}
	return flush(w, &b)
}

// check makes drawing safe for a tree that came from elsewhere.
func (v *Icicle) check() error {
	n := v.Nodes
	c := len(n.Level)
	if len(n.Name) != c || len(n.File) != c || len(n.Kind) != c || len(n.Total) != c || len(n.Self) != c || len(n.Offset) != c {
		return fmt.Errorf("icicle: the columns differ in length")
	}
	for i := range n.Level {
		switch {
		case i == 0 && n.Level[0] != 0, i > 0 && (n.Level[i] < 1 || n.Level[i] > n.Level[i-1]+1):
			return fmt.Errorf("icicle node %d: level %d does not follow the level before", i, n.Level[i])
		case n.Name[i] < 0 || int(n.Name[i]) >= len(v.Strings), n.File[i] < 0 || int(n.File[i]) >= len(v.Strings):
			return fmt.Errorf("icicle node %d: string index out of %d", i, len(v.Strings))
		case int(n.Kind[i]) >= len(v.Kinds):
			return fmt.Errorf("icicle node %d: kind %d out of %d", i, n.Kind[i], len(v.Kinds))
		}
	}
	return nil
}

// children lists the children of every node, heaviest first.
func (v *Icicle) children() [][]int {
	kids := make([][]int, len(v.Nodes.Level))
	var path []int
	for i, l := range v.Nodes.Level {
		path = append(path[:l], i)
		if l > 0 {
			kids[path[l-1]] = append(kids[path[l-1]], i)
		}
	}
	for _, k := range kids {
		slices.SortStableFunc(k, func(a, b int) int {
			switch ta, tb := v.Nodes.Total[a], v.Nodes.Total[b]; {
			case ta > tb:
				return -1
			case ta < tb:
				return 1
			}
			return 0
		})
	}
	return kids
}

const barWidth = 8

type treeText struct {
	v     *Icicle
	o     Text
	b     *strings.Builder
	least int64
	kids  [][]int
}

// node draws one node and what is below it. branch is the piece before its
// name, indent the piece before the names of what follows below it. A lone
// child is drawn in the column of its parent: a chain, not a branch.
func (d *treeText) node(i int, branch, indent string, root bool) {
	n := d.v.Nodes
	// Iterating along lone children keeps the Go stack as flat as the drawing.
	for {
		d.line(n.Total[i], branch, d.v.Strings[n.Name[i]], d.v.Strings[n.File[i]], d.v.Kinds[n.Kind[i]])
		if d.o.Depth > 0 && int(n.Level[i]) >= d.o.Depth {
			return
		}
		shown, rest, restSum := d.split(d.kids[i])
		if len(shown) == 0 {
			return
		}
		if len(shown) == 1 && rest == 0 && !root {
			i, branch = shown[0], indent
			continue
		}
		for k, c := range shown {
			last := k == len(shown)-1 && rest == 0
			b, in := "  ", "  "
			if d.o.Box {
				b, in = "├─ ", "│  "
				if last {
					b, in = "└─ ", "   "
				}
			}
			d.node(c, d.fit(indent)+b, d.fit(indent)+in, false)
		}
		if rest > 0 {
			tail := "  "
			if d.o.Box {
				tail = "└─ "
			}
			d.line(restSum, d.fit(indent)+tail, fmt.Sprintf("… %s smaller", group(rest)), "", "unknown")
		}
		return
	}
}

// fit stops indenting where half of the line would be indentation.
func (d *treeText) fit(indent string) string {
	if limit := (d.o.width() - barWidth - 10) / 2; width(indent) > limit {
		return takeLeft(indent, limit)
	}
	return indent
}

func (d *treeText) split(kids []int) (shown []int, rest int, restSum int64) {
	for _, k := range kids {
		if d.v.Nodes.Total[k] < d.least {
			rest++
			restSum += d.v.Nodes.Total[k]
			continue
		}
		shown = append(shown, k)
	}
	return shown, rest, restSum
}

func (d *treeText) line(total int64, branch, name, file, kind string) {
	share := float64(total) / float64(d.v.Total)
	head := padLeft(Percent(total, d.v.Total), 7) + " "
	room := d.o.width() - width(head) - barWidth - 2 - width(branch)
	text := Shorten(name, max(room, 8))
	out := head + d.o.paint("31", padRight(bar(share, barWidth), barWidth)) + "  " + branch + d.o.paint(kindColor(kind), text)
	if f := Visible(file); f != "" && width(text)+2+width(f) <= room {
		out += "  " + d.o.paint(sgrDim, f)
	}
	d.b.WriteString(strings.TrimRight(out, " ") + "\n")
}

// bar draws a share in eighths of a column.
func bar(share float64, w int) string {
	eighths := int(min(max(share, 0), 1)*float64(w)*8 + 0.5)
	s := strings.Repeat("█", eighths/8)
	if r := eighths % 8; r > 0 {
		s += string([]rune(" ▏▎▍▌▋▊▉")[r])
	}
	return s
}
