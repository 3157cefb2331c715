package query

import (
	"cmp"
	"slices"
	"strings"

	"tacho"
)

// Icicle is a tree of methods in depth-first order, root first. A node's parent
// is the nearest earlier node of Level-1. A node spans [Offset, Offset+TotalV)
// of [0, Total); its children lie inside, sorted by name; its own time and what
// was pruned lie at the right end.
type Icicle struct {
	Unit    string
	Total   int64
	Whole   int64    // of the range before narrowing
	Seconds float64  // recorded time in the range
	Strings []string // Strings[0] is ""

	Level, Name, File []int32 // Name and File index Strings
	Kind              []uint8 // tacho.FrameKind with the largest share of the node
	Offset            []int64
	TotalV            []int64
	Self              []int64

	// Of a comparison only; there a node spans [Offset, Offset+Width).
	Width, BaseTotal, BaseSelf []int64
	node                       []uint32 // of the tree that was laid out

	PrunedCount int   // nodes left out; of trees that grow from the leaves, the topmost of them
	PrunedSum   int64 // what the topmost of them sum to
	Missing     []string
}

// callTree is a tree about to be laid out: ids of parents are smaller than
// those of their children.
type callTree struct {
	root   string
	names  []string // by function id
	parent []uint32
	fn     []uint32
	total  []int64
	self   []int64
	// Of a comparison; nil without.
	baseTotal, baseSelf []int64
	scale               float64 // what makes base values comparable

	// sites visits the call sites behind the nodes and what each adds to its
	// node's total. A tree without has looks.
	sites func(visit func(node uint32, f *tacho.Frame, v int64))
	looks []look     // by node
	land  [][]uint32 // by part and stack id, of an inverted tree: the last node of it on the stack's way up

	// What was left out while the tree was made.
	prunedCount int
	prunedSum   int64
}

// width is how wide a node is drawn, in the unit of the total.
func (t *callTree) width(n uint32) int64 {
	if t.baseTotal == nil {
		return t.total[n]
	}
	return t.total[n] + scaled(t.baseTotal[n], t.scale)
}

// widths is the width of every node.
func (t *callTree) widths() []int64 {
	if t.baseTotal == nil {
		return t.total
	}
	out := make([]int64, len(t.total))
	for n := range out {
		out[n] = t.width(uint32(n))
	}
	return out
}

// scaled is a value of the base made comparable, rounded down. The little that
// is added keeps what would be whole without rounding errors whole.
func scaled(v int64, scale float64) int64 {
	if scale == 1 || v == 0 {
		return v
	}
	return int64(float64(v)*scale + 1e-6)
}

