package pyroscope

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"connectrpc.com/connect"
	pushv1 "github.com/grafana/pyroscope/api/gen/proto/go/push/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/push/v1/pushv1connect"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"

	"tacho/format"
	"tacho/ingest"
)

// pushServer speaks HTTP/1 and HTTP/2 without TLS, as Tacho's does.
func pushServer(t *testing.T, o Options) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(Push(o))
	mux.Handle("/ingest", Ingest(o))
	s := httptest.NewUnstartedServer(mux)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

// h2c is a client of HTTP/2 without TLS.
func h2c(t *testing.T) *http.Client {
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func series(t *testing.T, name string, profile []byte) *pushv1.RawProfileSeries {
	return &pushv1.RawProfileSeries{
		Labels:  []*typesv1.LabelPair{{Name: "__name__", Value: name}, {Name: "service_name", Value: "shop"}, {Name: "pod", Value: "shop-7"}, {Name: "k8s.namespace", Value: "prod"}},
		Samples: []*pushv1.RawSample{{RawProfile: profile, ID: "734FD599-6865-419E-9475-932762D8F469"}},
	}
}

func TestPush(t *testing.T) {
	for name, opts := range map[string][]connect.ClientOption{
		"connect":          nil,
		"connect and gzip": {connect.WithSendGzip()},
		"connect and JSON": {connect.WithProtoJSON()},
		"gRPC":             {connect.WithGRPC()},
		"gRPC-Web":         {connect.WithGRPCWeb()},
	} {
		t.Run(name, func(t *testing.T) {
			k := &kept{}
			url := pushServer(t, options(k, format.Limits{}))
			c := pushv1connect.NewPusherServiceClient(h2c(t), url, opts...)
			_, err := c.Push(t.Context(), connect.NewRequest(&pushv1.PushRequest{Series: []*pushv1.RawProfileSeries{
				series(t, "process_cpu", cpuProfile(t, fixed)), series(t, "block", mutexProfile(t, fixed)),
			}}))
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]int64{"block_count/count main;work": 2, "block_count/count main": 1, "block_duration/nanoseconds main;work": 500, "block_duration/nanoseconds main": 7}
			for key, v := range cpuSums {
				want[key] = v
			}
			if got := sums(k.all()); !reflect.DeepEqual(got, want) {
				t.Errorf("stored %v, want %v", got, want)
			}
			if got, want := k.all()[0].Target.String(), `{instance="shop-7", k8s_namespace="prod", pod="shop-7", service_name="shop"}`; got != want {
				t.Errorf("target %s, want %s", got, want)
			}
			if k.calls != 1 {
				t.Errorf("%d appends for one request", k.calls)
			}
		})
	}
}

func TestPushRefusals(t *testing.T) {
	many := &pushv1.PushRequest{}
	for range maxSeries + 1 {
		many.Series = append(many.Series, &pushv1.RawProfileSeries{})
	}
	for what, c := range map[string]struct {
		req   *pushv1.PushRequest
		store error
		code  connect.Code
		say   string
	}{
		"nothing":       {&pushv1.PushRequest{}, nil, connect.CodeInvalidArgument, "the request holds no profile"},
		"too many":      {many, nil, connect.CodeInvalidArgument, "the request has more than 1000 series"},
		"not a profile": {&pushv1.PushRequest{Series: []*pushv1.RawProfileSeries{series(t, "x", []byte("garbage"))}}, nil, connect.CodeInvalidArgument, ""},
		"large":         {&pushv1.PushRequest{Series: []*pushv1.RawProfileSeries{series(t, "x", make([]byte, 1<<20))}}, nil, connect.CodeResourceExhausted, ""},
		"overloaded":    {&pushv1.PushRequest{Series: []*pushv1.RawProfileSeries{series(t, "x", cpuProfile(t, fixed))}}, ingest.ErrOverloaded, connect.CodeResourceExhausted, "the ingest queue is full"},
		"trouble":       {&pushv1.PushRequest{Series: []*pushv1.RawProfileSeries{series(t, "x", cpuProfile(t, fixed))}}, errors.New("disk on fire"), connect.CodeUnavailable, "disk on fire"},
	} {
		k := &kept{err: c.store}
		client := pushv1connect.NewPusherServiceClient(h2c(t), pushServer(t, options(k, format.Limits{})))
		_, err := client.Push(t.Context(), connect.NewRequest(c.req))
		var e *connect.Error
		if !errors.As(err, &e) || e.Code() != c.code || c.say != "" && e.Message() != c.say {
			t.Errorf("%s: %v, want %s %q", what, err, c.code, c.say)
		}
		if len(k.all()) != 0 {
			t.Errorf("%s: stored something", what)
		}
	}
}
