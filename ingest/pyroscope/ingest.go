package pyroscope

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"time"

	"tacho"
	"tacho/format"
	"tacho/format/jfr"
	first "tacho/format/pyroscope" // formats of Pyroscope's first API
	"tacho/ingest"
)

// collector is who the batches of this way in say saw them.
const collector = "pyroscope"

// Options: all are required.
type Options struct {
	Intake   *ingest.Intake
	Decoders []format.Decoder // format/all
}

// server is both endpoints.
type server struct {
	in     *ingest.Intake
	byName map[string]format.Decoder
	sniff  []format.Decoder
}

func newServer(o Options) *server {
	s := &server{in: o.Intake, byName: map[string]format.Decoder{}, sniff: o.Decoders}
	for _, d := range o.Decoders {
		s.byName[d.Name] = d
	}
	return s
}

// Ingest serves POST /ingest.
func Ingest(o Options) http.Handler {
	s := newServer(o)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.ingest(w, r)
		s.in.Count("pyroscope", err)
		if err != nil {
			writeError(w, ingest.Refuse(err))
			return
		}
		w.WriteHeader(http.StatusOK)
	})
}

// writeError answers as Pyroscope does: clients show the message.
func writeError(w http.ResponseWriter, r *ingest.Refusal) {
	code, ok := map[int]string{
		http.StatusBadRequest: "invalid_argument", http.StatusUnauthorized: "unauthenticated", http.StatusMethodNotAllowed: "unimplemented",
		http.StatusRequestEntityTooLarge: "invalid_argument", http.StatusUnsupportedMediaType: "invalid_argument", http.StatusUnprocessableEntity: "invalid_argument",
		http.StatusTooManyRequests: "resource_exhausted", http.StatusInsufficientStorage: "resource_exhausted", http.StatusRequestTimeout: "deadline_exceeded",
	}[r.Status]
	if !ok {
		code = "unavailable"
	}
	message := r.Sentence
	if r.Detail != "" {
		message += ": " + r.Detail
	}
	b, err := json.Marshal(map[string]string{"code": code, "message": message})
	if err != nil { // two strings always marshal
		b = []byte(`{"code":"internal","message":"the error could not be written"}`)
	}
	switch r.Status {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInsufficientStorage:
		w.Header().Set("Retry-After", strconv.Itoa(int(ingest.RetryAfter/time.Second)))
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.Status)
	_, _ = w.Write(append(b, '\n')) // the client is gone if this fails
}

func (s *server) ingest(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return &ingest.Refusal{Status: http.StatusMethodNotAllowed, Reason: "malformed", Sentence: "profiles are posted", Detail: "Use POST."}
	}
	tenant, err := s.in.Tenant(r)
	if err != nil {
		return err
	}
	p, err := readParams(r, s.in.Now())
	if err != nil {
		return err
	}
	body, release, err := s.in.Body(w, r)
	defer release()
	if err != nil {
		return err
	}
	leave, err := s.in.Enter(r.Context())
	if err != nil {
		return err
	}
	batches, err := s.decode(r, p, body)
	leave()
	if err != nil {
		return err
	}
	return s.in.Append(r.Context(), tenant, batches)
}

// params is the query.
type params struct {
	app, format, units string
	labels             map[string]string
	from, until        time.Time
	rate               int
}

func readParams(r *http.Request, now time.Time) (params, error) {
	q := r.URL.Query()
	p := params{format: q.Get("format"), units: q.Get("units"), rate: 100}
	var err error
	if p.app, p.labels, err = parseName(q.Get("name")); err != nil {
		return p, err
	}
	if p.from, err = parseTime("from", q.Get("from"), now); err != nil {
		return p, err
	}
	if p.until, err = parseTime("until", q.Get("until"), now); err != nil {
		return p, err
	}
	if p.from.After(p.until) {
		return p, ingest.BadParameter("until", "Send from before until.", "until %s is before from %s", p.until.UTC().Format(time.RFC3339), p.from.UTC().Format(time.RFC3339))
	}
	if v := q.Get("sampleRate"); v != "" {
		n, err := strconv.ParseUint(v, 10, 32)
		if err != nil || n > 1e9 {
			return p, ingest.BadParameter("sampleRate", "Send samples a second, such as 100.", "sampleRate: %q is not a rate", v)
		}
		if n > 0 {
			p.rate = int(n)
		}
	}
	if spy := q.Get("spyName"); spy != "" && p.labels["pyroscope_spy"] == "" {
		p.labels["pyroscope_spy"] = spy
	}
	return p, ingest.CheckText("units", p.units, ingest.MaxLabelName)
}

