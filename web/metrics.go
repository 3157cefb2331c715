package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// timing is the latency of every endpoint. Endpoints are named by the route
// table, never by what a client wrote, so the number of series is bounded.
type timing struct{ seconds *prometheus.HistogramVec }

func newTiming(reg prometheus.Registerer, log *slog.Logger) *timing {
	t := &timing{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "tacho", Subsystem: "http", Name: "request_duration_seconds",
		Help:    "Time to answer a request, by endpoint and status code.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
	}, []string{"endpoint", "code"})}
	if reg == nil {
		return t
	}
	if err := reg.Register(t.seconds); err != nil {
		var again prometheus.AlreadyRegisteredError
		if errors.As(err, &again) {
			if same, ok := again.ExistingCollector.(*prometheus.HistogramVec); ok {
				t.seconds = same
				return t
			}
		}
		log.Error("latencies will not be in /metrics", "error", err)
	}
	return t
}

// observe times a handler and turns its panic into an answer. A panic is a
// mistake of ours, logged once, here.
func (s *server) observe(name string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now() // the monotonic clock; Now is for the meaning of "now"
		rec := &recorder{ResponseWriter: w}
		defer func() {
			p := recover()
			if p != nil && p != http.ErrAbortHandler {
				s.Log.Error("a request made the server panic", "endpoint", name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				if rec.status == 0 {
					writeError(rec, r, &Error{Status: http.StatusInternalServerError, Message: "the server made a mistake answering this",
						Detail: "the server's log has the circumstances; please report it"})
					p = nil
				}
			}
			code := rec.status
			if code == 0 {
				code = http.StatusOK
			}
			s.timing.seconds.WithLabelValues(name, strconv.Itoa(code)).Observe(time.Since(start).Seconds())
			if p != nil {
				// Half an answer went out: cut the connection, so that nobody
				// takes it for a whole one.
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// recorder remembers the status code.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(code int) {
	if w.status == 0 && code >= 200 {
		w.status = code
	}
	w.ResponseWriter.WriteHeader(code)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
