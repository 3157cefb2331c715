package pyroscope

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"tacho"
	"tacho/format"
	"tacho/format/all"
	"tacho/ingest"
)

// fixed is the server's clock in these tests.
var fixed = time.Unix(1_790_000_000, 0)

// kept is a store that remembers.
type kept struct {
	mu      sync.Mutex
	batches []*tacho.Batch
	calls   int
	err     error
}

func (k *kept) Append(_ context.Context, _ string, bs []*tacho.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.calls++
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

func (k *kept) all() []*tacho.Batch {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.batches
}

// sums is value by type and stack, root first: "cpu main;work" → 30.
func sums(bs []*tacho.Batch) map[string]int64 {
	m := map[string]int64{}
	for _, b := range bs {
		for _, p := range b.Profiles {
			for _, s := range p.Samples {
				key := p.Type.Name + "/" + p.Type.Unit + " "
				st := b.Stack(s.Stack)
				for i := len(st) - 1; i >= 0; i-- {
					key += st[i].Function
					if i > 0 {
						key += ";"
					}
				}
				m[key] += s.Value
			}
		}
	}
	return m
}

func options(k *kept, l format.Limits) Options {
	in := ingest.NewIntake(ingest.IntakeOptions{Store: k, Limits: l, BodyBytes: 1 << 20, Now: func() time.Time { return fixed }})
	return Options{Intake: in, Decoders: all.List()}
}

// post sends a body to /ingest and returns the answer.
func post(t *testing.T, o Options, query url.Values, contentType string, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/ingest?"+query.Encode(), bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	Ingest(o).ServeHTTP(w, r)
	return w
}

// cpuProfile is main → work of 30 ms in three samples, main alone of 10 ms.
func cpuProfile(t *testing.T, at time.Time) []byte {
	t.Helper()
	return encode(t, at, []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}}, []int64{3, 30e6}, []int64{1, 10e6})
}

// mutexProfile is Go's shape of both contention profiles.
func mutexProfile(t *testing.T, at time.Time) []byte {
	t.Helper()
	return encode(t, at, []*profile.ValueType{{Type: "contentions", Unit: "count"}, {Type: "delay", Unit: "nanoseconds"}}, []int64{2, 500}, []int64{1, 7})
}

// encode makes a profile of main → work and of main, with the values of each.
func encode(t *testing.T, at time.Time, types []*profile.ValueType, work, main []int64) []byte {
	t.Helper()
	fn := func(id uint64, name string) *profile.Location {
		return &profile.Location{ID: id, Line: []profile.Line{{Function: &profile.Function{ID: id, Name: name, Filename: name + ".go"}, Line: 5}}}
	}
	m, w := fn(1, "main"), fn(2, "work")
	p := &profile.Profile{SampleType: types, DurationNanos: 10e9, Location: []*profile.Location{m, w},
		Function: []*profile.Function{m.Line[0].Function, w.Line[0].Function},
		Sample:   []*profile.Sample{{Location: []*profile.Location{w, m}, Value: work}, {Location: []*profile.Location{m}, Value: main}}}
	if !at.IsZero() {
		p.TimeNanos = at.UnixNano()
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
