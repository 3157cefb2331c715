package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"tacho/report"
	"tacho/web/client"
)

// viewFlags are the flags of the verbs that ask a server.
type viewFlags struct {
	server, service, typ, from, until, color string
	match                                    repeatFlag
	token                                    string
}

func (v *viewFlags) add(f *flags, from string) {
	f.StringVar(&v.server, "server", "http://127.0.0.1:7700", "`URL` of the server")
	f.StringVar(&v.token, "token-file", "", "`FILE` with the token to send")
	f.StringVar(&v.service, "service", "", "`NAME` of the service; may be left out when there is only one")
	f.StringVar(&v.typ, "type", "cpu", "`TYPE` of profile: cpu, wall, offcpu, alloc, lock")
	f.StringVar(&v.from, "from", from, "start of the range: `TIME` as RFC 3339, Unix seconds, or now-1h")
	f.StringVar(&v.until, "until", "now", "end of the range, a `TIME`")
	f.StringVar(&v.color, "color", "auto", "`WHEN` to colour: auto, always or never")
	f.Var(&v.match, "match", "only what has the `LABEL`: instance=\"a\", thread_group=~\"http.*\" (repeatable)")
}

// ask prepares the question: the client, the selection, and how to print.
func (v *viewFlags) ask(ctx context.Context, std stdio) (*client.Client, client.Query, report.Text, error) {
	var q client.Query
	c := &client.Client{URL: v.server}
	if v.token != "" {
		b, err := os.ReadFile(v.token)
		if err != nil {
			return nil, q, report.Text{}, fmt.Errorf("read the token: %w", err)
		}
		c.Token = strings.TrimSpace(string(b))
	}
	if v.service == "" {
		s, err := c.Services(ctx)
		if err != nil {
			return nil, q, report.Text{}, err
		}
		var names []string
		for _, x := range s.Services {
			names = append(names, x.Name)
		}
		switch len(names) {
		case 0:
			return nil, q, report.Text{}, fmt.Errorf("the server has recorded nothing yet")
		case 1:
			v.service = names[0]
		default:
			fmt.Fprintf(std.err, "which service? --service %s\n", strings.Join(names, ", --service "))
			return nil, q, report.Text{}, errUsage
		}
	}
	q = client.Query{Service: v.service, Type: v.typ, From: v.from, Until: v.until, Match: v.match}
	text, err := v.text(std)
	return c, q, text, err
}

func (v *viewFlags) text(std stdio) (report.Text, error) {
	t := report.Text{Width: 100, Zone: time.Local}
	fd, isTerm := terminal(std.out)
	if isTerm {
		if w, _, err := term.GetSize(fd); err == nil {
			t.Width = w
		}
	}
	switch v.color {
	case "always":
		t.Color = true
	case "never":
	case "auto":
		t.Color = isTerm && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	default:
		fmt.Fprintf(std.err, "--color %q: want auto, always or never\n", v.color)
		return t, errUsage
	}
	return t, nil
}

func terminal(w io.Writer) (int, bool) {
	f, ok := w.(*os.File)
	if !ok {
		return 0, false
	}
	return int(f.Fd()), term.IsTerminal(int(f.Fd()))
}

// narrowFlags are those that select and change stacks.
func narrowFlags(f *flags, n *client.Narrow, invert bool) {
	f.Var((*repeatFlag)(&n.Filter), "filter", "only stacks with a function that contains `TEXT`, or matches /regex/ (repeatable)")
	f.Var((*repeatFlag)(&n.Exclude), "exclude", "without the stacks that contain `FUNCTION` (repeatable)")
	f.StringVar(&n.Focus, "focus", "", "only below `FUNCTION`")
	f.Var((*repeatFlag)(&n.Collapse), "collapse", "fold `WHAT`: recursion or package:PREFIX (repeatable)")
	f.StringVar(&n.Every, "every", "", "with --keep: only the beginning of every `DURATION` of the range")
	f.StringVar(&n.Keep, "keep", "", "with --every: how much of each, a `DURATION`")
	if invert {
		f.BoolVar(&n.Invert, "invert", false, "grow the tree from what was executing")
	}
}

