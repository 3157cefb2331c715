package pyroscope

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"tacho/format"
	"tacho/ingest"
	"tacho/store"
	"tacho/wire"
)

func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

func formOf(t *testing.T, fields map[string][]byte) (contentType string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, data := range fields {
		p, err := w.CreateFormFile(name, name+".bin")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = p.Write(data)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

func gzipped(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write(b)
	w.Close()
	return z.Bytes()
}

var cpuSums = map[string]int64{
	"samples/count main;work": 3, "samples/count main": 1,
	"cpu/nanoseconds main;work": 30e6, "cpu/nanoseconds main": 10e6,
}

func TestProfiles(t *testing.T) {
	own := fixed.Add(-5 * time.Minute)
	types := []byte(`{"contentions":{"units":"lock_samples","display-name":"mutex_count"},"delay":{"display-name":"mutex_duration","units":"lock_nanoseconds"}}`)
	mutexForm, mutexBody := formOf(t, map[string][]byte{"profile": mutexProfile(t, own), "sample_type_config": types})
	name := "shop{region=eu,__session_id__=s1,otel.scope.name=go}"
	for _, c := range []struct {
		what        string
		q           url.Values
		contentType string
		body        []byte
		want        map[string]int64
		from        time.Time
	}{
		{"Node: raw pprof", query("name", name, "format", "pprof", "from", "1789999000"), "application/octet-stream", cpuProfile(t, own), cpuSums, own},
		{"nobody says what it is", query("name", name), "", cpuProfile(t, own), cpuSums, own},
		{"pprof without a time of its own", query("name", name, "format", "pprof", "from", "1789999000", "until", "1789999010"), "", cpuProfile(t, time.Time{}), cpuSums, time.Unix(1_789_999_000, 0)},
		{"Go: a form without format", query("name", name, "from", "1789999000000000000", "until", "1789999010000000000", "units", ""), mutexForm, mutexBody,
			map[string]int64{"mutex_count/count main;work": 2, "mutex_count/count main": 1, "mutex_duration/nanoseconds main;work": 500, "mutex_duration/nanoseconds main": 7}, own},
		{"folded", query("name", "shop.cpu{region=eu,__session_id__=s1,otel.scope.name=go}", "from", "1789999000", "until", "1789999010", "sampleRate", "50"), "text/plain", []byte("main;work 3\nmain 1\n"),
			map[string]int64{"cpu/nanoseconds main;work": 60e6, "cpu/nanoseconds main": 20e6}, time.Unix(1_789_999_000, 0)},
		{"lines", query("name", name, "from", "1789999000", "until", "1789999010", "format", "lines"), "text/plain", []byte("main;work\nmain\r\nmain;work\n\n"),
			map[string]int64{"cpu/nanoseconds main;work": 20e6, "cpu/nanoseconds main": 10e6}, time.Unix(1_789_999_000, 0)},
		{"tree", query("name", name, "from", "1789999000", "until", "1789999010", "format", "tree"), "", []byte("\x00\x00\x01\x04main\x01\x01\x04work\x03\x00"),
			map[string]int64{"cpu/nanoseconds main;work": 30e6, "cpu/nanoseconds main": 10e6}, time.Unix(1_789_999_000, 0)},
		{"trie by its content type", query("name", name, "from", "1789999000", "until", "1789999010"), "binary/octet-stream+trie", []byte("\x00\x00\x01\x04main\x01\x01\x05;work\x03\x00"),
			map[string]int64{"cpu/nanoseconds main;work": 30e6, "cpu/nanoseconds main": 10e6}, time.Unix(1_789_999_000, 0)},
		{"bytes", query("name", "shop.alloc_space{region=eu,__session_id__=s1,otel.scope.name=go}", "from", "1789999000", "until", "1789999010", "units", "bytes"), "text/plain", []byte("main;work 4096\n"),
			map[string]int64{"alloc_space/bytes main;work": 4096}, time.Unix(1_789_999_000, 0)},
		{"counts", query("name", name, "from", "1789999000", "until", "1789999010", "units", "objects"), "text/plain", gzipped([]byte("main;work 12\n")),
			map[string]int64{"objects/count main;work": 12}, time.Unix(1_789_999_000, 0)},
	} {
		k := &kept{}
		w := post(t, options(k, format.Limits{}), c.q, c.contentType, c.body)
		if w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("%s: %d %s, want an empty 200", c.what, w.Code, w.Body)
			continue
		}
		if got := sums(k.all()); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: stored %v, want %v", c.what, got, c.want)
		}
		b := k.all()[0]
		if b.From != c.from.UnixNano() {
			t.Errorf("%s: from %s, want %s", c.what, time.Unix(0, b.From).UTC(), c.from.UTC())
		}
		if got, want := b.Target.String(), `{instance="s1", otel_scope_name="go", region="eu", service_name="shop"}`; got != want {
			t.Errorf("%s: target %s, want %s", c.what, got, want)
		}
	}
}

