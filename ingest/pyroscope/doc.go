// Package pyroscope lets what is already set up for Pyroscope send here
// unchanged: its SDKs, its Java agent, Alloy, profilecli.
//
// # POST /ingest (and /pyroscope/ingest)
//
// Everything but the profile is in the query:
//
//	name=app{k=v,k2=v2}    required; labels unquoted
//	from=, until=          s, ms, µs or ns by their number of digits, YYYYMMDD, now-1h; default now
//	format=                pprof, jfr, folded, lines, tree, trie, speedscope; beats Content-Type
//	sampleRate= units=     100 and samples; make time of counts
//	spyName= aggregationType=
//
// The body is the profile, or a form of it:
//
//	profile, sample_type_config       pprof, as the Go SDK sends it
//	jfr, labels                       JFR and a LabelsSnapshot (format/jfr)
//
// # POST /push.v1.PusherService/Push
//
// Series of labels and pprof profiles, in Connect, gRPC or gRPC-Web.
//
// # The steps
//
//  1. name.go and times.go read the query, form.go the form.
//  2. ingest.Target makes the target of the name's labels: service, instance,
//     and the rest in Prometheus spelling.
//  3. The decoder of the format makes batches; types.go gives their types the
//     names the sender has for them.
//  4. All batches of a request go to the store as one, and 200 says they are
//     durable. Their sequence is a checksum of the request, so that one sent
//     twice is stored once.
package pyroscope
