package pyroscope

import (
	"fmt"
	"strings"
	"testing"

	"tacho"
	"tacho/store"
)

func TestParseSelector(t *testing.T) {
	for in, want := range map[string]string{
		``:                                    "",
		`{}`:                                  "",
		` { } `:                               "",
		`{a="b"}`:                             `a="b"`,
		`a="b"`:                               `a="b"`,
		`{a="b",}`:                            `a="b"`,
		`{ a = "b" , c!='d', e=~` + "`f\\d`}": `a="b" c!="d" e=~"f\\d"`,
		`{a!~"x|y", "odd name.1"="\"\\\n\u00e9"}`: `a!~"x|y" odd name.1="\"\\\né"`,
		`{service.name="x"}`:                      `service.name="x"`,
		`{a="\xff"}`:                              `a="\xff"`,
	} {
		ms, err := parseSelector(in)
		var got []string
		for _, m := range ms {
			got = append(got, fmt.Sprintf("%s%s%q", m.Name, m.Op, m.Value))
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s: %s, %v; want %s", in, got, err, want)
		}
	}
	for in, say := range map[string]string{
		`{a="b"`: "byte 6: expected } at the end", `a="b"}`: "byte 5: expected a comma or the end", `{a}`: "byte 2: expected one of = != =~ !~", `{="b"}`: "expected the name",
		`{a="b}`: "byte 3: the quotes are not closed", `{a="\q"}`: "an escape", `{a="b" c="d"}`: "byte 7: expected } at the end", `{a="b"} x`: "byte 8: expected a comma",
		`{a=~"["}`: "missing closing ]", strings.Repeat(`a="b",`, 65): "more than 64", strings.Repeat("a", 20000): "longer than 16384",
	} {
		if _, err := parseSelector(in); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%.40s: %v, want %q", in, err, say)
		}
	}
}

func FuzzParseSelector(f *testing.F) {
	for _, s := range []string{`{a="b", c!~'d'}`, `{"x y"=~"\u00e9\xff"`, "`=`", `{a="\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ms, err := parseSelector(s)
		if err != nil && len(ms) != 0 {
			t.Errorf("both conditions and an error: %v, %v", ms, err)
		}
		for _, m := range ms {
			if m.Name == "" {
				t.Errorf("%q: a condition without a name", s)
			}
			m.Matches(tacho.Labels{{Name: m.Name, Value: m.Value}})
		}
	})
}

func TestTypeIDs(t *testing.T) {
	for _, c := range []struct {
		typ tacho.ValueType
		id  string
	}{
		{tacho.CPU, "process_cpu:cpu:nanoseconds:cpu:nanoseconds"},
		{tacho.Alloc, "memory:alloc_space:bytes:space:bytes"},
		{tacho.Lock, "mutex:delay:nanoseconds:mutex:count"},
		{tacho.OffCPU, "tacho:offcpu:nanoseconds:offcpu:nanoseconds"},
		{tacho.ValueType{Name: "cpu", Unit: "count"}, "tacho:cpu:count:cpu:count"}, // another unit is another type
		{tacho.ValueType{Name: "a:b", Unit: "c"}, "tacho:a_b:c:a_b:c"},
	} {
		if got := typeID(c.typ); got != c.id {
			t.Errorf("%v: %s, want %s", c.typ, got, c.id)
		}
		svc := store.Service{Types: []tacho.ValueType{c.typ}}
		if got, ok := typeOf(svc, c.id); !ok || got != c.typ {
			t.Errorf("%s: %v, %v; want %v", c.id, got, ok, c.typ)
		}
	}
	both := store.Service{Types: []tacho.ValueType{tacho.Alloc, {Name: "alloc_space", Unit: "bytes"}}}
	if got, _ := typeOf(both, "memory:alloc_space:bytes:space:bytes"); got.Name != "alloc_space" {
		t.Errorf("of two types of one id %v answers, want alloc_space", got)
	}
	if _, ok := typeOf(both, "wall:wall:nanoseconds:wall:nanoseconds"); ok {
		t.Error("wall without its halves")
	}
	for _, bad := range []string{"", "cpu", "::::", "a:b:c:d", "a:b:c:d:e:f:g"} {
		if _, ok := profileType(bad); ok {
			t.Errorf("%q is taken for a type", bad)
		}
	}
}
