package web

import (
	"net/http"
	"strings"

	"tacho/web/pyroscope"
)

// route is one endpoint: its name in metrics and logs, and a handler a method.
type route struct {
	name           string
	get, post, del http.Handler
}

// routes is every endpoint with a fixed path.
func (s *server) routes() map[string]route {
	heavy := func(name string, f question) route { return route{name: name, get: s.answer(name, s.heavy, f)} }
	light := func(name string, f question) route { return route{name: name, get: s.answer(name, s.light, f)} }
	rs := map[string]route{
		"/api/v1/services":     light("services", s.services),
		"/api/v1/types":        light("types", s.types),
		"/api/v1/labels":       light("labels", s.labels),
		"/api/v1/heatmap":      heavy("heatmap", s.heatmap),
		"/api/v1/top":          heavy("top", s.top),
		"/api/v1/icicle":       heavy("icicle", s.icicle),
		"/api/v1/callers":      heavy("callers", s.callers),
		"/api/v1/diff":         heavy("diff", s.diff),
		"/api/v1/profile":      {name: "profile", get: http.HandlerFunc(s.profile)},
		"/api/v1/samples":      heavy("samples", s.samples),
		"/api/v1/timeline":     heavy("timeline", s.timeline),
		"/api/v1/events":       heavy("events", s.events),
		"/api/v1/openapi.json": {name: "openapi", get: http.HandlerFunc(describe)},
		"/healthz":             {name: "healthz", get: http.HandlerFunc(alive)},
		"/readyz":              {name: "readyz", get: readiness(s.Ready)},
		"/":                    {name: "page", get: s.pages.index()},
		"/agents":              {name: "page", get: s.pages.index()},
		"/files":               {name: "page", get: s.pages.index()},
	}
	agents := route{name: "agents", get: s.answer("agents", s.light, s.agents)}
	if s.Agents != nil {
		agents.post = http.HandlerFunc(s.reportAgent)
	}
	rs["/api/v1/agents"] = agents
	if s.Append != nil {
		events := rs["/api/v1/events"]
		events.post = http.HandlerFunc(s.mark)
		rs["/api/v1/events"] = events
	}
	if s.Ingest != nil {
		rs["/api/v1/batches"] = route{name: "batches", post: s.Ingest}
	}
	if s.Metrics != nil {
		rs["/metrics"] = route{name: "metrics", get: s.Metrics}
	}
	readers := pyroscope.New(pyroscope.Options{Store: s.Store, Enter: s.heavy.enter, Now: s.Now, Log: s.Log})
	for _, e := range pyroscope.Endpoints() {
		rt := route{name: e.Name, get: readers}
		if e.Post {
			rt = route{name: e.Name, post: readers}
		}
		rs[e.Path] = rt
	}
	for path, h := range s.More {
		rs[path] = route{name: strings.Trim(path, "/"), get: h, post: h, del: h}
	}
	return rs
}

// router picks the endpoint. HEAD is GET without its body.
func (s *server) router() http.Handler {
	fixed := s.routes()
	recorder := route{name: "page", get: s.pages.index()}
	assets := route{name: "asset", get: http.HandlerFunc(s.pages.asset)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		rt, ok := fixed[path]
		switch {
		case ok:
		case strings.HasPrefix(path, "/r/"), strings.HasPrefix(path, "/cmp/"), strings.HasPrefix(path, "/tl/"):
			rt = recorder
		case strings.HasPrefix(path, "/assets/"):
			rt = assets
		default:
			for i := strings.LastIndexByte(path, '/'); i > 0 && !ok; i = strings.LastIndexByte(path[:i], '/') {
				rt, ok = fixed[path[:i+1]]
			}
			if !ok {
				rt = route{name: "unknown", get: http.HandlerFunc(notFound), post: http.HandlerFunc(notFound)}
			}
		}
		var h http.Handler
		switch r.Method {
		case http.MethodGet, http.MethodHead:
			h = rt.get
		case http.MethodPost:
			h = rt.post
		case http.MethodDelete:
			h = rt.del
		}
		if h == nil {
			h = notAllowed(rt)
		}
		s.observe(rt.name, h).ServeHTTP(w, r)
	})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	writeError(w, r, &Error{Status: http.StatusNotFound, Message: "there is nothing at this address",
		Detail: "the addresses are listed in docs/api.md"})
}

func notAllowed(rt route) http.Handler {
	var allow []string
	if rt.get != nil {
		allow = append(allow, http.MethodGet, http.MethodHead)
	}
	if rt.post != nil {
		allow = append(allow, http.MethodPost)
	}
	if rt.del != nil {
		allow = append(allow, http.MethodDelete)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		writeError(w, r, &Error{Status: http.StatusMethodNotAllowed, Message: "this address does not take the method of the request",
			Detail: "use " + strings.Join(allow, " or ")})
	})
}
