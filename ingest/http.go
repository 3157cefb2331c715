package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"tacho"
	"tacho/store"
	"tacho/wire"
)

// answer is what a request that is not stored gets.
type answer struct {
	status   int
	reason   string // label of the metric, "" when it is counted elsewhere
	sentence string
	detail   string
	position string
}

// Handler serves POST /api/v1/batches.
func (g *Ingester) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant := ""
		if g.o.Tenant != nil {
			var err error
			if tenant, err = g.o.Tenant(r); err != nil {
				writeError(w, &answer{status: http.StatusUnauthorized, sentence: err.Error(), detail: "Send a token of this server."})
				return
			}
		}
		n, bad := g.serve(w, r, tenant)
		if bad != nil {
			if bad.reason != "" {
				g.metrics.reject(bad.reason)
			}
			writeError(w, bad)
			return
		}
		writeJSON(w, http.StatusOK, map[string]int{"accepted": n})
	})
}

func (g *Ingester) serve(w http.ResponseWriter, r *http.Request, tenant string) (int, *answer) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return 0, &answer{status: http.StatusMethodNotAllowed, sentence: "batches are posted", detail: "Use POST."}
	}
	if ct, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || ct != wire.ContentType || r.Header.Get("Content-Encoding") != "" {
		return 0, &answer{status: http.StatusUnsupportedMediaType, reason: "malformed", sentence: "the body is not of type " + wire.ContentType + " without a Content-Encoding",
			detail: "Send batches as package wire writes them; other files go to /api/v1/upload."}
	}
	if g.full(tenant, r.ContentLength) {
		return 0, &answer{status: http.StatusTooManyRequests, reason: "overloaded", sentence: ErrOverloaded.Error(), detail: "Try again after the time in Retry-After."}
	}
	held, bad := g.hold(r)
	if bad != nil {
		return 0, bad
	}
	defer g.bodies.Add(-held)
	body := http.MaxBytesReader(w, r.Body, g.o.BodyBytes)
	// A sender that stops in the middle must not keep its share of the budget.
	// Not every connection has deadlines; the budget bounds those that do not.
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(g.o.Wait))
	raw, free, err := readBody(body, r.ContentLength)
	_ = conn.SetReadDeadline(time.Time{})
	if err != nil {
		free()
		return 0, readAnswer(err)
	}
	rd, batches, bad := g.decodeAll(r.Context(), tenant, raw)
	if bad != nil {
		free()
		return 0, bad
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.o.Wait)
	defer cancel()
	if err := g.appendValid(ctx, tenant, batches); err != nil {
		return 0, appendAnswer(err)
	}
	// Stored, hence nobody's; after an error they may still be in the queue, and the
	// body with them.
	rd.Release()
	free()
	return len(batches), nil
}

// hold takes the share of a request from the budget for bodies.
func (g *Ingester) hold(r *http.Request) (int64, *answer) {
	n := r.ContentLength
	if n < 0 {
		n = g.o.BodyBytes
	}
	if n > g.o.BodyBytes {
		return 0, tooLarge(g.o.BodyBytes)
	}
	if g.bodies.Add(n) > g.o.BodiesHeld {
		g.bodies.Add(-n)
		return 0, &answer{status: http.StatusTooManyRequests, reason: "overloaded", sentence: "too many requests are being read", detail: "Try again after the time in Retry-After."}
	}
	return n, nil
}

func (g *Ingester) decodeAll(ctx context.Context, tenant string, raw []byte) (*wire.Reader, []*tacho.Batch, *answer) {
	select {
	case g.decode <- struct{}{}:
		defer func() { <-g.decode }()
	case <-ctx.Done():
		return nil, nil, &answer{status: http.StatusServiceUnavailable, sentence: "the request ended before it was decoded", detail: "Try again."}
	}
	if g.full(tenant, int64(len(raw))) {
		return nil, nil, &answer{status: http.StatusTooManyRequests, reason: "overloaded", sentence: ErrOverloaded.Error(), detail: "Try again after the time in Retry-After."}
	}
	rd, batches, err := decodeBatches(raw, g.o.Limits, g.lazy)
	if err != nil {
		return nil, nil, readAnswer(err)
	}
	if len(batches) == 0 {
		return nil, nil, &answer{status: http.StatusBadRequest, reason: "malformed", sentence: "the body holds no batch", detail: "Send at least one.", position: "0"}
	}
	return rd, batches, nil
}

