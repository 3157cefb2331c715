package upload

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"tacho/format"
	"tacho/ingest"
	"tacho/symbol"
)

// SymbolsPath is where Symbols answers, and below it.
const SymbolsPath = "/api/v1/symbols"

// SymbolStore keeps what debug files say: symbol.Store.
type SymbolStore interface {
	Put(ctx context.Context, name string, r io.Reader) (symbol.File, error)
	Files() []symbol.File
	Delete(id string) (bool, error)
}

// SymbolsOptions: Intake and Store are required.
type SymbolsOptions struct {
	Intake  *ingest.Intake
	Store   SymbolStore
	Bytes   int64 // of one file as sent; default 1 GiB
	Uploads int   // at a time; default 2
}

type symbols struct {
	SymbolsOptions
	places chan struct{}
}

// Symbols serves debug files: GET and POST /api/v1/symbols, and DELETE of a build
// id below it. They are for all tenants: an address of a build has one name.
func Symbols(o SymbolsOptions) http.Handler {
	if o.Bytes <= 0 {
		o.Bytes = 1 << 30
	}
	if o.Uploads <= 0 {
		o.Uploads = 2
	}
	h := &symbols{SymbolsOptions: o, places: make(chan struct{}, o.Uploads)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, err := h.serve(w, r)
		if r.Method == http.MethodPost {
			h.Intake.Count("symbols", err)
		}
		if err != nil {
			ingest.Drain(r.Body)
			ingest.Refuse(err).Write(w)
			return
		}
		if a == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		b, err := json.Marshal(a)
		if err != nil { // strings and numbers always marshal
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodHead {
			_, _ = w.Write(append(b, '\n')) // the client is gone if this fails
		}
	})
}

// symbolFile is a file as it is listed.
type symbolFile struct {
	BuildID    string   `json:"build_id"`
	BuildIDs   []string `json:"build_ids"`
	Module     string   `json:"module"`
	Functions  int      `json:"functions"`
	Lines      bool     `json:"lines"`
	Notes      []string `json:"notes"`
	Bytes      int64    `json:"bytes"`
	LastUsedMS int64    `json:"last_used_ms"`
}

type symbolFiles struct {
	Files []symbolFile `json:"files"`
}

func listed(f symbol.File) symbolFile {
	return symbolFile{BuildID: f.IDs[0], BuildIDs: f.IDs, Module: f.Name, Functions: f.Functions, Lines: f.Lines,
		Notes: append([]string{}, f.Notes...), Bytes: f.Bytes, LastUsedMS: f.LastUsed.UnixMilli()}
}

func (h *symbols) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	if _, err := h.Intake.Tenant(r); err != nil {
		return nil, err
	}
	id, below := strings.CutPrefix(r.URL.Path, SymbolsPath+"/")
	switch {
	case below && r.Method == http.MethodDelete:
		return nil, h.delete(id)
	case below:
		return nil, wrongMethod(w, http.MethodDelete)
	case r.Method == http.MethodPost:
		return h.put(w, r)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return nil, wrongMethod(w, "GET, HEAD, POST")
	}
	out := symbolFiles{Files: []symbolFile{}}
	for _, f := range h.Store.Files() {
		out.Files = append(out.Files, listed(f))
	}
	return out, nil
}

func wrongMethod(w http.ResponseWriter, allow string) error {
	w.Header().Set("Allow", allow)
	return &ingest.Refusal{Status: http.StatusMethodNotAllowed, Reason: "malformed", Sentence: "this address does not take the method of the request", Detail: "Use " + allow + "."}
}

func (h *symbols) delete(id string) error {
	known, err := h.Store.Delete(id)
	if err == nil && !known {
		return &ingest.Refusal{Status: http.StatusNotFound, Reason: "malformed", Sentence: fmt.Sprintf("no file with build id %q", id), Detail: "GET " + SymbolsPath + " lists what is known.", Position: "build_id"}
	}
	return err
}

func (h *symbols) put(w http.ResponseWriter, r *http.Request) (any, error) {
	name := r.URL.Query().Get("name")
	if err := ingest.CheckText("name", name, ingest.MaxLabelName); err != nil {
		return nil, err
	}
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	default:
		return nil, &ingest.Refusal{Status: http.StatusTooManyRequests, Reason: "overloaded", Sentence: fmt.Sprintf("%d debug files are being read already", h.Uploads), Detail: "Try again after the time in Retry-After.", Err: ingest.ErrOverloaded}
	}
	body, formName, err := openBody(w, r, h.Bytes)
	if err != nil {
		return nil, err
	}
	in, err := format.Open(body, h.Intake.Limits())
	if err != nil {
		return nil, err
	}
	defer in.Close()
	f, err := h.Store.Put(r.Context(), cmp.Or(name, formName), in.Reader)
	if err != nil {
		return nil, refuseSymbols(err)
	}
	return listed(f), nil
}

// refuseSymbols finds the answer to an error of Put.
func refuseSymbols(err error) error {
	var syntax *symbol.SyntaxError
	refusal := &ingest.Refusal{Err: err, Sentence: err.Error(), Position: "byte 0"}
	switch {
	case errors.Is(err, symbol.ErrNotELF):
		refusal.Status, refusal.Reason = http.StatusUnsupportedMediaType, "unsupported"
		refusal.Detail = "Send a program, a library or a debug file of Linux. Profiles and recordings go to /api/v1/upload."
	case errors.As(err, &syntax):
		refusal.Status, refusal.Reason, refusal.Position = http.StatusBadRequest, "malformed", syntax.Position
		refusal.Detail = "The file is damaged or cut short: send it again."
	case errors.Is(err, symbol.ErrNoSymbols):
		refusal.Status, refusal.Reason, refusal.Position = http.StatusUnprocessableEntity, "invalid", "body"
		refusal.Detail = "Send the program before it is stripped, or the debug file that was split off."
	case errors.Is(err, symbol.ErrTooLarge):
		refusal.Status, refusal.Reason, refusal.Position = http.StatusRequestEntityTooLarge, "too_large", "body"
		refusal.Detail = "Send the debug file alone, or raise the server's --symbols-size."
	default:
		return err
	}
	return refusal
}
