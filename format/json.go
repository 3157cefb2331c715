package format

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf8"
)

// JSON reads a JSON input piece by piece (RFC 8259), so that a large profile
// needs not be in memory twice over. Each method reads one value and returns the
// first error of the input again and again. Positions are bytes.
//
//	err := j.Object(func(key []byte) error {
//		switch string(key) {
//		case "samples":
//			return j.Array(func() error { n, err := j.Int(); …; return err })
//		}
//		return j.Skip()
//	})
type JSON struct {
	name  string
	ctx   context.Context
	r     io.Reader
	b     []byte // read from r
	i     int    // of b, next
	at    int64  // of b[0] in the input
	err   error  // of r, once b is used up
	depth int
	max   int // of a string
	buf   []byte
	text  []byte // of the string read last
}

// maxNesting is how deep values may be inside each other.
const maxNesting = 500

// NewJSON reads JSON for the decoder of that name.
func NewJSON(ctx context.Context, name string, r io.Reader, l Limits) *JSON {
	return &JSON{name: name, ctx: ctx, r: r, b: make([]byte, 0, 64<<10), max: l.Filled().StringLen}
}

// Position is where the reading is.
func (j *JSON) Position() string { return fmt.Sprintf("byte %d", j.at+int64(j.i)) }

// Bad is the error of a value that makes no sense where it is.
func (j *JSON) Bad(reason string, args ...any) error {
	return &SyntaxError{Format: j.name, Position: j.Position(), Reason: fmt.Sprintf(reason, args...)}
}

// more reads on when b is used up; false at the end and after an error.
func (j *JSON) more() bool {
	for j.i == len(j.b) && j.err == nil {
		j.at += int64(len(j.b))
		n, err := j.r.Read(j.b[:cap(j.b)])
		j.b, j.i, j.err = j.b[:n], 0, err
	}
	return j.i < len(j.b)
}

func (j *JSON) byte() (byte, error) {
	if j.i == len(j.b) && !j.more() {
		return 0, j.ended()
	}
	j.i++
	return j.b[j.i-1], nil
}

func (j *JSON) ended() error {
	if j.err == io.EOF {
		return &SyntaxError{Format: j.name, Position: j.Position(), Reason: "the input ends inside a value", Err: io.ErrUnexpectedEOF}
	}
	return j.err
}

// Peek is the first byte of the value to come, which tells its type.
func (j *JSON) Peek() (byte, error) {
	for j.i < len(j.b) || j.more() {
		switch c := j.b[j.i]; c {
		case ' ', '\t', '\n', '\r':
			j.i++
		default:
			return c, nil
		}
	}
	return 0, j.ended()
}

func (j *JSON) want(c byte) error {
	got, err := j.Peek()
	if err != nil {
		return err
	}
	if got != c {
		return j.Bad("%q where %q should be", got, c)
	}
	j.i++
	return nil
}

// Object calls field for each key; field must read the value.
func (j *JSON) Object(field func(key []byte) error) error {
	return j.list('{', '}', func() error {
		key, err := j.String()
		if err != nil {
			return err
		}
		if err := j.want(':'); err != nil {
			return err
		}
		return field(key)
	})
}

// Array calls item for each value, which it must read.
func (j *JSON) Array(item func() error) error { return j.list('[', ']', item) }

func (j *JSON) list(open, shut byte, item func() error) error {
	if err := j.want(open); err != nil {
		return err
	}
	if j.depth++; j.depth > maxNesting {
		return j.Bad("values nested more than %d deep", maxNesting)
	}
	defer func() { j.depth-- }()
	for n := 0; ; n++ {
		c, err := j.Peek()
		if err != nil {
			return err
		}
		if c == shut {
			return j.want(shut)
		}
		if n&1023 == 1023 {
			if err := j.ctx.Err(); err != nil {
				return err
			}
		}
		if n > 0 {
			if err := j.want(','); err != nil {
				return err
			}
		}
		if err := item(); err != nil {
			return err
		}
	}
}

// String is a string; the bytes are valid until the next one is read.
func (j *JSON) String() ([]byte, error) {
	if err := j.want('"'); err != nil {
		return nil, err
	}
	j.text = j.text[:0]
	for {
		if j.i == len(j.b) && !j.more() {
			return nil, j.ended()
		}
		from := j.i
		for j.i < len(j.b) && j.b[j.i] != '"' && j.b[j.i] != '\\' && j.b[j.i] >= ' ' {
			j.i++
		}
		if j.text = append(j.text, j.b[from:j.i]...); len(j.text) > j.max {
			return nil, &LimitError{Format: j.name, Limit: LimitStringLen, Max: int64(j.max), Position: j.Position()}
		}
		if j.i == len(j.b) {
			continue
		}
		switch c := j.b[j.i]; c {
		case '"':
			j.i++
			return j.text, nil
		case '\\':
			j.i++
			c, err := j.byte()
			if err == nil {
				err = j.escape(c)
			}
			if err != nil {
				return nil, err
			}
		default:
			return nil, j.Bad("control character in a string")
		}
	}
}

