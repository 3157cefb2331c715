package web

import (
	"net"
	"net/http"
	"sync"
)

// Gate bounds how many requests a server works on at once, so that a flood
// costs what the bound costs and not what the flood would: thousands of
// connections that all became readable are thousands of goroutines in line, and
// whoever else wants to run waits behind them.
//
//   - Accept waits while so many connections are busy; the kernel's queue holds
//     the others. Idle connections do not count: a fleet of agents keeps one each.
//   - A request on a connection that was idle and finds no place is answered 429
//     at once, its body unread, and its connection closed.
//
// One Gate serves one http.Server: Listener wraps what it accepts from, Handler
// what it serves, and ConnState is its hook of that name.
type Gate struct {
	most   int
	places chan struct{} // of requests under way
	mu     sync.Mutex
	free   *sync.Cond
	busy   map[net.Conn]bool // connections with a request, or with none yet
	closed bool
}

// NewGate lets so many requests in at a time.
func NewGate(most int) *Gate {
	g := &Gate{most: most, places: make(chan struct{}, most), busy: map[net.Conn]bool{}}
	g.free = sync.NewCond(&g.mu)
	return g
}

// ConnState is for http.Server.ConnState.
func (g *Gate) ConnState(c net.Conn, s http.ConnState) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch s {
	case http.StateNew, http.StateActive:
		g.busy[c] = true
	default:
		delete(g.busy, c)
		g.free.Signal()
	}
}

// Listener accepts no more than the gate lets in.
func (g *Gate) Listener(l net.Listener) net.Listener { return &gated{l, g} }

type gated struct {
	net.Listener
	g *Gate
}

func (l *gated) Accept() (net.Conn, error) {
	l.g.mu.Lock()
	for len(l.g.busy) >= l.g.most && !l.g.closed {
		l.g.free.Wait()
	}
	l.g.mu.Unlock()
	return l.Listener.Accept()
}

func (l *gated) Close() error {
	l.g.mu.Lock()
	l.g.closed = true
	l.g.mu.Unlock()
	l.g.free.Broadcast()
	return l.Listener.Close()
}

// Handler lets no more requests through to next than the gate lets in.
func (g *Gate) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case g.places <- struct{}{}:
			defer func() { <-g.places }()
			next.ServeHTTP(w, r)
			return
		default:
		}
		// Without this the server would read the body before it answers.
		_ = http.NewResponseController(w).EnableFullDuplex()
		w.Header().Set("Connection", "close")
		writeError(w, r, &Error{Status: http.StatusTooManyRequests, Message: "too many requests are under way", Detail: "try again after the time in Retry-After"})
	})
}
