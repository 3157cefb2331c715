package pyroscope_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
)

// legacy asks an address for JSON.
func legacy(t *testing.T, addr string, status int, into any) {
	t.Helper()
	res, err := http.Get(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("%s: %d %s, %v; want %d", addr, res.StatusCode, b, err, status)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatalf("%s: %v in %s", addr, err, b)
	}
}

func TestRender(t *testing.T) {
	addr := serve(t)
	q := url.Values{"query": {cpuID + `{service_name="orders"}`}, "from": {"now-2m"}, "until": {"1741003260"}, "groupBy": {"instance"}}
	var one struct {
		Version     int
		Flamebearer struct {
			Names    []string
			Levels   [][]int64
			NumTicks int64
			MaxSelf  int64
		}
		Metadata struct {
			Format, Units, Name string
			SampleRate          int
		}
		Timeline struct {
			StartTime, DurationDelta int64
			Samples                  []int64
		}
		Groups                map[string]struct{ Samples []int64 }
		LeftTicks, RightTicks int64
	}
	legacy(t, addr+"/pyroscope/render?"+q.Encode(), 200, &one)
	same(t, "levels", one.Flamebearer.Levels, [][]int64{{0, 55, 0, 0}, {0, 55, 0, 1}, {0, 55, 25, 2}, {25, 30, 30, 3}})
	if one.Version != 1 || one.Flamebearer.NumTicks != 55 || one.Metadata.Format != "single" || one.Metadata.Units != "samples" || one.Metadata.SampleRate != 1e9 || one.Metadata.Name != "cpu" {
		t.Errorf("head: %+v", one)
	}
	same(t, "timeline", one.Timeline.Samples, []int64{0, 55, 0, 0, 0})
	same(t, "group b", one.Groups["b"].Samples, []int64{0, 5, 0, 0, 0})
	if one.Timeline.StartTime != base.Unix() || one.Timeline.DurationDelta != 15 {
		t.Errorf("timeline %+v", one.Timeline)
	}
	q = url.Values{"leftQuery": {cpuID + `{instance="a"}`}, "rightQuery": {cpuID + `{instance="b"}`}}
	for _, side := range []string{"left", "right"} {
		q.Set(side+"From", "2025-03-03T12:00:00Z")
		q.Set(side+"Until", "1741003260000")
	}
	legacy(t, addr+"/pyroscope/render-diff?"+q.Encode(), 200, &one)
	if one.Metadata.Format != "double" || one.LeftTicks != 50 || one.RightTicks != 5 || len(one.Flamebearer.Levels[3]) != 7 {
		t.Errorf("diff: %+v", one)
	}
	var list []string
	legacy(t, addr+"/pyroscope/label-values?label=service_name", 200, &list)
	same(t, "services", list, []string{"orders", "pay"})
	legacy(t, addr+"/pyroscope/label-values?label=__name__", 200, &list)
	if len(list) != 5 || list[1] != cpuID {
		t.Errorf("types %q", list)
	}
	for path, status := range map[string]int{
		"/pyroscope/render": 400, "/pyroscope/render?query=cpu{}": 400, "/pyroscope/render?query=" + cpuID + "&from=yesterday": 400,
		"/pyroscope/render?query=" + cpuID + "&format=dot": 501, "/pyroscope/label-values": 400, "/pyroscope/render-diff?leftQuery=" + cpuID + "{}": 400,
	} {
		var e struct{ Error string }
		legacy(t, addr+path, status, &e)
		if e.Error == "" {
			t.Errorf("%s: no sentence", path)
		}
	}
}
