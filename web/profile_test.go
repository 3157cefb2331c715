package web

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"tacho"
	"tacho/format"
	"tacho/format/pprof"
	"tacho/store/local"
)

// openStore is a store of its own with the tests' clock.
func openStore(t *testing.T) *local.Store {
	t.Helper()
	st, err := local.Open(local.Options{Dir: t.TempDir(), MinFree: 1, Ballast: -1, RollEvery: -1, WatchEvery: -1, Now: func() time.Time { return base.Add(90 * time.Second) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return st
}

// keep decodes a file and stores what it holds.
func keep(t *testing.T, st *local.Store, d format.Decoder, file []byte, target map[string]string) {
	t.Helper()
	o := format.Options{Target: tacho.NewLabels(target), From: base, Until: base.Add(time.Minute), Type: tacho.CPU, Now: func() time.Time { return base }}
	in, err := format.Open(bytes.NewReader(file), format.DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	rep, err := d.Decode(t.Context(), in, o, func(b *tacho.Batch) error {
		return st.Append(context.Background(), "", []*tacho.Batch{b})
	})
	if err != nil || len(rep.Warnings) > 0 {
		t.Fatalf("decode: %v, %+v", err, rep.Warnings)
	}
}

const exportRange = "&from=2025-03-03T12:00:00Z&until=2025-03-03T12:01:00Z"

// richProfile has everything a sample can have: lines, inlined calls, a bare
// address, labels of text, of numbers, of two values, threads and spans.
func richProfile() *profile.Profile {
	app := &profile.Mapping{ID: 1, Start: 0x400000, Limit: 0x500000, File: "/opt/app", BuildID: "c0ffee", HasFunctions: true, HasFilenames: true, HasLineNumbers: true}
	lib := &profile.Mapping{ID: 2, Start: 0x7f0000, Limit: 0x7f8000, File: "/lib/libz.so", BuildID: "beef"}
	fn := func(id uint64, name, file string) *profile.Function {
		return &profile.Function{ID: id, Name: name, SystemName: name, Filename: file}
	}
	main, serve, hot, inl := fn(1, "main.main", "main.go"), fn(2, "main.serve", "serve.go"), fn(3, "main.hot", "hot.go"), fn(4, "main.inl", "hot.go")
	lMain := &profile.Location{ID: 1, Mapping: app, Address: 0x400010, Line: []profile.Line{{Function: main, Line: 10}}}
	lServe := &profile.Location{ID: 2, Mapping: app, Address: 0x400020, Line: []profile.Line{{Function: serve, Line: 20}}}
	lServe2 := &profile.Location{ID: 3, Mapping: app, Address: 0x400030, Line: []profile.Line{{Function: serve, Line: 21}}}
	lHot := &profile.Location{ID: 4, Mapping: app, Address: 0x400040, Line: []profile.Line{{Function: inl, Line: 31}, {Function: hot, Line: 30}}}
	lBare := &profile.Location{ID: 5, Mapping: lib, Address: 0x7f1f40}
	st := func(v ...int64) []int64 { return v }
	return &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 10e6, TimeNanos: base.UnixNano(), DurationNanos: 10e9,
		Mapping: []*profile.Mapping{app, lib}, Function: []*profile.Function{main, serve, hot, inl},
		Location: []*profile.Location{lMain, lServe, lServe2, lHot, lBare},
		Sample: []*profile.Sample{
			{Location: []*profile.Location{lHot, lServe, lMain}, Value: st(3, 30e6)},
			{Location: []*profile.Location{lHot, lServe2, lMain}, Value: st(4, 40e6), Label: map[string][]string{"endpoint": {"/pay"}, "tag": {"x", "y"}}},
			{Location: []*profile.Location{lServe, lMain}, Value: st(2, 20e6), NumLabel: map[string][]int64{"size": {4096}}, NumUnit: map[string][]string{"size": {"bytes"}}},
			{Location: []*profile.Location{lBare, lServe, lMain}, Value: st(1, 10e6), Label: map[string][]string{"thread": {"http-1"}, "thread_id": {"7"}}},
			{Location: []*profile.Location{lBare, lServe, lMain}, Value: st(5, 50e6), Label: map[string][]string{"thread": {"http-2"}, "span_id": {"00000000deadbeef"}, "endpoint": {"/pay"}}},
			{Location: []*profile.Location{lBare, lServe, lMain}, Value: st(6, 60e6)},
		},
	}
}

// said is everything a profile says of one of its values, sorted; labels of the
// target are left out.
func said(t *testing.T, p *profile.Profile, value int, without ...string) []string {
	t.Helper()
	sum := map[string]int64{}
	for _, s := range p.Sample {
		var b strings.Builder
		for _, l := range s.Location {
			m := l.Mapping
			if m == nil {
				m = &profile.Mapping{}
			}
			if len(l.Line) == 0 {
				fmt.Fprintf(&b, "%s %s %#x; ", m.File, m.BuildID, l.Address-m.Start+m.Offset)
			}
			for _, x := range l.Line {
				fmt.Fprintf(&b, "%s %s:%d %s; ", x.Function.Name, x.Function.Filename, x.Line, m.File)
			}
		}
		var labels []string
		for n, vs := range s.Label {
			if !slices.Contains(without, n) {
				labels = append(labels, fmt.Sprint(n, vs))
			}
		}
		for n, vs := range s.NumLabel {
			labels = append(labels, fmt.Sprint(n, vs, s.NumUnit[n]))
		}
		slices.Sort(labels)
		sum[b.String()+strings.Join(labels, " ")] += s.Value[value]
	}
	var out []string
	for k, v := range sum {
		out = append(out, fmt.Sprintf("%s = %d", k, v))
	}
	slices.Sort(out)
	return out
}

// ofTarget are the labels an export adds to those of the sample.
var ofTarget = []string{tacho.LabelService, tacho.LabelInstance, tacho.LabelThreadGroup}

// TestPprofRoundTrip: pprof → store → pprof keeps every function, line, value
// and label; and so does what came out, put in again.
func TestPprofRoundTrip(t *testing.T) {
	var in bytes.Buffer
	if err := richProfile().Write(&in); err != nil {
		t.Fatal(err)
	}
	st := openStore(t)
	keep(t, st, pprof.Decoder(), in.Bytes(), map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: "a"})
	h := newServer(st, nil)
	for value, typ := range []string{"samples", "cpu"} {
		want := said(t, richProfile(), value)
		if len(want) != 6 {
			t.Fatalf("the test profile says %d things, want 6", len(want))
		}
		w := get(t, h, "/api/v1/profile?service=orders&format=pprof&type="+typ+exportRange)
		if w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		p, err := profile.ParseData(w.Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if got := said(t, p, 0, ofTarget...); !slices.Equal(got, want) {
			t.Errorf("%s\n got %s\nwant %s", typ, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
		again := openStore(t)
		keep(t, again, pprof.Decoder(), w.Body.Bytes(), map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: "a"})
		w2 := get(t, newServer(again, nil), "/api/v1/profile?service=orders&format=pprof&type="+typ+exportRange)
		p2, err := profile.ParseData(w2.Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if got := said(t, p2, 0, ofTarget...); !slices.Equal(got, want) {
			t.Errorf("%s, the second time\n got %s\nwant %s", typ, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
}

// TestThreadGroupsRoundTrip: the groups a recorder gave threads are not those
// their names would have; an export that is put in again keeps them.
func TestThreadGroupsRoundTrip(t *testing.T) {
	x := tacho.NewBuilder()
	f := x.Stack(tacho.Stack{{Function: "f"}})
	x.Sample(tacho.CPU, tacho.Sample{Time: base.UnixNano() + 5, Value: 7, Stack: f, Thread: x.Thread(tacho.Thread{ID: 9, Name: "C2 CompilerThread0", Group: "JIT C2"})})
	x.Sample(tacho.CPU, tacho.Sample{Value: 8, Stack: f, Thread: x.Thread(tacho.Thread{Group: "GC"})})
	target := map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: "a"}
	first, second := openStore(t), openStore(t)
	if err := first.Append(t.Context(), "", []*tacho.Batch{x.Take(tacho.NewLabels(target), "t", base.UnixNano(), base.UnixNano()+1e9, 0)}); err != nil {
		t.Fatal(err)
	}
	file := get(t, newServer(first, nil), "/api/v1/profile?service=orders&type=cpu"+exportRange).Body.Bytes()
	keep(t, second, pprof.Decoder(), file, target)
	again := get(t, newServer(second, nil), "/api/v1/profile?service=orders&type=cpu"+exportRange).Body.Bytes()
	for _, b := range [][]byte{file, again} {
		p, err := profile.ParseData(b)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"f :0 ; thread[C2 CompilerThread0] thread_group[JIT C2] thread_id[9] = 7", "f :0 ; thread_group[GC] = 8"}
		if got := said(t, p, 0, tacho.LabelService, tacho.LabelInstance); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestProfileNarrowed: the export says what was asked for, and holds it.
func TestProfileNarrowed(t *testing.T) {
	h := newServer(sampleData(), nil)
	for _, c := range []struct{ query, want string }{
		{"type=cpu", "java.lang.Thread.run_[j];com.acme.Orders.price_[j] 20000000000\n"},
		{"type=cpu&match=" + url.QueryEscape(`instance="a"`), "java.lang.Thread.run_[j];com.acme.Orders.price_[j] 10000000000\n"},
		{"type=wall", "java.lang.Thread.run_[j];com.acme.Orders.price_[j] 20000000000\njava.lang.Thread.run_[j];com.acme.Orders.save_[0] 15000000000\n"},
		{"type=wall&exclude=com.acme.Orders.price", "java.lang.Thread.run_[j];com.acme.Orders.save_[0] 15000000000\n"},
		{"type=wall&focus=com.acme.Orders.save", "com.acme.Orders.save_[0] 15000000000\n"},
		{"type=cpu&filter=nothing", ""},
	} {
		w := get(t, h, "/api/v1/profile?service=orders&format=collapsed&"+c.query+minuteOf)
		if w.Code != http.StatusOK || w.Body.String() != c.want {
			t.Errorf("%s: %d\n%swant\n%s", c.query, w.Code, w.Body, c.want)
		}
	}
	w := get(t, h, "/api/v1/profile?service=orders&type=cpu&focus=com.acme.Orders.price"+minuteOf)
	p, err := profile.ParseData(w.Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"focus: com.acme.Orders.price", "threads and spans left out: the stacks were narrowed"}; !slices.Equal(p.Comments, want) {
		t.Errorf("comments %q, want %q", p.Comments, want)
	}
	for query, code := range map[string]int{
		"service=orders&type=cpu&format=xml":          400,
		"service=none&type=cpu":                       404,
		"service=orders&type=none":                    404,
		"service=orders&type=cpu&filter=" + "/%28/":   400,
		"service=orders&type=cpu&collapse=everything": 400,
	} {
		if w := get(t, h, "/api/v1/profile?"+query+minuteOf); w.Code != code {
			t.Errorf("%s: %d %s, want %d", query, w.Code, w.Body, code)
		}
	}
	evil := get(t, h, "/api/v1/profile?format=svg&type=cpu&service="+url.QueryEscape("evil//../"+evilName)+minuteOf)
	if evil.Code != http.StatusOK || strings.Contains(evil.Body.String(), "<script") || strings.ContainsAny(evil.Header().Get("Content-Disposition"), "/\r\n\x1b\x07") {
		t.Errorf("hostile names: %d %q %s", evil.Code, evil.Header(), evil.Body)
	}
}

// TestProfileLabelsCost: where asking for every series would take too long the
// profile has fewer labels, says so, and adds up to the same.
func TestProfileLabelsCost(t *testing.T) {
	f := &fakeStore{}
	for i := range 50 {
		x := tacho.NewBuilder()
		for g := range 4 {
			x.Sample(tacho.CPU, tacho.Sample{Value: 10, Stack: x.Stack(tacho.Stack{{Function: "f"}}), Thread: x.Thread(tacho.Thread{Group: fmt.Sprint("g", g)})})
		}
		target := tacho.NewLabels(map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: fmt.Sprint("i", i)})
		f.batches = append(f.batches, x.Take(target, "test", base.UnixNano(), base.Add(time.Minute).UnixNano(), 0))
	}
	h := newServer(f, nil)
	for from, want := range map[string]struct {
		samples int
		note    string
	}{
		"2025-03-03T11:00:00Z": {200, ""},
		"2025-03-02T12:00:00Z": {50, "threads, their groups and spans left out: 200 series in 24 hours are too many; ask for less"},
		"2025-02-24T12:00:00Z": {1, "labels left out: 200 series in 168 hours are too many; ask for less"},
	} {
		w := get(t, h, "/api/v1/profile?service=orders&type=cpu&until=2025-03-03T12:01:00Z&from="+from)
		p, err := profile.ParseData(w.Body.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		sum := int64(0)
		for _, s := range p.Sample {
			sum += s.Value[0]
		}
		if len(p.Sample) != want.samples || sum != 2000 || strings.Join(p.Comments, "; ") != want.note {
			t.Errorf("from %s: %d samples of %d, comments %q; want %d of 2000, %q", from, len(p.Sample), sum, p.Comments, want.samples, want.note)
		}
	}
}

// TestReadersLearnWhatIsMissing: what cannot be read is said in a comment of the
// profile, and to Pyroscope's clients in a header.
func TestReadersLearnWhatIsMissing(t *testing.T) {
	st := sampleData()
	st.missing = []string{"raw block 7 is damaged"}
	h := newServer(st, nil)
	p, err := profile.ParseData(get(t, h, "/api/v1/profile?service=orders&type=cpu"+minuteOf).Body.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"missing: raw block 7 is damaged"}; !slices.Equal(p.Comments, want) {
		t.Errorf("comments %q, want %q", p.Comments, want)
	}
	w := request(t, h, http.MethodPost, "/querier.v1.QuerierService/SelectMergeSpanProfile", strings.NewReader(`{"profileTypeID": "process_cpu:cpu:nanoseconds:cpu:nanoseconds",
		"spanSelector": ["9a517183f26a089d"], "start": "1741003200000", "end": "1741003260000"}`), "Content-Type", "application/json")
	if got := w.Header().Values("Tacho-Missing"); w.Code != http.StatusOK || !slices.Equal(got, []string{"raw block 7 is damaged"}) {
		t.Errorf("%d %q %s", w.Code, got, w.Body)
	}
}

// TestGoToolPprof runs the real `go tool pprof` on the address, as
// docs/integrations/go-tool-pprof.md says.
func TestGoToolPprof(t *testing.T) {
	var in bytes.Buffer
	if err := richProfile().Write(&in); err != nil {
		t.Fatal(err)
	}
	st := openStore(t)
	keep(t, st, pprof.Decoder(), in.Bytes(), map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: "a"})
	srv := httptest.NewServer(newServer(st, nil))
	defer srv.Close()
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "go", append([]string{"tool", "pprof"}, args...)...)
		cmd.Env = append(cmd.Environ(), "PPROF_TMPDIR="+t.TempDir(), "PPROF_BINARY_PATH="+t.TempDir())
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go tool pprof %q: %v", args, err)
		}
		return string(out)
	}
	addr := srv.URL + "/api/v1/profile?service=orders&type=cpu" + exportRange
	top := run("-top", "-unit=ms", "-symbolize=none", addr)
	for _, want := range []string{`Type: cpu`, `File: app`, `Duration: 60s, Total samples = 210ms`, `70ms 33\.33% +\S+ +70ms 33\.33% +main\.inl`, `20ms +9\.52% +\S+ +210ms +100% +main\.serve`, `0 +0% +\S+ +210ms +100% +main\.main`} {
		if !regexp.MustCompile(want).MatchString(top) {
			t.Errorf("no line like %q in\n%s", want, top)
		}
	}
	if tags := run("-tags", "-unit=ms", "-symbolize=none", addr); !regexp.MustCompile(`endpoint: Total 90(\.0)?ms.*\n +90(\.0)?ms \(.*\): /pay`).MatchString(tags) {
		t.Errorf("the labels are not tags:\n%s", tags)
	}
}
