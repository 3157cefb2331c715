package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"
	"time"

	"tacho/store/local"
)

// runStore is what can be done to a store while no server has it open.
func runStore(ctx context.Context, std stdio, args []string) error {
	for _, v := range storeVerbs() {
		if len(args) > 0 && v.name == args[0] {
			return v.run(ctx, std, args[1:])
		}
	}
	if len(args) == 0 || args[0] == "-h" || args[0] == "--help" {
		fmt.Fprint(std.out, "tacho store: look after the data of a server that does not run.\n\n")
		for _, v := range storeVerbs() {
			fmt.Fprintf(std.out, "  tacho store %-8s  %s\n", v.name, v.summary)
		}
		if len(args) > 0 {
			return nil
		}
		return errUsage
	}
	fmt.Fprintf(std.err, "tacho store: no verb %q; see `tacho store --help`\n", args[0])
	return errUsage
}

func storeVerbs() []verb {
	return []verb{
		{"check", "read everything and name what is damaged; exit code 1 if anything is", runStoreCheck},
		{"stats", "what is stored, and what takes the space", runStoreStats},
		{"compact", "rewrite everything into as few bytes as it takes", runStoreCompact},
		{"backup", "copy the store to a new directory", runStoreBackup},
		{"restore", "make the store from a backup", runStoreRestore},
	}
}

// storeFlags parses the command line of a verb; dir is that of the store.
func storeFlags(std stdio, verb, about, more string, args []string, add func(*flags)) (o local.Options, done bool, err error) {
	f := newFlags(std, "store "+verb, about, "  tacho store "+verb+more+"\n  tacho store "+verb+" --data /var/lib/tacho"+more+"\n")
	var data string
	f.StringVar(&data, "data", defaultData(), "the `DIR` in which the server keeps its state")
	if add != nil {
		add(f)
	}
	if done, err := f.parse(args); done || err != nil {
		return o, done, err
	}
	log, err := f.logger()
	if err != nil {
		return o, false, err
	}
	return local.Options{Dir: filepath.Join(data, "store"), Log: log, RollEvery: -1, WatchEvery: -1, Ballast: -1}, false, nil
}

func runStoreCheck(ctx context.Context, std stdio, args []string) error {
	o, done, err := storeFlags(std, "check", "read everything that is stored and name what is damaged.", "", args, nil)
	if done || err != nil {
		return err
	}
	bad := 0
	whole, err := local.Check(ctx, o, func(err error) {
		bad++
		fmt.Fprintln(std.out, err)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%d values are whole, %d are damaged\n", whole, bad)
	if bad > 0 {
		fmt.Fprintln(std.out, "Questions leave damaged values out and say so; a backup that is whole brings them back (tacho store restore).")
		return errNo
	}
	return nil
}

func runStoreStats(ctx context.Context, std stdio, args []string) error {
	o, done, err := storeFlags(std, "stats", "what is stored, and what takes the space.", "", args, nil)
	if done || err != nil {
		return err
	}
	c, err := local.Inspect(ctx, o)
	if err != nil {
		return err
	}
	return writeContents(std.out, c)
}

func writeContents(w io.Writer, c local.Contents) error {
	days := "nothing is stored"
	if !c.OldestDay.IsZero() {
		days = c.OldestDay.Format(time.DateOnly) + " to " + c.NewestDay.Format(time.DateOnly)
	}
	fmt.Fprintf(w, "%d services, %d targets, %d series; %s (UTC); %d bytes on disk\n\n", c.Services, c.Targets, c.Series, days, c.DiskBytes)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "keys\tbytes\tbytes in tables\t  \tkind")
	for _, k := range c.Kinds {
		fmt.Fprintf(t, "%d\t%d\t%d\t  \t%s\n", k.Keys, k.Bytes, k.DiskBytes, k.Name)
	}
	return t.Flush()
}

func runStoreCompact(ctx context.Context, std stdio, args []string) error {
	o, done, err := storeFlags(std, "compact", "rewrite everything into as few bytes as it takes. Needs as much free space as the store takes.", "", args, nil)
	if done || err != nil {
		return err
	}
	before, err := local.Inspect(ctx, o)
	if err != nil {
		return err
	}
	s, err := local.Open(o)
	if err != nil {
		return err
	}
	err = s.Compact(ctx)
	if e := s.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	after, err := local.Inspect(ctx, o)
	if err != nil {
		return err
	}
	fmt.Fprintf(std.out, "%d bytes on disk, %d before\n", after.DiskBytes, before.DiskBytes)
	return nil
}

func runStoreBackup(_ context.Context, std stdio, args []string) error {
	var to string
	o, done, err := storeFlags(std, "backup", "copy the store to a directory that does not exist yet.", " --to /backup/tacho-1", args, func(f *flags) {
		f.StringVar(&to, "to", "", "make the backup in `DIR`")
	})
	if done || err != nil {
		return err
	}
	if to == "" {
		fmt.Fprintln(std.err, "tacho store backup: where to? --to DIR")
		return errUsage
	}
	if err := local.Backup(o, to); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "the store is backed up in %s\n", to)
	return nil
}

func runStoreRestore(ctx context.Context, std stdio, args []string) error {
	var from string
	o, done, err := storeFlags(std, "restore", "make the store from a backup. There must be none yet.", " --backup /backup/tacho-1", args, func(f *flags) {
		f.StringVar(&from, "backup", "", "the `DIR` of the backup")
	})
	if done || err != nil {
		return err
	}
	if from == "" {
		fmt.Fprintln(std.err, "tacho store restore: from where? --backup DIR")
		return errUsage
	}
	if err := makeData(filepath.Dir(o.Dir)); err != nil {
		return err
	}
	if err := local.Restore(ctx, o, from); err != nil {
		return err
	}
	fmt.Fprintf(std.out, "the store is restored to %s\n", o.Dir)
	return nil
}
