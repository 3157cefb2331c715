package scrape

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tacho"
	"tacho/format"
	"tacho/format/pprof"
)

// maxAnswer bounds one profile as it is sent.
const maxAnswer = 64 << 20

// problem is why a profile could not be had, in words for the agents page.
type problem struct{ reason, remedy string }

func (p *problem) Error() string { return p.reason }

// fetch asks for one profile. For cpu the target takes seconds to answer.
func (c *Collector) fetch(ctx context.Context, t *Target, name string, seconds time.Duration) ([]byte, error) {
	u := t.URL + "/" + profiles[name]
	wait := 30 * time.Second
	if name == "cpu" {
		u += fmt.Sprintf("?seconds=%d", int(seconds/time.Second))
		wait += seconds
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	res, err := c.o.HTTP.Do(req)
	if err != nil {
		var ue *url.Error
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, &problem{fmt.Sprintf("%s does not answer: %v", t.URL, err), "Start the program, or correct its url in the configuration."}
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, &problem{fmt.Sprintf("%s broke off its answer: %v", u, err), "It may have ended; it is asked again."}
	case len(body) > maxAnswer:
		return nil, &problem{fmt.Sprintf("the %s profile is larger than %d MiB", name, maxAnswer>>20), "Leave it out of the target's profiles."}
	case res.StatusCode == http.StatusNotFound:
		return nil, &problem{fmt.Sprintf("%s is not there", u), "Import net/http/pprof in the program, correct its url, or leave the profile out."}
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return nil, &problem{fmt.Sprintf("%s refuses to answer (%d)", u, res.StatusCode), "Let this host read the program's pprof handlers."}
	case res.StatusCode != http.StatusOK:
		return nil, &problem{fmt.Sprintf("%s answers %d: %s", u, res.StatusCode, firstLine(body)), remedyOf(body)}
	}
	return body, nil
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	if len(line) > 200 {
		line = line[:200]
	}
	return strings.ToValidUTF8(line, "?")
}

func remedyOf(body []byte) string {
	if bytes.Contains(body, []byte("cpu profiling already in use")) {
		return "Another profiler records this program's CPU; stop it, or leave cpu out of the target's profiles."
	}
	return "See the program's own log."
}

// window is what a profile covers.
type window struct{ from, until time.Time }

// decode makes batches of a profile. Its window is by our clock: the target's
// may be any.
func (c *Collector) decode(ctx context.Context, t *Target, name string, body []byte, w window) ([]*tacho.Batch, error) {
	in, err := format.Open(bytes.NewBuffer(body), format.Limits{})
	if err != nil {
		return nil, err
	}
	defer in.Close()
	o := format.Options{Target: c.identity(t), From: w.from, Until: w.until, Collector: "scrape", Now: c.o.Now}
	var batches []*tacho.Batch
	_, err = pprof.Decode(ctx, in.Reader, o, func(b *tacho.Batch) error {
		b.From, b.Until = w.from.UnixNano(), max(w.until.UnixNano(), w.from.UnixNano()+1)
		for i := range b.Profiles {
			p := &b.Profiles[i]
			p.Type.Name = typeName(name, p.Type.Name)
			for k := range p.Samples {
				if at := &p.Samples[k].Time; *at != 0 {
					*at = min(max(*at, b.From), b.Until-1)
				}
			}
		}
		batches = append(batches, b)
		return nil
	})
	if err != nil {
		return nil, &problem{fmt.Sprintf("%s/%s is no profile: %v", t.URL, profiles[name], err), "Correct its url in the configuration."}
	}
	return batches, nil
}

// typeName tells apart what Go calls alike in two profiles.
func typeName(profile, name string) string {
	switch profile + " " + name {
	case "mutex contentions", "block contentions":
		return profile + "_count"
	case "mutex delay", "block delay":
		return profile + "_duration"
	}
	return name
}
