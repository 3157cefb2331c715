package hotspot

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv("HOTSPOT_TEST_HELPER"); mode != "" {
		os.Exit(helperMain(mode))
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if classDir != "" {
			os.RemoveAll(classDir)
		}
		os.Exit(code)
	}))
}

var classDir string // made by classes

// jdks are the JDKs of this machine by feature release.
func jdks(t testing.TB) map[string]string {
	t.Helper()
	found := map[string]string{}
	for v, home := range map[string]string{"17": "/usr/lib/jvm/java-17-openjdk-amd64", "25": "/usr/lib/jvm/temurin-25-jdk-amd64"} {
		if _, err := os.Stat(home + "/bin/javac"); err == nil {
			found[v] = home
		}
	}
	if len(found) == 0 {
		t.Skip("no JDK under /usr/lib/jvm: install openjdk-17-jdk-headless to run the tests against real JVMs")
	}
	return found
}

func eachJDK(t *testing.T, f func(t *testing.T, home string)) {
	for v, home := range jdks(t) {
		t.Run("jdk"+v, func(t *testing.T) { f(t, home) })
	}
}

var classes = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "hotspot-classes-")
	if err != nil {
		return "", err
	}
	classDir = dir
	if err := os.Chmod(dir, 0o755); err != nil { // JVMs of other users read it
		return "", err
	}
	home := "/usr/lib/jvm/java-17-openjdk-amd64"
	if _, err := os.Stat(home); err != nil {
		home = "/usr/lib/jvm/temurin-25-jdk-amd64"
	}
	out, err := exec.Command(home+"/bin/javac", "--release", "17", "-d", dir, "testdata/Target.java").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("javac: %w: %s", err, out)
	}
	return dir, nil
})

// child is a running JVM, or whatever was started instead.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	tag   string
	out   string // file with its stdout and stderr
	dir   string // its working directory
	stdin io.WriteCloser
	ended sync.Once
}

type childOptions struct {
	java   string   // the java command
	prefix []string // what starts it, "exec" style
	jvm    []string // options of the JVM
	env    []string
	uid    uint32 // 0: ours
	quiet  bool   // not to be waited for
}

// startChild starts the target and waits until it says that it is ready.
func startChild(t *testing.T, o childOptions) *child {
	t.Helper()
	dir, err := classes()
	if err != nil {
		t.Fatal(err)
	}
	work, err := os.MkdirTemp("", "hotspot-cwd-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(work, 0o777); err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, tag: "tag-" + filepath.Base(work), dir: work, out: filepath.Join(t.TempDir(), "out")}
	f, err := os.Create(c.out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	args := append(append([]string{}, o.prefix...), o.java, "-Xmx48m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", dir)
	args = append(append(args, o.jvm...), "Target", c.tag)
	c.cmd = exec.Command(args[0], args[1:]...)
	c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = work, f, f
	c.cmd.Env = append(os.Environ(), o.env...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{}
	if o.uid != 0 {
		c.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: o.uid, Gid: o.uid}
		if err := os.Chown(work, int(o.uid), int(o.uid)); err != nil {
			t.Fatal(err)
		}
	}
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	t.Cleanup(func() { os.RemoveAll(work) })
	if !o.quiet {
		c.until("ready\n", func(s string) bool { return strings.Contains(s, "ready\n") })
	}
	return c
}

// until waits for what the child prints.
func (c *child) until(what string, ok func(string) bool) {
	c.t.Helper()
	for range 3000 {
		if ok(c.printed()) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatalf("the child never printed %q: %s", what, c.printed())
}

func (c *child) printed() string {
	b, err := os.ReadFile(c.out)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// process finds the child as an agent would.
func (c *child) process() Process {
	c.t.Helper()
	for range 500 {
		found, err := new(Finder).Find(context.Background())
		if err != nil {
			c.t.Fatal(err)
		}
		for _, p := range found {
			if strings.Contains(p.Args, c.tag) {
				return p
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatalf("the child is not found among the JVMs; it printed: %s", c.printed())
	return Process{}
}

// end lets the target finish by itself and checks that it printed nothing but
// its own words, and that nothing lies in its working directory.
func (c *child) end(want string) {
	c.t.Helper()
	if left, _ := filepath.Glob(c.dir + "/.*_pid*"); len(left) > 0 {
		c.t.Errorf("left in the working directory: %v", left)
	}
	if left, _ := filepath.Glob(fmt.Sprintf("/tmp/tacho-%d-*.jfc", c.cmd.Process.Pid)); len(left) > 0 {
		c.t.Errorf("left in /tmp: %v", left)
	}
	c.stdin.Close()
	c.ended.Do(func() {
		if err := c.cmd.Wait(); err != nil {
			c.t.Errorf("the child ended with %v", err)
		}
	})
	if got := c.printed(); got != want {
		c.t.Errorf("the child printed %q, want %q", got, want)
	}
}

func (c *child) kill() {
	c.ended.Do(func() {
		c.cmd.Process.Signal(syscall.SIGCONT)
		c.stdin.Close()
		if len(c.cmd.Args) > 0 && filepath.Base(c.cmd.Args[0]) == "unshare" {
			c.cmd.Wait() // the JVM is its child: ends with stdin
			return
		}
		c.cmd.Process.Kill()
		c.cmd.Wait()
		os.Remove(fmt.Sprintf("/tmp/.java_pid%d", c.cmd.Process.Pid))
	})
}

// attach attaches with a patient timeout and closes with the test.
func attach(t *testing.T, p Process) *JVM {
	t.Helper()
	j, err := Attach(context.Background(), p, Options{Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

const quiet = "ready\nbye\n"

// wantProblem checks kind and that both sentences are sentences.
func wantProblem(t *testing.T, err error, kind ProblemKind) *Problem {
	t.Helper()
	if KindOf(err) != kind {
		t.Fatalf("error %v has kind %q, want %q", err, KindOf(err), kind)
	}
	p := problemOf(err)
	for what, s := range map[string]string{"Reason": p.Reason, "Remedy": p.Remedy} {
		if s == "" && what == "Remedy" && kind == Gone {
			continue
		}
		if !strings.HasSuffix(s, ".") || strings.Contains(s, "\n") || bytes.Count([]byte(s), []byte(". ")) > 0 {
			t.Errorf("%s is not one sentence: %q", what, s)
		}
	}
	return p
}

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to start processes of other users and in other namespaces")
	}
}
