package otlp

import (
	"fmt"
	"regexp"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is what depth has to know of one: which fields are messages that may
// hold attribute values, the only ones that can nest without end.
type message int

const (
	profilesData message = iota
	resourceProfiles
	resource
	scopeProfiles
	scope
	dictionary
	keyValue // and KeyValueAndUnit: the value is field 2 of both
	anyValue
	arrayValue
	keyValueList
)

var children = map[message]map[protowire.Number]message{
	profilesData:     {1: resourceProfiles, 2: dictionary},
	resourceProfiles: {1: resource, 2: scopeProfiles},
	resource:         {1: keyValue},
	scopeProfiles:    {1: scope},
	scope:            {3: keyValue},
	dictionary:       {6: keyValue},
	keyValue:         {2: anyValue},
	anyValue:         {5: arrayValue, 6: keyValueList},
	arrayValue:       {1: anyValue},
	keyValueList:     {1: keyValue},
}

// maxDepth is of messages in messages; attributes of real resources nest at most
// a few lists. maxJSONDepth is of brackets.
const (
	maxDepth     = 64
	maxJSONDepth = 200
)

// protoDepth checks that messages are whole and not nested deeper than maxDepth;
// at is −1, or where they are not.
func protoDepth(data []byte) (at int, why string) { return walk(data, 0, profilesData, 0) }

func walk(b []byte, base int, m message, depth int) (int, string) {
	if depth > maxDepth {
		return base, fmt.Sprintf("attributes nested deeper than %d", maxDepth)
	}
	sub := children[m]
	for p := 0; p < len(b); {
		num, typ, n := protowire.ConsumeTag(b[p:])
		if n < 0 {
			return base + p, "not a protobuf field"
		}
		v := protowire.ConsumeFieldValue(num, typ, b[p+n:])
		if v < 0 {
			return base + p, "a protobuf field is cut off or malformed"
		}
		if next, ok := sub[num]; ok && typ == protowire.BytesType {
			inner, k := protowire.ConsumeBytes(b[p+n:])
			if at, why := walk(inner, base+p+n+k-len(inner), next, depth+1); at >= 0 {
				return at, why
			}
		}
		p += n + v
	}
	return -1, ""
}

// jsonDepth is where brackets are nested too deeply, −1 if nowhere.
func jsonDepth(b []byte) int {
	depth, inString := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxJSONDepth {
				return i
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return -1
}

var offsetRE = regexp.MustCompile(`found in #(\d+) byte`)

// jsonPosition is where the JSON library stopped. It only says where in the last
// 64 KiB it had buffered, which for input in memory is all of it.
func jsonPosition(err error, size int) string {
	if m := offsetRE.FindStringSubmatch(err.Error()); m != nil {
		return "near byte " + m[1]
	}
	return fmt.Sprintf("byte 0 to %d", size)
}

// sniffProto looks at the first field of the message. Serializers write fields in
// order or, like the collector's, in reverse: it is either a ResourceProfiles
// (field 1: a resource, scopes, a schema URL, where pprof's field 1 holds
// integers), or the dictionary (field 2) from its end (tables 7 to 4, where pprof's
// field 2 has nothing above 3).
func sniffProto(head []byte) bool {
	num, typ, n := protowire.ConsumeTag(head)
	if n < 0 || typ != protowire.BytesType || num != 1 && num != 2 {
		return false
	}
	size, k := protowire.ConsumeVarint(head[n:])
	if k < 0 || size == 0 {
		return false
	}
	body := head[n+k:]
	whole := uint64(len(body)) >= size
	if whole {
		body = body[:size]
	}
	inside := num
	for first := true; len(body) > 0; first = false {
		num, typ, n := protowire.ConsumeTag(body)
		if n < 0 || typ != protowire.BytesType || num < 1 {
			return !whole && !first && n < 0
		}
		if inside == 1 && num > 3 || inside == 2 && (num > 7 || first && num < 4) {
			return false
		}
		l, k := protowire.ConsumeVarint(body[n:])
		if k < 0 {
			return !whole && !first
		}
		if inside == 1 && first && num == 1 && !resourceBegins(body[n+k:], l) {
			return false
		}
		if l > uint64(len(body)-n-k) {
			return !whole
		}
		body = body[n+k+int(l):]
	}
	return true
}

// resourceBegins: a Resource starts with an attribute whose key is a string, or
// is empty.
func resourceBegins(b []byte, size uint64) bool {
	if size == 0 {
		return true
	}
	num, typ, n := protowire.ConsumeTag(b)
	if n < 0 || num != 1 || typ != protowire.BytesType {
		return n > 0 && num == 2 && typ == protowire.VarintType // dropped_attributes_count
	}
	_, k := protowire.ConsumeVarint(b[n:])
	if k < 0 {
		return false
	}
	num, typ, m := protowire.ConsumeTag(b[n+k:])
	return m > 0 && num == 1 && typ == protowire.BytesType
}
