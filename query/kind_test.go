package query

import (
	"testing"

	"tacho"
)

func TestLargestKind(t *testing.T) {
	for _, c := range []struct {
		share map[tacho.FrameKind]int64
		want  tacho.FrameKind
	}{
		{map[tacho.FrameKind]int64{tacho.KindJIT: 3, tacho.KindInlined: 2}, tacho.KindJIT},
		{map[tacho.FrameKind]int64{tacho.KindJIT: 3, tacho.KindEstimated: 90}, tacho.KindJIT},
		{map[tacho.FrameKind]int64{tacho.KindEstimated: 90}, tacho.KindEstimated},
		{map[tacho.FrameKind]int64{tacho.KindInterpreted: 2, tacho.KindJIT: 2}, tacho.KindInterpreted},
		{nil, tacho.KindUnknown},
	} {
		var kinds [tacho.KindEstimated + 1]int64
		for k, v := range c.share {
			kinds[k] = v
		}
		if got := largestKind(kinds[:]); got != c.want {
			t.Errorf("%v: %v, want %v", c.share, got, c.want)
		}
	}
}
