package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tacho"
	"tacho/ingest"
	"tacho/store"
)

// marked is a server whose events go into its store, or fail with *fail.
func marked(fail *error) (*fakeStore, http.Handler) {
	st := sampleData()
	return st, newServer(st, func(o *Options) {
		o.Append = func(ctx context.Context, bs []*tacho.Batch) error {
			if *fail != nil {
				return *fail
			}
			for _, b := range bs {
				if err := b.Validate(); err != nil {
					return &store.RefusedError{Err: err}
				}
			}
			return st.Append(ctx, "", bs)
		}
	})
}

func post(t *testing.T, h http.Handler, body string) *httptest.ResponseRecorder {
	t.Helper()
	return request(t, h, http.MethodPost, "/api/v1/events", strings.NewReader(body), "Content-Type", "application/json")
}

func TestMark(t *testing.T) {
	var fail error
	st, h := marked(&fail)
	for _, c := range []struct{ body, want string }{
		{`{"service":"orders","kind":"deploy","name":"v1.5"}`, // now, of the whole service
			`{"time_ms":1741003290000,"duration_ns":0,"kind":"deploy","name":"v1.5","thread":"","instance":"","attrs":{}}`},
		{`{"service":"orders","instance":"b","time":"2025-03-03T12:00:30Z","duration_ns":5000,"kind":"config.change","name":"pool","attrs":{"by":"ops"}}`,
			`{"time_ms":1741003230000,"duration_ns":5000,"kind":"config.change","name":"pool","thread":"","instance":"b","attrs":{"by":"ops"}}`},
		{`{"service":"orders","time":1741003231000,"kind":"deploy","name":""}`,
			`{"time_ms":1741003231000,"duration_ns":0,"kind":"deploy","name":"","thread":"","instance":"","attrs":{}}`},
		{`{"service":"orders","time":1741003231,"kind":"deploy","name":"x"}`,
			`{"time_ms":1741003231000,"duration_ns":0,"kind":"deploy","name":"x","thread":"","instance":"","attrs":{}}`},
		{`{"service":"orders","time":"now-10s","kind":"deploy","name":"\u001b]0;x"}`,
			`{"time_ms":1741003280000,"duration_ns":0,"kind":"deploy","name":"\u001b]0;x","thread":"","instance":"","attrs":{}}`},
	} {
		w := post(t, h, c.body)
		if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusOK || got != c.want {
			t.Errorf("%s: %d %s, want %s", c.body, w.Code, got, c.want)
		}
	}
	// Listed, those of the whole service whatever instance is asked for.
	var v struct {
		Events []struct{ Kind, Name, Instance string }
	}
	decode(t, get(t, h, "/api/v1/events?service=orders&from=2025-03-03T12:00:00Z&until=now%2b1m&kind=deploy&match=instance%3D%22a%22"), &v)
	if len(v.Events) != 4 || v.Events[0].Instance != "" {
		t.Errorf("deploys of a: %+v, want the 4 of the service", v.Events)
	}
	decode(t, get(t, h, "/api/v1/events?service=orders&from=2025-03-03T12:00:00Z&until=now&kind=config&match=instance%3D%22a%22"), &v)
	if len(v.Events) != 0 {
		t.Errorf("of a: %+v, want none of b's", v.Events)
	}
	// Twice is once: the same batch again.
	n := len(st.batches)
	post(t, h, `{"service":"orders","time":"2025-03-03T12:00:31Z","kind":"deploy","name":"x"}`)
	if a, b := st.batches[n-2], st.batches[n]; a.Sequence != b.Sequence || a.From != b.From || a.Target.String() != b.Target.String() || a.Collector != "mark" {
		t.Errorf("sent again it is another batch: %+v and %+v", a, b)
	}
	// The stand-in for the whole service is no instance.
	var services struct {
		Services []struct {
			Name      string
			Instances []struct{ Instance string }
		}
	}
	decode(t, get(t, h, "/api/v1/services"), &services)
	for _, s := range services.Services {
		if s.Name == "orders" && len(s.Instances) != 2 {
			t.Errorf("instances of orders: %+v, want a and b", s.Instances)
		}
	}
}

func TestMarkRefusals(t *testing.T) {
	var fail error
	_, h := marked(&fail)
	const ok = `{"service":"orders","kind":"deploy","name":"v1"}`
	for _, c := range []struct {
		body     string
		fail     error
		status   int
		position string
	}{
		{`{"service":"orders",}`, nil, 400, "21"},
		{`{"service":7,"kind":"deploy"}`, nil, 400, "service"},
		{`{"service":"orders","kid":"deploy"}`, nil, 400, "body"},
		{ok + ok, nil, 400, "48"},
		{``, nil, 400, "body"},
		{`{"kind":"deploy"}`, nil, 400, "service"},
		{`{"service":"orders"}`, nil, 400, "kind"},
		{`{"service":"orders","kind":"Deploy now"}`, nil, 400, "kind"},
		{`{"service":"orders","kind":"deploy","time":"yesterday"}`, nil, 400, "time"},
		{`{"service":"orders","kind":"deploy","time":{}}`, nil, 400, "time"},
		{`{"service":"orders","kind":"deploy","duration_ns":-1}`, nil, 400, "duration_ns"},
		{`{"service":"orders","kind":"deploy","name":"` + strings.Repeat("x", 1001) + `"}`, nil, 400, "name"},
		{`{"service":"orders","kind":"deploy","attrs":{"a":"` + strings.Repeat("x", 1001) + `"}}`, nil, 400, "attrs.a"},
		{strings.Repeat(" ", 70_000), nil, 413, ""},
		{`{"service":"nosuch","kind":"deploy"}`, nil, 404, "service"},
		{`{"service":"orders","kind":"deploy","instance":"c"}`, nil, 404, "instance"},
		{ok, ingest.ErrOverloaded, 429, ""},
		{ok, store.ErrFull, 507, ""},
		{ok, &store.RefusedError{Err: errors.New("older than what is kept")}, 400, "time"},
		{ok, errors.New("disk on fire"), 503, ""},
	} {
		fail = c.fail
		w := post(t, h, c.body)
		var e struct{ Error, Position string }
		decodeAny(t, w, &e)
		if w.Code != c.status || e.Position != c.position || e.Error == "" {
			t.Errorf("%.80s: %d %+v, want %d at %q", c.body, w.Code, e, c.status, c.position)
		}
		if retry := w.Header().Get("Retry-After"); (retry != "") != (c.status == 429 || c.status == 503) {
			t.Errorf("%.80s: %d with Retry-After %q", c.body, w.Code, retry)
		}
	}
	// Another site's page may not mark anything.
	if w := request(t, h, http.MethodPost, "/api/v1/events", strings.NewReader(ok), "Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("from another site: %d", w.Code)
	}
	// A server that cannot store takes none.
	if w := post(t, newServer(sampleData(), nil), ok); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("without a store: %d", w.Code)
	}
}
