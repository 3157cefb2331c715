package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// policy allows what the page needs and no more: its own script, style, images
// and API, nothing inline, nobody's frame.
const policy = "default-src 'self'; frame-ancestors 'none'; base-uri 'none'"

// Guard puts what every request passes first before a handler on a listener of
// its own, at the address listen.
func Guard(listen string, hosts []string, next http.Handler) http.Handler {
	return (&server{Options: Options{Listen: listen, Hosts: hosts}}).guard(next)
}

// guard is what every request passes first.
func (s *server) guard(next http.Handler) http.Handler {
	// Browsers say where a request comes from (Sec-Fetch-Site, or Origin);
	// programs do not, and pass. Reading needs no check: without CORS headers
	// another site's page cannot see the answer.
	cross := http.NewCrossOriginProtection()
	checkHost := s.Listen == "" || loopback(hostOf(s.Listen))
	names := map[string]bool{"localhost": true}
	for _, h := range s.Hosts {
		names[strings.ToLower(strings.TrimSuffix(h, "."))] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if s.Version != "" {
			h.Set("Server", "tacho/"+s.Version)
		}
		if checkHost && !overSocket(r) && !known(hostOf(r.Host), names) {
			writeError(w, r, &Error{Status: http.StatusForbidden, Message: "this server does not answer to the host name of the request",
				Detail: "use localhost or 127.0.0.1, or add the name to the hosts of the configuration", Position: "Host"})
			return
		}
		if err := cross.Check(r); err != nil {
			writeError(w, r, &Error{Status: http.StatusForbidden, Message: "this request comes from another site",
				Detail: "only pages of this server may change something here", Position: "Origin"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// known reports whether a request to this host name may be answered. Numbers
// cannot be rebound: only loopback ones reach a loopback listener.
func known(host string, names map[string]bool) bool {
	// HTTP/1.0 has no Host header; no browser speaks it.
	return host == "" || loopback(host) || names[strings.ToLower(strings.TrimSuffix(host, "."))]
}

func loopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback()
}

// hostOf takes the port and the brackets off.
func hostOf(hostport string) string {
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		return h
	}
	return strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
}

// overSocket reports whether the request came over a Unix socket, where the
// host name is whatever the client made up and no browser can be.
func overSocket(r *http.Request) bool {
	a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return ok && a.Network() == "unix"
}
