package otlp

import (
	"bytes"
	"context"
	"hash/crc32"
	"io"
	"net/http"

	"tacho"
	"tacho/format"
	"tacho/format/otlp"
	"tacho/ingest"
)

// collector is who the batches of this way in say saw them.
const collector = "otlp"

// Options: Intake is required.
type Options struct {
	Intake *ingest.Intake
}

// server is what both protocols do the same.
type server struct {
	in *ingest.Intake
}

// Handler serves all of it, HTTP and gRPC: the content type tells them apart.
func Handler(o Options) http.Handler {
	s := &server{in: o.Intake}
	mux := http.NewServeMux()
	mux.Handle("/v1/traces", s.http("otlp-traces", s.traces))
	mux.Handle("/v1development/profiles", s.http("otlp-profiles", s.profiles))
	mux.Handle(tracesProcedure, s.grpc(tracesProcedure, "otlp-traces", s.traces))
	mux.Handle(profilesProcedure, s.grpc(profilesProcedure, "otlp-profiles", s.profiles))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		(&ingest.Refusal{Status: http.StatusNotFound, Sentence: "there is nothing at this address",
			Detail: "OTLP is taken at /v1/traces and /v1development/profiles, and by the gRPC services of the same names."}).Write(w)
	})
	return mux
}

// Paths are those of Handler, for who mounts it beside others.
func Paths() []string {
	return []string{"/v1/traces", "/v1development/profiles", tracesProcedure, profilesProcedure}
}

// message is one export request, without what its protocol put around it.
type message struct {
	body   []byte
	json   bool
	tenant string
	sender string // address
}

// An export stores a message and returns what the response says: what was
// refused, and why.
type export func(ctx context.Context, m message) (refused, error)

// refused is partial_success: how many spans or profiles were not kept.
type refused struct {
	count  int64
	reason string
}

func (r *refused) add(n int64, reason string) {
	r.count += n
	if r.reason == "" {
		r.reason = reason
	}
}

// unpack decompresses a body by its content, bounded as bodies are.
func (s *server) unpack(body []byte) ([]byte, error) {
	in, err := format.Open(bytes.NewBuffer(body), s.in.Limits())
	if err != nil {
		return nil, err
	}
	defer in.Close()
	if len(in.Compression) == 0 {
		return body, nil
	}
	most := s.in.BodyBytes()
	plain, err := io.ReadAll(io.LimitReader(in.Reader, most+1))
	if err == nil && int64(len(plain)) > most {
		err = &format.LimitError{Format: "body", Limit: format.LimitBytes, Max: most}
	}
	return plain, err
}

// identify gives the batches of one message identities that a repetition of it
// has again.
func identify(batches []*tacho.Batch, body []byte) {
	sequence := uint64(crc32.Checksum(body, castagnoli))<<32 | uint64(crc32.ChecksumIEEE(body))
	for i, b := range batches {
		b.Collector, b.Sequence = collector, sequence+uint64(i)
	}
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// profiles stores a message of profiles.
func (s *server) profiles(ctx context.Context, m message) (refused, error) {
	var none refused
	if len(m.body) == 0 {
		return none, nil // an empty message is a valid one
	}
	nameless, err := ingest.Target("unknown_service", nil, m.sender)
	if err != nil {
		return none, err
	}
	leave, err := s.in.Enter(ctx)
	if err != nil {
		return none, err
	}
	var batches []*tacho.Batch
	o := format.Options{Limits: s.in.Limits(), Now: s.in.Now} // the target is in the message
	_, err = otlp.Decode(ctx, bytes.NewBuffer(m.body), o, func(b *tacho.Batch) error {
		if b.Target.Get(tacho.LabelInstance) == "unknown" {
			b.Target = b.Target.With(tacho.LabelInstance, nameless.Get(tacho.LabelInstance))
		}
		batches = append(batches, b)
		return nil
	})
	leave()
	if err != nil || len(batches) == 0 {
		return none, err
	}
	identify(batches, m.body)
	return none, s.in.Append(ctx, m.tenant, batches)
}
