// Package otlp takes profiles and traces as OpenTelemetry's SDKs and collectors
// send them: OTLP over HTTP and over gRPC, protobuf and JSON, gzip and zstd.
//
//	POST /v1/traces, /v1development/profiles                       HTTP
//	/opentelemetry.proto.collector.trace.v1.TraceService/Export    gRPC
//	/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export
//
// (https://opentelemetry.io/docs/specs/otlp/)
//
// # The steps
//
//  1. http.go and grpc.go take off what the protocols put around a message; both
//     give its bytes to the same export function, and its answer back. gRPC is
//     served through net/http, so the server must speak HTTP/2 without TLS.
//  2. profiles.go has the decoder of format/otlp make batches of profiles.
//  3. traces.go makes a batch for each resource, with an event for each span.
//  4. Everything of a request goes to the store as one, and the answer says it is
//     durable. A span that cannot be kept is counted in partial_success, with the
//     reason; nothing is dropped silently.
//
// # How spans are stored, for the time being
//
// The store has no spans yet. A span is an event of kind "span": its name is the
// span's, its time and duration are the span's, and its attributes are
//
//	trace_id, span_id, parent_id      hexadecimal; no parent_id: a root
//	kind                              server, client, internal, producer, consumer
//	status, status_message            ok, error; absent: unset
//	links                             trace_id/span_id, separated by blanks
//	scope                             name of the instrumentation scope
//	                                  and those of the span, under their own names
//
// An event of a span is an event of kind "trace.event" with trace_id, span_id
// and its own attributes.
package otlp
