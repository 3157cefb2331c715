package scrape

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/pprof"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"
	"go.uber.org/goleak"

	"tacho"
	"tacho/record"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kept is a sink that remembers.
type kept struct {
	mu      sync.Mutex
	batches []*tacho.Batch
}

func (k *kept) deliver(_ context.Context, b *tacho.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := b.Validate(); err != nil {
		return err
	}
	k.batches = append(k.batches, b)
	return nil
}

func (k *kept) all() []*tacho.Batch {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]*tacho.Batch(nil), k.batches...)
}

// sums is value by type and leaf function.
func sums(b *tacho.Batch) map[string]int64 {
	m := map[string]int64{}
	for _, p := range b.Profiles {
		m[p.Type.Name] += 0
		for _, s := range p.Samples {
			m[p.Type.Name+" "+b.Stack(s.Stack)[0].Function] += s.Value
		}
	}
	return m
}

// encode makes a profile: a row is a function and its values.
func encode(t *testing.T, types [][2]string, rows map[string][]int64) []byte {
	t.Helper()
	p := &profile.Profile{}
	for _, x := range types {
		p.SampleType = append(p.SampleType, &profile.ValueType{Type: x[0], Unit: x[1]})
	}
	id := uint64(0)
	for name, values := range rows {
		id++
		f := &profile.Function{ID: id, Name: name}
		l := &profile.Location{ID: id, Line: []profile.Line{{Function: f}}}
		p.Function, p.Location = append(p.Function, f), append(p.Location, l)
		p.Sample = append(p.Sample, &profile.Sample{Location: []*profile.Location{l}, Value: values})
	}
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var (
	heapTypes  = [][2]string{{"alloc_objects", "count"}, {"alloc_space", "bytes"}, {"inuse_objects", "count"}, {"inuse_space", "bytes"}}
	mutexTypes = [][2]string{{"contentions", "count"}, {"delay", "nanoseconds"}}
)

// Counters become differences; a restart starts them again; a state stays one.
func TestDelta(t *testing.T) {
	c, err := New(Options{Targets: []Target{{Service: "shop", URL: "http://127.0.0.1:1", Labels: map[string]string{"env": "test"}}}, Labels: map[string]string{"host_name": "h"}})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_790_000_000, 0)
	for _, c2 := range []struct {
		profile string
		looks   [][]byte
		want    []map[string]int64
		restart []bool
	}{
		{"heap", [][]byte{
			encode(t, heapTypes, map[string][]int64{"f": {10, 1000, 1, 100}, "g": {4, 400, 4, 400}}),
			encode(t, heapTypes, map[string][]int64{"f": {15, 1500, 2, 200}, "g": {4, 399, 0, 0}, "h": {1, 8, 1, 8}}), // 399: scaled down a little
			encode(t, heapTypes, map[string][]int64{"f": {15, 1500, 0, 0}, "g": {4, 400, 0, 0}, "h": {1, 8, 0, 0}}),
			encode(t, heapTypes, map[string][]int64{"f": {2, 200, 2, 200}}),
			encode(t, heapTypes, map[string][]int64{"f": {3, 300, 2, 200}}),
		}, []map[string]int64{
			{"inuse_objects": 0, "inuse_space": 0, "inuse_objects f": 1, "inuse_space f": 100, "inuse_objects g": 4, "inuse_space g": 400},
			{"alloc_objects": 0, "alloc_space": 0, "inuse_objects": 0, "inuse_space": 0, "alloc_objects f": 5, "alloc_space f": 500, "alloc_objects h": 1, "alloc_space h": 8,
				"inuse_objects f": 2, "inuse_space f": 200, "inuse_objects h": 1, "inuse_space h": 8},
			{"alloc_objects": 0, "alloc_space": 0, "inuse_objects": 0, "inuse_space": 0, "alloc_space g": 1},
			{"alloc_objects": 0, "alloc_space": 0, "inuse_objects": 0, "inuse_space": 0, "alloc_objects f": 2, "alloc_space f": 200, "inuse_objects f": 2, "inuse_space f": 200},
			{"alloc_objects": 0, "alloc_space": 0, "inuse_objects": 0, "inuse_space": 0, "alloc_objects f": 1, "alloc_space f": 100, "inuse_objects f": 2, "inuse_space f": 200},
		}, []bool{false, false, false, true, false}},
		{"mutex", [][]byte{
			encode(t, mutexTypes, map[string][]int64{"f": {1, 50}}),
			encode(t, mutexTypes, map[string][]int64{"f": {3, 90}}),
			// Restarted, and already further than before: most stacks fell.
			encode(t, mutexTypes, map[string][]int64{"f": {1, 10}, "x": {9, 900}}),
		}, []map[string]int64{
			{},
			{"mutex_count": 0, "mutex_duration": 0, "mutex_count f": 2, "mutex_duration f": 40},
			{"mutex_count": 0, "mutex_duration": 0, "mutex_count f": 1, "mutex_duration f": 10, "mutex_count x": 9, "mutex_duration x": 900},
		}, []bool{false, false, true}},
		{"goroutine", [][]byte{encode(t, [][2]string{{"goroutine", "count"}}, map[string][]int64{"f": {3}})}, []map[string]int64{{"goroutine": 0, "goroutine f": 3}}, []bool{false}},
	} {
		d := newDelta()
		for i, look := range c2.looks {
			bs, err := c.decode(t.Context(), &c.targets[0].target, c2.profile, look, window{at, at.Add(15 * time.Second)})
			if err != nil || len(bs) != 1 {
				t.Fatalf("%s %d: %d batches, %v", c2.profile, i, len(bs), err)
			}
			if got := d.take(bs); got != c2.restart[i] {
				t.Errorf("%s look %d: restarted %v", c2.profile, i, got)
			}
			if got := sums(bs[0]); !reflect.DeepEqual(got, c2.want[i]) {
				t.Errorf("%s look %d: %v, want %v", c2.profile, i, got, c2.want[i])
			}
			if got, want := bs[0].Target.String(), `{env="test", host_name="h", instance="127.0.0.1:1", runtime="Go", service_name="shop"}`; got != want {
				t.Errorf("target %s, want %s", got, want)
			}
			if bs[0].From != at.UnixNano() || bs[0].Until != at.Add(15*time.Second).UnixNano() {
				t.Errorf("%s look %d: window %d to %d", c2.profile, i, bs[0].From, bs[0].Until)
			}
		}
	}
}

