package pyroscope

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	sdk "github.com/grafana/pyroscope-go"
	"golang.org/x/sys/unix"

	"tacho/format"
)

// tee keeps what clients send to /ingest before it is served.
type tee struct {
	next  http.Handler
	mu    sync.Mutex
	sent  []*profile.Profile
	names []string
	bad   []string
}

func (x *tee) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	part, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).NextPart()
	x.mu.Lock()
	if err == nil {
		var p *profile.Profile
		if p, err = profile.Parse(part); err == nil {
			x.sent = append(x.sent, p)
			x.names = append(x.names, r.URL.Query().Get("name"))
		}
	}
	if err != nil {
		x.bad = append(x.bad, err.Error())
	}
	x.mu.Unlock()
	rec := httptest.NewRecorder()
	x.next.ServeHTTP(rec, r)
	if rec.Code != 200 {
		x.mu.Lock()
		x.bad = append(x.bad, rec.Body.String())
		x.mu.Unlock()
	}
	w.WriteHeader(rec.Code)
	_, _ = w.Write(rec.Body.Bytes())
}

// The Go SDK as anyone uses it: what is stored is what it sent, value by value.
func TestGoSDK(t *testing.T) {
	k := &kept{}
	x := &tee{next: Ingest(Options{Intake: options(k, format.Limits{}).Intake, Decoders: options(k, format.Limits{}).Decoders})}
	s := httptest.NewServer(x)
	defer s.Close()
	p, err := sdk.Start(sdk.Config{
		ApplicationName: "checkout", ServerAddress: s.URL, UploadRate: 400 * time.Millisecond, Tags: map[string]string{"region": "eu"},
		ProfileTypes: []sdk.ProfileType{sdk.ProfileCPU, sdk.ProfileAllocObjects, sdk.ProfileAllocSpace, sdk.ProfileInuseObjects, sdk.ProfileInuseSpace,
			sdk.ProfileGoroutines, sdk.ProfileMutexCount, sdk.ProfileMutexDuration},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Long enough for two uploads, and for a hundred samples however busy the
	// machine is.
	for before, end := cpuUsed(t), time.Now().Add(time.Second); time.Now().Before(end) || cpuUsed(t)-before < time.Second; {
		burn()
	}
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.bad) > 0 {
		t.Fatalf("refused: %v", x.bad)
	}
	want := map[string]int64{}
	names := map[string]string{"contentions": "mutex_count", "delay": "mutex_duration", "goroutine": "goroutines"}
	for _, p := range x.sent {
		for i, st := range p.SampleType {
			name := st.Type
			if n := names[name]; n != "" {
				name = n
			}
			for _, sm := range p.Sample {
				if sm.Value[i] == 0 {
					continue
				}
				var fs []string
				for _, l := range sm.Location {
					for _, line := range l.Line {
						fs = append([]string{line.Function.Name}, fs...)
					}
				}
				want[name+"/"+st.Unit+" "+strings.Join(fs, ";")] += sm.Value[i]
			}
		}
	}
	got := sums(k.all())
	if len(want) == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("sent %d stacks, stored %d", len(want), len(got))
		for key, v := range want {
			if got[key] != v {
				t.Errorf("%s: sent %d, stored %d", key, v, got[key])
			}
		}
	}
	cpu := int64(0)
	for key, v := range got {
		if strings.HasPrefix(key, "cpu/nanoseconds ") && strings.Contains(key, "pyroscope.burn") {
			cpu += v
		}
	}
	if cpu == 0 {
		t.Errorf("nothing was sampled in burn: %d stacks of %d profiles %v", len(got), len(x.sent), x.names)
	}
	for _, b := range k.all() {
		if b.Target.Get("service_name") != "checkout" || b.Target.Get("region") != "eu" || b.Target.Get("instance") == "" || b.Target.Get("process_runtime_name") != "go" {
			t.Errorf("target %s", b.Target)
		}
	}
}

// cpuUsed is what this process has had of the processor.
func cpuUsed(t *testing.T) time.Duration {
	t.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano())
}

var sink int

//go:noinline
func burn() {
	for i := range 100_000 {
		sink += i * i
	}
}
