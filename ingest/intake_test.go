package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tacho"
	"tacho/format"
	"tacho/store"
	"tacho/wire"
)

type appendFunc func(context.Context, string, []*tacho.Batch) error

func (f appendFunc) Append(ctx context.Context, tenant string, bs []*tacho.Batch) error {
	return f(ctx, tenant, bs)
}

func bodyOf(t *Intake, length int64, r io.Reader) ([]byte, func(), error) {
	req := httptest.NewRequest(http.MethodPost, "/", r)
	req.ContentLength = length
	return t.Body(httptest.NewRecorder(), req)
}

// Bodies under way are bounded one by one and together, and what one held is
// there for the next.
func TestIntakeBodies(t *testing.T) {
	in := NewIntake(IntakeOptions{BodyBytes: 100, BodiesHeld: 150})
	for _, c := range []struct {
		length int64
		body   string
		want   string
	}{
		{5, "hello", "hello"}, {-1, "hello", "hello"}, {101, strings.Repeat("x", 101), "larger than 100 bytes"}, {-1, strings.Repeat("x", 101), "larger than 100 bytes"}, {0, "", ""},
	} {
		b, release, err := bodyOf(in, c.length, strings.NewReader(c.body))
		if err != nil {
			if r := Refuse(err); r.Status != http.StatusRequestEntityTooLarge || !strings.Contains(r.Sentence, c.want) {
				t.Errorf("%d bytes: %v", len(c.body), err)
			}
		} else if string(b) != c.want {
			t.Errorf("%q, want %q", b, c.want)
		}
		release()
	}
	_, first, err := bodyOf(in, -1, strings.NewReader("x")) // of unknown length: reserves 100
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := bodyOf(in, 60, strings.NewReader("x")); !errors.Is(err, ErrOverloaded) {
		t.Errorf("a body beyond the budget: %v", err)
	}
	first()
	if _, release, err := bodyOf(in, 60, strings.NewReader(strings.Repeat("x", 60))); err != nil {
		t.Errorf("after the budget is free again: %v", err)
	} else {
		release()
	}
	if held := in.held.Load(); held != 0 {
		t.Errorf("%d bytes are still reserved", held)
	}
	if _, release, err := bodyOf(in, 10, io.MultiReader(strings.NewReader("x"), errReader{})); Refuse(err).Status != http.StatusRequestTimeout {
		t.Errorf("a broken connection: %v", err)
	} else {
		release()
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestIntakePlaces(t *testing.T) {
	in := NewIntake(IntakeOptions{Decoders: 1})
	leave, err := in.Enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := in.Enter(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second one gets in: %v", err)
	}
	leave()
	if _, err := in.Enter(t.Context()); err != nil {
		t.Errorf("after the first has left: %v", err)
	}
}

func TestAppendPatiently(t *testing.T) {
	busy := 2
	in := NewIntake(IntakeOptions{Store: appendFunc(func(context.Context, string, []*tacho.Batch) error {
		if busy--; busy >= 0 {
			return ErrOverloaded
		}
		return nil
	})})
	if err := in.AppendPatiently(t.Context(), "", nil); err != nil {
		t.Error(err)
	}
	busy = 1 << 30
	in = NewIntake(IntakeOptions{Store: in.o.Store, Wait: 50 * time.Millisecond})
	if err := in.AppendPatiently(t.Context(), "", nil); !errors.Is(err, ErrOverloaded) {
		t.Errorf("a queue that stays full: %v", err)
	}
}

func TestRefuse(t *testing.T) {
	for _, c := range []struct {
		err      error
		status   int
		reason   string
		position string
	}{
		{&format.SyntaxError{Format: "pprof", Position: "byte 7", Reason: "x"}, 400, "malformed", "byte 7"},
		{&format.LimitError{Format: "pprof", Limit: "depth", Max: 5}, 413, "too_large", "depth"},
		{&wire.RejectedError{Reason: "too old"}, 422, "invalid", ""},
		{&wire.RejectedError{Reason: "too much", Err: &tooLargeError{"too much"}}, 413, "too_large", "batches"},
		{ErrOverloaded, 429, "overloaded", ""},
		{store.ErrFull, 507, "full", ""},
		{store.ErrReadOnly, 503, "failed", ""},
		{context.DeadlineExceeded, 503, "failed", ""},
		{io.ErrUnexpectedEOF, 400, "malformed", ""},
		{errors.New("disk on fire"), 503, "failed", ""},
		{TooLarge("labels", 64), 413, "too_large", "labels"},
		{BadParameter("from", "Fix it.", "%q is no time", "x"), 400, "malformed", "from"},
	} {
		if r := Refuse(c.err); r.Status != c.status || r.Reason != c.reason || r.Position != c.position || r.Sentence == "" || r.Detail == "" {
			t.Errorf("%v: %+v, want %d %s at %q", c.err, r, c.status, c.reason, c.position)
		}
	}
	w := httptest.NewRecorder()
	Refuse(ErrOverloaded).Write(w)
	if w.Code != 429 || w.Header().Get("Retry-After") != "1" || !bytes.Contains(w.Body.Bytes(), []byte(`"error":"the ingest queue is full"`)) {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

func TestTarget(t *testing.T) {
	for _, c := range []struct {
		service string
		labels  map[string]string
		sender  string
		want    string
	}{
		{"a", nil, "192.0.2.7:1234", `{instance="192.0.2.7", service_name="a"}`},
		{"a", nil, "[2001:db8::1]:1234", `{instance="2001:db8::1", service_name="a"}`},
		{"a", nil, "@", `{instance="local", service_name="a"}`},
		{"a", map[string]string{"service_name": "b", "k8s.pod.name": "p", "1x": "y", "größe": "1"}, "x:1", `{_1x="y", gr__e="1", instance="p", k8s_pod_name="p", service_name="b"}`},
		{"a", map[string]string{"deployment.environment.name": "prod", "__secret__": "1", "thread_group": "g"}, "x:1", `{deployment_environment="prod", exported_thread_group="g", instance="x", service_name="a"}`},
	} {
		got, err := Target(c.service, c.labels, c.sender)
		if err != nil || got.String() != c.want {
			t.Errorf("%v: %s %v, want %s", c.labels, got, err, c.want)
		}
	}
	for _, labels := range []map[string]string{{"k": "a\nb"}, {"k": "\xff"}, {"k": strings.Repeat("x", MaxLabelValue+1)}, {strings.Repeat("k", MaxLabelName+1): "v"}} {
		if got, err := Target("a", labels, "x:1"); err == nil || Refuse(err).Status/100 != 4 {
			t.Errorf("%.40q: %s %v", labels, got, err)
		}
	}
}
