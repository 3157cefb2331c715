package tacho

import (
	"reflect"
	"strings"
	"testing"
)

func TestLabelsAreCanonical(t *testing.T) {
	a := NewLabels(map[string]string{"b": "2", "a": "1", "empty": "", "": "x"})
	if want := (Labels{{"a", "1"}, {"b", "2"}}); !reflect.DeepEqual(a, want) {
		t.Errorf("got %v, want %v", a, want)
	}
	for _, c := range []struct {
		name, value, want string
	}{
		{"c", "3", `{a="1", b="2", c="3"}`},
		{"a", "9", `{a="9", b="2"}`},
		{"aa", "x\"\\\n", `{a="1", aa="x\"\\\n", b="2"}`},
		{"b", "", `{a="1"}`},
		{"none", "", `{a="1", b="2"}`},
	} {
		if got := a.With(c.name, c.value).String(); got != c.want {
			t.Errorf("with %s=%q: %s, want %s", c.name, c.value, got, c.want)
		}
	}
	if a.String() != `{a="1", b="2"}` {
		t.Errorf("With changed its receiver: %s", a)
	}
}

func TestBuilderInternsAndStartsAfresh(t *testing.T) {
	x := NewBuilder()
	s := Stack{{Function: "leaf", File: "L.java", Line: 3, Kind: KindJIT}, {Function: "root"}}
	th := Thread{ID: 7, Name: "worker-1", Group: "worker-#"}
	for i := range 3 {
		x.Sample(CPU, Sample{Time: 5, Value: int64(i), Stack: x.Stack(s), Thread: x.Thread(th)})
	}
	x.Declare(Alloc)
	target := NewLabels(map[string]string{LabelService: "s", LabelInstance: "i"})
	b := x.Take(target, "jvm", 5, 6, 1)
	if len(b.Stacks) != 1 || len(b.Frames) != 2 || len(b.Threads) != 1 || len(b.Profiles) != 2 || len(b.Profiles[0].Samples) != 3 || len(b.Profiles[1].Samples) != 0 {
		t.Errorf("tables: %d stacks, %d frames, %d threads, %d profiles", len(b.Stacks), len(b.Frames), len(b.Threads), len(b.Profiles))
	}
	if got := b.Stack(0); !reflect.DeepEqual(got, s) {
		t.Errorf("stack comes back as %+v", got)
	}
	if err := b.Validate(); err != nil {
		t.Error(err)
	}
	if next := x.Take(target, "jvm", 6, 7, 2); len(next.Stacks)+len(next.Profiles) != 0 || len(next.Strings) != 1 {
		t.Errorf("the next batch is not empty: %+v", next)
	}
}

func TestValidateNamesWhatIsWrong(t *testing.T) {
	good := func() *Batch {
		x := NewBuilder()
		x.Sample(CPU, Sample{Time: 10, Value: 1, Stack: x.Stack(Stack{{Function: "f"}}), Thread: x.Thread(Thread{Name: "t"})})
		return x.Take(NewLabels(map[string]string{LabelService: "s", LabelInstance: "i"}), "jvm", 10, 20, 1)
	}
	for _, c := range []struct {
		say   string
		spoil func(*Batch)
	}{
		{"required", func(b *Batch) { b.Target = Labels{{LabelService, "s"}} }},
		{"not sorted", func(b *Batch) { b.Target[0], b.Target[1] = b.Target[1], b.Target[0] }},
		{"not a time range", func(b *Batch) { b.Until = 9 }},
		{"empty string", func(b *Batch) { b.Strings[0] = "x" }},
		{"string index", func(b *Batch) { b.Frames[0].File = 99 }},
		{"is empty", func(b *Batch) { b.Stacks[0] = nil }},
		{"frame index 5", func(b *Batch) { b.Stacks[0] = []uint32{5} }},
		{"stack index", func(b *Batch) { b.Profiles[0].Samples[0].Stack = 1 }},
		{"thread index", func(b *Batch) { b.Profiles[0].Samples[0].Thread = 1 }},
		{"outside the window", func(b *Batch) { b.Profiles[0].Samples[0].Time = 20 }},
		{"negative", func(b *Batch) { b.Profiles[0].Samples[0].Value = -1 }},
		{"without type", func(b *Batch) { b.Profiles[0].Type.Unit = "" }},
	} {
		b := good()
		c.spoil(b)
		if err := b.Validate(); err == nil || !strings.Contains(err.Error(), c.say) {
			t.Errorf("want an error with %q, got %v", c.say, err)
		}
	}
	untimed := good()
	untimed.Profiles[0].Samples[0].Time = 0
	if err := untimed.Validate(); err != nil {
		t.Errorf("an untimed sample is refused: %v", err)
	}
}

func TestKinds(t *testing.T) {
	for k, want := range map[FrameKind]string{KindUnknown: "unknown", KindJIT: "jit", KindEstimated: "estimated", 200: "unknown"} {
		if k.String() != want {
			t.Errorf("kind %d is %q, want %q", k, k, want)
		}
	}
	for k := range FrameKind(20) {
		if want := k >= 6 && k <= 10; k.Synthetic() != want {
			t.Errorf("kind %s: synthetic %v", k, !want)
		}
	}
}
