package ingest

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"tacho/format"
	"tacho/store"
	"tacho/wire"
)

// Refusal is why something from a foreign sender was not taken, said in a way
// every protocol can pass on.
type Refusal struct {
	Status   int    // of HTTP
	Reason   string // one word, label of the metric: malformed, too_large, unsupported, overloaded, full, failed, denied
	Sentence string
	Detail   string // what to do
	Position string // parameter or place in the input, "" if neither
	Err      error
}

func (r *Refusal) Error() string { return r.Sentence }

func (r *Refusal) Unwrap() error { return r.Err }

// BadParameter refuses a request for what one of its parameters says.
func BadParameter(name, detail, text string, args ...any) *Refusal {
	return &Refusal{Status: http.StatusBadRequest, Reason: "malformed", Sentence: fmt.Sprintf(text, args...), Detail: detail, Position: name}
}

// TooLarge refuses what is over a limit.
func TooLarge(limit string, most int64) *Refusal {
	return &Refusal{Status: http.StatusRequestEntityTooLarge, Reason: "too_large", Sentence: fmt.Sprintf("the request has more than %d %s", most, limit), Detail: "Send less at a time, or raise the server's limit.", Position: limit}
}

// Refuse finds the answer to an error of reading, decoding or storing. Errors
// nobody here knows are taken for the server's own trouble, so that the sender
// tries again.
func Refuse(err error) *Refusal {
	var known *Refusal
	var syntax *format.SyntaxError
	var limit *format.LimitError
	var body *http.MaxBytesError
	var rejected *wire.RejectedError
	var crowd *tooLargeError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &body):
		return &Refusal{Status: http.StatusRequestEntityTooLarge, Reason: "too_large", Err: err, Sentence: fmt.Sprintf("the body is larger than %d bytes", body.Limit), Detail: "Send less at a time, or raise the server's limit.", Position: "body"}
	case errors.As(err, &limit):
		return &Refusal{Status: http.StatusRequestEntityTooLarge, Reason: "too_large", Err: err, Sentence: limit.Error(), Detail: "Split the input, or raise the server's limit.", Position: limit.Limit}
	case errors.As(err, &syntax):
		return &Refusal{Status: http.StatusBadRequest, Reason: "malformed", Err: err, Sentence: syntax.Error(), Detail: "The input is damaged, cut short, or of a kind this decoder does not know.", Position: syntax.Position}
	case errors.As(err, &crowd):
		return &Refusal{Status: http.StatusRequestEntityTooLarge, Reason: "too_large", Err: err, Sentence: crowd.msg, Detail: "Send less at a time.", Position: "batches"}
	case errors.As(err, &rejected):
		return &Refusal{Status: http.StatusUnprocessableEntity, Reason: "invalid", Err: err, Sentence: "this cannot be stored: " + rejected.Reason, Detail: "Times must lie within the server's retention; from= says when something is to count."}
	case errors.Is(err, ErrOverloaded):
		return &Refusal{Status: http.StatusTooManyRequests, Reason: "overloaded", Err: err, Sentence: err.Error(), Detail: "Try again after the time in Retry-After."}
	case errors.Is(err, store.ErrFull):
		return &Refusal{Status: http.StatusInsufficientStorage, Reason: "full", Err: err, Sentence: err.Error(), Detail: "Free space on the server's disk, or shorten the retention."}
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF):
		return &Refusal{Status: http.StatusBadRequest, Reason: "malformed", Err: err, Sentence: "the body is cut short or damaged: " + err.Error(), Detail: "Send it again."}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &Refusal{Status: http.StatusServiceUnavailable, Reason: "failed", Err: err, Sentence: "this takes too long: " + err.Error(), Detail: "Send it again; what was stored meanwhile is replaced."}
	}
	return &Refusal{Status: http.StatusServiceUnavailable, Reason: "failed", Err: err, Sentence: err.Error(), Detail: "Try again after the time in Retry-After; the server's log and /readyz say more."}
}

// Write answers in the form of /api/v1.
func (r *Refusal) Write(w http.ResponseWriter) {
	writeError(w, &answer{status: r.Status, sentence: r.Sentence, detail: r.Detail, position: r.Position})
}
