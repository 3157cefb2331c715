package report

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with testdata/name.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs.\ngot:\n%s\nwant:\n%s", path, got, want)
	}
}

type texter interface{ WriteText(io.Writer, Text) error }

func draw(t *testing.T, v texter, o Text) string {
	t.Helper()
	var b bytes.Buffer
	if err := v.WriteText(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func sampleTop() *Top {
	return &Top{
		Unit: "nanoseconds", Total: 738_000_000_000, Seconds: 3600, RowCount: 812, Missing: []string{},
		Rows: []TopRow{
			{"com.acme.shop.pricing.PriceEngine.computeDiscounts", "PriceEngine.java", 217, "jit", 251_000_000_000, 402_000_000_000},
			{"[JIT C2]", "", 0, "compiler", 120_500_000_000, 120_500_000_000},
			{"java.util.regex.Pattern$GroupTail.match", "Pattern.java", 4863, "inlined", 90_100_000_000, 95_000_000_000},
			{"do_syscall_64", "", 0, "kernel", 12_300_000, 4_000_000_000},
			{"evil.\x1b]0;owned\x07\u202eClass.method\n", "E\tvil.java", 1, "interpreted", 1000, 1000},
		},
	}
}

func TestTopText(t *testing.T) {
	golden(t, "top-100.txt", []byte(draw(t, sampleTop(), Text{Width: 100})))
	golden(t, "top-60.txt", []byte(draw(t, sampleTop(), Text{Width: 60})))
	golden(t, "top-color.txt", []byte(draw(t, sampleTop(), Text{Width: 120, Color: true})))
}

// tree builds an icicle from lines "level name total self".
func tree(rows ...node) *Icicle {
	v := &Icicle{Unit: "nanoseconds", Total: rows[0].total, Seconds: 60, Strings: []string{""}, Nodes: emptyNodes(), Kinds: Kinds(), Missing: []string{}}
	offset := []int64{0}
	for _, r := range rows {
		offset = append(offset[:r.level+1], offset[r.level]+r.total)
		v.Nodes.Level = append(v.Nodes.Level, r.level)
		v.Nodes.Name = append(v.Nodes.Name, int32(len(v.Strings)))
		v.Strings = append(v.Strings, r.name)
		v.Nodes.File = append(v.Nodes.File, int32(len(v.Strings)))
		v.Strings = append(v.Strings, r.file)
		v.Nodes.Kind = append(v.Nodes.Kind, uint16(r.kind))
		v.Nodes.Offset = append(v.Nodes.Offset, offset[r.level]-r.total)
		offset = append(offset, offset[r.level]-r.total)
		v.Nodes.Total = append(v.Nodes.Total, r.total)
		v.Nodes.Self = append(v.Nodes.Self, 0)
	}
	return v
}

type node struct {
	level      int32
	name, file string
	kind       int
	total      int64
}

func sampleTree() *Icicle {
	const s = 1_000_000_000
	v := tree(
		node{0, "all", "", 0, 100 * s},
		node{1, "[JIT C2]", "", 6, 15 * s},
		node{1, "java.lang.Thread.run", "Thread.java", 2, 80 * s},
		node{2, "com.acme.shop.http.Worker.loop", "Worker.java", 2, 79 * s},
		node{3, "com.acme.shop.http.Dispatcher.dispatch", "Dispatcher.java", 2, 79 * s},
		node{4, "com.acme.shop.cart.CartController.show", "CartController.java", 1, 20 * s},
		node{4, "com.acme.shop.pricing.PriceController.quote", "PriceController.java", 2, 58 * s},
		node{5, "com.acme.shop.pricing.PriceEngine.computeDiscounts", "PriceEngine.java", 2, 57 * s},
		node{5, "org.slf4j.Logger.info", "", 2, s / 2},
		node{5, "org.slf4j.Logger.debug", "", 2, s / 4},
		node{4, "\x1b[31mevil\x1b[0m", "", 5, 1 * s},
		node{1, "small", "", 9, s / 2},
	)
	v.Pruned = Pruned{Count: 1234, Sum: s}
	return v
}

func TestIcicleText(t *testing.T) {
	golden(t, "icicle-100.txt", []byte(draw(t, sampleTree(), Text{Width: 100, Box: true})))
	golden(t, "icicle-60.txt", []byte(draw(t, sampleTree(), Text{Width: 60, MinShare: 0.05})))
	golden(t, "icicle-depth.txt", []byte(draw(t, sampleTree(), Text{Width: 80, Depth: 3, Box: true})))
	golden(t, "icicle-color.txt", []byte(draw(t, sampleTree(), Text{Width: 100, Box: true, Color: true})))
}

// A recursion that branches at every level must not push names off the line.
func TestIcicleTextDeep(t *testing.T) {
	rows := []node{{0, "all", "", 0, 1 << 40}}
	for i := int32(1); i <= 400; i++ {
		rows = append(rows, node{i, "com.acme.Recursive.visit", "", 2, 1 << 39}, node{i, "com.acme.Recursive.leaf", "", 2, 1 << 38})
		rows[len(rows)-2], rows[len(rows)-1] = rows[len(rows)-1], rows[len(rows)-2]
	}
	out := draw(t, tree(rows...), Text{Width: 70, Box: true})
	for i, line := range strings.Split(out, "\n") {
		if width(line) > 70 {
			t.Fatalf("line %d is %d wide: %s", i, width(line), line)
		}
	}
	if n := strings.Count(out, "Recursive.visit"); n != 400 {
		t.Errorf("%d of 400 levels drawn whole", n)
	}
}

// A tree from a server that is not what it seems is refused, not drawn.
func TestIcicleTextForeign(t *testing.T) {
	for name, breakIt := range map[string]func(*Icicle){
		"short column":  func(v *Icicle) { v.Nodes.Kind = v.Nodes.Kind[1:] },
		"level jumps":   func(v *Icicle) { v.Nodes.Level[2] = 7 },
		"second root":   func(v *Icicle) { v.Nodes.Level[3] = 0 },
		"negative":      func(v *Icicle) { v.Nodes.Level[3] = -4 },
		"name index":    func(v *Icicle) { v.Nodes.Name[1] = 1 << 30 },
		"file index":    func(v *Icicle) { v.Nodes.File[1] = -1 },
		"unknown kind":  func(v *Icicle) { v.Nodes.Kind[1] = 999 },
		"root is not 0": func(v *Icicle) { v.Nodes.Level[0] = 1 },
	} {
		v := sampleTree()
		breakIt(v)
		if err := v.WriteText(io.Discard, Text{}); err == nil {
			t.Errorf("%s: drawn without an error", name)
		}
	}
}

func TestEmptyText(t *testing.T) {
	for _, c := range []struct {
		v    texter
		want string
	}{
		{&Top{Unit: "bytes", Missing: []string{"minute 3 of block 7\x1b"}},
			"total 0 B in 0 ns · 0 of 0 methods\nincomplete: minute 3 of block 7\\x1b\nnothing was sampled in this range\n"},
		{&Icicle{Unit: "bytes"}, "total 0 B in 0 ns\nnothing was sampled in this range\n"},
		{&Heatmap{FromMS: 0, UntilMS: 0, StepMS: 60000},
			"Thu 1 Jan 1970 00:00 to Thu 1 Jan 1970 00:00 UTC, 1.0 min a cell\nthe range is empty\n"},
	} {
		if got := draw(t, c.v, Text{}); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// sampleHeatmap is hours of a daily curve with a gap and an idle hour.
func sampleHeatmap(hours int, step time.Duration) *Heatmap {
	from := time.Date(2025, 3, 3, 8, 0, 0, 0, time.UTC)
	h := &Heatmap{FromMS: from.UnixMilli(), StepMS: step.Milliseconds(), Unit: "nanoseconds", Missing: []string{}}
	per := int(time.Hour / step)
	for i := range hours * per {
		hour, row := i/per, i%per
		c := Cell((hour%24+1)*(row+1)*200_000_000) / Cell(per)
		switch {
		case hour%24 == 3:
			c = 0
		case hour%24 == 5 && row > per/2:
			c = NotRecorded
		}
		h.Cells = append(h.Cells, c)
	}
	h.UntilMS = h.FromMS + int64(len(h.Cells))*h.StepMS
	return h
}

func TestHeatmapText(t *testing.T) {
	berlin := time.FixedZone("CET", 3600)
	demo := time.Date(2025, 3, 3, 10, 30, 0, 0, time.UTC).UnixMilli()
	day := sampleHeatmap(30, time.Minute)
	day.DemoUntilMS = &demo
	golden(t, "heatmap-30h.txt", []byte(draw(t, day, Text{Width: 80, Rows: 12, Zone: berlin})))
	golden(t, "heatmap-week.txt", []byte(draw(t, sampleHeatmap(7*24, time.Minute), Text{Width: 100, Rows: 10})))
	golden(t, "heatmap-color.txt", []byte(draw(t, sampleHeatmap(12, 5*time.Minute), Text{Width: 80, Color: true})))
	golden(t, "heatmap-hours.txt", []byte(draw(t, sampleHeatmap(48, time.Hour), Text{Width: 80})))

	// Seconds within minutes, and 20 ms within seconds.
	fine := sampleHeatmap(1, time.Second)
	golden(t, "heatmap-seconds.txt", []byte(draw(t, fine, Text{Width: 80, Rows: 15})))
	fine = sampleHeatmap(1, time.Second)
	fine.StepMS, fine.Cells = 20, fine.Cells[:1000]
	fine.UntilMS = fine.FromMS + 20_000
	golden(t, "heatmap-20ms.txt", []byte(draw(t, fine, Text{Width: 80, Rows: 10})))
}

// A range that starts inside an hour leaves the cells before it blank, and a
// zone off by half an hour moves the minutes with it.
func TestHeatmapTextOffset(t *testing.T) {
	h := &Heatmap{FromMS: time.Date(2025, 3, 3, 8, 40, 0, 0, time.UTC).UnixMilli(), StepMS: 20 * 60_000, Unit: "count",
		Cells: []Cell{1000, NotRecorded, 0, 500, 10}, Missing: []string{}}
	h.UntilMS = h.FromMS + 5*h.StepMS
	want := "Mon 3 Mar 2025 08:40 to Mon 3 Mar 2025 10:20 UTC, 20.0 min a cell\n\n" +
		"       09\n:00    ╱·\n:20\n:40   ██\n\n0 ·░▒▓█ 500 and above · blank = idle · ╱ = nothing recorded\n"
	if got := draw(t, h, Text{Width: 60}); got != want {
		t.Errorf("UTC:\n%q, want\n%q", got, want)
	}
	india := draw(t, h, Text{Width: 60, Zone: time.FixedZone("IST", 5*3600+1800)})
	if !strings.Contains(india, "14:10 to") || !strings.Contains(india, "\n:00   ██\n:20   ╱·\n:40\n") {
		t.Errorf("half-hour zone:\n%s", india)
	}
}

func TestHeatmapTextForeign(t *testing.T) {
	for _, h := range []*Heatmap{{StepMS: 0}, {StepMS: -5}, {StepMS: 1 << 60, Cells: make([]Cell, 9)}, {StepMS: 60000, FromMS: -1 << 62}} {
		if err := h.WriteText(io.Discard, Text{}); err == nil {
			t.Errorf("steps of %d ms from %d: drawn without an error", h.StepMS, h.FromMS)
		}
	}
}

// Whatever a name is made of, without colour no escape reaches the terminal.
func TestNoEscapes(t *testing.T) {
	for _, v := range []texter{sampleTop(), sampleTree(), sampleHeatmap(3, time.Minute), sampleIcicle(40)} {
		out := draw(t, v, Text{Width: 90, Box: true})
		for _, r := range out {
			if r < 0x20 && r != '\n' || r >= 0x7f && r < 0xa0 || r == '\u202e' {
				t.Fatalf("%T writes %U: %q", v, r, out)
			}
		}
	}
}
