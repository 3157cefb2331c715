package formattest

import (
	"bytes"
	"errors"
	"testing"

	"tacho/format"
)

// limits sets each limit below what the input has, and expects to be told.
func limits(t *testing.T, d format.Decoder, data []byte) {
	whole := Decode(d, bytes.NewReader(data), Options())
	if whole.Err != nil {
		t.Fatal(whole.Err)
	}
	name, depth, labels, series, samples := maxima(whole.Batches)
	for _, c := range []struct {
		word string
		over bool
		l    format.Limits
	}{
		{format.LimitBytes, true, format.Limits{Bytes: int64(len(Plain(t, data)) - 1)}},
		{format.LimitStringLen, name > 1, format.Limits{StringLen: 1}},
		{format.LimitAllSamples, samples > 1, format.Limits{AllSamples: samples - 1}},
		{format.LimitLabels, labels > 1, format.Limits{Labels: labels - 1}},
		{format.LimitSeries, series > 1, format.Limits{Series: series - 2}},
	} {
		if !c.over || c.l == (format.Limits{}) {
			continue
		}
		o := Options()
		o.Limits = c.l
		res := Decode(d, bytes.NewReader(data), o)
		var limit *format.LimitError
		if !errors.As(res.Err, &limit) || limit.Limit != c.word {
			t.Errorf("over the limit of %s: error %v", c.word, res.Err)
		}
		check(t, d, res, o)
	}
	if depth > 1 {
		o := Options()
		o.Limits.Depth = depth - 1
		res := Decode(d, bytes.NewReader(data), o)
		var limit *format.LimitError
		cut := res.Err == nil && len(res.Report.Warnings) > 0
		if !cut && (!errors.As(res.Err, &limit) || limit.Limit != format.LimitDepth) {
			t.Errorf("a stack of %d frames, with at most %d: error %v, warnings %v", depth, o.Limits.Depth, res.Err, res.Report.Warnings)
		}
		check(t, d, res, o)
	}
	few := Options()
	few.Limits.Samples = 2
	res := Decode(d, bytes.NewReader(data), few)
	if res.Err != nil {
		t.Errorf("two samples a batch: %v", res.Err)
	}
	check(t, d, res, few)
	if got, want := Sums(res.Batches), Sums(whole.Batches); !equal(got, want) {
		t.Errorf("two samples a batch: the sums are others: %d stacks, want %d", len(got), len(want))
	}
}

func equal(a, b map[string]int64) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}
