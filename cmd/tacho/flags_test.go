package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// parsed parses a command line like a verb does, with a file and variables.
func parsed(t *testing.T, file string, env map[string]string, args ...string) (listen string, labels listFlag, match repeatFlag, out string, err error) {
	t.Helper()
	var buf bytes.Buffer
	f := newFlags(stdio{nil, &buf, &buf}, "test", "a test", "  tacho test\n")
	f.env = func(k string) string { return env[k] }
	f.StringVar(&listen, "listen", "default", "`ADDR`")
	f.Var(&labels, "label", "`NAME=VALUE`")
	f.Var(&match, "match", "`LABEL`")
	if file != "" {
		path := filepath.Join(t.TempDir(), "tacho.yaml")
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", path)
	}
	_, err = f.parse(args)
	return listen, labels, match, buf.String(), err
}

func TestFlagBeatsVariableBeatsFile(t *testing.T) {
	file, env := "listen: from-file\n", map[string]string{"TACHO_LISTEN": "from-env"}
	for _, c := range []struct {
		want, file string
		env        map[string]string
		args       []string
	}{
		{"from-flag", file, env, []string{"--listen", "from-flag"}},
		{"from-env", file, env, nil},
		{"from-file", file, nil, nil},
		{"default", "", nil, nil},
	} {
		if got, _, _, out, err := parsed(t, c.file, c.env, c.args...); err != nil || got != c.want {
			t.Errorf("got %q, %v, want %q\n%s", got, err, c.want, out)
		}
	}
}

func TestListsAndSelectors(t *testing.T) {
	_, labels, match, _, err := parsed(t, "label: [a=1, b=2]\n", nil, "--match", `thread_group=~"a,b"`, "--match", `instance="x"`)
	if err != nil || strings.Join(labels, "|") != "a=1|b=2" || strings.Join(match, "|") != `thread_group=~"a,b"|instance="x"` {
		t.Errorf("%q %q %v", labels, match, err)
	}
}

func TestBadCommandLines(t *testing.T) {
	for _, c := range []struct {
		say, file string
		args      []string
	}{
		{"flag provided but not defined: -nope", "", []string{"--nope"}},
		{`unexpected argument "extra"`, "", []string{"extra"}},
		{`no such key "lsten"`, "lsten: x\n", nil},
		{`key "listen": want a value, not a mapping`, "listen: {a: b}\n", nil},
		{"yaml:", "listen: [\n", nil},
	} {
		_, _, _, out, err := parsed(t, c.file, nil, c.args...)
		if !errors.Is(err, errUsage) || !strings.Contains(out, c.say) {
			t.Errorf("%v %q: %v, says %q, want %q", c.args, c.file, err, out, c.say)
		}
	}
}

func TestSizes(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "512MiB": 512 << 20, "1GiB": 1 << 30, "10 kB": 10000, "77": 77} {
		var s sizeFlag
		if err := s.Set(in); err != nil || int64(s) != want {
			t.Errorf("%q: %d, %v, want %d", in, s, err, want)
		}
	}
	for _, in := range []string{"", "x", "-1", "1.5GiB", "99999999999TiB", "5 parsecs"} {
		var s sizeFlag
		if s.Set(in) == nil {
			t.Errorf("%q is taken for a size: %d", in, s)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
		say  string
	}{
		{nil, exitUsage, "Usage: tacho VERB"},
		{[]string{"help"}, exitOK, "Usage: tacho VERB"},
		{[]string{"version"}, exitOK, "tacho "},
		{[]string{"nope"}, exitUsage, `no verb "nope"`},
		{[]string{"top", "--help"}, exitOK, "Examples:"},
		{[]string{"top", "--bogus"}, exitUsage, "not defined"},
		{[]string{"top", "--server", "http://127.0.0.1:1", "--service", "x"}, exitFailed, "tacho up"},
		{[]string{"up", "--demo", "perhaps"}, exitUsage, "want off, auto or on"},
	} {
		var out bytes.Buffer
		if got := run(context.Background(), stdio{nil, &out, &out}, c.args); got != c.want || !strings.Contains(out.String(), c.say) {
			t.Errorf("tacho %v: exit %d, want %d; says %q, want %q", c.args, got, c.want, out.String(), c.say)
		}
	}
}