func runTop(ctx context.Context, std stdio, args []string) error {
	f := newFlags(std, "top", "the methods that cost most in a range.",
		"  tacho top --service orders\n  tacho top --service orders --type alloc --from now-10m --sort total\n"+
			"  tacho top --service orders --match 'thread_group=~\"http.*\"' --search json\n"+
			"  tacho top --service orders --filter com.acme.Checkout --collapse package:java. --exclude com.acme.Health.check\n")
	var v viewFlags
	v.add(f, "now-1h")
	var o client.TopOptions
	f.IntVar(&o.Limit, "limit", 30, "show `N` methods")
	f.StringVar(&o.Sort, "sort", "self", "by `WHAT`: self or total")
	narrowFlags(f, &o.Narrow, false)
	f.StringVar(&o.Search, "search", "", "only methods whose name contains `TEXT`, or matches /regex/")
	if done, err := f.parse(args); done || err != nil {
		return err
	}
	c, q, text, err := v.ask(ctx, std)
	if err != nil {
		return err
	}
	top, err := c.Top(ctx, q, o)
	if err != nil {
		return err
	}
	return top.WriteText(std.out, text)
}

func runIcicle(ctx context.Context, std stdio, args []string) error {
	f := newFlags(std, "icicle", "the call tree of a range, root on top.",
		"  tacho icicle --service orders --from now-15m\n  tacho icicle --service orders --callers java.util.HashMap.hash\n"+
			"  tacho icicle --service orders --focus com.acme.Orders.place --min-share 0.001\n"+
			"  tacho icicle --service orders --filter '/sql|jdbc/' --collapse recursion --invert\n")
	var v viewFlags
	v.add(f, "now-1h")
	var o client.IcicleOptions
	var callers string
	share := 0.01
	narrowFlags(f, &o.Narrow, true)
	f.StringVar(&callers, "callers", "", "who calls `FUNCTION`, instead of the tree from the root")
	f.IntVar(&o.Depth, "depth", 0, "at most `N` levels (0: all)")
	f.Float64Var(&share, "min-share", share, "leave out what is below `SHARE` of the total")
	if done, err := f.parse(args); done || err != nil {
		return err
	}
	o.MinShare = share
	c, q, text, err := v.ask(ctx, std)
	if err != nil {
		return err
	}
	var tree *report.Icicle
	if callers != "" {
		tree, err = c.Callers(ctx, q, callers, o)
	} else {
		tree, err = c.Icicle(ctx, q, o)
	}
	if err != nil {
		return err
	}
	text.MinShare, text.Depth, text.Box = share, o.Depth, true
	return tree.WriteText(std.out, text)
}

func runHeatmap(ctx context.Context, std stdio, args []string) error {
	f := newFlags(std, "heatmap", "when a service was busy: a column for each hour, a row for each minute, darker = more.",
		"  tacho heatmap --service orders\n  tacho heatmap --service orders --type alloc --from now-7d\n"+
			"  tacho heatmap --service orders --filter com.acme.Checkout   when that was running\n")
	var v viewFlags
	v.add(f, "now-24h")
	step := f.String("step", "60s", "length of a cell, a `DURATION` from 10ms to 1h")
	var n client.Narrow
	f.Var((*repeatFlag)(&n.Filter), "filter", "draw only what is in stacks with a function that contains `TEXT`, or matches /regex/ (repeatable)")
	f.Var((*repeatFlag)(&n.Exclude), "exclude", "leave out the stacks that contain `FUNCTION` (repeatable)")
	if done, err := f.parse(args); done || err != nil {
		return err
	}
	c, q, text, err := v.ask(ctx, std)
	if err != nil {
		return err
	}
	h, err := c.HeatmapOf(ctx, q, *step, n)
	if err != nil {
		return err
	}
	if len(n.Filter)+len(n.Exclude) > 0 {
		h.OnlyMatched()
	}
	return h.WriteText(std.out, text)
}
