package upload

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tacho"
	"tacho/format"
	"tacho/ingest"
)

// params is what the query says.
type params struct {
	service, instance, file string
	typ                     tacho.ValueType
	rate                    int
	from, until, at         time.Time
}

func readParams(q url.Values, now time.Time) (params, error) {
	p := params{service: q.Get("service"), instance: q.Get("instance"), file: q.Get("name")}
	for _, name := range []string{"service", "instance", "name", "type"} {
		if err := ingest.CheckText(name, q.Get(name), ingest.MaxLabelName); err != nil {
			return p, err
		}
	}
	var err error
	for name, to := range map[string]*time.Time{"from": &p.from, "until": &p.until, "at": &p.at} {
		if *to, err = parseTime(name, q.Get(name), now); err != nil {
			return p, err
		}
	}
	if !p.from.IsZero() && p.until.IsZero() {
		p.until = now
	}
	if !p.from.IsZero() && p.until.Before(p.from) {
		return p, ingest.BadParameter("until", "Send from before until.", "until is before from")
	}
	if v := q.Get("rate"); v != "" {
		n, err := strconv.ParseUint(v, 10, 31)
		if err != nil || n == 0 || n > 1e9 {
			return p, ingest.BadParameter("rate", "Send samples a second, such as 100.", "rate: %q is not a rate", v)
		}
		p.rate = int(n)
	}
	p.typ, err = parseType(q.Get("type"), p.rate)
	return p, err
}

// parseType reads NAME or NAME:UNIT. Files that do not say what they measure
// count samples; a rate makes time of them.
func parseType(s string, rate int) (tacho.ValueType, error) {
	name, unit, _ := strings.Cut(s, ":")
	if name == "" && (unit != "" || rate == 0) {
		if unit != "" {
			return tacho.ValueType{}, ingest.BadParameter("type", "Send NAME or NAME:UNIT.", "type: %q has no name", s)
		}
		return tacho.ValueType{}, nil
	}
	if name == "" {
		name = tacho.CPU.Name
	}
	if unit == "" {
		if unit = "count"; rate > 0 {
			unit = "nanoseconds"
		}
	}
	return tacho.ValueType{Name: name, Unit: unit}, nil
}

// parseTime reads a time as the rest of the API does; "" is none.
func parseTime(param, s string, now time.Time) (time.Time, error) {
	switch {
	case s == "":
		return time.Time{}, nil
	case s == "now":
		return now, nil
	}
	if back, ok := strings.CutPrefix(s, "now-"); ok {
		if n, ok := strings.CutSuffix(back, "d"); ok {
			if days, err := strconv.ParseUint(n, 10, 16); err == nil {
				return now.Add(-time.Duration(days) * 24 * time.Hour), nil
			}
		} else if d, err := time.ParseDuration(back); err == nil && d >= 0 {
			return now.Add(-d), nil
		}
	} else if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	} else if n, err := strconv.ParseInt(s, 10, 64); err == nil && n >= 0 {
		if n < 1e11 {
			return time.Unix(n, 0), nil
		}
		return time.UnixMilli(n), nil
	}
	return time.Time{}, ingest.BadParameter(param, "Send RFC 3339, Unix seconds or milliseconds, or now-24h.", "%s: %q is not a time", param, s)
}

// options are what the decoder is told.
func (p *params) options(d format.Decoder, l format.Limits, now time.Time) format.Options {
	if p.service == "" {
		p.service = "file/" + p.file
	}
	if p.instance == "" {
		p.instance = p.file
	}
	o := format.Options{
		Target: tacho.NewLabels(map[string]string{tacho.LabelService: p.service, tacho.LabelInstance: p.instance, "upload": p.file, "format": d.Name}),
		From:   p.from, Until: p.until, Type: p.typ, SampleRate: p.rate, Collector: "upload", Limits: l,
		Now: func() time.Time { return now },
	}
	if o.From.IsZero() && !o.Until.IsZero() { // it ended then, however long it took
		until := o.Until
		o.Until, o.Now = time.Time{}, func() time.Time { return until }
	}
	return o
}

// errUnknown is the answer to a file no decoder knows.
func errUnknown(decoders []format.Decoder) error {
	var names []string
	for _, d := range decoders {
		names = append(names, d.Title)
	}
	return &ingest.Refusal{Status: http.StatusUnsupportedMediaType, Reason: "unsupported", Sentence: "no decoder knows this file", Err: format.ErrUnknown,
		Detail: "Known by their content, compressed or not: " + strings.Join(names, ", ") + ".", Position: "byte 0"}
}