// layout prunes, sorts and lays out a tree. depth 0 is without limit; a node is
// kept when its total is at least minShare of the whole. Nodes of total 0 do
// not show and do not count.
func (t *callTree) layout(depth int, minShare float64) *Icicle {
	ic := &Icicle{Total: t.total[0], Missing: []string{}, PrunedCount: t.prunedCount, PrunedSum: t.prunedSum}
	widths := t.widths()
	least := minShare * float64(widths[0])

	// Which nodes stay. A child's total is at most its parent's, so what is kept
	// hangs together. Usually few of very many stay: one pass over all of them,
	// everything else is by place among the kept.
	place := make([]int32, len(t.parent)) // 1 + place among the kept; 0 = left out
	place[0] = 1
	kept := []uint32{0}
	level := []int32{0}
	for n := 1; n < len(t.parent); n++ {
		v := widths[n]
		if v == 0 && (t.baseTotal == nil || t.baseTotal[n] == 0) {
			continue
		}
		p := place[t.parent[n]]
		if p == 0 || float64(v) < least || (depth > 0 && int(level[p-1]) >= depth) {
			ic.PrunedCount++
			if p != 0 {
				ic.PrunedSum += v
			}
			continue
		}
		kept = append(kept, uint32(n))
		level = append(level, level[p-1]+1)
		place[n] = int32(len(kept))
	}
	// The children of each: order[children[k]:children[k+1]], by place.
	children := make([]int32, len(kept)+1)
	for _, n := range kept[1:] {
		children[place[t.parent[n]]]++
	}
	for i := 1; i < len(children); i++ {
		children[i] += children[i-1]
	}
	order := make([]int32, len(kept)-1)
	next := slices.Clone(children[:len(kept)])
	for k, n := range kept[1:] {
		p := place[t.parent[n]] - 1
		order[next[p]] = int32(k + 1)
		next[p]++
	}
	look := t.look(place, kept)

	strs := newStrings()
	ic.reserve(len(kept))
	if t.baseTotal != nil {
		ic.reserveBase(len(kept))
	}
	add := func(k int32, name string, offset, width int64) {
		l, n := &look[k], kept[k]
		ic.Level = append(ic.Level, level[k])
		ic.Name = append(ic.Name, strs.id(name))
		ic.File = append(ic.File, strs.id(l.file))
		ic.Kind = append(ic.Kind, uint8(largestKind(l.kinds[:])))
		ic.Offset = append(ic.Offset, offset)
		ic.TotalV = append(ic.TotalV, t.total[n])
		ic.Self = append(ic.Self, t.self[n])
		if t.baseTotal != nil {
			ic.node = append(ic.node, n)
			ic.Width = append(ic.Width, width)
			ic.BaseTotal, ic.BaseSelf = append(ic.BaseTotal, t.baseTotal[n]), append(ic.BaseSelf, t.baseSelf[n])
		}
	}
	type frame struct {
		rest   []int32 // children not yet laid out
		offset int64   // where the next one starts
		end    int64   // of the parent
	}
	open := func(k int32, offset, end int64) frame {
		sub := order[children[k]:children[k+1]]
		slices.SortFunc(sub, func(a, b int32) int {
			return cmp.Or(strings.Compare(t.names[t.fn[kept[a]]], t.names[t.fn[kept[b]]]), cmp.Compare(a, b))
		})
		return frame{sub, offset, end}
	}
	add(0, t.root, 0, widths[0])
	stack := []frame{open(0, 0, widths[0])}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if len(top.rest) == 0 {
			stack = stack[:len(stack)-1]
			continue
		}
		k, offset := top.rest[0], top.offset
		top.rest = top.rest[1:]
		// Scaled values are rounded one by one: never let that show as an overlap.
		width := min(widths[kept[k]], top.end-offset)
		top.offset += width
		add(k, t.names[t.fn[kept[k]]], offset, width)
		stack = append(stack, open(k, offset, offset+width))
	}
	ic.Strings = strs.list
	return ic
}

// reserve makes room for n nodes.
func (ic *Icicle) reserve(n int) {
	ic.Level, ic.Name, ic.File = make([]int32, 0, n), make([]int32, 0, n), make([]int32, 0, n)
	ic.Kind = make([]uint8, 0, n)
	ic.Offset, ic.TotalV, ic.Self = make([]int64, 0, n), make([]int64, 0, n), make([]int64, 0, n)
}

func (ic *Icicle) reserveBase(n int) {
	ic.node = make([]uint32, 0, n)
	ic.Width, ic.BaseTotal, ic.BaseSelf = make([]int64, 0, n), make([]int64, 0, n), make([]int64, 0, n)
}

// look is what a node shows beside its name.
type look struct {
	kinds [tacho.KindEstimated + 1]int64
	file  string
	most  int64 // the largest single call site so far: its file is shown
}

func (l *look) add(f *tacho.Frame, v int64) {
	k := f.Kind
	if int(k) >= len(l.kinds) {
		k = tacho.KindUnknown
	}
	l.kinds[k] += v
	if v > l.most || v == l.most && f.File < l.file {
		l.most, l.file = v, f.File
	}
}

func (t *callTree) look(place []int32, kept []uint32) []look {
	out := make([]look, len(kept))
	if t.sites == nil {
		for k, n := range kept {
			out[k] = t.looks[n]
		}
		return out
	}
	t.sites(func(n uint32, f *tacho.Frame, v int64) {
		if k := place[n]; k != 0 {
			out[k-1].add(f, v)
		}
	})
	return out
}

// stringTable gives strings small numbers.
type stringTable struct {
	list []string
	ids  map[string]int32
}

func newStrings() *stringTable {
	return &stringTable{list: []string{""}, ids: map[string]int32{"": 0}}
}

func (s *stringTable) id(v string) int32 {
	id, ok := s.ids[v]
	if !ok {
		id = int32(len(s.list))
		s.ids[v] = id
		s.list = append(s.list, v)
	}
	return id
}
