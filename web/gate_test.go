package web

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// gatedServer serves with a gate of two places; each request of /wait holds its
// place until release is closed.
func gatedServer(t *testing.T) (addr string, release chan struct{}, entered chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	release, entered = make(chan struct{}), make(chan string, 10)
	g := NewGate(2)
	s := &http.Server{ConnState: g.ConnState, Handler: g.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			entered <- r.RemoteAddr
			<-release
		}
	}))}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(g.Listener(l)) }()
	t.Cleanup(func() {
		s.Close()
		<-done
	})
	return l.Addr().String(), release, entered
}

// client keeps one connection of its own.
func oneConnection(t *testing.T) *http.Client {
	tr := &http.Transport{MaxConnsPerHost: 1}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func TestGateRefusesWhatIdleConnectionsSend(t *testing.T) {
	addr, release, entered := gatedServer(t)
	idle := oneConnection(t)
	if res, err := idle.Get("http://" + addr + "/"); err != nil {
		t.Fatal(err)
	} else {
		res.Body.Close() // the connection stays, idle, and takes no place
	}
	answers := make(chan error, 2)
	for range 2 {
		c := oneConnection(t)
		go func() {
			res, err := c.Get("http://" + addr + "/wait")
			if err == nil {
				res.Body.Close()
			}
			answers <- err
		}()
	}
	<-entered
	<-entered
	res, err := idle.Post("http://"+addr+"/", "text/plain", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != 429 || res.Header.Get("Retry-After") == "" || !res.Close {
		t.Errorf("third request: %d, Retry-After %q, close %v: %s", res.StatusCode, res.Header.Get("Retry-After"), res.Close, body)
	}
	close(release)
	for range 2 {
		if err := <-answers; err != nil {
			t.Error(err)
		}
	}
}

func TestGateAcceptsNoMoreThanItLetsIn(t *testing.T) {
	addr, release, entered := gatedServer(t)
	answers := make(chan int, 3)
	for range 3 {
		c := oneConnection(t)
		go func() {
			res, err := c.Get("http://" + addr + "/wait")
			if err != nil {
				answers <- 0
				return
			}
			res.Body.Close()
			answers <- res.StatusCode
		}()
	}
	<-entered
	<-entered
	select {
	case a := <-entered:
		t.Errorf("a third request entered, from %s", a)
	case s := <-answers:
		t.Errorf("a request was answered %d", s)
	case <-time.After(100 * time.Millisecond): // it waits in the kernel's queue
	}
	close(release)
	for range 3 {
		if s := <-answers; s != 200 {
			t.Errorf("a request was answered %d", s)
		}
	}
}

func TestGateCloses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := NewGate(1)
	g.ConnState(&net.TCPConn{}, http.StateNew)
	got := make(chan error, 1)
	gl := g.Listener(l)
	go func() { _, err := gl.Accept(); got <- err }()
	gl.Close()
	if err := <-got; err == nil {
		t.Error("Accept returned a connection after Close")
	}
}
