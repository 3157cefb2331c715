package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"tacho"
	"tacho/store"
)

var (
	exportFrom = time.Date(2025, 3, 3, 12, 0, 0, 0, time.UTC)
	fMain      = tacho.Frame{Function: "app.Main.main", File: "Main.java", Line: 10, Kind: tacho.KindInterpreted}
	fWork      = tacho.Frame{Function: "app.Work.run", File: "Work.java", Module: "app.jar", Line: 42, Kind: tacho.KindJIT}
	fWorkLate  = tacho.Frame{Function: "app.Work.run", File: "Work.java", Module: "app.jar", Line: 43, Kind: tacho.KindJIT}
	fRead      = tacho.Frame{Function: "read", Module: "libc.so.6", Kind: tacho.KindNative}
	fHot       = tacho.Frame{Function: "copy_user", Kind: tacho.KindKernel}
	fBare      = tacho.AddressFrame("/opt/app/native.so", "c0ffee", 0x1f40, tacho.KindNative)
	inA        = tacho.NewLabels(map[string]string{"instance": "a", "thread_group": "http-#"})
	inB        = tacho.NewLabels(map[string]string{"instance": "b", "size[bytes]": "4096", "zone": "1", "zone#2": "2"})
)

// sampleExport is three stacks of two label sets; 20 of the same stack twice.
func sampleExport() *Export {
	e := NewExport("orders", tacho.CPU, exportFrom, exportFrom.Add(time.Minute))
	e.Seconds = 60
	e.Add(inA, tacho.Stack{fWork, fMain}, 20)
	e.Add(inB, tacho.Stack{fWork, fMain}, 5)
	e.Add(inA, tacho.Stack{fHot, fRead, fWorkLate, fMain}, 30)
	e.Add(inA, tacho.Stack{fWork, fMain}, 20)
	e.Add(inB, tacho.Stack{fBare, fMain}, 7)
	e.Add(inB, tacho.Stack{fMain}, 0) // nothing
	return e
}

