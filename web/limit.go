package web

import (
	"context"
	"net/http"
	"time"
)

// limiter is a number of places and how long to wait for one.
type limiter struct {
	places chan struct{}
	wait   time.Duration
}

func newLimiter(n int, wait time.Duration) limiter {
	return limiter{make(chan struct{}, n), wait}
}

// enter takes a place, or says why there is none. The caller gives it back by
// calling leave once.
func (l limiter) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-l.places }
	select {
	case l.places <- struct{}{}:
		return leave, nil
	default:
	}
	t := time.NewTimer(l.wait)
	defer t.Stop()
	select {
	case l.places <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-t.C:
		return nil, &Error{Status: http.StatusServiceUnavailable, Message: "too many questions are being answered",
			Detail: "ask again in a few seconds, or for shorter ranges"}
	}
}
