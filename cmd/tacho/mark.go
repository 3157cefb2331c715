package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tacho/report"
	"tacho/web/client"
)

// runMark posts an event. Deploy scripts call it.
func runMark(ctx context.Context, std stdio, args []string) error {
	f := newFlags(std, "mark", "note a fact such as a deploy, to be shown on every page and line of time.",
		"  tacho mark --service orders --name v1.5\n"+
			"  tacho mark --service orders --instance host-7:4711 --kind config.change --name 'pool size 20' --attr by=ops\n"+
			"  tacho mark --service orders --kind incident --name 'checkout slow' --time now-20m --duration 15m\n")
	v := viewFlags{}
	f.StringVar(&v.server, "server", "http://127.0.0.1:7700", "`URL` of the server")
	f.StringVar(&v.token, "token-file", "", "`FILE` with the token to send")
	var e client.NewEvent
	var attrs repeatFlag
	f.StringVar(&e.Service, "service", "", "`NAME` of the service; may be left out when there is only one")
	f.StringVar(&e.Instance, "instance", "", "`ID` of the instance it is about; without it, the whole service")
	f.StringVar(&e.Kind, "kind", "deploy", "dotted `WORD`: deploy, config.change, incident, …")
	f.StringVar(&e.Name, "name", "", "short `TEXT`: the version, what was changed")
	f.StringVar(&e.Time, "time", "now", "when, a `TIME` as RFC 3339, Unix seconds, or now-5m")
	duration := f.Duration("duration", 0, "how long it took, a `DURATION`")
	f.Var(&attrs, "attr", "more about it: `KEY=VALUE` (repeatable)")
	if done, err := f.parse(args); done || err != nil {
		return err
	}
	for _, a := range attrs {
		k, value, ok := strings.Cut(a, "=")
		if !ok || k == "" {
			fmt.Fprintf(std.err, "%s: --attr %q: want KEY=VALUE\n", f.Name(), a)
			return errUsage
		}
		if e.Attrs == nil {
			e.Attrs = map[string]string{}
		}
		e.Attrs[k] = value
	}
	e.DurationNS = int64(*duration)
	v.service, v.color = e.Service, "never"
	c, q, _, err := v.ask(ctx, std)
	if err != nil {
		return err
	}
	e.Service = q.Service
	at, err := c.Mark(ctx, e)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.out, "%s %s of %s at %s\n", report.Visible(at.Kind), report.Visible(at.Name), report.Visible(e.Service),
		time.UnixMilli(at.TimeMS).UTC().Format(time.RFC3339))
	return err
}
