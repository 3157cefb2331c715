package perfscript

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/format"
	"tacho/format/formattest"
)

// The files are perf 6.1's output for real programs, some cut to a few samples:
// native (C, call graph, with mappings), inlined (C++, DWARF call graph),
// nocallgraph, java (the JDK's perf map), node (V8's); variants.perf is made by
// hand from perf's source.
var files = []string{"testdata/native.perf", "testdata/inlined.perf", "testdata/nocallgraph.perf", "testdata/java.perf", "testdata/node.perf", "testdata/variants.perf"}

func TestPerfscript(t *testing.T) { formattest.Run(t, Decoder(), files...) }

func FuzzPerfscript(f *testing.F) { formattest.Fuzz(f, Decoder(), files...) }

func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		line   string
		comm   string
		pid    int64
		tid    int64
		time   int64
		period int64
		event  string
		rest   string
		ok     bool
	}{
		{"burn it 25466 13408.943040:          1 page-faults: ", "burn it", 25466, 25466, 13408943040000, 1, "page-faults", "", true},
		{"spin worker 1  1711 13768.985476:   10101010 cpu-clock: ", "spin worker 1", 1711, 1711, 13768985476000, 10101010, "cpu-clock", "", true},
		{"         burn it  1012 13737.175693:    2004008 cpu-clock:      5616d0d7117a work+0x11 (/tmp/H/burn it)", "burn it", 1012, 1012, 13737175693000, 2004008, "cpu-clock", "5616d0d7117a work+0x11 (/tmp/H/burn it)", true},
		{"java 77/78 [003] 1.000000001: cycles:u:", "java", 77, 78, 1000000001, 0, "cycles:u", "", true},
		{"swapper 0 [002] d.h. 100.2: sched:sched_switch: prev_pid=0", "swapper", 0, 0, 100200000000, 0, "sched:sched_switch", "prev_pid=0", true},
		{"java 77 [003] 99 cycles: ", "java", 77, 77, -1, 99, "cycles", "", true},
		{"java 5 77 cycles:", "java", 5, 5, -1, 77, "cycles", "", true}, // nobody could tell
		{"java 77 12.5:", "java", 77, 77, 12500000000, 0, "", "", true},
		{"a.out 12.34: cycles:", "", 0, 0, 0, 0, "", "", false},
		{"the quick brown fox", "", 0, 0, 0, 0, "", "", false},
		{"main;foo;bar 12", "", 0, 0, 0, 0, "", "", false},
		{"", "", 0, 0, 0, 0, "", "", false},
	} {
		h, ok := parseHeader([]byte(c.line))
		if ok != c.ok {
			t.Errorf("%q: %t, want %t", c.line, ok, c.ok)
			continue
		}
		if ok && (string(h.comm) != c.comm || h.pid != c.pid || h.tid != c.tid || h.time != c.time || h.period != c.period || string(h.event) != c.event || string(h.rest) != c.rest) {
			t.Errorf("%q: got %q %d/%d at %d period %d event %q rest %q", c.line, h.comm, h.pid, h.tid, h.time, h.period, h.event, h.rest)
		}
	}
}