// A real program's handlers, all of them.
func TestRealProgram(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	s := httptest.NewServer(mux)
	defer s.Close()
	k := &kept{}
	c, err := New(Options{Targets: []Target{{Service: "shop", URL: s.URL, Every: time.Second}}, Deliver: k.deliver})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.Run(ctx) }()
	seen := func(prefix string) bool {
		for _, b := range k.all() {
			for key := range sums(b) {
				if strings.HasPrefix(key, prefix) {
					return true
				}
			}
		}
		return false
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		burn()
		if seen("cpu tacho/record/scrape.burn") && seen("alloc_space ") && seen("goroutine ") && seen("mutex_count") && seen("block_duration") {
			break
		}
	}
	st := c.Status()[0]
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cpu tacho/record/scrape.burn", "alloc_space ", "inuse_space ", "goroutine ", "mutex_count", "block_duration"} {
		if !seen(want) {
			t.Errorf("nothing recorded of %s", want)
		}
	}
	if st.State != record.StateRecording || st.Reason != "" || st.Counters["batches"] == 0 || st.Last.IsZero() {
		t.Errorf("status %+v", st)
	}
}

var garbage [][]byte

//go:noinline
func burn() {
	n := 0
	for i := range 2_000_000 {
		n += i * i
	}
	garbage = append(garbage[:0], make([]byte, 64<<10+n&1))
}

