package pyroscope

import (
	"encoding/binary"

	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
)

// box is one node of a flame graph as it is drawn, other nodes included.
type box struct {
	level  int
	offset [2]int64 // from the left edge, by side
	total  [2]int64
	self   [2]int64
	name   uint32
	leaves int // children that follow, in depth-first order
}

// boxes lays the tree out in depth-first order: self time at the left, then the
// children by name, then what was cut off as "other". Each is on its level from
// left to right.
func (t *tree) boxes(most int64) []box {
	kept, children := t.keep(most), t.children()
	var out []box
	type todo struct {
		node   uint32
		level  int
		offset [2]int64
		cut    *[2]int64 // not nil: what was cut off of node
	}
	stack := []todo{{}}
	for len(stack) > 0 {
		x := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if x.cut != nil {
			out = append(out, box{level: x.level, offset: x.offset, total: *x.cut, self: *x.cut, name: t.id(other)})
			continue
		}
		b := box{level: x.level, offset: x.offset, name: t.name[x.node]}
		next := x.offset
		for side := range b.total {
			b.total[side], b.self[side] = t.total[side][x.node], t.self[side][x.node]
			next[side] += b.self[side]
		}
		var cut [2]int64
		var below []todo
		for _, c := range children[x.node] {
			if !kept[c] {
				cut[left] += t.total[left][c]
				cut[right] += t.total[right][c]
				continue
			}
			below = append(below, todo{node: c, level: x.level + 1, offset: next})
			next[left] += t.total[left][c]
			next[right] += t.total[right][c]
		}
		if cut != [2]int64{} {
			below = append(below, todo{level: x.level + 1, offset: next, cut: &cut})
		}
		b.leaves = len(below)
		out = append(out, b)
		for i := len(below) - 1; i >= 0; i-- {
			stack = append(stack, below[i])
		}
	}
	return out
}

// used renumbers the names of boxes, so that none is sent that is not shown.
func (t *tree) used(bs []box) []string {
	var names []string
	to := make([]uint32, len(t.names)) // index + 1
	for i := range bs {
		n := &bs[i].name
		if to[*n] == 0 {
			names = append(names, t.names[*n])
			to[*n] = uint32(len(names))
		}
		*n = to[*n] - 1
	}
	return names
}

// flameGraph is the tree as one flame graph.
func (t *tree) flameGraph(most int64) *querierv1.FlameGraph {
	bs := t.boxes(most)
	g := &querierv1.FlameGraph{Names: t.used(bs), Total: t.total[left][0]}
	var edge []int64 // by level: where the node before ends
	for _, b := range bs {
		if b.level == len(g.Levels) {
			g.Levels = append(g.Levels, &querierv1.Level{})
			edge = append(edge, 0)
		}
		l := g.Levels[b.level]
		l.Values = append(l.Values, b.offset[left]-edge[b.level], b.total[left], b.self[left], int64(b.name))
		edge[b.level] = b.offset[left] + b.total[left]
		g.MaxSelf = max(g.MaxSelf, b.self[left])
	}
	return g
}

// flameGraphDiff is both sides as one.
func (t *tree) flameGraphDiff(most int64) *querierv1.FlameGraphDiff {
	bs := t.boxes(most)
	g := &querierv1.FlameGraphDiff{
		Names: t.used(bs), Total: t.total[left][0] + t.total[right][0], LeftTicks: t.total[left][0], RightTicks: t.total[right][0],
	}
	var edge [][2]int64
	for _, b := range bs {
		if b.level == len(g.Levels) {
			g.Levels = append(g.Levels, &querierv1.Level{})
			edge = append(edge, [2]int64{})
		}
		l, e := g.Levels[b.level], &edge[b.level]
		l.Values = append(l.Values, b.offset[left]-e[left], b.total[left], b.self[left], b.offset[right]-e[right], b.total[right], b.self[right], int64(b.name))
		for side := range e {
			e[side] = b.offset[side] + b.total[side]
		}
		g.MaxSelf = max(g.MaxSelf, b.self[left], b.self[right])
	}
	return g
}

// bytes is the tree in Pyroscope's own encoding: for each node, depth first and
// beginning with a root without name, uvarint length of the name, the name,
// uvarint self, uvarint number of children.
func (t *tree) bytes(most int64) []byte {
	if t.total[left][0] == 0 {
		return nil
	}
	var out []byte
	for i, b := range t.boxes(most) {
		name := t.names[b.name]
		if i == 0 {
			name = ""
		}
		out = binary.AppendUvarint(out, uint64(len(name)))
		out = append(out, name...)
		out = binary.AppendUvarint(out, uint64(b.self[left]))
		out = binary.AppendUvarint(out, uint64(b.leaves))
	}
	return out
}
