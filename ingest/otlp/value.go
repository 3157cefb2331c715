package otlp

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	common "go.opentelemetry.io/proto/otlp/common/v1"
)

// attributes are those of a span or event as text.
func attributes(kvs []*common.KeyValue, longest int) (map[string]string, error) {
	if len(kvs) > maxAttributes {
		return nil, fmt.Errorf("more than %d attributes", maxAttributes)
	}
	m := make(map[string]string, len(kvs)+8)
	for _, kv := range kvs {
		v, err := text(kv.Value, longest)
		if err != nil || len(kv.Key) > longest {
			return nil, fmt.Errorf("an attribute is longer than %d bytes", longest)
		}
		m[kv.Key] = v
	}
	return m, nil
}

// scalar is a value that is not made of others, as text.
func scalar(v *common.AnyValue) (string, bool) {
	switch x := v.GetValue().(type) {
	case *common.AnyValue_StringValue:
		return x.StringValue, true
	case *common.AnyValue_BoolValue:
		return strconv.FormatBool(x.BoolValue), true
	case *common.AnyValue_IntValue:
		return strconv.FormatInt(x.IntValue, 10), true
	case *common.AnyValue_DoubleValue:
		return strconv.FormatFloat(x.DoubleValue, 'g', -1, 64), true
	case *common.AnyValue_BytesValue:
		return base64.StdEncoding.EncodeToString(x.BytesValue), true
	}
	return "", false
}

// text is any value: lists and maps look like JSON without quotes.
func text(v *common.AnyValue, longest int) (string, error) {
	var b strings.Builder
	if !write(&b, v, longest) {
		return "", fmt.Errorf("longer than %d bytes", longest)
	}
	return b.String(), nil
}

// write stops when the text gets too long, so that depth and width of a value
// cost no more than its own bytes did.
func write(b *strings.Builder, v *common.AnyValue, longest int) bool {
	switch x := v.GetValue().(type) {
	case *common.AnyValue_ArrayValue:
		b.WriteByte('[')
		for i, e := range x.ArrayValue.GetValues() {
			if i > 0 {
				b.WriteByte(',')
			}
			if !write(b, e, longest) {
				return false
			}
		}
		b.WriteByte(']')
	case *common.AnyValue_KvlistValue:
		b.WriteByte('{')
		for i, e := range x.KvlistValue.GetValues() {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(e.Key)
			b.WriteByte(':')
			if !write(b, e.Value, longest) {
				return false
			}
		}
		b.WriteByte('}')
	default:
		s, _ := scalar(v)
		b.WriteString(s)
	}
	return b.Len() <= longest
}