func TestInstances(t *testing.T) {
	for name, want := range map[string]string{
		"a":                                            "192.0.2.1", // httptest's address
		"a{__session_id__=s}":                          "s",
		"a{__session_id__=s,pod=p}":                    "p",
		"a{__session_id__=s,pod=p,hostname=h}":         "h",
		"a{hostname=h,instance=i}":                     "i",
		"a{service.instance.id=x,hostname=h}":          "x",
		"a{service_name=other,thread_group=t,demo=on}": "192.0.2.1",
	} {
		k := &kept{}
		if w := post(t, options(k, format.Limits{}), query("name", name, "spyName", "gospy"), "", cpuProfile(t, fixed)); w.Code != 200 {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
			continue
		}
		target := k.all()[0].Target
		if got := target.Get("instance"); got != want {
			t.Errorf("%s: instance %q, want %q", name, got, want)
		}
		if target.Get("pyroscope_spy") != "gospy" {
			t.Errorf("%s: target %s", name, target)
		}
		if strings.Contains(name, "service_name=other") {
			if got, want := target.String(), `{exported_demo="on", exported_thread_group="t", instance="192.0.2.1", pyroscope_spy="gospy", service_name="other"}`; got != want {
				t.Errorf("target %s, want %s", got, want)
			}
		}
	}
}

// A repeated request must not count twice, a different one must not replace it.
func TestIdentity(t *testing.T) {
	k := &kept{}
	o := options(k, format.Limits{})
	for _, body := range [][]byte{cpuProfile(t, fixed), cpuProfile(t, fixed), mutexProfile(t, fixed)} {
		if w := post(t, o, query("name", "a", "format", "pprof"), "", body); w.Code != 200 {
			t.Fatal(w.Code, w.Body)
		}
	}
	id := func(i int) string {
		b := k.all()[i]
		return fmt.Sprint(b.Target, b.Collector, b.From, b.Sequence)
	}
	if id(0) != id(1) {
		t.Errorf("the same request has two identities: %s, %s", id(0), id(1))
	}
	if id(0) == id(2) {
		t.Errorf("two profiles of the same moment have one identity: %s", id(0))
	}
}