// escape reads what follows a backslash and the byte behind it.
func (j *JSON) escape(c byte) error {
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return j.unicode()
	default:
		return j.Bad("escape \\%c", c)
	}
	j.text = append(j.text, c)
	return nil
}

// unicode reads \u…, and the second half of a character beyond 16 bits.
func (j *JSON) unicode() error {
	r, err := j.hex()
	if err != nil {
		return err
	}
	if r >= 0xd800 && r < 0xdc00 && (j.i < len(j.b) || j.more()) && j.b[j.i] == '\\' {
		j.i++
		c, err := j.byte()
		if err != nil {
			return err
		}
		if c != 'u' {
			j.text = utf8.AppendRune(j.text, utf8.RuneError)
			return j.escape(c)
		}
		low, err := j.hex()
		if err != nil {
			return err
		}
		if low >= 0xdc00 && low < 0xe000 {
			j.text = utf8.AppendRune(j.text, (r-0xd800)<<10|(low-0xdc00)+0x10000)
			return nil
		}
		j.text = utf8.AppendRune(j.text, utf8.RuneError)
		r = low
	}
	j.text = utf8.AppendRune(j.text, r) // half a character becomes U+FFFD
	return nil
}

func (j *JSON) hex() (rune, error) {
	var b [4]byte
	for i := range b {
		c, err := j.byte()
		if err != nil {
			return 0, err
		}
		b[i] = c
	}
	v, err := strconv.ParseUint(string(b[:]), 16, 32)
	if err != nil {
		return 0, j.Bad("\\u%s", b)
	}
	return rune(v), nil
}

// Number is a number.
func (j *JSON) Number() (float64, error) {
	if err := j.number(); err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(string(j.buf), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, j.Bad("number %q", j.buf)
	}
	return v, nil
}

// Int is a number without a fraction, also when it is a string of one, as int64
// are in protobuf's JSON.
func (j *JSON) Int() (int64, error) {
	c, err := j.Peek()
	if err != nil {
		return 0, err
	}
	if c == '"' {
		s, err := j.String()
		if err != nil {
			return 0, err
		}
		j.buf = append(j.buf[:0], s...)
	} else if err := j.number(); err != nil {
		return 0, err
	}
	if v, ok := smallInt(j.buf); ok {
		return v, nil
	}
	if v, err := strconv.ParseInt(string(j.buf), 10, 64); err == nil {
		return v, nil
	}
	v, err := strconv.ParseFloat(string(j.buf), 64) // 1e3, 12.0
	if err != nil || v != math.Trunc(v) || math.Abs(v) >= 1<<63 {
		return 0, j.Bad("%q is not a whole number", j.buf)
	}
	return int64(v), nil
}

func smallInt(b []byte) (v int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, len(b) > 0 && len(b) < 19
}

// number gathers the bytes of a number in buf.
func (j *JSON) number() error {
	if _, err := j.Peek(); err != nil {
		return err
	}
	j.buf = j.buf[:0]
	for j.i < len(j.b) || j.more() {
		c := j.b[j.i]
		if (c < '0' || c > '9') && c != '-' && c != '+' && c != '.' && c != 'e' && c != 'E' {
			break
		}
		j.i++
		if j.buf = append(j.buf, c); len(j.buf) > 400 {
			return j.Bad("number without an end")
		}
	}
	if j.err != nil && j.err != io.EOF && j.i == len(j.b) {
		return j.err
	}
	if len(j.buf) == 0 {
		c, _ := j.Peek()
		return j.Bad("%q where a number should be", c)
	}
	return nil
}

// Skip reads any value.
func (j *JSON) Skip() error {
	c, err := j.Peek()
	if err != nil {
		return err
	}
	switch c {
	case '{':
		return j.Object(func([]byte) error { return j.Skip() })
	case '[':
		return j.Array(j.Skip)
	case '"':
		return j.skipString()
	case 't', 'f', 'n':
		word := map[byte]string{'t': "true", 'f': "false", 'n': "null"}[c]
		for i := range word {
			got, err := j.byte()
			if err != nil {
				return err
			}
			if got != word[i] {
				return j.Bad("%q in %s", got, word)
			}
		}
		return nil
	}
	return j.number()
}

// skipString passes over a string of any length: pictures of the page are in
// traces of browsers.
func (j *JSON) skipString() error {
	if err := j.want('"'); err != nil {
		return err
	}
	for j.i < len(j.b) || j.more() {
		c := j.b[j.i]
		if j.i++; c == '"' {
			return nil
		}
		if c == '\\' {
			if _, err := j.byte(); err != nil {
				return err
			}
		}
	}
	return j.ended()
}

// Null reads a null and says whether there was one.
func (j *JSON) Null() (bool, error) {
	c, err := j.Peek()
	if err != nil || c != 'n' {
		return false, err
	}
	return true, j.Skip()
}

// End is what must follow the last value: nothing.
func (j *JSON) End() error {
	if c, err := j.Peek(); err == nil {
		j.i++
		return j.Bad("%q after the last value", c)
	}
	if j.err != io.EOF {
		return j.err
	}
	return nil
}
