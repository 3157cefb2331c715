package pyroscope

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"
	querierv1 "github.com/grafana/pyroscope/api/gen/proto/go/querier/v1"
	typesv1 "github.com/grafana/pyroscope/api/gen/proto/go/types/v1"
)

// flamebearer is the answer of /pyroscope/render, as Pyroscope's first clients
// know it.
type flamebearer struct {
	Version     int                  `json:"version"`
	Flamebearer flamebearerGraph     `json:"flamebearer"`
	Metadata    flamebearerMeta      `json:"metadata"`
	Timeline    *timeline            `json:"timeline"`
	Groups      map[string]*timeline `json:"groups"`
	LeftTicks   int64                `json:"leftTicks,omitempty"`
	RightTicks  int64                `json:"rightTicks,omitempty"`
}

type flamebearerGraph struct {
	Names    []string  `json:"names"`
	Levels   [][]int64 `json:"levels"`
	NumTicks int64     `json:"numTicks"`
	MaxSelf  int64     `json:"maxSelf"`
}

type flamebearerMeta struct {
	Format     string `json:"format"` // single or double
	SpyName    string `json:"spyName"`
	SampleRate int    `json:"sampleRate"`
	Units      string `json:"units"`
	Name       string `json:"name"`
}

// timeline is a value a step from startTime on; a step with nothing is 0.
type timeline struct {
	StartTime     int64    `json:"startTime"` // Unix seconds
	Samples       []uint64 `json:"samples"`
	DurationDelta int64    `json:"durationDelta"` // seconds a step
	Watermarks    struct{} `json:"watermarks"`
}

// nanosecondRate is the "samples a second" by which these clients turn values
// into seconds: values are nanoseconds.
const nanosecondRate = 1_000_000_000

func metadata(id, format string) flamebearerMeta {
	t, _ := profileType(id)
	m := flamebearerMeta{Format: format, SpyName: "tacho", SampleRate: 100, Units: t.GetSampleUnit(), Name: t.GetSampleType()}
	switch t.GetSampleUnit() {
	case "nanoseconds":
		m.Units, m.SampleRate = "samples", nanosecondRate
	case "count":
		m.Units = "objects"
	}
	return m
}

func (x *querier) render(w http.ResponseWriter, r *http.Request) {
	x.legacy(w, r, func(ctx context.Context, q url.Values) (any, error) {
		switch f := q.Get("format"); f {
		case "", "json":
		default:
			return nil, unsupported("format %q is not made here: json is, and pprof at /api/v1/profile", f)
		}
		m, err := x.legacySelection(q, "query", "from", "until")
		if err != nil {
			return nil, err
		}
		res, err := x.SelectMergeStacktraces(ctx, connect.NewRequest(m))
		if err != nil {
			return nil, err
		}
		g := res.Msg.Flamegraph
		out := &flamebearer{Version: 1, Flamebearer: flamebearerGraph{g.Names, levels(g.Levels), g.Total, g.MaxSelf}, Metadata: metadata(m.ProfileTypeID, "single")}
		step := timelineStep(m.Start, m.End)
		by := q["groupBy"]
		series, err := x.SelectSeries(ctx, connect.NewRequest(&querierv1.SelectSeriesRequest{
			ProfileTypeID: m.ProfileTypeID, LabelSelector: m.LabelSelector, Start: m.Start, End: m.End, Step: float64(step), GroupBy: by}))
		if err != nil {
			return nil, err
		}
		out.Timeline = newTimeline(m.Start, m.End, step)
		for _, s := range series.Msg.Series {
			out.Timeline.add(s)
			if len(by) == 0 {
				continue
			}
			if out.Groups == nil {
				out.Groups = map[string]*timeline{}
			}
			t := newTimeline(m.Start, m.End, step)
			t.add(s)
			var values []string
			for _, l := range s.Labels {
				values = append(values, l.Value)
			}
			out.Groups[strings.Join(values, ",")] = t
		}
		return out, nil
	})
}

func (x *querier) renderDiff(w http.ResponseWriter, r *http.Request) {
	x.legacy(w, r, func(ctx context.Context, q url.Values) (any, error) {
		l, err := x.legacySelection(q, "leftQuery", "leftFrom", "leftUntil")
		if err != nil {
			return nil, err
		}
		rt, err := x.legacySelection(q, "rightQuery", "rightFrom", "rightUntil")
		if err != nil {
			return nil, err
		}
		if l.ProfileTypeID != rt.ProfileTypeID {
			return nil, bad("rightQuery: %s cannot be compared with %s", rt.ProfileTypeID, l.ProfileTypeID)
		}
		res, err := x.Diff(ctx, connect.NewRequest(&querierv1.DiffRequest{Left: l, Right: rt}))
		if err != nil {
			return nil, err
		}
		g := res.Msg.Flamegraph
		return &flamebearer{
			Version: 1, Flamebearer: flamebearerGraph{g.Names, levels(g.Levels), g.Total, g.MaxSelf},
			Metadata: metadata(l.ProfileTypeID, "double"), LeftTicks: g.LeftTicks, RightTicks: g.RightTicks,
		}, nil
	})
}

