package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"tacho/query"
	"tacho/store"
)

// Error is an answer that is not one: {"error", "detail", "position"}.
type Error struct {
	Status   int    `json:"-"`
	Message  string `json:"error"`              // one sentence
	Detail   string `json:"detail,omitempty"`   // what to do
	Position string `json:"position,omitempty"` // parameter or offset
}

func (e *Error) Error() string { return e.Message }

// badParam is the error of a parameter.
func badParam(position, detail, format string, args ...any) *Error {
	return &Error{Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...), Detail: detail, Position: position}
}

// What to do about names nobody knows.
const (
	seeServices = "GET /api/v1/services lists what is stored"
	seeTypes    = "GET /api/v1/types?service= lists what is stored"
)

// statusHangUp is what nginx logs when the client went away; nobody reads it
// but the metrics.
const statusHangUp = 499

// asError finds the answer that fits what went wrong.
func asError(ctx context.Context, err error) *Error {
	var e *Error
	var bad *query.RequestError
	switch {
	case errors.As(err, &e):
		return e
	case ctx.Err() != nil: // whatever else went wrong, nobody is there to be told
		return &Error{Status: statusHangUp, Message: "the client went away"}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &Error{Status: http.StatusServiceUnavailable, Message: "the question took too long and was stopped",
			Detail: "ask for a shorter range or fewer instances"}
	case errors.As(err, &bad):
		return badParam(bad.Param, "", "%s: %s", bad.Param, bad.Reason)
	case errors.Is(err, store.ErrUnknownService):
		return &Error{Status: http.StatusNotFound, Message: err.Error(), Position: "service", Detail: seeServices}
	case errors.Is(err, query.ErrUnknownType):
		return &Error{Status: http.StatusNotFound, Message: err.Error(), Position: "type", Detail: seeTypes}
	case errors.Is(err, store.ErrReadOnly):
		return &Error{Status: http.StatusServiceUnavailable, Message: "the store is closing", Detail: "the server is shutting down"}
	}
	return &Error{Status: http.StatusInternalServerError, Message: err.Error(), Detail: "the server's log has the circumstances"}
}

// writeError sends an error, never cached.
func writeError(w http.ResponseWriter, r *http.Request, e *Error) {
	b, err := json.Marshal(e)
	if err != nil { // three strings always marshal
		b = []byte(`{"error":"the error could not be written"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	if e.Status == http.StatusServiceUnavailable || e.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", "5")
	}
	w.WriteHeader(e.Status)
	if r.Method != http.MethodHead {
		// An error here is the client's hanging up.
		_, _ = w.Write(append(b, '\n'))
	}
}
