package main

import (
	"context"
	"errors"
	"fmt"

	"tacho/web/client"
)

// runDiff compares two ranges, two instances or two versions.
func runDiff(ctx context.Context, std stdio, args []string) error {
	f := newFlags(std, "diff", "what changed between a base and now: two ranges, two instances or two versions.",
		"  tacho diff --service orders --base-from now-25h --base-until now-24h --from now-1h\n"+
			"  tacho diff --service orders --match 'service_version=\"v1.5\"' --base-match 'service_version=\"v1.4\"'\n"+
			"  tacho diff --service orders --base-from now-2h --base-until now-1h --norm rate --exit-code\n")
	var v viewFlags
	v.add(f, "now-1h")
	var o client.DiffOptions
	narrowFlags(f, &o.Narrow, true)
	f.StringVar(&o.Base.From, "base-from", "", "start of the base, a `TIME`; without it --from")
	f.StringVar(&o.Base.Until, "base-until", "", "end of the base, a `TIME`; without it --until")
	f.Var((*repeatFlag)(&o.Base.Match), "base-match", "only what of the base has the `LABEL`; without it --match (repeatable)")
	f.StringVar(&o.Norm, "norm", "share", "compare by `WHAT`: share (of the total) or rate (per recorded second)")
	f.StringVar(&o.Sort, "sort", "self", "by the change of `WHAT`: self or total")
	f.IntVar(&o.Limit, "limit", 30, "show `N` methods")
	noTest := f.Bool("no-test", false, "do not test which changes are more than chance: quicker")
	exitCode := f.Bool("exit-code", false, "exit with 1 when any method changed significantly, 75 when that cannot be told")
	if done, err := f.parse(args); done || err != nil {
		return err
	}
	if o.Base.From == "" && o.Base.Until == "" && len(o.Base.Match) == 0 {
		fmt.Fprintf(std.err, "%s: what to compare with? give --base-from and --base-until, or --base-match\n", f.Name())
		return errUsage
	}
	if *exitCode && *noTest {
		fmt.Fprintf(std.err, "%s: --exit-code needs the test that --no-test leaves out\n", f.Name())
		return errUsage
	}
	o.Significance, o.MinShare = !*noTest, 1 // the table is shown, not the tree
	c, q, text, err := v.ask(ctx, std)
	if err != nil {
		return err
	}
	d, err := c.Diff(ctx, q, o)
	if err != nil {
		return err
	}
	if err := d.WriteText(std.out, text); err != nil {
		return err
	}
	switch {
	case !*exitCode:
		return nil
	case !d.Tested:
		return errors.New("there is too little data to tell whether anything changed: give longer ranges")
	case d.Changed > 0:
		return errNo
	}
	return nil
}
