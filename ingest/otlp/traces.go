package otlp

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"tacho"
	"tacho/format"
	"tacho/format/otlp"
	"tacho/ingest"
	"tacho/wire"
)

// Limits of one request of traces.
const (
	maxResources  = 10_000
	maxSpans      = 100_000
	maxAttributes = 128 // of one span or event: the SDKs' own limit
	maxEvents     = 128 // of one span, likewise
	maxLinks      = 128
)

// traces stores a message of traces.
func (s *server) traces(ctx context.Context, m message) (refused, error) {
	var not refused
	leave, err := s.in.Enter(ctx)
	if err != nil {
		return not, err
	}
	req, err := readTraces(m)
	if err != nil {
		leave()
		return not, err
	}
	batches, err := s.spans(req, m.sender, &not)
	leave()
	if err != nil || len(batches) == 0 {
		return not, err
	}
	identify(batches, m.body)
	return s.append(ctx, m.tenant, batches, not)
}

// append stores all batches as one. If the store refuses one for good, its
// neighbours must not share its fate: then each is tried alone.
func (s *server) append(ctx context.Context, tenant string, batches []*tacho.Batch, not refused) (refused, error) {
	err := s.in.Append(ctx, tenant, batches)
	var never *wire.RejectedError
	if !errors.As(err, &never) {
		return not, err
	}
	for _, b := range batches {
		err := s.in.Append(ctx, tenant, []*tacho.Batch{b})
		switch {
		case errors.As(err, &never):
			not.add(spansOf(b), never.Reason)
		case err != nil:
			return not, err
		}
	}
	return not, nil
}

func spansOf(b *tacho.Batch) int64 {
	n := int64(0)
	for i := range b.Events {
		if b.Events[i].Kind == kindSpan {
			n++
		}
	}
	return n
}

// readTraces decodes a message. JSON takes the way round by protobuf: OTLP's
// JSON is not that of protobuf (ids are hexadecimal).
func readTraces(m message) (*collect.ExportTraceServiceRequest, error) {
	body := m.body
	if m.json {
		if err := checkDepth(m); err != nil {
			return nil, err
		}
		x := ptraceotlp.NewExportRequest()
		if err := x.UnmarshalJSON(body); err != nil {
			return nil, &format.SyntaxError{Format: "otlp", Position: "body", Reason: "this is not OTLP's JSON", Err: err}
		}
		var err error
		if body, err = x.MarshalProto(); err != nil {
			return nil, &format.SyntaxError{Format: "otlp", Position: "body", Reason: "this JSON is no message of traces", Err: err}
		}
	}
	req := new(collect.ExportTraceServiceRequest)
	if err := proto.Unmarshal(body, req); err != nil {
		return nil, &format.SyntaxError{Format: "otlp", Position: "body", Reason: "this is no message of traces", Err: err}
	}
	return req, nil
}

// maxDepth is how deep values may lie in values.
const maxDepth = 100

