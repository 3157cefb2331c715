package upload

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"tacho"
	"tacho/format"
	"tacho/ingest"
	"tacho/store"
	"tacho/wire"
)

// lines is a decoder for these tests: each line is a time in Unix seconds (0:
// none) and a function, and becomes one batch. A line that is not is an error.
func lines() format.Decoder {
	return format.Decoder{Name: "lines", Title: "lines of the test", Sniff: func(head []byte) bool { return bytes.HasPrefix(head, []byte("LINES")) },
		Decode: func(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
			e := format.NewEmitter(ctx, "lines", o, emit)
			all, err := io.ReadAll(r)
			if err != nil {
				return e.Finish(err)
			}
			for i, line := range strings.Split(strings.TrimSpace(string(all)), "\n")[1:] {
				var sec int64
				var name string
				if n, _ := fmt.Sscan(line, &sec, &name); n != 2 {
					return e.Finish(&format.SyntaxError{Format: "lines", Position: fmt.Sprintf("line %d", i+2), Reason: "want time and function"})
				}
				x := tacho.NewBuilder()
				t := o.Type
				if t.Name == "" {
					t = tacho.ValueType{Name: "samples", Unit: "count"}
				}
				x.Sample(t, tacho.Sample{Time: sec * 1e9, Value: 1, Stack: x.Stack(tacho.Stack{{Function: name}}), Thread: x.Thread(tacho.Thread{})})
				from, until := sec*1e9, sec*1e9+1
				if sec == 0 {
					from, until = o.Now().UnixNano(), o.Now().UnixNano()+1
					if !o.From.IsZero() {
						from, until = o.From.UnixNano(), o.Until.UnixNano()
					}
				}
				if err := emit(x.Take(o.Target, o.Collector, from, until, o.Sequence+uint64(i))); err != nil {
					return e.Finish(err)
				}
			}
			return format.Report{Format: "lines", Warnings: []format.Warning{{Position: "line 1", Text: "odd"}}, Dropped: 3}, nil
		}}
}

var fixed = time.Unix(1_790_000_000, 0)

type kept struct {
	mu      sync.Mutex
	batches []*tacho.Batch
	busy    int // how often to say that the queue is full
	err     error
}

func (k *kept) Append(_ context.Context, _ string, bs []*tacho.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy > 0 {
		k.busy--
		return ingest.ErrOverloaded
	}
	if k.err != nil {
		return k.err
	}
	for _, b := range bs {
		if err := b.Validate(); err != nil {
			return err
		}
	}
	k.batches = append(k.batches, bs...)
	return nil
}

func handlerOf(k *kept, l format.Limits, bytes int64) http.Handler {
	in := ingest.NewIntake(ingest.IntakeOptions{Store: k, Limits: l, Now: func() time.Time { return fixed }, Wait: 2 * time.Second})
	return Handler(Options{Intake: in, Decoders: []format.Decoder{lines()}, Bytes: bytes})
}

func post(t *testing.T, h http.Handler, query, contentType string, body []byte) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/api/v1/upload?"+query, bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var m map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
		t.Fatalf("%d %q: %v", w.Code, w.Body, err)
	}
	return w.Code, m
}

func gzipped(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write(b)
	w.Close()
	return z.Bytes()
}

const file = "LINES\n1789999000 f\n1789999002 g\n"

