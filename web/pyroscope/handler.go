package pyroscope

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	"github.com/grafana/pyroscope/api/gen/proto/go/querier/v1/querierv1connect"

	"tacho/store"
)

// Options is what the handlers are made of. Store is required.
type Options struct {
	Store store.Store
	// Enter takes a place in the line of questions and gives it back by leave;
	// nil: there is no line. Its error is answered as "unavailable".
	Enter func(ctx context.Context) (leave func(), err error)
	Now   func() time.Time // nil = time.Now
	Log   *slog.Logger     // nil = discard
}

// Paths of what came before Connect.
const (
	renderPath      = "/pyroscope/render"
	renderDiffPath  = "/pyroscope/render-diff"
	labelValuesPath = "/pyroscope/label-values"
)

// Endpoint is one address of the handler.
type Endpoint struct {
	Path string
	Name string // for metrics
	Post bool   // takes POST, else GET
}

// Endpoints is every address New's handler answers at.
func Endpoints() []Endpoint {
	out := []Endpoint{
		{renderPath, "pyroscope_render", false}, {renderDiffPath, "pyroscope_render_diff", false}, {labelValuesPath, "pyroscope_label_values", false},
	}
	ms := querierv1.File_querier_v1_querier_proto.Services().ByName("QuerierService").Methods()
	for i := range ms.Len() {
		name := string(ms.Get(i).Name())
		out = append(out, Endpoint{"/" + querierv1connect.QuerierServiceName + "/" + name, "pyroscope_" + name, true})
	}
	return out
}

// maxRequest bounds a message to the server.
const maxRequest = 1 << 20

type querier struct{ o Options }

// New makes the handler of all paths.
func New(o Options) http.Handler {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	x := &querier{o}
	mux := http.NewServeMux()
	mux.Handle(querierv1connect.NewQuerierServiceHandler(x, connect.WithReadMaxBytes(maxRequest), connect.WithInterceptors(connect.UnaryInterceptorFunc(x.inLine))))
	mux.HandleFunc(renderPath, x.render)
	mux.HandleFunc(renderDiffPath, x.renderDiff)
	mux.HandleFunc(labelValuesPath, x.labelValues)
	return mux
}

// inLine is around every question: a place in the line, and an error that says
// what it is.
func (x *querier) inLine(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, r connect.AnyRequest) (connect.AnyResponse, error) {
		leave, err := x.enter(ctx)
		if err != nil {
			return nil, err
		}
		defer leave()
		res, err := next(ctx, r)
		if err != nil {
			return nil, x.coded(ctx, r.Spec().Procedure, err)
		}
		return res, nil
	}
}

func (x *querier) enter(ctx context.Context) (func(), error) {
	if x.o.Enter == nil {
		return func() {}, nil
	}
	leave, err := x.o.Enter(ctx)
	if err != nil {
		return nil, connect.NewError(connect.CodeUnavailable, err)
	}
	return leave, nil
}

// coded gives an error the code that fits it.
func (x *querier) coded(ctx context.Context, what string, err error) error {
	var coded *connect.Error
	switch {
	case errors.As(err, &coded):
		return err
	case errors.Is(err, context.Canceled):
		return connect.NewError(connect.CodeCanceled, err)
	case errors.Is(err, context.DeadlineExceeded):
		return connect.NewError(connect.CodeDeadlineExceeded, errors.New("the question took too long and was stopped: ask for a shorter range"))
	case errors.Is(err, store.ErrReadOnly):
		return connect.NewError(connect.CodeUnavailable, errors.New("the store is closing: the server is shutting down"))
	}
	if ctx.Err() == nil {
		x.o.Log.Error("a question failed", "endpoint", what, "error", err)
	}
	return connect.NewError(connect.CodeInternal, err)
}

// headerMissing names what could not be read, one sentence a value.
const headerMissing = "Tacho-Missing"

func note(h http.Header, missing []string) {
	seen := map[string]bool{}
	for _, m := range missing {
		if m = strings.ToValidUTF8(strings.Join(strings.Fields(m), " "), "?"); !seen[m] {
			seen[m] = true
			h.Add(headerMissing, m)
		}
	}
}

// gather merges what is selected, part by part.
func (x *querier) gather(ctx context.Context, sel *selection, visit func(store.Part)) (missing []string, err error) {
	for _, s := range sel.selections() {
		m, err := x.o.Store.Merge(ctx, s)
		if errors.Is(err, store.ErrUnknownService) {
			continue // its retention ended between the two questions
		}
		if err != nil {
			return nil, fmt.Errorf("merge %s of %s: %w", s.Type, s.Service, err)
		}
		missing = append(missing, m.Missing...)
		for _, p := range m.Parts {
			visit(p)
		}
	}
	return missing, ctx.Err()
}
