package pyroscope

import (
	"strings"

	"tacho/ingest"
)

// parseName reads app{k=v,k2=v2}. Values are not quoted and end at a comma or
// the closing brace; blanks around names and values do not count.
func parseName(s string) (app string, labels map[string]string, err error) {
	bad := func(text string, args ...any) (string, map[string]string, error) {
		return "", nil, ingest.BadParameter("name", "Send name=app or name=app{label=value,…}.", "name: "+text, args...)
	}
	app, rest, braces := strings.Cut(s, "{")
	app = strings.TrimSpace(app)
	if app == "" {
		return bad("it is required")
	}
	if err := ingest.CheckText("name", app, ingest.MaxLabelName); err != nil {
		return "", nil, err
	}
	labels = map[string]string{}
	if !braces {
		return app, labels, nil
	}
	rest, tail, closed := strings.Cut(rest, "}")
	if !closed || strings.TrimSpace(tail) != "" {
		return bad("the labels of %q do not end with }", app)
	}
	for _, pair := range strings.Split(rest, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		k, v, ok := strings.Cut(pair, "=")
		k, v = strings.TrimSpace(k), strings.TrimSpace(v)
		if !ok || k == "" {
			return bad("%q is not label=value", pair)
		}
		labels[k] = v
		if len(labels) > ingest.MaxLabels {
			return "", nil, ingest.TooLarge("labels", ingest.MaxLabels)
		}
	}
	return app, labels, nil
}