func write(t *testing.T, e *Export, format string) string {
	t.Helper()
	for _, f := range ExportFormats() {
		if f.Name == format {
			var b bytes.Buffer
			if err := f.Write(e, &b); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
	}
	t.Fatalf("no format %q", format)
	return ""
}

func TestExportPprof(t *testing.T) {
	e := sampleExport()
	e.Notes, e.Missing = []string{"focus: x"}, []string{"day 3 is damaged"}
	p, err := profile.ParseData([]byte(write(t, e, "pprof")))
	if err != nil {
		t.Fatal(err)
	}
	if p.SampleType[0].Type != "cpu" || p.SampleType[0].Unit != "nanoseconds" || p.PeriodType.Type != "cpu" || p.DefaultSampleType != "cpu" ||
		p.TimeNanos != 1741003200000000000 || p.DurationNanos != 60e9 || !reflect.DeepEqual(p.Comments, []string{"focus: x", "missing: day 3 is damaged"}) {
		t.Errorf("head: %+v %+v %q %d %d %q", p.SampleType[0], p.PeriodType, p.DefaultSampleType, p.TimeNanos, p.DurationNanos, p.Comments)
	}
	type line struct {
		stack  string
		value  int64
		labels map[string][]string
		nums   map[string][]int64
	}
	var got []line
	for _, s := range p.Sample {
		var names []string
		for _, l := range s.Location {
			if len(l.Line) == 0 {
				names = append(names, l.Mapping.File+"@"+l.Mapping.BuildID)
				if l.Address != 0x1f40 {
					t.Errorf("address %#x, want 0x1f40", l.Address)
				}
				continue
			}
			f := l.Line[0]
			module := ""
			if l.Mapping != nil {
				module = l.Mapping.File
			}
			names = append(names, strings.Join([]string{f.Function.Name, f.Function.Filename, module, string(rune('0' + f.Line%10))}, " "))
		}
		got = append(got, line{strings.Join(names, ";"), s.Value[0], s.Label, s.NumLabel})
	}
	work, main := "app.Work.run Work.java app.jar 2", "app.Main.main Main.java  0"
	a := map[string][]string{"instance": {"a"}, "thread_group": {"http-#"}}
	b := map[string][]string{"instance": {"b"}, "zone": {"1", "2"}}
	num := map[string][]int64{"size": {4096}}
	want := []line{
		{work + ";" + main, 40, a, nil},
		{work + ";" + main, 5, b, num},
		{"copy_user   0;read  libc.so.6 0;app.Work.run Work.java app.jar 3;" + main, 30, a, nil},
		{"/opt/app/native.so@c0ffee;" + main, 7, b, num},
	}
	for i := range got {
		if len(got[i].nums) == 0 {
			got[i].nums = nil
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("samples\n got %v\nwant %v", got, want)
	}
	if len(p.Location) != 6 || len(p.Function) != 4 || len(p.Mapping) != 3 {
		t.Errorf("%d locations, %d functions, %d mappings; want 6, 4, 3", len(p.Location), len(p.Function), len(p.Mapping))
	}
	if u := p.Sample[1].NumUnit["size"]; len(u) != 1 || u[0] != "bytes" {
		t.Errorf("unit of size: %q, want bytes", u)
	}
}

func TestExportCollapsed(t *testing.T) {
	want := "app.Main.main_[0];app.Work.run_[j] 45\n" +
		"app.Main.main_[0];app.Work.run_[j];read;copy_user_[k] 30\n" +
		"app.Main.main_[0];native.so+0x1f40 7\n"
	if got := write(t, sampleExport(), "collapsed"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	e := NewExport("x", tacho.CPU, exportFrom, exportFrom.Add(1))
	e.Add(nil, tacho.Stack{{Function: "a;b\nc 7"}, {Function: ""}}, 3)
	if got := write(t, e, "collapsed"); got != `[unknown];a:b\x0ac 7 3`+"\n" {
		t.Errorf("hostile names: %q", got)
	}
}

func TestExportSpeedscope(t *testing.T) {
	var f struct {
		Schema   string `json:"$schema"`
		Exporter string
		Shared   struct {
			Frames []struct {
				Name, File string
				Line       int
			}
		}
		Profiles []struct {
			Type, Name, Unit     string
			StartValue, EndValue int64
			Samples              [][]int
			Weights              []int64
		}
	}
	if err := json.Unmarshal([]byte(write(t, sampleExport(), "speedscope")), &f); err != nil {
		t.Fatal(err)
	}
	p := f.Profiles[0]
	if f.Schema != "https://www.speedscope.app/file-format-schema.json" || p.Type != "sampled" || p.Unit != "nanoseconds" || p.EndValue != 82 || p.Name != "orders cpu" {
		t.Errorf("head: %+v", f)
	}
	// Root first: main, work; main, work, read, copy_user; main, native.
	if want := [][]int{{1, 0}, {1, 4, 3, 2}, {1, 5}}; !reflect.DeepEqual(p.Samples, want) || !reflect.DeepEqual(p.Weights, []int64{45, 30, 7}) {
		t.Errorf("samples %v weights %v, want %v and 45 30 7", p.Samples, p.Weights, want)
	}
	if fr := f.Shared.Frames[0]; fr.Name != "app.Work.run" || fr.File != "Work.java" || fr.Line != 42 {
		t.Errorf("frame 0: %+v", fr)
	}
}

func TestExportJSON(t *testing.T) {
	var f struct {
		Service, Type, Unit string
		FromMS              int64 `json:"from_ms"`
		UntilMS             int64 `json:"until_ms"`
		Seconds             float64
		Total               int64
		Frames              struct {
			Function, File, Module []string
			Line, Kind             []int
		}
		Stacks  [][]int
		Labels  []map[string]string
		Samples struct{ Stack, Labels, Value []int64 }
		Kinds   []string
		Notes   []string
		Missing []string
	}
	if err := json.Unmarshal([]byte(write(t, sampleExport(), "json")), &f); err != nil {
		t.Fatal(err)
	}
	if f.Service != "orders" || f.Unit != "nanoseconds" || f.Total != 82 || f.UntilMS-f.FromMS != 60000 || f.Seconds != 60 || f.Notes == nil || f.Missing == nil {
		t.Errorf("head: %+v", f)
	}
	if !reflect.DeepEqual(f.Samples.Value, []int64{40, 5, 30, 7}) || !reflect.DeepEqual(f.Samples.Labels, []int64{0, 1, 0, 1}) ||
		!reflect.DeepEqual(f.Stacks[1], []int{2, 3, 4, 1}) || f.Labels[1]["zone#2"] != "2" || f.Kinds[f.Frames.Kind[0]] != "jit" || f.Frames.Module[3] != "libc.so.6" {
		t.Errorf("tables: %+v", f)
	}
}

func TestExportSVG(t *testing.T) {
	svg := write(t, sampleExport(), "svg")
	titles, rects := readSVG(t, svg)
	want := []string{
		"all\n82 ns of 82 ns (100.0 %), 0 ns itself",
		"app.Main.main\n82 ns of 82 ns (100.0 %), 0 ns itself",
		"app.Work.run\n75 ns of 82 ns (91.5 %), 45 ns itself",
		"read\n30 ns of 82 ns (36.6 %), 0 ns itself",
		"copy_user\n30 ns of 82 ns (36.6 %), 30 ns itself",
		"native.so+0x1f40\n7 ns of 82 ns (8.5 %), 7 ns itself",
	}
	if !reflect.DeepEqual(titles, want) {
		t.Errorf("titles\n got %q\nwant %q", titles, want)
	}
	// native: from 75/82 of 1200 pixels on, 7/82 wide; the background first.
	if got := rects[len(rects)-1]; got != "1097.56 102.44" && got != "1097.56 101.94" {
		t.Errorf("the last frame is at x and width %q", got)
	}
	for _, bad := range []string{"<script", "<style", "style=", "href"} {
		if strings.Contains(svg, bad) {
			t.Errorf("the drawing has %q: it would be blocked or could act", bad)
		}
	}
}

func TestExportSVGHostile(t *testing.T) {
	e := NewExport(`</svg><script>alert(1)</script>`, tacho.CPU, exportFrom, exportFrom.Add(time.Minute))
	e.Add(nil, tacho.Stack{{Function: `</title><script>alert("x")</script>` + "\x00\u202e\xff&"}}, 1)
	titles, _ := readSVG(t, write(t, e, "svg"))
	if len(titles) != 2 || !strings.HasPrefix(titles[1], `</title><script>alert("x")</script>\x00\u202e\xff&`) {
		t.Errorf("titles %q: want the name as text", titles)
	}
	deep := NewExport("deep", tacho.CPU, exportFrom, exportFrom.Add(time.Minute))
	var s tacho.Stack
	for range 5000 {
		s = append(s, tacho.Frame{Function: "f"})
	}
	deep.Add(nil, s, 1)
	if svg := write(t, deep, "svg"); !strings.Contains(svg, "4,400 small frames not drawn") {
		t.Errorf("what was not drawn is not said: %.400s", svg)
	}
}

// readSVG parses the drawing as XML and fails on elements of other kinds.
func readSVG(t *testing.T, svg string) (titles, rects []string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	in := ""
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return titles, rects
		}
		if err != nil {
			t.Fatalf("the drawing is no XML: %v", err)
		}
		switch x := tok.(type) {
		case xml.StartElement:
			in = x.Name.Local
			switch in {
			case "svg", "g", "text", "title":
			case "rect":
				at := map[string]string{}
				for _, a := range x.Attr {
					at[a.Name.Local] = a.Value
				}
				rects = append(rects, at["x"]+" "+at["width"])
			default:
				t.Errorf("element %q", in)
			}
		case xml.CharData:
			if in == "title" {
				titles = append(titles, string(x))
			}
		case xml.EndElement:
			in = ""
		}
	}
}

// A store's parts give the same file as the stacks one by one.
func TestExportPart(t *testing.T) {
	tree := &store.Tree{
		Frames: []tacho.Frame{fMain, fWork, fRead},
		Parent: []uint32{0, 0, 1, 2}, Frame: []uint32{0, 0, 1, 2}, Leaf: []uint32{2, 3, 1},
	}
	e := NewExport("orders", tacho.CPU, exportFrom, exportFrom.Add(time.Minute))
	e.AddPart(inA, tree, []int64{20, 0})
	e.AddPart(inA, tree, []int64{5, 30})
	want := "app.Main.main_[0];app.Work.run_[j] 25\napp.Main.main_[0];app.Work.run_[j];read 30\n"
	if got := write(t, e, "collapsed"); got != want || e.Total() != 55 {
		t.Errorf("total %d, got\n%swant\n%s", e.Total(), got, want)
	}
}
