package otlp

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/klauspost/compress/zstd"
	collect "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	resourcev1 "go.opentelemetry.io/proto/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"tacho/ingest"
	"tacho/store"
)

var began = uint64(time.Now().Add(-time.Minute).UnixNano())

func str(k, v string) *common.KeyValue {
	return &common.KeyValue{Key: k, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: v}}}
}

// spanOf is a valid span with the name.
func spanOf(name string) *trace.Span {
	return &trace.Span{TraceId: bytes.Repeat([]byte{0xab}, 16), SpanId: []byte{1, 2, 3, 4, 5, 6, 7, 8}, Name: name, Kind: trace.Span_SPAN_KIND_SERVER,
		StartTimeUnixNano: began, EndTimeUnixNano: began + 5e6}
}

func request(service string, spans ...*trace.Span) *collect.ExportTraceServiceRequest {
	return &collect.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource:   &resourcev1.Resource{Attributes: []*common.KeyValue{str("service.name", service), str("host.name", "h1")}},
		ScopeSpans: []*trace.ScopeSpans{{Spans: spans}},
	}}}
}

func encoded(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// send posts to /v1/traces.
func send(t *testing.T, url, contentType, encoding string, body []byte) (int, http.Header, []byte) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url+"/v1/traces", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	if encoding != "" {
		r.Header.Set("Content-Encoding", encoding)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, b
}

func gzipped(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	_, _ = w.Write(b)
	w.Close()
	return z.Bytes()
}

func zstded(b []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(b, nil)
}

func TestEncodings(t *testing.T) {
	plain := encoded(t, request("cart", spanOf("GET /")))
	js := []byte(fmt.Sprintf(`{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"cart"}},{"key":"host.name","value":{"stringValue":"h1"}}]},
	 "scopeSpans":[{"spans":[{"traceId":"abababababababababababababababab","spanId":"0102030405060708","name":"GET /","kind":2,"startTimeUnixNano":"%d","endTimeUnixNano":"%d"}]}]}]}`, began, began+5e6))
	for name, c := range map[string]struct {
		contentType, encoding string
		body                  []byte
		answer                string
	}{
		"protobuf":      {"application/x-protobuf", "", plain, ""},
		"gzip":          {"application/x-protobuf", "gzip", gzipped(plain), ""},
		"zstd":          {"application/x-protobuf", "zstd", zstded(plain), ""},
		"JSON":          {"application/json", "", js, "{}"},
		"JSON and zstd": {"application/json; charset=utf-8", "zstd", zstded(js), "{}"},
		"JSON and gzip": {"application/json", "gzip", gzipped(js), "{}"},
	} {
		k := &kept{}
		status, h, answer := send(t, serve(t, k).URL, c.contentType, c.encoding, c.body)
		if status != 200 || string(answer) != c.answer || !strings.HasPrefix(c.contentType, h.Get("Content-Type")) {
			t.Errorf("%s: %d %s %q, want 200 %q", name, status, h.Get("Content-Type"), answer, c.answer)
		}
		s := k.events("span")
		if len(s) != 1 || s[0].Name != "GET /" || uint64(s[0].Time) != began || s[0].Duration != 5e6 || s[0].Attrs.String() != `{kind="server", span_id="0102030405060708", trace_id="abababababababababababababababab"}` {
			t.Errorf("%s: stored %+v", name, s)
			continue
		}
		if got, want := k.batches[0].Target.String(), `{host_name="h1", instance="h1", service_name="cart"}`; got != want {
			t.Errorf("%s: target %s, want %s", name, got, want)
		}
	}
}

// zstd over gRPC, which the SDKs of some languages send.
func TestZstdOverGRPC(t *testing.T) {
	k := &kept{}
	url := serve(t, k).URL
	tr := &http.Transport{Protocols: new(http.Protocols)}
	tr.Protocols.SetUnencryptedHTTP2(true)
	defer tr.CloseIdleConnections()
	c := connect.NewClient[collect.ExportTraceServiceRequest, collect.ExportTraceServiceResponse](&http.Client{Transport: tr}, url+tracesProcedure, connect.WithGRPC(),
		connect.WithAcceptCompression("zstd", func() connect.Decompressor { z, _ := zstd.NewReader(nil); return unzstd{z} }, func() connect.Compressor { z, _ := zstd.NewWriter(nil); return z }), connect.WithSendCompression("zstd"))
	for range 3 { // (de)compressors are used again
		if _, err := c.CallUnary(t.Context(), connect.NewRequest(request("cart", spanOf("GET /")))); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(k.events("span")); n != 3 {
		t.Errorf("%d spans, want 3", n)
	}
}

// What cannot be kept is counted and explained, and costs its neighbours nothing.
func TestPartialSuccess(t *testing.T) {
	noTrace, noStart, long, crowd := spanOf("no trace id"), spanOf("no start"), spanOf("long"), spanOf("crowd")
	noTrace.TraceId = make([]byte, 16)
	noStart.StartTimeUnixNano = 0
	long.Attributes = []*common.KeyValue{str("sql", strings.Repeat("x", 1001))}
	for range maxAttributes + 1 {
		crowd.Attributes = append(crowd.Attributes, str("k", "v"))
	}
	old := spanOf("old")
	old.StartTimeUnixNano = 5
	req := request("cart", spanOf("good"), noTrace, noStart, long, crowd)
	req.ResourceSpans = append(req.ResourceSpans, request("ancient", old).ResourceSpans...)
	k := &kept{oldest: 1000}
	status, _, answer := send(t, serve(t, k).URL, "application/x-protobuf", "", encoded(t, req))
	var res collect.ExportTraceServiceResponse
	if err := proto.Unmarshal(answer, &res); err != nil || status != 200 {
		t.Fatalf("%d %q: %v", status, answer, err)
	}
	if p := res.GetPartialSuccess(); p.GetRejectedSpans() != 5 || p.GetErrorMessage() != `span "no trace id" has no valid trace id` {
		t.Errorf("partial success %v", p)
	}
	if s := k.events("span"); len(s) != 1 || s[0].Name != "good" {
		t.Errorf("stored %+v", s)
	}
	// The same in JSON, where numbers are strings.
	_, _, answer = send(t, serve(t, &kept{oldest: 1 << 61}).URL, "application/json", "", []byte(fmt.Sprintf(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"abababababababababababababababab","spanId":"0102030405060708","name":"x","startTimeUnixNano":"%d"}]}]}]}`, began)))
	if !strings.Contains(string(answer), `"rejectedSpans":"1"`) {
		t.Errorf("answer %s", answer)
	}
}

func TestRefusals(t *testing.T) {
	good := encoded(t, request("cart", spanOf("x")))
	nested := bytes.Repeat([]byte(`{"resourceSpans":[`), 200)
	for name, c := range map[string]struct {
		contentType, encoding string
		body                  []byte
		store                 error
		status                int
		say                   string
	}{
		"content type":     {"text/plain", "", good, nil, 415, "neither application/x-protobuf nor application/json"},
		"content encoding": {"application/x-protobuf", "br", good, nil, 415, "gzip, zstd or none"},
		"not protobuf":     {"application/x-protobuf", "", []byte("garbage"), nil, 400, "this is no message of traces"},
		"cut off":          {"application/x-protobuf", "", good[:len(good)-3], nil, 400, "this is no message of traces"},
		"not JSON":         {"application/json", "", []byte("garbage"), nil, 400, "this is not OTLP's JSON"},
		"nested":           {"application/json", "", nested, nil, 413, "more than 100 levels of nested JSON"},
		"body":             {"application/x-protobuf", "", make([]byte, 1<<20+1), nil, 413, "1048576 bytes"},
		"bomb":             {"application/x-protobuf", "gzip", gzipped(make([]byte, 2<<20)), nil, 413, "1048576"},
		"overloaded":       {"application/x-protobuf", "", good, ingest.ErrOverloaded, 429, "queue is full"},
		"full":             {"application/x-protobuf", "", good, store.ErrFull, 503, "store is full"},
	} {
		k := &kept{err: c.store}
		status, h, answer := send(t, serve(t, k).URL, c.contentType, c.encoding, c.body)
		if status != c.status || !strings.Contains(string(answer), c.say) {
			t.Errorf("%s: %d %q, want %d with %q", name, status, answer, c.status, c.say)
		}
		if (status == 429 || status == 503) != (h.Get("Retry-After") != "") {
			t.Errorf("%s: Retry-After %q", name, h.Get("Retry-After"))
		}
		if c.contentType == "application/json" {
			var s struct {
				Code    int
				Message string
			}
			if err := json.Unmarshal(answer, &s); err != nil || s.Code == 0 || s.Message == "" {
				t.Errorf("%s: the answer is no Status: %s", name, answer)
			}
		}
		if len(k.batches) > 0 {
			t.Errorf("%s: something was stored", name)
		}
	}
}

// A repetition replaces, it does not double.
func TestIdentity(t *testing.T) {
	k := &kept{}
	url := serve(t, k).URL
	for _, name := range []string{"a", "a", "b"} {
		send(t, url, "application/x-protobuf", "", encoded(t, request("cart", spanOf(name))))
	}
	id := func(i int) string {
		return fmt.Sprint(k.batches[i].Target, k.batches[i].From, k.batches[i].Collector, k.batches[i].Sequence)
	}
	if id(0) != id(1) || id(0) == id(2) {
		t.Errorf("identities %s, %s, %s", id(0), id(1), id(2))
	}
}
