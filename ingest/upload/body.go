package upload

import (
	"io"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"tacho/ingest"
)

// stall is how long a sender may say nothing.
const stall = 30 * time.Second

// maxParts is how many fields of a form are passed over to find the file.
const maxParts = 16

// openBody finds the file in a request: the body, or the field "file" (or the
// first with a file name) of a form, and the name the form has for it.
func openBody(w http.ResponseWriter, r *http.Request, most int64) (file io.Reader, name string, err error) {
	if r.ContentLength > most {
		return nil, "", &http.MaxBytesError{Limit: most}
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	r.Body = &patient{ReadCloser: r.Body, conn: http.NewResponseController(w)}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return r.Body, "", nil
	}
	form, err := r.MultipartReader()
	if err != nil {
		return nil, "", badForm("cannot be read: " + err.Error())
	}
	for range maxParts {
		p, err := form.NextPart()
		if err == io.EOF {
			return nil, "", badForm("has no field named file")
		}
		if err != nil {
			return nil, "", badForm("cannot be read: " + err.Error())
		}
		if p.FormName() == "file" || p.FileName() != "" {
			return p, baseName(p.FileName()), nil
		}
	}
	return nil, "", ingest.TooLarge("fields before the file", maxParts)
}

func badForm(text string) error {
	return &ingest.Refusal{Status: http.StatusBadRequest, Reason: "malformed", Sentence: "the form " + text, Detail: "Send the file as the body, or as a field named file.", Position: "body"}
}

// baseName is a file's name without its folders, wherever it comes from.
func baseName(s string) string {
	s = path.Base(strings.ReplaceAll(s, `\`, "/"))
	if s == "." || s == "/" {
		return ""
	}
	return s
}

// patient gives a large body all the time it needs as long as it keeps coming.
type patient struct {
	io.ReadCloser
	conn *http.ResponseController
	next time.Time
}

func (p *patient) Read(b []byte) (int, error) {
	if now := time.Now(); now.After(p.next) {
		// Not every connection has deadlines; those that do not are bounded by
		// the number of uploads.
		_ = p.conn.SetReadDeadline(now.Add(stall))
		p.next = now.Add(stall / 4)
	}
	n, err := p.ReadCloser.Read(b)
	if err != nil { // no deadline for what comes after the body: the commit
		_ = p.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}