func TestUpload(t *testing.T) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("comment", "passed over")
	p, _ := w.CreateFormFile("file", `C:\tmp\app.txt`)
	_, _ = io.WriteString(p, file)
	w.Close()
	for _, c := range []struct {
		what, query, contentType string
		body                     []byte
		target                   string
		from                     int64 // ms
	}{
		{"body", "service=orders&name=a.txt", "application/octet-stream", []byte(file), `{format="lines", instance="a.txt", service_name="orders", upload="a.txt"}`, 1_789_999_000_000},
		{"gzip", "service=orders&instance=o-1&name=a.txt", "", gzipped([]byte(file)), `{format="lines", instance="o-1", service_name="orders", upload="a.txt"}`, 1_789_999_000_000},
		{"form", "", w.FormDataContentType(), form.Bytes(), `{format="lines", instance="app.txt", service_name="file/app.txt", upload="app.txt"}`, 1_789_999_000_000},
		{"no name", "", "", []byte(file), `{format="lines", instance="unnamed", service_name="file/unnamed", upload="unnamed"}`, 1_789_999_000_000},
		{"moved", "at=1789000000&name=x", "", []byte(file), `{format="lines", instance="x", service_name="file/x", upload="x"}`, 1_789_000_000_000},
		{"untimed", "name=x", "", []byte("LINES\n0 f\n0 g\n"), `{format="lines", instance="x", service_name="file/x", upload="x"}`, 1_790_000_000_000},
		{"untimed, ended", "name=x&until=1789990000", "", []byte("LINES\n0 f\n0 g\n"), `{format="lines", instance="x", service_name="file/x", upload="x"}`, 1_789_990_000_000},
		{"untimed, said when", "name=x&from=now-1h&until=now", "", []byte("LINES\n0 f\n0 g\n"), `{format="lines", instance="x", service_name="file/x", upload="x"}`, 1_789_996_400_000},
	} {
		k := &kept{}
		code, a := post(t, handlerOf(k, format.Limits{}, 0), c.query, c.contentType, c.body)
		if code != 200 || len(k.batches) != 2 {
			t.Errorf("%s: %d %v, %d batches", c.what, code, a, len(k.batches))
			continue
		}
		b := k.batches[0]
		if got := b.Target.String(); got != c.target {
			t.Errorf("%s: target %s, want %s", c.what, got, c.target)
		}
		if b.From/1e6 != c.from || a["from_ms"] != float64(c.from) {
			t.Errorf("%s: from %d and %v, want %d", c.what, b.From/1e6, a["from_ms"], c.from)
		}
		if a["service"] != b.Target.Get("service_name") || a["instance"] != b.Target.Get("instance") || a["file"] != b.Target.Get("upload") || a["format"] != "lines" || a["samples"] != 2.0 {
			t.Errorf("%s: answer %v", c.what, a)
		}
		if got, want := fmt.Sprint(a["types"], a["warnings"]), "[map[name:samples unit:count]] [map[position:line 1 text:odd] map[position: text:3 more warnings of this kind were not kept]]"; got != want {
			t.Errorf("%s: %s, want %s", c.what, got, want)
		}
		if k.batches[0].Sequence == k.batches[1].Sequence || b.Collector != "upload" {
			t.Errorf("%s: sequences %d and %d of %q", c.what, b.Sequence, k.batches[1].Sequence, b.Collector)
		}
	}
}

func TestTypes(t *testing.T) {
	for query, want := range map[string]string{
		"":                     "samples count",
		"type=wall":            "wall count",
		"type=cpu:nanoseconds": "cpu nanoseconds",
		"type=wall&rate=100":   "wall nanoseconds",
		"rate=100":             "cpu nanoseconds",
	} {
		k := &kept{}
		if code, a := post(t, handlerOf(k, format.Limits{}, 0), query, "", []byte(file)); code != 200 {
			t.Errorf("%s: %d %v", query, code, a)
		} else if p := k.batches[0].Profiles[0].Type; p.Name+" "+p.Unit != want {
			t.Errorf("%s: %v, want %s", query, p, want)
		}
	}
}

