package pyroscope

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"tacho"
	"tacho/format/all"
	"tacho/ingest"
)

// nowhere is a store that takes no time.
type nowhere struct{}

func (nowhere) Append(context.Context, string, []*tacho.Batch) error { return nil }

// typical is a CPU profile of 1,500 stacks of depth 20 to 60, as a busy Go
// service sends it.
func typical(b *testing.B, compressed bool) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		TimeNanos: fixed.UnixNano(), DurationNanos: 10e9, PeriodType: &profile.ValueType{Type: "cpu", Unit: "nanoseconds"}, Period: 1e7}
	m := &profile.Mapping{ID: 1, Start: 0x400000, Limit: 0x4000000, File: "/bin/shop", HasFunctions: true}
	p.Mapping = []*profile.Mapping{m}
	for i := range 3000 {
		name := fmt.Sprintf("github.com/acme/shop/pkg%d/service%d.(*Handler%d).Process%d", i%37, i%91, i%53, i)
		f := &profile.Function{ID: uint64(i + 1), Name: name, SystemName: name, Filename: fmt.Sprintf("/src/github.com/acme/shop/pkg%d/service%d.go", i%37, i%91)}
		p.Function = append(p.Function, f)
		p.Location = append(p.Location, &profile.Location{ID: uint64(i + 1), Mapping: m, Address: uint64(0x400000 + i*64), Line: []profile.Line{{Function: f, Line: int64(i%500 + 3)}}})
	}
	for range 1500 {
		s := &profile.Sample{Value: []int64{1, 1e7}}
		for d := range 20 + r.IntN(41) {
			s.Location = append(s.Location, p.Location[(d*67+r.IntN(1+d*3))%3000])
		}
		p.Sample = append(p.Sample, s)
	}
	var out bytes.Buffer
	write := p.WriteUncompressed
	if compressed {
		write = p.Write
	}
	if err := write(&out); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

// BenchmarkIngest is one request without the connection and the store: reading,
// gunzipping (half of it where there is some), decoding. The issue allows 2 ms
// for all of a request.
func BenchmarkIngest(b *testing.B) {
	in := ingest.NewIntake(ingest.IntakeOptions{Store: nowhere{}, Now: func() time.Time { return fixed }})
	h := Ingest(Options{Intake: in, Decoders: all.List()})
	for name, compressed := range map[string]bool{"gzip": true, "plain": false} {
		b.Run(name, func(b *testing.B) {
			body := typical(b, compressed)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodPost, "/ingest?name=shop{instance=a}&format=pprof", bytes.NewReader(body))
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