// decode makes the batches of one request.
func (s *server) decode(r *http.Request, p params, body []byte) ([]*tacho.Batch, error) {
	if r.Header.Get("Content-Encoding") != "" { // else decoders find it out, without a copy
		plain, err := s.unpack(body)
		if err != nil {
			return nil, err
		}
		body = plain
	}
	f, err := readForm(r.Header.Get("Content-Type"), body)
	if err != nil {
		return nil, err
	}
	d, err := s.choose(wanted(p.format, f.field, r.Header.Get("Content-Type")), f.profile)
	if err != nil {
		return nil, err
	}
	types, err := readTypes(f.types)
	if err != nil {
		return nil, err
	}
	o := format.Options{From: p.from, Until: p.until, Limits: s.in.Limits(), Now: s.in.Now}
	if textual(d) {
		p.app, o.Type, o.SampleRate = textType(p.app, p.units, p.rate)
	}
	if o.Target, err = ingest.Target(p.app, p.labels, r.RemoteAddr); err != nil {
		return nil, err
	}
	sequence := checksum(body) ^ checksum([]byte(r.URL.RawQuery))
	if len(f.labels) > 0 && d.Name == jfr.Name {
		if d, err = s.labelled(f.labels); err != nil {
			return nil, err
		}
	}
	return s.run(r.Context(), d, f.profile, o, types, sequence)
}

// run decodes one profile into batches that can be told from all others.
func (s *server) run(ctx context.Context, d format.Decoder, data []byte, o format.Options, types map[string]sampleType, sequence uint64) ([]*tacho.Batch, error) {
	in, err := format.Open(bytes.NewBuffer(data), o.Limits)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	o.Collector, o.Sequence = collector, sequence
	var batches []*tacho.Batch
	_, err = d.Decode(ctx, in.Reader, o, func(b *tacho.Batch) error {
		rename(b, types)
		batches = append(batches, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return batches, nil
}

// labelled is the decoder of a JFR whose samples have labels.
func (s *server) labelled(snapshot []byte) (format.Decoder, error) {
	plain, err := s.unpack(snapshot)
	if err != nil {
		return format.Decoder{}, err
	}
	contexts, err := jfr.ParseContexts(plain, s.in.Limits())
	if err != nil && !errors.As(err, new(*format.LimitError)) {
		err = &ingest.Refusal{Status: http.StatusBadRequest, Reason: "malformed", Sentence: "the labels part is not a LabelsSnapshot: " + err.Error(), Detail: "Send it as the Pyroscope Java agent does.", Position: "labels", Err: err}
	}
	return jfr.DecoderWith(contexts), err
}

// choose finds the decoder of a format as Pyroscope names it; "" is what the
// content says, else folded.
func (s *server) choose(name string, data []byte) (format.Decoder, error) {
	switch name {
	case "lines":
		return first.Lines(), nil
	case "tree":
		return first.Tree(), nil
	case "trie":
		return first.Trie(), nil
	case "":
		in, err := format.Open(bytes.NewBuffer(data), s.in.Limits())
		if err != nil {
			return format.Decoder{}, err
		}
		defer in.Close()
		for _, d := range s.sniff {
			if d.Sniff(in.Head) {
				return d, nil
			}
		}
		name = "collapsed"
	case "folded", "groups":
		name = "collapsed"
	}
	switch name {
	case "collapsed", "pprof", "jfr", "speedscope":
		return s.byName[name], nil
	}
	return format.Decoder{}, ingest.BadParameter("format", "Send pprof, jfr, folded, lines, tree, trie or speedscope.", "format: %q is not known", name)
}

// unpack takes off the compression of the whole body.
func (s *server) unpack(body []byte) ([]byte, error) {
	limits := s.in.Limits()
	in, err := format.Open(bytes.NewBuffer(body), limits)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	most := min(limits.Bytes, 4*s.in.BodyBytes())
	plain, err := io.ReadAll(io.LimitReader(in.Reader, most+1))
	if err == nil && int64(len(plain)) > most {
		err = &format.LimitError{Format: "body", Limit: "decompressed bytes", Max: most}
	}
	return plain, err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum tells requests apart. Both halves are computed by the processor's
// own instructions: a hash that is not would be a tenth of the whole request.
func checksum(b []byte) uint64 {
	return uint64(crc32.Checksum(b, castagnoli))<<32 | uint64(crc32.ChecksumIEEE(b))
}

// errEmpty is a push without a profile.
var errEmpty = errors.New("the request holds no profile")
