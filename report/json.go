package report

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// The appenders below write the columnar answers. encoding/json walks every
// number of an array through reflection and copies the result; an icicle of
// 100,000 nodes is 700,000 numbers, and appending them to one buffer takes about
// half the time and no second buffer (BenchmarkIcicleJSON).

func appendInts[T ~int32 | ~int64 | ~uint32 | ~uint16](b []byte, key string, vs []T) []byte {
	return appendArray(appendKey(b, key), vs)
}

func appendArray[T ~int32 | ~int64 | ~uint32 | ~uint16](b []byte, vs []T) []byte {
	b = append(b, '[')
	for i, v := range vs {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(v), 10)
	}
	return append(b, ']')
}

func appendArrays(b []byte, key string, vs [][]uint32) []byte {
	b = append(appendKey(b, key), '[')
	for i, v := range vs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendArray(b, v)
	}
	return append(b, ']')
}

func appendStrings(b []byte, key string, vs []string) []byte {
	b = appendKey(b, key)
	b = append(b, '[')
	for i, v := range vs {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, v)
	}
	return append(b, ']')
}

// appendKey starts a member, with the comma it needs unless it is the first.
func appendKey(b []byte, key string) []byte {
	if n := len(b); n > 0 && b[n-1] != '{' {
		b = append(b, ',')
	}
	b = append(b, '"')
	b = append(b, key...)
	return append(b, '"', ':')
}

func appendIntMember(b []byte, key string, v int64) []byte {
	return strconv.AppendInt(appendKey(b, key), v, 10)
}

func appendStringMember(b []byte, key, v string) []byte {
	return appendString(appendKey(b, key), v)
}

func appendBoolMember(b []byte, key string, v bool) []byte {
	return strconv.AppendBool(appendKey(b, key), v)
}

func appendFloatMember(b []byte, key string, v float64) []byte {
	return appendFloat(appendKey(b, key), v)
}

// appendFloat writes null for what JSON has no number for.
func appendFloat(b []byte, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return append(b, "null"...)
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

const hex = "0123456789abcdef"

// appendString writes a JSON string. What could end a script element or a
// JavaScript line is escaped as encoding/json does, so that the text stays
// harmless wherever it is pasted; bytes that are not UTF-8 become U+FFFD.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= 0x20 && c != 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			if c == '"' || c == '\\' {
				b = append(b, '\\', c)
			} else {
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			}
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(append(b, s[start:i]...), "\uFFFD"...)
		case r == '\u2028' || r == '\u2029':
			b = append(append(b, s[start:i]...), '\\', 'u', '2', '0', '2', hex[r&15])
		default:
			i += n
			continue
		}
		i += n
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// Cell is the sum of one step of a heat map, NotRecorded where nothing was.
type Cell int64

// NotRecorded is null in JSON; 0 is recorded and idle. Sums are never negative.
const NotRecorded Cell = -1

// MarshalJSON writes null or the number.
func (c Cell) MarshalJSON() ([]byte, error) { return c.append(nil), nil }

func (c Cell) append(b []byte) []byte {
	if c < 0 {
		return append(b, "null"...)
	}
	return strconv.AppendInt(b, int64(c), 10)
}

// UnmarshalJSON reads null or a number.
func (c *Cell) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*c = NotRecorded
		return nil
	}
	return json.Unmarshal(b, (*int64)(c))
}

func appendCells(b []byte, key string, cs []Cell) []byte {
	b = append(appendKey(b, key), '[')
	for i, c := range cs {
		if i > 0 {
			b = append(b, ',')
		}
		b = c.append(b)
	}
	return append(b, ']')
}

// Value is a point of a timeline; NaN is "no point in this step", null in JSON.
type Value float64

// MarshalJSON writes null or the number.
func (v Value) MarshalJSON() ([]byte, error) { return appendFloat(nil, float64(v)), nil }

// UnmarshalJSON reads null or a number.
func (v *Value) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*v = Value(math.NaN())
		return nil
	}
	return json.Unmarshal(b, (*float64)(v))
}

// full returns a slice that marshals as [] instead of null.
func full[T any](vs []T) []T {
	if vs == nil {
		return []T{}
	}
	return vs
}
