package query

import (
	"context"

	"tacho"
	"tacho/store"
)

// StackTotals is what the stacks of a selection add up to.
type StackTotals struct {
	Type    string // as asked for: "wall" stays "wall"
	Unit    string
	Total   int64   // of the visited stacks
	Whole   int64   // of the range before narrowing
	Seconds float64 // recorded time in the range
	Missing []string
}

// Stacks visits the stacks of a selection after narrowing, leaf first, each with
// its sum: what an exported profile holds. A stack may come more than once, for
// there may be several tries, and narrowing may make stacks alike. Invert changes
// nothing here. visit must not keep the stack.
//
// The totals are known before the first visit: begin, when not nil, is called
// with them once and may refuse.
func (e *Engine) Stacks(ctx context.Context, sel store.Selection, n Narrow, begin func(*StackTotals) error, visit func(s tacho.Stack, value int64) error) error {
	nar, err := n.compile()
	if err != nil {
		return err
	}
	pick, err := e.pick(ctx, sel, n.Rhythm)
	if err != nil {
		return err
	}
	g, err := e.load(ctx, nar, pick, nil)
	if err != nil {
		return err
	}
	t := &StackTotals{Type: sel.Type, Unit: pick.unit, Total: g.total[0], Whole: g.whole, Missing: addMissing([]string{}, g.notes)}
	if t.Seconds, err = e.seconds(ctx, pick); err != nil {
		return err
	}
	if begin != nil {
		if err := begin(t); err != nil {
			return err
		}
	}
	var s tacho.Stack
	for i := range g.parts {
		p := &g.parts[i]
		for id, v := range p.values[0] {
			if id%4096 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			n := p.tree.Leaf[id]
			if v == 0 || p.end[n] == none {
				continue
			}
			s = s[:0]
			for ; n != 0; n = p.tree.Parent[n] {
				if p.site[n] != none {
					s = append(s, p.tree.Frames[p.tree.Frame[n]])
				}
			}
			if err := visit(s, v); err != nil {
				return err
			}
		}
	}
	return nil
}
