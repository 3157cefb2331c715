package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
)

// question answers one request with a view of package report.
type question func(r *http.Request) (any, error)

// appender is a view that writes its own JSON: the large columnar ones.
type appender interface{ AppendJSON([]byte) []byte }

// answer makes a handler of a question. The place in line is held while the
// answer is found, encoded and compressed, and given back before it is sent.
func (s *server) answer(name string, l limiter, ask question) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := s.find(r, l, ask)
		if err != nil {
			e := asError(r.Context(), err)
			if e.Status == http.StatusInternalServerError {
				s.Log.Error("a question failed", "endpoint", name, "query", r.URL.RawQuery, "error", err)
			}
			writeError(w, r, e)
			return
		}
		b.send(w, r)
	})
}

func (s *server) find(r *http.Request, l limiter, ask question) (*body, error) {
	leave, err := l.enter(r.Context())
	if err != nil {
		return nil, err
	}
	defer leave()
	view, err := ask(r)
	if err != nil {
		return nil, err
	}
	var raw []byte
	if a, ok := view.(appender); ok {
		raw = a.AppendJSON(nil)
	} else if raw, err = json.Marshal(view); err != nil {
		return nil, fmt.Errorf("encoding the answer: %w", err)
	}
	return newBody(append(raw, '\n'), "application/json", acceptsGzip(r)), nil
}

// worthwhile is the size below which compressing costs more than it saves: one
// packet.
const worthwhile = 1400

// body is what can be sent, whole, in one or two encodings.
type body struct {
	raw, gz []byte // gz is nil when it was not wanted or is not smaller
	kind    string
	etag    string
}

func newBody(raw []byte, kind string, compress bool) *body {
	sum := sha256.Sum256(raw)
	// Weak: the tag names the content, not the bytes of one encoding.
	b := &body{raw: raw, kind: kind, etag: `W/"` + hex.EncodeToString(sum[:12]) + `"`}
	if compress && len(raw) >= worthwhile {
		var buf bytes.Buffer
		buf.Grow(len(raw) / 4)
		z, err := gzip.NewWriterLevel(&buf, gzip.BestSpeed)
		if err == nil {
			_, err = z.Write(raw)
		}
		if err == nil {
			err = z.Close()
		}
		// Neither fails into memory; if one did, the raw bytes are as good.
		if err == nil && buf.Len() < len(raw) {
			b.gz = buf.Bytes()
		}
	}
	return b
}

// send writes the body, or 304 to a client that has it. It is asked for anew
// every time (no-cache), which the tag makes cheap.
func (b *body) send(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", b.kind)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", b.etag)
	if tagged(r.Header.Values("If-None-Match"), b.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	out := b.raw
	if b.gz != nil && acceptsGzip(r) {
		out = b.gz
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(out)))
	if r.Method == http.MethodHead {
		return
	}
	// A client that reads nothing must not hold the buffer forever. The
	// deadline belongs to the connection, so it is taken back for the next
	// request. Errors here are the client's hanging up, or a ResponseWriter
	// without a connection.
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(time.Now().Add(2 * time.Minute))
	_, _ = w.Write(out)
	_ = c.Flush()
	_ = c.SetWriteDeadline(time.Time{})
}

// tagged reports whether a client's list of tags holds this one.
func tagged(lists []string, etag string) bool {
	for _, list := range lists {
		for t := range strings.SplitSeq(list, ",") {
			t = strings.TrimSpace(t)
			if t == "*" || strings.TrimPrefix(t, "W/") == strings.TrimPrefix(etag, "W/") {
				return true
			}
		}
	}
	return false
}

// acceptsGzip reads Accept-Encoding; "gzip;q=0" is a refusal.
func acceptsGzip(r *http.Request) bool {
	for _, list := range r.Header.Values("Accept-Encoding") {
		for item := range strings.SplitSeq(list, ",") {
			name, q, _ := strings.Cut(item, ";")
			if n := strings.TrimSpace(name); n != "gzip" && n != "*" {
				continue
			}
			q, found := strings.CutPrefix(strings.TrimSpace(q), "q=")
			v, err := strconv.ParseFloat(q, 64)
			return !found || err == nil && v > 0
		}
	}
	return false
}
