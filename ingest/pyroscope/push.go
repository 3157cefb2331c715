package pyroscope

import (
	"context"
	"errors"
	"net/http"
	"time"

	"connectrpc.com/connect"
	pushv1 "github.com/grafana/pyroscope/api/gen/proto/go/push/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/push/v1/pushv1connect"

	"tacho"
	"tacho/format"
	"tacho/ingest"
)

// maxSeries is how many series one push may have.
const maxSeries = 1000

// Push serves push.v1.PusherService, on any of its three protocols; the path
// ends in a slash. gRPC needs a server that speaks HTTP/2.
func Push(o Options) (string, http.Handler) {
	s := &pusher{newServer(o)}
	path, next := pushv1connect.NewPusherServiceHandler(s, connect.WithReadMaxBytes(int(s.in.BodyBytes())))
	return path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, err := s.in.Tenant(r)
		if err != nil {
			s.in.Count("push", err)
			_ = connect.NewErrorWriter().Write(w, r, asConnect(err)) // the client is gone if this fails
			return
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tenantKey{}, tenant)))
	})
}

// tenantKey is where the tenant of a call is kept: connect hands over headers,
// not the request.
type tenantKey struct{}

type pusher struct{ *server }

// Push stores all series of a request, or none.
func (s *pusher) Push(ctx context.Context, req *connect.Request[pushv1.PushRequest]) (*connect.Response[pushv1.PushResponse], error) {
	err := s.push(ctx, req.Msg, req.Peer().Addr)
	s.in.Count("push", err)
	if err != nil {
		return nil, asConnect(err)
	}
	return connect.NewResponse(&pushv1.PushResponse{}), nil
}

func (s *pusher) push(ctx context.Context, msg *pushv1.PushRequest, sender string) error {
	if len(msg.Series) > maxSeries {
		return ingest.TooLarge("series", maxSeries)
	}
	leave, err := s.in.Enter(ctx)
	if err != nil {
		return err
	}
	var batches []*tacho.Batch
	for _, series := range msg.Series {
		more, err := s.series(ctx, series, sender)
		if err != nil {
			leave()
			return err
		}
		batches = append(batches, more...)
	}
	leave()
	if len(batches) == 0 {
		return &ingest.Refusal{Status: http.StatusBadRequest, Reason: "malformed", Sentence: errEmpty.Error(), Detail: "Send at least one series with one sample.", Err: errEmpty}
	}
	tenant, _ := ctx.Value(tenantKey{}).(string)
	return s.in.Append(ctx, tenant, batches)
}

func (s *pusher) series(ctx context.Context, series *pushv1.RawProfileSeries, sender string) ([]*tacho.Batch, error) {
	labels := map[string]string{}
	for _, l := range series.Labels {
		labels[l.GetName()] = l.GetValue()
	}
	app := labels["service_name"]
	if app == "" {
		app = "unknown_service" // OpenTelemetry's word, and Pyroscope's
	}
	to, err := ingest.Target(app, labels, sender)
	if err != nil {
		return nil, err
	}
	// A profile without a time counts when it comes.
	now := s.in.Now()
	o := format.Options{Target: to, From: now.Add(-time.Second), Until: now, Limits: s.in.Limits(), Now: s.in.Now}
	var batches []*tacho.Batch
	for _, sample := range series.Samples {
		more, err := s.run(ctx, s.byName["pprof"], sample.RawProfile, o, ofProfile(labels["__name__"]), checksum(sample.RawProfile)^checksum([]byte(to.String())))
		if err != nil {
			return nil, err
		}
		batches = append(batches, more...)
	}
	return batches, nil
}

// asConnect says the same in the code a client of the protocol acts on.
func asConnect(err error) error {
	r := ingest.Refuse(err)
	code := connect.CodeUnavailable
	switch r.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
		code = connect.CodeInvalidArgument
	case http.StatusUnauthorized:
		code = connect.CodeUnauthenticated
	case http.StatusTooManyRequests, http.StatusInsufficientStorage:
		code = connect.CodeResourceExhausted
	}
	return connect.NewError(code, errors.New(r.Sentence))
}