// A file moved in time keeps its inner distances, events and series included.
func TestMove(t *testing.T) {
	b := &tacho.Batch{From: 100, Until: 200, Profiles: []tacho.Profile{{Samples: []tacho.Sample{{Time: 150}, {Time: 0}}}},
		Series: []tacho.Series{{Points: []tacho.Point{{Time: 110}}}}, Events: []tacho.Event{{Time: 120}}}
	f := &feed{at: time.Unix(0, 1100)}
	f.move(b)
	second := &tacho.Batch{From: 50, Until: 60}
	f.move(second)
	got := []int64{b.From, b.Until, b.Profiles[0].Samples[0].Time, b.Profiles[0].Samples[1].Time, b.Series[0].Points[0].Time, b.Events[0].Time, second.From}
	if want := []int64{1100, 1200, 1150, 0, 1110, 1120, 1050}; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		what, query string
		body        []byte
		limits      format.Limits
		bytes       int64
		store       error
		status      int
		say, where  string
	}{
		{"unknown", "", []byte("what is this"), format.Limits{}, 0, nil, 415, "no decoder knows this file", "byte 0"},
		{"empty", "", nil, format.Limits{}, 0, nil, 415, "no decoder knows this file", "byte 0"},
		{"malformed", "", []byte("LINES\n1789999000 f\nx\n"), format.Limits{}, 0, nil, 400, "lines: line 3: want time and function", "line 3"},
		{"decompressed", "", gzipped([]byte(file + strings.Repeat("x", 1<<20))), format.Limits{Bytes: 1 << 16}, 0, nil, 413, "more than 65536", format.LimitBytes},
		{"as sent", "", []byte(file + strings.Repeat("x", 1<<20)), format.Limits{}, 1 << 16, nil, 413, "the body is larger than 65536 bytes", "body"},
		{"bad time", "from=yesterday", []byte(file), format.Limits{}, 0, nil, 400, `from: "yesterday" is not a time`, "from"},
		{"backwards", "from=now&until=now-1h", []byte(file), format.Limits{}, 0, nil, 400, "until is before from", "until"},
		{"bad rate", "rate=0", []byte(file), format.Limits{}, 0, nil, 400, "rate", "rate"},
		{"bad type", "type=:bytes", []byte(file), format.Limits{}, 0, nil, 400, "has no name", "type"},
		{"bad service", "service=a%00b", []byte(file), format.Limits{}, 0, nil, 400, "not printable", "service"},
		{"long service", "service=" + strings.Repeat("x", 1025), []byte(file), format.Limits{}, 0, nil, 413, "1024 bytes in a service", "bytes in a service"},
		{"too old", "", []byte(file), format.Limits{}, 0, &wire.RejectedError{Reason: "older than what is kept"}, 422, "older than what is kept", ""},
		{"full", "", []byte(file), format.Limits{}, 0, store.ErrFull, 507, "store is full", ""},
		{"trouble", "", []byte(file), format.Limits{}, 0, errors.New("disk on fire"), 503, "disk on fire", ""},
	} {
		k := &kept{err: c.store}
		code, a := post(t, handlerOf(k, c.limits, c.bytes), c.query, "", c.body)
		if where, _ := a["position"].(string); code != c.status || !strings.Contains(fmt.Sprint(a["error"]), c.say) || where != c.where {
			t.Errorf("%s: %d %v, want %d with %q at %q", c.what, code, a, c.status, c.say, c.where)
		}
		if c.what == "malformed" && (len(k.batches) != 1 || !strings.Contains(fmt.Sprint(a["detail"]), "What came before it was kept: 1 samples")) {
			t.Errorf("%s: %d batches, %v", c.what, len(k.batches), a["detail"])
		}
		if c.what == "too old" && !strings.Contains(fmt.Sprint(a["detail"]), "at=now-1h") {
			t.Errorf("%s: %v", c.what, a["detail"])
		}
	}
}

// A full queue slows an upload down and does not lose any of it.
func TestBusyQueue(t *testing.T) {
	k := &kept{busy: 3}
	if code, a := post(t, handlerOf(k, format.Limits{}, 0), "", "", []byte(file)); code != 200 || len(k.batches) != 2 {
		t.Errorf("%d %v, %d batches", code, a, len(k.batches))
	}
}