// What is wrong is said in the target's state, and other profiles go on.
func TestProblems(t *testing.T) {
	good := encode(t, [][2]string{{"goroutine", "count"}}, map[string][]int64{"f": {3}})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/debug/pprof/goroutine":
			_, _ = w.Write(good)
		case "/debug/pprof/profile":
			http.Error(w, "Could not enable CPU profiling: cpu profiling already in use", http.StatusInternalServerError)
		case "/debug/pprof/heap":
			fmt.Fprint(w, "<html>not a profile</html>")
		case "/debug/pprof/block":
			http.Error(w, "no", http.StatusForbidden)
		default:
			http.NotFound(w, r)
		}
	}))
	defer s.Close()
	for profile, want := range map[string]struct{ reason, remedy string }{
		"cpu":       {"answers 500: Could not enable CPU profiling: cpu profiling already in use", "Another profiler records this program's CPU"},
		"heap":      {"is no profile", "Correct its url"},
		"mutex":     {"/debug/pprof/mutex is not there", "Import net/http/pprof"},
		"block":     {"refuses to answer (403)", "Let this host read"},
		"goroutine": {"", ""},
	} {
		k := &kept{}
		c, err := New(Options{Targets: []Target{{Service: "shop", URL: s.URL, Profiles: []string{profile, "goroutine"}[:1+b2i(profile != "goroutine")]}}, Deliver: k.deliver})
		if err != nil {
			t.Fatal(err)
		}
		x := c.targets[0]
		for _, p := range x.target.Profiles {
			last := time.Now().Add(-time.Second)
			x.note(p, c.once(t.Context(), x, p, 0, newDelta(), &last), time.Now())
		}
		st := c.Status()[0]
		state := record.StateLimited
		if profile == "goroutine" {
			state = record.StateRecording
		}
		if st.State != state || !strings.Contains(st.Reason, want.reason) || !strings.Contains(st.Remedy, want.remedy) || len(k.all()) != 1 {
			t.Errorf("%s: %s %q %q, %d batches", profile, st.State, st.Reason, st.Remedy, len(k.all()))
		}
		c.o.HTTP.CloseIdleConnections()
	}
	s.Close()
	c, _ := New(Options{Targets: []Target{{Service: "shop", URL: s.URL, Profiles: []string{"heap"}}}, Deliver: (&kept{}).deliver})
	x := c.targets[0]
	if st := x.status(); st.State != record.StateStarting {
		t.Errorf("before anything was asked: %s", st.State)
	}
	last := time.Now()
	x.note("heap", c.once(t.Context(), x, "heap", 0, newDelta(), &last), time.Now())
	if st := x.status(); st.State != record.StateRefused || !strings.Contains(st.Reason, "does not answer") || !strings.Contains(st.Remedy, "Start the program") {
		t.Errorf("nobody there: %+v", st)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestTargets(t *testing.T) {
	for say, bad := range map[string]Target{
		"want http://host:port": {Service: "a", URL: "localhost:6060"},
		"service is missing":    {URL: "http://h:1"},
		"every 10ms":            {Service: "a", URL: "http://h:1", Every: 10 * time.Millisecond},
		`"threads" is not`:      {Service: "a", URL: "http://h:1", Profiles: []string{"threads"}},
		`"cpu" twice`:           {Service: "a", URL: "http://h:1", Profiles: []string{"cpu", "cpu"}},
	} {
		if _, err := New(Options{Targets: []Target{bad}}); err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%+v: %v, want %q", bad, err, say)
		}
	}
	if _, err := New(Options{Targets: []Target{{Service: "a", URL: "http://h:1"}, {Service: "a", URL: "http://h:1/other"}}}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("two targets of one name: %v", err)
	}
	c, err := New(Options{Targets: []Target{{Service: "a", URL: "http://h:6060"}, {Service: "b", URL: "http://h:6060/internal/pprof/", Instance: "b-1", Every: time.Minute, Profiles: []string{"heap"}}}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Target{{Service: "a", Instance: "h:6060", URL: "http://h:6060/debug/pprof", Every: 15 * time.Second, Profiles: []string{"cpu", "heap", "mutex", "block", "goroutine"}},
		{Service: "b", Instance: "b-1", URL: "http://h:6060/internal/pprof", Every: time.Minute, Profiles: []string{"heap"}}}
	for i := range want {
		if got := c.targets[i].target; !reflect.DeepEqual(got, want[i]) {
			t.Errorf("%+v, want %+v", got, want[i])
		}
	}
}

// A sink that fails is a problem of the target's, not the end of the loop.
func TestSinkFails(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(encode(t, [][2]string{{"goroutine", "count"}}, map[string][]int64{"f": {3}}))
	}))
	defer s.Close()
	c, err := New(Options{Targets: []Target{{Service: "shop", URL: s.URL, Profiles: []string{"goroutine"}, Every: time.Second}},
		Deliver: func(context.Context, *tacho.Batch) error { return errors.New("disk full") }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := c.Run(ctx); err != nil {
		t.Fatal(err)
	}
	if st := c.Status()[0]; st.State != record.StateRefused || !strings.Contains(st.Reason, "disk full") {
		t.Errorf("%+v", st)
	}
}
