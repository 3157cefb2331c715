package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"tacho"
	"tacho/ingest"
	"tacho/query"
	"tacho/report"
	"tacho/store"
)

// Limits of an event that somebody posts.
const (
	maxMark      = 64 << 10 // bytes of the request
	maxMarkText  = 1000     // bytes of a name or an attribute
	maxMarkAttrs = 32
)

var kindWords = regexp.MustCompile(`^[a-z0-9_-]+(\.[a-z0-9_-]+)*$`)

// posted is an event as it comes in.
type posted struct {
	Service    string            `json:"service"`
	Instance   string            `json:"instance"`
	Time       json.RawMessage   `json:"time"`
	DurationNS int64             `json:"duration_ns"`
	Kind       string            `json:"kind"`
	Name       string            `json:"name"`
	Thread     string            `json:"thread"`
	Attrs      map[string]string `json:"attrs"`
}

// mark takes an event in. It goes the way batches go, so that 200 means what it
// means there.
func (s *server) mark(w http.ResponseWriter, r *http.Request) {
	ev, err := s.takeMark(w, r)
	if err != nil {
		writeError(w, r, asError(r.Context(), err))
		return
	}
	b, err := json.Marshal(ev)
	if err != nil {
		writeError(w, r, asError(r.Context(), fmt.Errorf("encoding the event: %w", err)))
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(append(b, '\n')) // it is stored, whether or not the client still listens
}

func (s *server) takeMark(w http.ResponseWriter, r *http.Request) (*report.Event, error) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMark))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return nil, &Error{Status: http.StatusRequestEntityTooLarge, Message: "the event is larger than 64 KiB"}
		}
		return nil, badParam("body", "send it again", "the event did not arrive whole")
	}
	var p posted
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return nil, badParam(position(err), "docs/api.md has its shape", "the body is not the JSON of an event: %s", clip(err.Error()))
	}
	end := d.InputOffset()
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, badParam(strconv.FormatInt(end, 10), "send one event a request", "something follows the event")
	}
	ev, err := p.check(s.Now())
	if err != nil {
		return nil, err
	}
	target, err := s.markTarget(r.Context(), p.Service, p.Instance)
	if err != nil {
		return nil, err
	}
	batch := markBatch(target, ev)
	if err := s.Append(r.Context(), []*tacho.Batch{batch}); err != nil {
		return nil, appendError(r.Context(), err)
	}
	return &report.NewEvents([]query.TargetEvent{{Target: query.EventTarget(target), Event: ev}}, false).Events[0], nil
}

// check makes the event of what was posted.
func (p *posted) check(now time.Time) (ev tacho.Event, err error) {
	if p.Service == "" {
		return ev, badParam("service", "GET /api/v1/services lists them", "the event does not say which service it is of")
	}
	if !kindWords.MatchString(p.Kind) {
		return ev, badParam("kind", `a dotted word in lower case: deploy, config.change`, "kind %s is not a kind of event", quote(p.Kind))
	}
	if len(p.Attrs) > maxMarkAttrs {
		return ev, badParam("attrs", "", "the event has more than %d attributes", maxMarkAttrs)
	}
	texts := map[string]string{"service": p.Service, "instance": p.Instance, "kind": p.Kind, "name": p.Name, "thread": p.Thread}
	for k, v := range p.Attrs {
		texts["attrs."+k] = k + v
	}
	for what, v := range texts {
		if len(v) > maxMarkText {
			return ev, badParam(clip(what), "", "%s is longer than %d bytes", clip(what), maxMarkText)
		}
	}
	at := now
	if t := strings.TrimSpace(string(p.Time)); t != "" && t != "null" {
		if strings.HasPrefix(t, `"`) {
			if err := json.Unmarshal(p.Time, &t); err != nil {
				return ev, badParam("time", timesHint, "time is not a text")
			}
		}
		if at, err = ParseTime(t, now); err != nil {
			return ev, badParam("time", timesHint, "%v", err)
		}
	}
	if p.DurationNS < 0 || p.DurationNS > int64(query.MaxRange) {
		return ev, badParam("duration_ns", "", "a duration of %d ns is not one of 0 to 400 days", p.DurationNS)
	}
	return tacho.Event{Time: at.UnixNano(), Duration: p.DurationNS, Kind: p.Kind, Name: p.Name, Thread: p.Thread, Attrs: tacho.NewLabels(p.Attrs)}, nil
}

// markTarget finds whom an event is about: an instance with the labels it was
// recorded with last, or the service as a whole.
func (s *server) markTarget(ctx context.Context, service, instance string) (tacho.Labels, error) {
	svc, err := s.lookup(ctx, service, "")
	if err != nil {
		return nil, err
	}
	if instance == "" {
		return query.ServiceWide(service), nil
	}
	var found *store.Instance
	for i, in := range svc.Instances {
		if in.Target.Get(tacho.LabelInstance) == instance && (found == nil || in.Last.After(found.Last)) {
			found = &svc.Instances[i]
		}
	}
	if found == nil {
		return nil, &Error{Status: http.StatusNotFound, Message: "service " + quote(service) + " has no instance " + quote(instance), Position: "instance",
			Detail: seeServices}
	}
	return found.Target, nil
}

// markBatch is a batch of one event. Its sequence follows from what the event
// says, so that sending it again replaces it.
func markBatch(target tacho.Labels, ev tacho.Event) *tacho.Batch {
	h := fnv.New64a()
	_, _ = h.Write([]byte(ev.Kind + "\x00" + ev.Name)) // never fails
	x := tacho.NewBuilder()
	x.Event(ev)
	return x.Take(slices.Clone(target), "mark", ev.Time, ev.Time+max(1, ev.Duration), h.Sum64())
}

// appendError says why an event could not be stored, and whether to try again.
func appendError(ctx context.Context, err error) error {
	var refused *store.RefusedError
	switch {
	case ctx.Err() != nil:
		return err
	case errors.Is(err, ingest.ErrOverloaded):
		return &Error{Status: http.StatusTooManyRequests, Message: err.Error(), Detail: "try again after the time in Retry-After"}
	case errors.Is(err, store.ErrFull):
		return &Error{Status: http.StatusInsufficientStorage, Message: err.Error(), Detail: "free space on the server's disk, or shorten the retention"}
	case errors.As(err, &refused):
		return &Error{Status: http.StatusBadRequest, Message: "the event cannot be stored: " + refused.Err.Error(), Position: "time"}
	}
	return &Error{Status: http.StatusServiceUnavailable, Message: "the event was not stored: " + err.Error(), Detail: "try again after the time in Retry-After"}
}
