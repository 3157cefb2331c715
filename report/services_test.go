package report

import (
	"strings"
	"testing"

	"tacho"
)

func TestWallIsListedWhereBothItsPartsAre(t *testing.T) {
	for _, c := range []struct {
		have []tacho.ValueType
		want string
	}{
		{[]tacho.ValueType{tacho.CPU, tacho.OffCPU, tacho.Alloc}, "cpu offcpu alloc wall"},
		{[]tacho.ValueType{tacho.CPU, tacho.Alloc}, "cpu alloc"},
		{[]tacho.ValueType{tacho.OffCPU}, "offcpu"},
		{nil, ""},
	} {
		var got []string
		for _, x := range NewTypes(c.have) {
			got = append(got, x.Name)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("types %v: got %q, want %q", c.have, s, c.want)
		}
	}
}