// checkDepth refuses JSON nested so deeply that a recursive reader would need
// more stack than there is.
func checkDepth(m message) error {
	if !m.json {
		return nil
	}
	depth, quoted := 0, false
	for i := 0; i < len(m.body); i++ {
		switch c := m.body[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return &format.LimitError{Format: "otlp", Limit: "levels of nested JSON", Max: maxDepth}
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// spans makes a batch of each resource's spans.
func (s *server) spans(req *collect.ExportTraceServiceRequest, sender string, not *refused) ([]*tacho.Batch, error) {
	if len(req.ResourceSpans) > maxResources {
		return nil, ingest.TooLarge("resources", maxResources)
	}
	n := 0
	var batches []*tacho.Batch
	for _, rs := range req.ResourceSpans {
		target, err := identity(rs, sender)
		var bad *ingest.Refusal
		if err != nil && !errors.As(err, &bad) {
			return nil, err
		}
		b := &batch{}
		for _, scope := range rs.ScopeSpans {
			if n += len(scope.Spans); n > maxSpans {
				return nil, ingest.TooLarge("spans in one request", maxSpans)
			}
			for _, sp := range scope.Spans {
				if bad != nil {
					not.add(1, bad.Sentence)
				} else if err := b.add(sp, scope.GetScope().GetName(), s.in.Limits().Filled().StringLen); err != nil {
					not.add(1, err.Error())
				}
			}
		}
		if len(b.events) > 0 {
			batches = append(batches, b.take(target))
		}
	}
	return batches, nil
}

// identity is that of what a resource describes, the same that its profiles
// have. What says nothing of its instance gets the sender's address.
func identity(rs *trace.ResourceSpans, sender string) (tacho.Labels, error) {
	attributes := map[string]string{}
	for _, kv := range rs.GetResource().GetAttributes() {
		if v, ok := scalar(kv.Value); ok {
			attributes[kv.Key] = v
		}
	}
	labels := otlp.ResourceOf(attributes).Map()
	if labels[tacho.LabelInstance] == "unknown" {
		delete(labels, tacho.LabelInstance)
	}
	return ingest.Target("", labels, sender)
}

const (
	kindSpan  = "span"
	kindEvent = "trace.event"
)

// batch collects the events of one resource.
type batch struct {
	events      []tacho.Event
	from, until int64
}

func (b *batch) take(target tacho.Labels) *tacho.Batch {
	return &tacho.Batch{Target: target, From: b.from, Until: b.until, Strings: []string{""}, Events: b.events}
}

func (b *batch) event(e tacho.Event) {
	if len(b.events) == 0 {
		b.from, b.until = e.Time, e.Time+1
	}
	b.from, b.until = min(b.from, e.Time), max(b.until, e.Time+1)
	b.events = append(b.events, e)
}

// add takes one span with its events, or says why it cannot be kept.
func (b *batch) add(sp *trace.Span, scope string, longest int) error {
	switch {
	case len(sp.TraceId) != 16 || zero(sp.TraceId):
		return fmt.Errorf("span %q has no valid trace id", sp.Name)
	case len(sp.SpanId) != 8 || zero(sp.SpanId):
		return fmt.Errorf("span %q has no valid span id", sp.Name)
	case sp.StartTimeUnixNano == 0 || sp.StartTimeUnixNano > 1<<62 || sp.EndTimeUnixNano > 1<<62:
		return fmt.Errorf("span %q has no valid start and end", sp.Name)
	case len(sp.Events) > maxEvents:
		return fmt.Errorf("span %q has more than %d events", sp.Name, maxEvents)
	case len(sp.Links) > maxLinks:
		return fmt.Errorf("span %q has more than %d links", sp.Name, maxLinks)
	case len(sp.Name) > longest:
		return fmt.Errorf("a span's name is longer than %d bytes", longest)
	}
	attrs, err := attributes(sp.Attributes, longest)
	if err != nil {
		return fmt.Errorf("span %q: %w", sp.Name, err)
	}
	ids := map[string]string{"trace_id": hex.EncodeToString(sp.TraceId), "span_id": hex.EncodeToString(sp.SpanId)}
	set(attrs, ids)
	set(attrs, map[string]string{"parent_id": hexOrNone(sp.ParentSpanId), "kind": kinds[sp.Kind], "status": statuses[sp.GetStatus().GetCode()],
		"status_message": sp.GetStatus().GetMessage(), "links": links(sp.Links), "scope": scope})
	start := int64(sp.StartTimeUnixNano)
	own := []tacho.Event{{Time: start, Duration: max(int64(sp.EndTimeUnixNano)-start, 0), Kind: kindSpan, Name: sp.Name, Attrs: tacho.NewLabels(attrs)}}
	for _, e := range sp.Events {
		attrs, err := attributes(e.Attributes, longest)
		if err != nil {
			return fmt.Errorf("event %q of span %q: %w", e.Name, sp.Name, err)
		}
		if len(e.Name) > longest || e.TimeUnixNano > 1<<62 {
			return fmt.Errorf("span %q has an event with no valid name and time", sp.Name)
		}
		at := int64(e.TimeUnixNano)
		if at == 0 {
			at = start
		}
		set(attrs, ids)
		own = append(own, tacho.Event{Time: at, Kind: kindEvent, Name: e.Name, Attrs: tacho.NewLabels(attrs)})
	}
	for _, e := range own {
		b.event(e)
	}
	return nil
}

var kinds = map[trace.Span_SpanKind]string{
	trace.Span_SPAN_KIND_INTERNAL: "internal", trace.Span_SPAN_KIND_SERVER: "server", trace.Span_SPAN_KIND_CLIENT: "client",
	trace.Span_SPAN_KIND_PRODUCER: "producer", trace.Span_SPAN_KIND_CONSUMER: "consumer",
}

var statuses = map[trace.Status_StatusCode]string{trace.Status_STATUS_CODE_OK: "ok", trace.Status_STATUS_CODE_ERROR: "error"}

// set adds what we say to what the sender says, which keeps another name where
// both have one.
func set(attrs, own map[string]string) {
	for k, v := range own {
		if theirs, ok := attrs[k]; ok {
			attrs["exported_"+k] = theirs
		}
		attrs[k] = v
	}
}

func links(ls []*trace.Span_Link) string {
	var b strings.Builder
	for i, l := range ls {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(hex.EncodeToString(l.TraceId) + "/" + hex.EncodeToString(l.SpanId))
	}
	return b.String()
}

func hexOrNone(id []byte) string {
	if zero(id) {
		return ""
	}
	return hex.EncodeToString(id)
}

func zero(id []byte) bool {
	for _, c := range id {
		if c != 0 {
			return false
		}
	}
	return true
}
