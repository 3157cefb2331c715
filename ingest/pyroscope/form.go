package pyroscope

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"tacho/ingest"
)

// maxParts is how many parts of a form are looked at.
const maxParts = 16

// form is what a body came to: the profile, and what came with it.
type form struct {
	profile []byte
	field   string // name of the field with the profile, "" when the body is the profile
	types   []byte // sample_type_config
	labels  []byte // LabelsSnapshot of a JFR
}

// readForm takes a body apart, without copying the profile when it is all of
// the body.
func readForm(contentType string, body []byte) (form, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/form-data" {
		return form{profile: body}, nil
	}
	bad := func(text string) error {
		return &ingest.Refusal{Status: http.StatusBadRequest, Reason: "malformed", Sentence: "the form " + text, Detail: "Send the profile in a field named profile, or jfr.", Position: "body"}
	}
	var f form
	r := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for range maxParts {
		p, err := r.NextPart()
		if err == io.EOF {
			if f.field == "" {
				return f, bad("has no field named profile or jfr")
			}
			return f, nil
		}
		if err != nil {
			return f, bad("cannot be read: " + err.Error())
		}
		name := p.FormName()
		var into *[]byte
		switch name {
		case "profile", "jfr":
			if f.field != "" {
				return f, bad("has more than one profile")
			}
			f.field, into = name, &f.profile
		case "sample_type_config":
			into = &f.types
		case "labels":
			into = &f.labels
		case "prev_profile":
			// Clients of 2022 let the server subtract; nobody does any more.
			return f, &ingest.Refusal{Status: http.StatusUnprocessableEntity, Reason: "unsupported", Sentence: "the form has a previous profile to subtract", Detail: "Update the Pyroscope client: newer ones send the difference."}
		default:
			continue
		}
		var b bytes.Buffer
		b.Grow(len(body)/2 + bytes.MinRead)
		if _, err := b.ReadFrom(p); err != nil {
			return f, bad("cannot be read: " + err.Error())
		}
		*into = b.Bytes()
	}
	return f, ingest.TooLarge("parts of a form", maxParts)
}

// wanted is the name of the format of a request: by the format parameter, else
// by the form's field, else by Content-Type, else "" (to be found out).
func wanted(param, field, contentType string) string {
	switch {
	case param != "":
		return strings.ToLower(param)
	case field == "jfr":
		return "jfr"
	case field != "":
		return "pprof"
	case strings.Contains(contentType, "+trie"):
		return "trie"
	case strings.Contains(contentType, "+tree"):
		return "tree"
	}
	return ""
}