func tooLarge(limit int64) *answer {
	return &answer{status: http.StatusRequestEntityTooLarge, reason: "too_large", sentence: fmt.Sprintf("the body is larger than %d bytes", limit), detail: "Send fewer batches in one request."}
}

// readAnswer is for bodies that could not be read or are not batches.
func readAnswer(err error) *answer {
	var large *http.MaxBytesError
	var syntax *wire.SyntaxError
	switch {
	case errors.As(err, &large):
		return tooLarge(large.Limit)
	case errors.As(err, &syntax) && syntax.Limit != "":
		return &answer{status: http.StatusRequestEntityTooLarge, reason: "too_large", sentence: "a batch is too large: " + syntax.Msg, position: syntax.Position(),
			detail: "Send fewer batches in one request, or shorter windows."}
	case errors.As(err, &syntax):
		return &answer{status: http.StatusBadRequest, reason: "malformed", sentence: "the body is not a sequence of batches: " + syntax.Msg, position: syntax.Position(),
			detail: "The batch was damaged on its way, or the agent speaks another version than the server."}
	}
	// Not the sender's doing as far as anyone can tell, so it may try again.
	return &answer{status: http.StatusRequestTimeout, reason: "malformed", sentence: "the body could not be read: " + err.Error(), detail: "Send it again."}
}

// appendAnswer is for batches that were understood and not stored.
func appendAnswer(err error) *answer {
	var rejected *wire.RejectedError
	var large *tooLargeError
	var syntax *wire.SyntaxError
	switch {
	case errors.As(err, &syntax): // found when the tables were needed, and counted there
		a := readAnswer(syntax)
		a.reason = ""
		return a
	case errors.As(err, &large):
		return &answer{status: http.StatusRequestEntityTooLarge, sentence: large.msg, detail: "Send fewer batches in one request."}
	case errors.As(err, &rejected):
		return &answer{status: http.StatusUnprocessableEntity, sentence: "a batch cannot be stored: " + rejected.Reason, detail: "The agent made a batch that breaks the contract; please report it."}
	case errors.Is(err, ErrOverloaded):
		return &answer{status: http.StatusTooManyRequests, sentence: err.Error(), detail: "Try again after the time in Retry-After."}
	case errors.Is(err, store.ErrFull):
		return &answer{status: http.StatusInsufficientStorage, reason: "full", sentence: err.Error(), detail: "Free space on the server's disk, or shorten the retention. Agents keep their batches until then."}
	case errors.Is(err, store.ErrReadOnly):
		return &answer{status: http.StatusServiceUnavailable, sentence: err.Error(), detail: "Try again after the time in Retry-After."}
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return &answer{status: http.StatusServiceUnavailable, reason: "failed", sentence: "the commit takes too long: " + err.Error(), detail: "Send it again; batches that were stored meanwhile are replaced."}
	}
	return &answer{status: http.StatusServiceUnavailable, reason: "failed", sentence: "the store failed: " + err.Error(), detail: "Try again after the time in Retry-After; the server's log and /readyz say more."}
}

func writeError(w http.ResponseWriter, a *answer) {
	switch a.status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", strconv.Itoa(int(RetryAfter/time.Second)))
	case http.StatusInsufficientStorage:
		w.Header().Set("Retry-After", "10") // space does not come back within a second
	}
	body := map[string]string{"error": a.sentence, "detail": a.detail}
	if a.position != "" {
		body["position"] = a.position
	}
	writeJSON(w, a.status, body)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	p, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(p, '\n')) // the caller is gone if this fails
}
