package pyroscope

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"tacho/format"
)

// FuzzIngest sends anything as anything: it is stored, in batches that are
// valid, or refused with a 4xx that says why, and nothing else.
func FuzzIngest(f *testing.F) {
	f.Add("shop{a=b}", "pprof", "1789999000", "", []byte("\x0a\x04\x08\x01\x10\x02"))
	f.Add("shop.cpu", "", "now-1h", "text/plain", []byte("main;work 3\n"))
	f.Add("shop", "lines", "", "", []byte("main;work\n"))
	f.Add("shop", "tree", "20261122", "", []byte("\x00\x00\x01\x04main\x01\x00"))
	f.Add("shop", "", "", "multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"profile\"\r\n\r\nabc\r\n--x--\r\n"))
	f.Add("shop", "jfr", "", "", []byte("FLR\x00\x00\x02"))
	f.Fuzz(func(t *testing.T, name, kind, from, contentType string, body []byte) {
		k := &kept{}
		q := url.Values{"name": {name}, "format": {kind}, "from": {from}}
		r := httptest.NewRequest(http.MethodPost, "/ingest?"+q.Encode(), bytes.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		w := httptest.NewRecorder()
		Ingest(options(k, format.Limits{Bytes: 1 << 20, Memory: 1 << 20})).ServeHTTP(w, r)
		switch {
		case w.Code == http.StatusOK && w.Body.Len() == 0:
		case w.Code/100 == 4 && bytes.Contains(w.Body.Bytes(), []byte(`"message":"`)) && len(k.all()) == 0:
		default:
			t.Errorf("%d %s, %d batches", w.Code, w.Body, len(k.all()))
		}
	})
}
