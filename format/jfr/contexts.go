package jfr

import (
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"tacho"
	"tacho/format"
)

// Contexts are the labels of samples by their context id, which Pyroscope's
// agent sends beside a recording.
type Contexts map[int64][]tacho.Label

// ParseContexts reads a LabelsSnapshot, the protobuf message in which they come:
//
//	message Context        { map<int64, int64> labels = 1; }      // both in strings
//	message LabelsSnapshot { map<int64, Context> contexts = 1; map<int64, string> strings = 2; }
//
// (Pyroscope's HTTP API, "JFR with labels"). What refers to a string that is not
// there is left out.
func ParseContexts(b []byte, l format.Limits) (Contexts, error) {
	l = l.Filled()
	strings := map[int64]string{}
	pairs := map[int64][][2]int64{}
	total := 0
	err := entries(b, func(field protowire.Number, entry []byte) error {
		var id int64
		var value []byte
		err := fields(entry, func(n protowire.Number, v uint64, b []byte) {
			switch {
			case n == 1 && b == nil:
				id = int64(v)
			case n == 2:
				value = b
			}
		})
		switch {
		case err != nil:
			return err
		case field == 2 && len(value) > l.StringLen:
			return &format.LimitError{Format: "labels snapshot", Limit: format.LimitStringLen, Max: int64(l.StringLen)}
		case field == 2 && len(strings) >= l.Strings:
			return &format.LimitError{Format: "labels snapshot", Limit: format.LimitStrings, Max: int64(l.Strings)}
		case field == 2:
			strings[id] = string(value)
		case field == 1:
			err = entries(value, func(_ protowire.Number, label []byte) error {
				var p [2]int64
				if total++; total > l.Strings {
					return &format.LimitError{Format: "labels snapshot", Limit: format.LimitStrings, Max: int64(l.Strings)}
				}
				defer func() { pairs[id] = append(pairs[id], p) }()
				return fields(label, func(n protowire.Number, v uint64, b []byte) {
					if b == nil && (n == 1 || n == 2) {
						p[n-1] = int64(v)
					}
				})
			})
			if len(pairs[id]) > l.Labels {
				return &format.LimitError{Format: "labels snapshot", Limit: format.LimitLabels, Max: int64(l.Labels)}
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make(Contexts, len(pairs))
	for id, ps := range pairs {
		m := map[string]string{}
		for _, p := range ps {
			m[strings[p[0]]] = strings[p[1]]
		}
		out[id] = tacho.NewLabels(m)
	}
	return out, nil
}

var errProto = errors.New("labels snapshot: malformed protobuf")

// entries visits the length-delimited fields of a message.
func entries(b []byte, visit func(protowire.Number, []byte) error) error {
	for at := 0; at < len(b); {
		num, typ, n := protowire.ConsumeTag(b[at:])
		if n < 0 {
			return fmt.Errorf("byte %d: %w", at, errProto)
		}
		m := protowire.ConsumeFieldValue(num, typ, b[at+n:])
		if m < 0 {
			return fmt.Errorf("byte %d: %w", at, errProto)
		}
		if typ == protowire.BytesType {
			v, _ := protowire.ConsumeBytes(b[at+n:])
			if err := visit(num, v); err != nil {
				return err
			}
		}
		at += n + m
	}
	return nil
}

// fields visits the numbers (b is nil) and bytes of a message.
func fields(b []byte, visit func(n protowire.Number, v uint64, b []byte)) error {
	for len(b) > 0 {
		num, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return errProto
		}
		m := protowire.ConsumeFieldValue(num, typ, b[n:])
		if m < 0 {
			return errProto
		}
		switch typ {
		case protowire.VarintType:
			v, _ := protowire.ConsumeVarint(b[n:])
			visit(num, v, nil)
		case protowire.BytesType:
			v, _ := protowire.ConsumeBytes(b[n:])
			visit(num, 0, append([]byte{}, v...))
		}
		b = b[n+m:]
	}
	return nil
}

// spanOf is the span a sample was taken in by its labels: span_id, or what
// Pyroscope's span profiles call profile_id, 16 hexadecimal digits. The label
// itself is not of the sample's identity: there would be a series for each span.
func spanOf(labels []tacho.Label) (span uint64, rest []tacho.Label) {
	for i, l := range labels {
		if l.Name != "span_id" && l.Name != "profile_id" || len(l.Value) != 16 {
			continue
		}
		if v, err := strconv.ParseUint(l.Value, 16, 64); err == nil {
			rest = append(append(rest, labels[:i]...), labels[i+1:]...)
			return v, rest
		}
	}
	return 0, labels
}
