package pyroscope

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"tacho/format"
)

// labelsSnapshot says that samples of context 7 have handler=/cart.
func labelsSnapshot() []byte {
	bytesOf := func(n protowire.Number, b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), b)
	}
	number := func(n protowire.Number, v uint64) []byte {
		return protowire.AppendVarint(protowire.AppendTag(nil, n, protowire.VarintType), v)
	}
	context := bytesOf(1, append(number(1, 1), number(2, 2)...))
	out := bytesOf(1, append(number(1, 7), bytesOf(2, context)...))
	out = append(out, bytesOf(2, append(number(1, 1), bytesOf(2, []byte("handler"))...))...)
	return append(out, bytesOf(2, append(number(1, 2), bytesOf(2, []byte("/cart"))...))...)
}

// A recording as the Java agent sends it: in a form with its labels, either part
// compressed or not, or alone.
func TestJFR(t *testing.T) {
	jfr, err := os.ReadFile("../../format/jfr/testdata/small.jfr")
	if err != nil {
		t.Fatal(err)
	}
	form := func(fields map[string][]byte) (string, []byte) { return formOf(t, fields) }
	plainType, plain := form(map[string][]byte{"jfr": jfr, "labels": labelsSnapshot()})
	packedType, packed := form(map[string][]byte{"jfr": gzipped(jfr), "labels": gzipped(labelsSnapshot())})
	badType, bad := form(map[string][]byte{"jfr": jfr, "labels": []byte("\xff\xff")})
	for _, c := range []struct {
		what, query, contentType string
		body                     []byte
		status                   int
		say                      string
	}{
		{"form", "jfr", plainType, plain, 200, ""},
		{"form without format", "", plainType, plain, 200, ""},
		{"compressed parts", "jfr", packedType, packed, 200, ""},
		{"alone", "jfr", "application/octet-stream", jfr, 200, ""},
		{"alone and compressed", "", "", gzipped(jfr), 200, ""},
		{"bad labels", "jfr", badType, bad, 400, "LabelsSnapshot"},
	} {
		k := &kept{}
		q := query("name", "shop{instance=i}", "from", "1789999000", "until", "1789999010")
		if c.query != "" {
			q.Set("format", c.query)
		}
		w := post(t, options(k, format.Limits{}), q, c.contentType, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.say) {
			t.Errorf("%s: %d %s, want %d with %q", c.what, w.Code, w.Body, c.status, c.say)
			continue
		}
		if c.status != http.StatusOK {
			continue
		}
		cpu := int64(0)
		for key, v := range sums(k.all()) {
			if strings.HasPrefix(key, "cpu/nanoseconds ") && strings.Contains(key, "Load.fib") {
				cpu += v
			}
		}
		if cpu != 180e6 { // nine samples of 20 ms
			t.Errorf("%s: %d ns in Load.fib, want 180 ms", c.what, cpu)
		}
	}
}
