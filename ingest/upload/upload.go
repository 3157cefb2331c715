package upload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"

	"tacho/format"
	"tacho/format/jfr"
	"tacho/ingest"
)

// Options: Intake and Decoders are required.
type Options struct {
	Intake   *ingest.Intake
	Decoders []format.Decoder // in the order in which they are asked: format/all
	Bytes    int64            // of one file as sent; default: as many as decompressed
	Uploads  int              // at a time; default 2
	Dir      string           // for files that cannot be read in one go; default: the system's temporary one
}

type handler struct {
	Options
	places chan struct{}
}

// Handler serves POST /api/v1/upload.
func Handler(o Options) http.Handler {
	if o.Bytes <= 0 {
		o.Bytes = o.Intake.Limits().Filled().Bytes
	}
	if o.Uploads <= 0 {
		o.Uploads = 2
	}
	h := &handler{Options: o, places: make(chan struct{}, o.Uploads)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, err := h.upload(w, r)
		h.Intake.Count("upload", err)
		if err != nil {
			ingest.Drain(r.Body)
			ingest.Refuse(err).Write(w)
			return
		}
		b, err := json.Marshal(a)
		if err != nil { // strings and numbers always marshal
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(append(b, '\n')) // the client is gone if this fails
	})
}

// answer is what a stored file came to.
type answer struct {
	File     string      `json:"file"`
	Format   string      `json:"format"`
	Service  string      `json:"service"`
	Instance string      `json:"instance"`
	FromMS   int64       `json:"from_ms"`
	UntilMS  int64       `json:"until_ms"`
	Samples  int64       `json:"samples"`
	Types    []valueType `json:"types"`
	Warnings []warning   `json:"warnings"`
}

type valueType struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
}

type warning struct {
	Position string `json:"position"`
	Text     string `json:"text"`
}

func (h *handler) upload(w http.ResponseWriter, r *http.Request) (*answer, error) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &ingest.Refusal{Status: http.StatusMethodNotAllowed, Reason: "malformed", Sentence: "files are posted", Detail: "Use POST."}
	}
	tenant, err := h.Intake.Tenant(r)
	if err != nil {
		return nil, err
	}
	now := h.Intake.Now()
	p, err := readParams(r.URL.Query(), now)
	if err != nil {
		return nil, err
	}
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		return nil, &ingest.Refusal{Status: http.StatusTooManyRequests, Reason: "overloaded", Sentence: fmt.Sprintf("%d files are being read already", h.Uploads), Detail: "Try again after the time in Retry-After.", Err: ingest.ErrOverloaded}
	}
	body, name, err := openBody(w, r, h.Bytes)
	if err != nil {
		return nil, err
	}
	if p.file == "" {
		p.file = name
	}
	if p.file == "" {
		p.file = "unnamed"
	}
	if err := ingest.CheckText("name", p.file, ingest.MaxLabelName); err != nil {
		return nil, err
	}
	in, err := format.Open(body, h.Intake.Limits())
	if err != nil {
		return nil, err
	}
	defer in.Close()
	d, ok := h.recognise(in.Head)
	if !ok {
		return nil, errUnknown(h.Decoders)
	}
	o := p.options(d, h.Intake.Limits(), now)
	o.Sequence = uint64(crc32.ChecksumIEEE(in.Head)) << 32 // the file sent again replaces itself
	input := in.Reader
	if d.Name == jfr.Name { // chunks may be of any size, and each is read back and forth
		file, err := spool(h.Dir, input)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		input = file
	}
	f := newFeed(r.Context(), h.Intake, tenant, p.at)
	rep, err := d.Decode(f.ctx, input, o, f.add)
	if err := stored(f, err); err != nil {
		return nil, err
	}
	return newAnswer(p, d, f.sum, rep), nil
}

// stored waits for the commits and returns what went wrong first: a group that
// was refused stops the decoder, whose error then says nothing.
func stored(f *feed, decoding error) error {
	committing := f.finish()
	if committing != nil && (decoding == nil || !errors.Is(committing, context.Canceled)) {
		r := *ingest.Refuse(committing)
		if r.Status == http.StatusUnprocessableEntity {
			r.Detail = "Times must lie within the server's retention; at=now-1h stores the file as if it had begun then."
		}
		return &r
	}
	if decoding == nil {
		return nil
	}
	r := *ingest.Refuse(decoding)
	if f.sum.batches > 0 {
		r.Detail += fmt.Sprintf(" What came before it was kept: %d samples.", f.sum.samples)
	}
	return &r
}

func (h *handler) recognise(head []byte) (format.Decoder, bool) {
	for _, d := range h.Decoders {
		if d.Sniff(head) {
			return d, true
		}
	}
	return format.Decoder{}, false
}

func newAnswer(p params, d format.Decoder, s summary, rep format.Report) *answer {
	a := &answer{File: p.file, Format: d.Name, Service: p.service, Instance: p.instance, FromMS: s.from / 1e6, UntilMS: s.until / 1e6, Samples: s.samples,
		Types: []valueType{}, Warnings: []warning{}}
	for _, t := range s.types {
		a.Types = append(a.Types, valueType{t.Name, t.Unit})
	}
	for _, x := range rep.Warnings {
		a.Warnings = append(a.Warnings, warning{x.Position, x.Text})
	}
	if rep.Dropped > 0 {
		a.Warnings = append(a.Warnings, warning{Text: fmt.Sprintf("%d more warnings of this kind were not kept", rep.Dropped)})
	}
	return a
}
