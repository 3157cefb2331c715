// Package otlp reads OpenTelemetry profiles, protobuf and JSON
// (opentelemetry.proto.profiles.v1development: ProfilesData, and what an
// exporter sends, which is the same message under another name), with the
// collector's own pdata library. It also knows how OpenTelemetry's resource
// attributes are spelled as labels, for whoever reads traces.
//
//	ProfilesData
//	  resource_profiles: resource, scopes, profiles
//	    profile: one sample type, time, duration, period, samples
//	      sample: a stack, attributes, a link to a span, values with or without timestamps
//	  dictionary: tables of strings, functions, locations, stacks, mappings, links, attributes
//
// The steps:
//
//  1. Sniff tells the protobuf from pprof's, which begins alike, by what the first
//     field holds.
//  2. depth.go refuses input nested so deeply that the library's recursion could
//     exhaust the stack; then the library reads it whole, at most Limits.Memory.
//  3. frames.go resolves stacks through the dictionary, once each; every index is
//     checked, since the library does not.
//  4. samples.go makes one label set of the resource's attributes and those of the
//     sample, and one sample of each value. Timestamps make them timed.
//
// Attributes become labels by resource.go: service.name → service_name, thread.name
// and thread.id → the sample's thread. A target given with the options wins over the
// resource's; without one, the resource is the target.
package otlp

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"go.opentelemetry.io/collector/pdata/pprofile"

	"tacho"
	"tacho/format"
)

// Name is the decoder's, as format/all knows it.
const Name = "otlp"

// Decoder reads OTLP profiles.
func Decoder() format.Decoder {
	return format.Decoder{Name: Name, Title: "OpenTelemetry profiles (OTLP, protobuf or JSON)", Sniff: Sniff, Decode: Decode}
}

// Sniff recognises the JSON by its keys and the protobuf by its first field.
func Sniff(head []byte) bool {
	if b := bytes.TrimLeft(head, " \t\r\n\ufeff"); len(b) > 0 && b[0] == '{' {
		for _, key := range []string{`"resourceProfiles"`, `"resource_profiles"`} {
			if bytes.Contains(b, []byte(key)) {
				return true
			}
		}
		return bytes.Contains(b, []byte(`"dictionary"`)) && bytes.Contains(b, []byte("Table"))
	}
	return sniffProto(head)
}

// Decode reads OTLP profiles.
func Decode(ctx context.Context, r io.Reader, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
	e := format.NewEmitter(ctx, Name, o, emit)
	w, err := format.ReadWhole(Name, r, o.Limits)
	defer w.Free()
	if err != nil {
		return e.Finish(err)
	}
	pd, err := parse(e, w.Data)
	if err != nil {
		return e.Finish(err)
	}
	d := &decoder{e: e, o: o, pd: pd}
	return e.Finish(d.profiles())
}

// DecodeProfiles is Decode for who has the message parsed, as a gRPC service does.
// Depth was not checked then: the service's message size limit has to bound it.
func DecodeProfiles(ctx context.Context, pd pprofile.Profiles, o format.Options, emit func(*tacho.Batch) error) (format.Report, error) {
	e := format.NewEmitter(ctx, Name, o, emit)
	d := &decoder{e: e, o: o, pd: pd}
	return e.Finish(d.profiles())
}

func parse(e *format.Emitter, data []byte) (pprofile.Profiles, error) {
	if len(data) == 0 {
		return pprofile.Profiles{}, e.Syntax("byte 0", "the input is empty", nil)
	}
	if b := bytes.TrimLeft(data, " \t\r\n\ufeff"); len(b) > 0 && b[0] == '{' {
		if at := jsonDepth(data); at >= 0 {
			return pprofile.Profiles{}, e.Syntax(fmt.Sprintf("byte %d", at), fmt.Sprintf("nested deeper than %d", maxJSONDepth), nil)
		}
		pd, err := (&pprofile.JSONUnmarshaler{}).UnmarshalProfiles(b)
		if err != nil {
			return pd, e.Syntax(jsonPosition(err, len(data)), "not OTLP profiles in JSON", err)
		}
		return pd, nil
	}
	if at, why := protoDepth(data); at >= 0 {
		return pprofile.Profiles{}, e.Syntax(fmt.Sprintf("byte %d", at), why, nil)
	}
	pd, err := (&pprofile.ProtoUnmarshaler{}).UnmarshalProfiles(data)
	if err != nil {
		// The library does not say where: somewhere in what it was given.
		return pd, e.Syntax(fmt.Sprintf("byte 0 to %d", len(data)), "not OTLP profiles in protobuf", err)
	}
	return pd, nil
}
