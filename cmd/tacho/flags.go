package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// flags is a verb's command line: flags, then TACHO_… variables, then the
// configuration file, then defaults.
type flags struct {
	*flag.FlagSet
	std       stdio
	env       func(string) string
	config    string
	logLevel  string
	logFormat string
}

// newFlags starts the command line of a verb. about is what it does and
// examples how; both are shown by --help.
func newFlags(std stdio, name, about, examples string) *flags {
	f := &flags{FlagSet: flag.NewFlagSet("tacho "+name, flag.ContinueOnError), std: std, env: os.Getenv}
	f.SetOutput(io.Discard)
	f.Usage = func() {}
	f.StringVar(&f.config, "config", "", "YAML `FILE` with a key for each flag")
	f.StringVar(&f.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&f.logFormat, "log-format", "text", "text or json")
	f.FlagSet.Usage = func() {
		fmt.Fprintf(std.out, "tacho %s: %s\n\nExamples:\n%s\nFlags:\n", name, about, examples)
		f.VisitAll(func(x *flag.Flag) {
			arg, help := flag.UnquoteUsage(x)
			if x.DefValue != "" && x.DefValue != "false" {
				help += " (default " + x.DefValue + ")"
			}
			fmt.Fprintf(std.out, "  --%-24s %s\n", strings.TrimSpace(x.Name+" "+arg), help)
		})
	}
	return f
}

// parse fills the flags. It reports errUsage after saying what is wrong, and
// done when help was asked for and given.
func (f *flags) parse(args []string) (done bool, err error) {
	fail := func(err error) (bool, error) {
		fmt.Fprintf(f.std.err, "%s: %v\nSee `%s --help`.\n", f.Name(), err, f.Name())
		return false, errUsage
	}
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return true, nil
	} else if err != nil {
		return fail(err)
	}
	if f.NArg() > 0 {
		return fail(fmt.Errorf("unexpected argument %q", f.Arg(0)))
	}
	given := map[string]bool{}
	f.Visit(func(x *flag.Flag) { given[x.Name] = true })
	if !given["config"] {
		f.config = f.env("TACHO_CONFIG")
	}
	file, err := readConfig(f.config)
	if err != nil {
		return fail(err)
	}
	var bad error
	f.VisitAll(func(x *flag.Flag) {
		if given[x.Name] || bad != nil || x.Name == "config" {
			return
		}
		name := envName(x.Name)
		v, from := f.env(name), name
		if v == "" {
			v, from = file[x.Name], f.config+": "+x.Name
		}
		if v == "" {
			return
		}
		if err := x.Value.Set(v); err != nil {
			bad = fmt.Errorf("%s: %w", from, err)
		}
	})
	for k := range file {
		if bad == nil && f.Lookup(k) == nil && !otherVerbsKey(k) {
			bad = fmt.Errorf("%s: no such key %q", f.config, k)
		}
	}
	if bad != nil {
		return fail(bad)
	}
	return false, nil
}

func envName(flag string) string {
	return "TACHO_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// otherVerbsKey says whether a key is a flag of another verb: one file serves
// them all.
func otherVerbsKey(k string) bool {
	for _, known := range []string{"data", "listen", "health-listen", "socket", "server", "token", "token-file", "retention", "raw-retention", "spool-size",
		"min-free", "max-size", "tenant-limit", "to", "backup", "service", "cpu-period", "wait-threshold", "label", "demo", "demo-hours", "allow-host", "no-dumps", "min-age", "max-jvm-disk", "agent",
		"otlp-http", "otlp-grpc", "max-upload", "symbols-size", "targets", "asyncprof"} {
		if k == known {
			return true
		}
	}
	return false
}

func readConfig(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	var raw map[string]any
	if err := yaml.Unmarshal(b, &raw); err != nil {
		return nil, fmt.Errorf("configuration %s: %w", path, err)
	}
	out := map[string]string{}
	for k, v := range raw {
		switch v := v.(type) {
		case nil:
		case []any:
			parts := make([]string, len(v))
			for i, p := range v {
				parts[i] = fmt.Sprint(p)
			}
			out[k] = strings.Join(parts, ",")
		case map[string]any:
			return nil, fmt.Errorf("configuration %s: key %q: want a value, not a mapping", path, k)
		default:
			out[k] = fmt.Sprint(v)
		}
	}
	return out, nil
}

// logger is the log the verb asked for, on standard error.
func (f *flags) logger() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(f.logLevel)); err != nil {
		fmt.Fprintf(f.std.err, "%s: --log-level %q: want debug, info, warn or error\n", f.Name(), f.logLevel)
		return nil, errUsage
	}
	opt := &slog.HandlerOptions{Level: level}
	switch f.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(f.std.err, opt)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(f.std.err, opt)), nil
	}
	fmt.Fprintf(f.std.err, "%s: --log-format %q: want text or json\n", f.Name(), f.logFormat)
	return nil, errUsage
}

// defaultData is where state is kept when nobody says: /var/lib/tacho as root,
// else below the user's state directory.
func defaultData() string {
	if os.Geteuid() == 0 {
		return "/var/lib/tacho"
	}
	if d := os.Getenv("XDG_STATE_HOME"); d != "" {
		return filepath.Join(d, "tacho")
	}
	if h, err := os.UserHomeDir(); err == nil {
		return filepath.Join(h, ".local", "state", "tacho")
	}
	return "tacho-data"
}

// listFlag is a flag that may be given several times, or once with commas.
type listFlag []string

func (l *listFlag) String() string { return strings.Join(*l, ",") }

func (l *listFlag) Set(s string) error {
	for _, p := range strings.Split(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			*l = append(*l, p)
		}
	}
	return nil
}

// repeatFlag is a flag that may be given several times and is never split:
// label selectors may hold commas.
type repeatFlag []string

func (r *repeatFlag) String() string { return strings.Join(*r, " ") }

func (r *repeatFlag) Set(s string) error {
	*r = append(*r, s)
	return nil
}

// sizeFlag is a number of bytes: 512MiB, 1GiB, 1000000.
type sizeFlag int64

func (s *sizeFlag) String() string {
	switch v := int64(*s); {
	case v == 0:
		return "0"
	case v%(1<<30) == 0:
		return fmt.Sprintf("%dGiB", v>>30)
	case v%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", v>>20)
	default:
		return fmt.Sprint(v)
	}
}

func (s *sizeFlag) Set(v string) error {
	mult := int64(1)
	for _, u := range []struct {
		suffix string
		n      int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}} {
		if n, ok := strings.CutSuffix(v, u.suffix); ok {
			v, mult = strings.TrimSpace(n), u.n
			break
		}
	}
	var n int64
	if _, err := fmt.Sscanf(v, "%d", &n); err != nil || fmt.Sprint(n) != v || n < 0 || n > (1<<62)/mult {
		return fmt.Errorf("%q is not a size (want e.g. 512MiB)", v)
	}
	*s = sizeFlag(n * mult)
	return nil
}
