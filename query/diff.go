package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"tacho/store"
)

// Norm says what makes two selections comparable.
type Norm string

const (
	ByShare Norm = "share" // what part of all it was
	ByRate  Norm = "rate"  // how much of it there was per recorded second
)

// State says how a method or a node of a comparison changed.
type State uint8

const (
	StateSame    State = iota
	StateNew           // not in the base
	StateRemoved       // only in the base
	StateGrew
	StateShrank
)

var stateNames = [...]string{"same", "new", "removed", "grew", "shrank"}

func (s State) String() string { return stateNames[s] }

// States are the words of all states, indexed by state.
func States() []string { return append([]string(nil), stateNames[:]...) }

// DiffOptions shapes a comparison.
type DiffOptions struct {
	IcicleOptions
	Norm         Norm   // "" = ByShare
	Limit        int    // rows; 0 = all
	Sort         string // by the change of "self" (default) or "total"
	Significance bool   // test on time slices which differences are more than scatter
}

// Diff is a selection beside its base.
type Diff struct {
	Norm        Norm
	Scale       float64 // base values times Scale compare with the others
	Tree        *Icicle // with Width, BaseTotal and BaseSelf; Total is the selection's
	BaseTotal   int64
	BaseWhole   int64
	BaseSeconds float64
	States      []State // by node of Tree
	Rows        []DiffRow
	RowCount    int // before Limit
	Changed     int // methods, before Limit, that are not the same in self or in total
	// Slices and BaseSlices are how many slices of time had something in them; 0
	// when no test was made. Tested is false too when they were too few.
	Slices, BaseSlices int
	Tested             bool
}

// DiffRow is one method. State and P are of Total and BaseTotal; P is adjusted
// for the number of methods compared, and NaN where no test was made.
type DiffRow struct {
	TopRow
	BaseSelf, BaseTotal int64
	State, SelfState    State
	P, SelfP            float64
}

// Diff compares a selection with a base of the same service and type.
func (e *Engine) Diff(ctx context.Context, sel, base store.Selection, opt DiffOptions) (*Diff, error) {
	nar, err := opt.check()
	if err != nil {
		return nil, err
	}
	pick, err := e.pick(ctx, sel, opt.Rhythm)
	if err != nil {
		return nil, err
	}
	base.Service, base.Type, base.Tenant = sel.Service, sel.Type, sel.Tenant
	basePick, err := e.pick(ctx, base, Rhythm{})
	if err != nil {
		return nil, ofBase(err)
	}
	g, err := e.load(ctx, nar, pick, basePick)
	if err != nil {
		return nil, err
	}
	cov, err := e.coverage(ctx, pick)
	if err != nil {
		return nil, err
	}
	baseCov, err := e.coverage(ctx, basePick)
	if err != nil {
		return nil, err
	}
	d := &Diff{Norm: opt.Norm, BaseTotal: g.base.total[0], BaseWhole: g.base.whole, BaseSeconds: baseCov.all()}
	seconds := cov.all()
	d.Scale = d.scale(g.total[0], seconds)
	g.weigh(d.Scale)
	var t *callTree
	if nar.invert {
		t, err = g.inverted(ctx, d.Scale, opt.IcicleOptions)
		if err != nil {
			return nil, err
		}
	} else {
		t = g.tree(nar, d.Scale)
	}
	d.Tree = t.layout(opt.Depth, opt.MinShare)
	d.Tree.Unit, d.Tree.Seconds, d.Tree.Whole = pick.unit, seconds, g.whole
	d.Tree.Missing = addMissing(d.Tree.Missing, g.notes)

	m := g.compareMethods(d.Scale)
	nodes := &change{v: d.Tree.TotalV, base: d.Tree.BaseTotal, scale: d.Scale}
	if opt.Significance {
		x := &test{g: g, t: t, d: d, m: m, nodes: nodes}
		if err := x.run(ctx, e, pick, basePick, cov, baseCov); err != nil {
			return nil, err
		}
	}
	d.States = make([]State, len(d.Tree.Level))
	for i := range d.States {
		d.States[i] = nodes.state(i)
	}
	d.rows(g, m, opt)
	return d, nil
}

func (o *DiffOptions) check() (*narrowing, error) {
	switch o.Norm {
	case "":
		o.Norm = ByShare
	case ByShare, ByRate:
	default:
		return nil, &RequestError{"norm", fmt.Sprintf("%q is neither share nor rate", o.Norm)}
	}
	if _, ok := topOrder[o.Sort]; !ok {
		return nil, &RequestError{"sort", fmt.Sprintf("%q is neither self nor total", o.Sort)}
	}
	if err := o.IcicleOptions.check(); err != nil {
		return nil, err
	}
	return o.compile()
}

// ofBase names the parameters of the base in an error.
func ofBase(err error) error {
	var bad *RequestError
	if errors.As(err, &bad) && (bad.Param == "from" || bad.Param == "until") {
		return &RequestError{"base_" + bad.Param, strings.ReplaceAll(bad.Reason, " from ", " base_from ")}
	}
	return err
}

// scale is what base values are multiplied with. Beside an empty selection
// nothing is comparable: values stay as they are.
func (d *Diff) scale(total int64, seconds float64) float64 {
	s := float64(total) / float64(d.BaseTotal)
	if d.Norm == ByRate {
		s = seconds / d.BaseSeconds
	}
	if !(s > 0) || math.IsInf(s, 0) {
		return 1
	}
	return s
}

// methods is the changes of all methods, by function id.
type methods struct{ self, total *change }

func (g *graph) compareMethods(scale float64) *methods {
	m := &methods{&change{scale: scale}, &change{scale: scale}}
	m.self.v, m.total.v = g.methods(&g.sums)
	m.self.base, m.total.base = g.methods(g.base)
	return m
}

// rows lists the methods whose change is largest.
func (d *Diff) rows(g *graph, m *methods, opt DiffOptions) {
	var ids []uint32
	for fn := range g.names {
		if m.total.v[fn] != 0 || m.total.base[fn] != 0 {
			ids = append(ids, uint32(fn))
		}
	}
	d.RowCount = len(ids)
	for _, fn := range ids {
		if m.self.state(int(fn)) != StateSame || m.total.state(int(fn)) != StateSame {
			d.Changed++
		}
	}
	first, second := m.self, m.total
	if opt.Sort == "total" {
		first, second = second, first
	}
	size := func(c *change, fn uint32) float64 { return math.Abs(c.delta(int(fn))) }
	slices.SortFunc(ids, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(size(first, b), size(first, a)), cmp.Compare(size(second, b), size(second, a)),
			strings.Compare(g.names[a], g.names[b]))
	})
	if opt.Limit > 0 && len(ids) > opt.Limit {
		ids = ids[:opt.Limit]
	}
	top := make([]TopRow, len(ids))
	g.topSites(top, ids)
	d.Rows = make([]DiffRow, len(ids))
	for i, fn := range ids {
		r := &d.Rows[i]
		r.TopRow = top[i]
		r.Function, r.Self, r.Total = g.names[fn], m.self.v[fn], m.total.v[fn]
		r.BaseSelf, r.BaseTotal = m.self.base[fn], m.total.base[fn]
		r.State, r.SelfState = m.total.state(int(fn)), m.self.state(int(fn))
		r.P, r.SelfP = m.total.pValue(int(fn)), m.self.pValue(int(fn))
	}
}