func (x *querier) labelValues(w http.ResponseWriter, r *http.Request) {
	x.legacy(w, r, func(ctx context.Context, q url.Values) (any, error) {
		name := q.Get("label")
		if name == "__name__" {
			name = "__profile_type__" // what these clients mean by the name
		}
		values, err := x.values(ctx, name, q["query"], 0, 0)
		if values == nil {
			values = []string{}
		}
		return values, err
	})
}

// legacy answers a GET with JSON, or with an error as the rest of Tacho does.
func (x *querier) legacy(w http.ResponseWriter, r *http.Request, ask func(context.Context, url.Values) (any, error)) {
	answer, err := x.askLegacy(r, ask)
	status := http.StatusOK
	if err != nil {
		err = x.coded(r.Context(), r.URL.Path, err)
		status = httpStatus(connect.CodeOf(err))
		var coded *connect.Error
		text := err.Error()
		if errors.As(err, &coded) {
			text = coded.Message()
		}
		answer = map[string]string{"error": text, "detail": "see docs/integrations/grafana.md"}
	}
	b, err := json.Marshal(answer)
	if err != nil { // numbers and strings always marshal
		b, status = []byte(`{"error":"the answer could not be written"}`), http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(append(b, '\n')) // an error here is the client's hanging up
	}
}

func (x *querier) askLegacy(r *http.Request, ask func(context.Context, url.Values) (any, error)) (any, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, bad("the query of the address cannot be read: %v", err)
	}
	leave, err := x.enter(r.Context())
	if err != nil {
		return nil, err
	}
	defer leave()
	return ask(r.Context(), q)
}

func httpStatus(c connect.Code) int {
	switch c {
	case connect.CodeInvalidArgument:
		return http.StatusBadRequest
	case connect.CodeUnimplemented:
		return http.StatusNotImplemented
	case connect.CodeResourceExhausted:
		return http.StatusRequestEntityTooLarge
	case connect.CodeUnavailable, connect.CodeDeadlineExceeded:
		return http.StatusServiceUnavailable
	case connect.CodeCanceled:
		return 499 // as nginx logs a client that went away
	}
	return http.StatusInternalServerError
}

// legacySelection reads TYPE_ID{selector} and a range.
func (x *querier) legacySelection(q url.Values, query, from, until string) (*querierv1.SelectMergeStacktracesRequest, error) {
	text := q.Get(query)
	id, selector := text, ""
	if i := strings.IndexByte(text, '{'); i >= 0 {
		id, selector = text[:i], text[i:]
	}
	if id = strings.TrimSpace(id); id == "" {
		return nil, bad(`%s: want PROFILE_TYPE{label="value"}`, query)
	}
	m := &querierv1.SelectMergeStacktracesRequest{ProfileTypeID: id, LabelSelector: selector}
	var err error
	if m.Start, err = x.legacyTime(q.Get(from), "now-1h"); err != nil {
		return nil, bad("%s: %v", from, err)
	}
	if m.End, err = x.legacyTime(q.Get(until), "now"); err != nil {
		return nil, bad("%s: %v", until, err)
	}
	for _, name := range []string{"max-nodes", "maxNodes"} {
		if v := q.Get(name); v != "" {
			n, err := strconv.ParseInt(v, 10, 64)
			if err != nil {
				return nil, bad("%s %q is not a whole number", name, v)
			}
			m.MaxNodes = &n
		}
	}
	return m, nil
}

// legacyTime reads now, now-1h (s, m, h, d, w, M, y), RFC 3339, or Unix seconds,
// milliseconds, microseconds or nanoseconds by their number of digits.
func (x *querier) legacyTime(s, def string) (int64, error) {
	if s == "" {
		s = def
	}
	if s == "now" {
		return x.o.Now().UnixMilli(), nil
	}
	if back, ok := strings.CutPrefix(s, "now-"); ok && len(back) > 1 {
		units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour,
			'M': 30 * 24 * time.Hour, 'y': 365 * 24 * time.Hour}
		n, err := strconv.ParseInt(back[:len(back)-1], 10, 32)
		unit := units[back[len(back)-1]]
		if err != nil || n < 0 || unit == 0 || n > int64(100*365*24*time.Hour/unit) {
			return 0, fmt.Errorf("%q is not a time: write now-1h", s)
		}
		return x.o.Now().Add(-time.Duration(n) * unit).UnixMilli(), nil
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
		switch {
		case len(s) <= 11:
			return n * 1000, nil
		case len(s) <= 14:
			return n, nil
		case len(s) <= 17:
			return n / 1e3, nil
		}
		return n / 1e6, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a time: write now-1h, RFC 3339 or Unix seconds", s)
	}
	return t.UnixMilli(), nil
}

func levels(ls []*querierv1.Level) [][]int64 {
	out := make([][]int64, len(ls))
	for i, l := range ls {
		out[i] = l.Values
	}
	return out
}

// timelineStep is whole seconds, so that a line has some hundred points.
func timelineStep(start, end int64) int64 { return max(15, (end-start)/1000/500) }

func newTimeline(start, end, step int64) *timeline {
	return &timeline{StartTime: start / 1000, Samples: make([]uint64, (end-start)/1000/step+1), DurationDelta: step}
}

func (t *timeline) add(s *typesv1.Series) {
	for _, p := range s.Points {
		if i := (p.Timestamp/1000 - t.StartTime) / t.DurationDelta; i >= 0 && i < int64(len(t.Samples)) {
			t.Samples[i] += uint64(p.Value)
		}
	}
}
