package cpuprofile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tacho/format/cpuprofile"
	"tacho/format/formattest"
)

var files = []string{"testdata/node.cpuprofile", "testdata/trace.json"}

func TestCPUProfile(t *testing.T) { formattest.Run(t, cpuprofile.Decoder(), files...) }

func FuzzCPUProfile(f *testing.F) { formattest.Fuzz(f, cpuprofile.Decoder(), files...) }

const nodes = `"nodes": [{"id": 1, "callFrame": {"functionName": "(root)"}, "children": [2]}, {"id": 2, "callFrame": {"functionName": "f", "lineNumber": 4, "url": "a.js"}}]`

// Each sample has the time until the next one.
func TestTimes(t *testing.T) {
	in := `{` + nodes + `, "startTime": 1000, "endTime": 2000, "samples": [2, 1, 2], "timeDeltas": [100, 300, 200]}`
	res := formattest.Decode(cpuprofile.Decoder(), strings.NewReader(in), formattest.Options())
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	b := res.Batches[0]
	if want := formattest.Now().Add(-time.Millisecond).UnixNano(); b.From != want || b.Until != want+1e6 {
		t.Errorf("window [%d, %d), want 1 ms from %d", b.From, b.Until, want)
	}
	var got []string
	for _, s := range b.Profiles[0].Samples {
		got = append(got, fmt.Sprint(s.Time-b.From, " ", s.Value))
	}
	if want := "[100000 300000 600000 400000]"; fmt.Sprint(got) != want {
		t.Errorf("samples %v, want %s", got, want)
	}
}

func TestSaysWhatIsWrong(t *testing.T) {
	for in, want := range map[string]string{
		`{` + nodes + `, "samples": [3], "timeDeltas": [5], "endTime": 9}`:               "sample 0 is of node 3, which is not there",
		`{"nodes": [{"id": 1}, {"id": 1}]}`:                                              "node 1 is there twice",
		`{"nodes": [{"id": 1, "children": [2]}]}`:                                        "node 1 or its child 2 is not there",
		`{"nodes": [{"id": 1, "children": [3]}, {"id": 2, "children": [3]}, {"id": 3}]}`: "node 3 has two parents",
		`{"nodes": [{"callFrame": {}}]}`:                                                 "node without an id",
		`{"samples": [1], "timeDeltas": [1]}`:                                            "samples without nodes",
		`{"a": 1}`:                                                                       "neither nodes nor traceEvents",
		`{` + nodes + `, "startTime": 1e300}`:                                            "time 1e+300",
		`{` + nodes + `, "samples": [2], "timeDeltas": [9000000000000000000]}`:           "time of sample 0 is out of range",
	} {
		res := formattest.Decode(cpuprofile.Decoder(), strings.NewReader(in), formattest.Options())
		if res.Err == nil || !strings.Contains(res.Err.Error(), want) {
			t.Errorf("%s: got %v, want %s", in, res.Err, want)
		}
	}
}

// A ring of nodes has no root; its stacks end at the limit.
func TestRing(t *testing.T) {
	in := `{"nodes": [{"id": 1, "children": [2]}, {"id": 2, "children": [1]}], "samples": [1, 2], "timeDeltas": [1, 1], "endTime": 10}`
	res := formattest.Decode(cpuprofile.Decoder(), strings.NewReader(in), formattest.Options())
	if res.Err != nil || len(res.Report.Warnings) != 1 {
		t.Errorf("got %+v", res.Report)
	}
}
