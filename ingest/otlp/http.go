package otlp

import (
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"

	"tacho/ingest"
)

const (
	typeProtobuf = "application/x-protobuf"
	typeJSON     = "application/json"
)

// http serves one signal over HTTP.
func (s *server) http(via string, do export) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		asJSON := err == nil && kind == typeJSON
		not, err := s.overHTTP(w, r, asJSON || kind == typeProtobuf, do, asJSON)
		s.in.Count(via, err)
		if err != nil {
			writeStatus(w, ingest.Refuse(err), asJSON)
			return
		}
		if asJSON {
			w.Header().Set("Content-Type", typeJSON)
			_, _ = w.Write(not.json(via)) // the client is gone if this fails
			return
		}
		w.Header().Set("Content-Type", typeProtobuf)
		_, _ = w.Write(not.protobuf())
	})
}

func (s *server) overHTTP(w http.ResponseWriter, r *http.Request, known bool, do export, asJSON bool) (refused, error) {
	var none refused
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return none, &ingest.Refusal{Status: http.StatusMethodNotAllowed, Reason: "malformed", Sentence: "OTLP is posted", Detail: "Use POST."}
	}
	if !known {
		return none, &ingest.Refusal{Status: http.StatusUnsupportedMediaType, Reason: "unsupported", Sentence: "the body is neither " + typeProtobuf + " nor " + typeJSON}
	}
	switch e := r.Header.Get("Content-Encoding"); e {
	case "", "identity", "gzip", "zstd":
	default:
		return none, &ingest.Refusal{Status: http.StatusUnsupportedMediaType, Reason: "unsupported", Sentence: "Content-Encoding " + strconv.Quote(e) + " is not known: gzip, zstd or none"}
	}
	tenant, err := s.in.Tenant(r)
	if err != nil {
		return none, err
	}
	body, release, err := s.in.Body(w, r)
	defer release()
	if err != nil {
		return none, err
	}
	if body, err = s.unpack(body); err != nil {
		return none, err
	}
	return do(r.Context(), message{body: body, json: asJSON, tenant: tenant, sender: r.RemoteAddr})
}

// protobuf is ExportTraceServiceResponse and ExportProfilesServiceResponse,
// which have the same fields:
//
//	message Response { Partial partial_success = 1; }
//	message Partial  { int64 rejected = 1; string error_message = 2; }
func (r refused) protobuf() []byte {
	if r == (refused{}) {
		return nil
	}
	var p []byte
	if r.count > 0 {
		p = protowire.AppendVarint(protowire.AppendTag(p, 1, protowire.VarintType), uint64(r.count))
	}
	p = protowire.AppendString(protowire.AppendTag(p, 2, protowire.BytesType), r.reason)
	return protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), p)
}

func (r refused) json(via string) []byte {
	if r == (refused{}) {
		return []byte("{}")
	}
	field := "rejectedSpans"
	if via == "otlp-profiles" {
		field = "rejectedProfiles"
	}
	b, err := json.Marshal(map[string]any{"partialSuccess": map[string]string{field: strconv.FormatInt(r.count, 10), "errorMessage": r.reason}})
	if err != nil { // strings always marshal
		return []byte("{}")
	}
	return b
}

// grpcCode is the code of gRPC that makes clients do what the status of HTTP
// would: retry, or not.
func grpcCode(status int) codes.Code {
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType, http.StatusMethodNotAllowed:
		return codes.InvalidArgument
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusRequestTimeout:
		return codes.DeadlineExceeded
	}
	return codes.Unavailable
}

// writeStatus answers with a google.rpc.Status in the encoding of the request.
// What can be tried again is 429 or 503, as the specification has it: its
// clients drop data on any other 5xx, and 507 passes.
func writeStatus(w http.ResponseWriter, r *ingest.Refusal, asJSON bool) {
	status := r.Status
	if status == http.StatusInsufficientStorage || status == http.StatusRequestTimeout {
		status = http.StatusServiceUnavailable
	}
	message := r.Sentence
	if r.Detail != "" {
		message += ": " + r.Detail
	}
	code := grpcCode(r.Status)
	var b []byte
	if asJSON {
		var err error
		if b, err = json.Marshal(map[string]any{"code": int(code), "message": message}); err != nil { // a number and a string always marshal
			b = []byte("{}")
		}
		w.Header().Set("Content-Type", typeJSON)
	} else {
		b = protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(code))
		b = protowire.AppendString(protowire.AppendTag(b, 2, protowire.BytesType), message)
		w.Header().Set("Content-Type", typeProtobuf)
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(int(ingest.RetryAfter/time.Second)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client is gone if this fails
}
