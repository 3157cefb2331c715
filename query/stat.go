package query

import (
	"cmp"
	"math"
	"slices"
)

// The test behind Diff. What is compared is a ratio of sums: a method's value to
// the value of all (by share) or to the seconds recorded (by rate). Samples are
// no independent draws (a request takes many of them in a row), so the scatter
// is taken from slices of time instead: with R the ratio over the whole range,
// v and t the two sums of a slice, the residuals e = v - R·t say how much the
// slices disagree, and
//
//	var R = n/(n-1) · Σ e² / (Σ t)²
//
// is the ratio estimator of survey statistics (Cochran, Sampling Techniques,
// chapter 6) with slices as clusters. It needs no slices of equal length, and an
// idle slice weighs nothing: n is the number of slices of equal weight that would
// say as much (Kish), (Σ t)²/Σ t².
//
// What happens in one slice often goes on in the next, which makes n slices tell
// less than n independent ones would. With r the correlation of neighbours
// (corrected for its bias in short series, Kendall 1954, and never below 0) the
// variance is larger by (1+r)/(1-r), and the degrees of freedom are fewer by as
// much. A correction after Newey and West over three neighbours was tried first:
// it called 4 % of plain noise a change where 1 % was asked for.
//
// Two ratios differ when Welch's t of them does, at a false discovery rate
// (Benjamini and Hochberg 1995) of FDR over everything compared in one table or
// one tree.
const (
	// FDR is the share of false ones among the differences that are called.
	FDR = 0.01
	// MaxSlices and MinSlices bound how many slices a range is cut into, and how
	// few of them, with something in them, still make a test.
	MaxSlices = 48
	MinSlices = 8
	// minSeen is in how many slices of both ranges together a method must appear
	// to be compared at all: chance alone puts rarer ones on one side only.
	minSeen = 6

	// mostCorrelated bounds r: beyond, slices tell next to nothing.
	mostCorrelated = 0.9
)

// trial gathers the slices of one range for many items at once.
type trial struct {
	n          int       // slices with something in them
	sum, sumSq float64   // of the slices' t
	ratio      []float64 // by item: R
	squares    []float64 // by item: Σ e²
	products   []float64 // by item: Σ e·(e of the slice before)
	last       []float64 // by item: the latest e
	seen       []int32   // by item: slices it appears in
}

// newTrial makes a trial of items whose sums over the whole range, and whose t,
// are known.
func newTrial(whole []int64, t float64) *trial {
	x := &trial{
		ratio: make([]float64, len(whole)), squares: make([]float64, len(whole)), products: make([]float64, len(whole)),
		last: make([]float64, len(whole)), seen: make([]int32, len(whole)),
	}
	for i, v := range whole {
		if t > 0 {
			x.ratio[i] = float64(v) / t
		}
	}
	return x
}

// add takes in the next slice, in order of time.
func (x *trial) add(values []int64, t float64) {
	if t > 0 {
		x.n++
	}
	x.sum += t
	x.sumSq += t * t
	for i, v := range values {
		e := float64(v) - x.ratio[i]*t
		if v != 0 {
			x.seen[i]++
		}
		x.squares[i] += e * e
		x.products[i] += e * x.last[i]
		x.last[i] = e
	}
}

// weight is how many slices of equal weight would say as much.
func (x *trial) weight() float64 {
	if x.sumSq == 0 {
		return 0
	}
	return x.sum * x.sum / x.sumSq
}

// variance of the ratio of item i, and how many independent slices it is known
// from.
func (x *trial) variance(i int) (v, n float64) {
	n = x.weight()
	if x.squares[i] == 0 {
		return 0, n
	}
	r := max(0, x.products[i]/x.squares[i])
	r = min(mostCorrelated, r+(1+3*r)/n)
	more := (1 + r) / (1 - r)
	return n / (n - 1) * x.squares[i] * more / (x.sum * x.sum), max(2, n/more)
}

// enough reports whether there are slices to compare.
func enough(a, b *trial) bool {
	return a.n >= MinSlices && b.n >= MinSlices && a.weight() > 2 && b.weight() > 2
}

// compare is, by item, the p-value adjusted for the number of items: a
// difference is called where it is at most FDR. NaN where an item was seen too
// rarely to be compared.
func compare(a, b *trial) []float64 {
	ps := make([]float64, len(a.ratio))
	for i := range ps {
		ps[i] = math.NaN()
		if a.seen[i]+b.seen[i] >= minSeen {
			va, na := a.variance(i)
			vb, nb := b.variance(i)
			ps[i] = welch(a.ratio[i]-b.ratio[i], va, vb, na, nb)
		}
	}
	return benjaminiHochberg(ps)
}

// welch is the two-sided p-value of a difference of two means of the given
// variances, from so many observations.
func welch(d, va, vb, na, nb float64) float64 {
	v := va + vb
	switch {
	case d == 0:
		return 1
	case v <= 0:
		return 0
	}
	df := v * v / (va*va/(na-1) + vb*vb/(nb-1))
	return studentTail(math.Abs(d)/math.Sqrt(v), df)
}

// studentTail is the chance that |t| of df degrees of freedom is at least t.
func studentTail(t, df float64) float64 {
	return incompleteBeta(df/(df+t*t), df/2, 0.5)
}

// incompleteBeta is the regularised incomplete beta function I_x(a, b), by its
// continued fraction (DLMF 8.17.22), evaluated with Lentz's method.
func incompleteBeta(x, a, b float64) float64 {
	switch {
	case x <= 0:
		return 0
	case x >= 1:
		return 1
	case x > (a+1)/(a+b+2):
		return 1 - incompleteBeta(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	nonzero := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/nonzero(1-(a+b)*x/(a+1))
	f := d
	for m := 1.0; m <= 500; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / nonzero(1+even*d)
		c = nonzero(1 + even/c)
		f *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / nonzero(1+odd*d)
		c = nonzero(1 + odd/c)
		f *= d * c
		if math.Abs(d*c-1) < 1e-14 {
			break
		}
	}
	return front * f
}

// benjaminiHochberg adjusts p-values in place; NaN is not counted.
func benjaminiHochberg(ps []float64) []float64 {
	var order []int
	for i, p := range ps {
		if !math.IsNaN(p) {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(ps[b], ps[a]), cmp.Compare(a, b)) })
	least := 1.0
	for k, i := range order { // from the largest down
		least = min(least, ps[i]*float64(len(order))/float64(len(order)-k))
		ps[i] = least
	}
	return ps
}