func TestRefusals(t *testing.T) {
	pprofOf := func(labels int) []byte { return cpuProfile(t, fixed) }
	prevForm, prevBody := formOf(t, map[string][]byte{"prev_profile": []byte("x")})
	noneForm, noneBody := formOf(t, map[string][]byte{"other": []byte("x")})
	badForm, badBody := formOf(t, map[string][]byte{"profile": pprofOf(0), "sample_type_config": []byte("{")})
	jfrForm, jfrBody := formOf(t, map[string][]byte{"jfr": []byte("FLR\x00garbage")})
	const pprof = "pprof"
	for _, c := range []struct {
		what        string
		q           url.Values
		contentType string
		body        []byte
		limits      format.Limits
		store       error
		status      int
		say         string
	}{
		{"no name", query(), "", pprofOf(0), format.Limits{}, nil, 400, "name: it is required"},
		{"unknown format", query("name", "a", "format", "elf"), "", pprofOf(0), format.Limits{}, nil, 400, `format: "elf" is not known`},
		{"bad time", query("name", "a", "from", "yesterday"), "", pprofOf(0), format.Limits{}, nil, 400, `from: "yesterday" is not a time`},
		{"backwards", query("name", "a", "from", "1790000000", "until", "1780000000"), "", pprofOf(0), format.Limits{}, nil, 400, "is before from"},
		{"bad rate", query("name", "a", "sampleRate", "-1"), "", pprofOf(0), format.Limits{}, nil, 400, "sampleRate"},
		{"not a profile", query("name", "a", "format", pprof), "", []byte("not a profile"), format.Limits{}, nil, 400, "pprof"},
		{"cut off gzip", query("name", "a", "format", pprof), "", gzipped(bytes.Repeat([]byte("x"), 1000))[:20], format.Limits{}, nil, 400, ""},
		{"previous profile", query("name", "a"), prevForm, prevBody, format.Limits{}, nil, 422, "Update the Pyroscope client"},
		{"form without profile", query("name", "a"), noneForm, noneBody, format.Limits{}, nil, 400, "no field named profile or jfr"},
		{"form cut off", query("name", "a"), noneForm, noneBody[:30], format.Limits{}, nil, 400, "the form"},
		{"bad config", query("name", "a"), badForm, badBody, format.Limits{}, nil, 400, "sample_type_config"},
		{"bad jfr", query("name", "a"), jfrForm, jfrBody, format.Limits{}, nil, 400, "jfr"},
		{"body", query("name", "a"), "", make([]byte, 1<<20+1), format.Limits{}, nil, 413, "1048576 bytes"},
		{"decompressed", query("name", "a", "format", pprof), "", gzipped(make([]byte, 1<<20)), format.Limits{Bytes: 1 << 16}, nil, 413, "65536"},
		{"strings", query("name", "a", "format", pprof), "", pprofOf(0), format.Limits{StringLen: 3}, nil, 413, "3"},
		{"samples", query("name", "a", "format", pprof), "", pprofOf(0), format.Limits{AllSamples: 1}, nil, 413, "1"},
		{"queue full", query("name", "a"), "", pprofOf(0), format.Limits{}, ingest.ErrOverloaded, 429, "queue is full"},
		{"store full", query("name", "a"), "", pprofOf(0), format.Limits{}, store.ErrFull, 507, "store is full"},
		{"too old", query("name", "a"), "", pprofOf(0), format.Limits{}, &wire.RejectedError{Reason: "older than what is kept"}, 422, "older than what is kept"},
		{"store in trouble", query("name", "a"), "", pprofOf(0), format.Limits{}, errors.New("disk on fire"), 503, "disk on fire"},
	} {
		k := &kept{err: c.store}
		w := post(t, options(k, c.limits), c.q, c.contentType, c.body)
		var e struct{ Code, Message string }
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Code == "" {
			t.Errorf("%s: the answer is %q", c.what, w.Body)
			continue
		}
		if w.Code != c.status || !strings.Contains(e.Message, c.say) {
			t.Errorf("%s: %d %s %q, want %d with %q", c.what, w.Code, e.Code, e.Message, c.status, c.say)
		}
		if len(k.all()) > 0 {
			t.Errorf("%s: stored %d batches", c.what, len(k.all()))
		}
		if (w.Code == 429 || w.Code == 503) != (w.Header().Get("Retry-After") != "") && w.Code != 507 {
			t.Errorf("%s: Retry-After %q", c.what, w.Header().Get("Retry-After"))
		}
	}
}

func TestContentEncoding(t *testing.T) {
	k := &kept{}
	h := Ingest(options(k, format.Limits{}))
	ct, body := formOf(t, map[string][]byte{"profile": cpuProfile(t, fixed)})
	r, _ := http.NewRequest(http.MethodPost, "/ingest?name=a", bytes.NewReader(gzipped(body)))
	r.Header.Set("Content-Type", ct)
	r.Header.Set("Content-Encoding", "gzip")
	w := &answerOf{}
	h.ServeHTTP(w, r)
	if w.code != 200 || !reflect.DeepEqual(sums(k.all()), cpuSums) {
		t.Errorf("%d %s: %v", w.code, w.body.String(), sums(k.all()))
	}
}

// answerOf is the least a ResponseWriter can be: no deadlines, no flushing.
type answerOf struct {
	code int
	body bytes.Buffer
	h    http.Header
}

func (a *answerOf) Header() http.Header {
	if a.h == nil {
		a.h = http.Header{}
	}
	return a.h
}
func (a *answerOf) Write(b []byte) (int, error) { return a.body.Write(b) }
func (a *answerOf) WriteHeader(code int)        { a.code = code }

var _ io.Writer = (*answerOf)(nil)