func TestFrames(t *testing.T) {
	var maps mappings
	maps.add([]byte("x 7 1.0: PERF_RECORD_MMAP2 7/8: [0x7f0000001000(0x2000) @ 0x3000 <00ff>]: r-xp /usr/lib/libz.so.1"))
	for line, want := range map[string][]tacho.Frame{
		"\t  117a work+0x11 (/tmp/a b)":                                 {{Function: "work", Module: "/tmp/a b", Kind: tacho.KindNative}},
		"\t  117a foo(int, char (*)(long))+0x1 (/x (deleted))":          {{Function: "foo(int, char (*)(long))", Module: "/x", Kind: tacho.KindNative}},
		"\t  117a operator()+0x1 (inlined)":                             {{Function: "operator()", Kind: tacho.KindInlined}},
		"\tffffffff81752a2a elf_load+0x28a ([kernel.kallsyms])":         {{Function: "elf_load", Module: "[kernel.kallsyms]", Kind: tacho.KindKernel}},
		"\tffffffffc0a01234 [unknown] ([nf_tables])":                    {{Function: "[nf_tables]", Module: "[nf_tables]", Kind: tacho.KindKernel}},
		"\t  7f46db2f2ad7 [unknown] ([unknown])":                        {{Function: "[unknown]"}},
		"\t  7f46db2f2ad7 [unknown] (/usr/lib/libz.so.1)":               {{Function: "[libz.so.1]", Module: "/usr/lib/libz.so.1", Kind: tacho.KindNative}},
		"\t  1f40 [unknown] (/usr/lib/libz.so.1)":                       {{Function: "libz.so.1+0x1f40", Module: "/usr/lib/libz.so.1", Kind: tacho.KindNative}},
		"\t  7f0000001234 [unknown] ([unknown])":                        {{Function: "libz.so.1+0x3234", File: "build-id:00ff", Module: "/usr/lib/libz.so.1"}},
		"\t  1 long Spin.fib(int)+0x2b (/tmp/perf-1.map)":               {{Function: "Spin.fib", Module: "", Kind: tacho.KindJIT}},
		"\t  1 Lcom/a/B;::c->Lcom/a/D;::e+0x2b (/tmp/perf-1.map)":       {{Function: "com.a.D.e", Kind: tacho.KindInlined}, {Function: "com.a.B.c", Kind: tacho.KindJIT}},
		"\t  1 Interpreter+0x2b (/tmp/perf-1.map)":                      {{Function: "Interpreter", Kind: tacho.KindInterpreted}},
		"\t  1 JS:*total /tmp/H/hot.js:2:20+0x26a (/tmp/perf-1270.map)": {{Function: "total", File: "/tmp/H/hot.js", Line: 2, Kind: tacho.KindJIT}},
		"\t  1 JS:~ node:internal/main/x:1:1+0xdc (/tmp/perf-1.map)":    {{Function: "(anonymous)", File: "node:internal/main/x", Line: 1, Kind: tacho.KindJIT}},
		"\t  1 _ZN4acme3fooEi+0x1 (/x)":                                 {{Function: "acme::foo", Module: "/x", Kind: tacho.KindNative}},
		"\t  1 _RNvC6_123foo3bar+0x1 (/x)":                              {{Function: "123foo::bar", Module: "/x", Kind: tacho.KindNative}},
		"\t  main+0x9a (/tmp/a)":                                        {{Function: "main", Module: "/tmp/a", Kind: tacho.KindNative}},
	} {
		f, ok := parseFrame([]byte(line))
		if !ok {
			t.Errorf("%q is not a frame", line)
			continue
		}
		got := f.frames(&maps, 7)
		if len(got) != len(want) {
			t.Errorf("%q: got %+v, want %+v", line, got, want)
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%q: got %+v, want %+v", line, got[i], want[i])
			}
		}
	}
}

// TestAgreesWithTheOneLiner compares with what people run instead: folding perf
// script's frames into lines, here by another implementation in a few lines.
func TestAgreesWithTheOneLiner(t *testing.T) {
	data, err := os.ReadFile("testdata/native.perf")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{}
	for _, block := range strings.Split(string(data), "\n\n") {
		var lines []string
		for _, l := range strings.Split(block, "\n") {
			if l != "" && !strings.Contains(l, "PERF_RECORD") {
				lines = append(lines, l)
			}
		}
		if len(lines) < 2 {
			continue
		}
		key := lines[0][strings.LastIndex(strings.TrimSuffix(strings.TrimSpace(lines[0]), ":"), " ")+1:]
		key = strings.TrimSuffix(strings.TrimSpace(key), ":")
		for _, l := range lines[1:] {
			sym := strings.Fields(l)[1]
			key += ";" + strings.Split(sym, "+0x")[0]
		}
		want[key]++
	}
	res := formattest.Decode(Decoder(), bytes.NewReader(data), formattest.Options())
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	got := map[string]int{}
	for _, b := range res.Batches {
		for _, p := range b.Profiles {
			for _, s := range p.Samples {
				key := map[string]string{"cpu": "cpu-clock"}[p.Type.Name]
				if key == "" {
					key = p.Type.Name
				}
				for _, f := range b.Stack(s.Stack) {
					name := f.Function
					if _, _, isAddress := f.Address(); isAddress {
						name = "[unknown]"
					}
					key += ";" + name
				}
				got[key]++
			}
		}
	}
	if len(got) < 5 || len(got) != len(want) {
		t.Errorf("%d different stacks, want %d", len(got), len(want))
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s: %d samples, want %d", k, got[k], n)
		}
	}
}

func TestTimes(t *testing.T) {
	const two = "a 1 100.5: 7 cpu-clock:\n\t1 f (/x)\n\na 1 102.5: 7 cpu-clock:\n\t1 f (/x)\n\n"
	at := func(o format.Options, in string) (times []int64) {
		res := formattest.Decode(Decoder(), strings.NewReader(in), o)
		if res.Err != nil {
			t.Fatal(res.Err)
		}
		for _, b := range res.Batches {
			for _, s := range b.Profiles[0].Samples {
				times = append(times, s.Time)
			}
		}
		return times
	}
	now := formattest.Now().UnixNano()
	o := formattest.Options()
	if got := at(o, two); got[0] != now-1-2e9 || got[1] != now-1 {
		t.Errorf("without anything: %v, want them to end now", got)
	}
	o.From = time.Unix(1000, 0)
	if got := at(o, two); got[0] != 1000e9 || got[1] != 1002e9 {
		t.Errorf("with From: %v, want them to begin there", got)
	}
	if got := at(formattest.Options(), strings.ReplaceAll(two, " 10", " 170000000")); got[0] != 1700000000500000000 || got[1] != 1700000002500000000 {
		t.Errorf("wall clock: %v", got)
	}
}
