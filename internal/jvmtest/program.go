// Package jvmtest is what tests with real JVMs share: finding the JDKs, starting
// programs and waiting for them, and reading what the JDK's own `jfr print`
// says. Only tests import it.
package jvmtest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// JDK17 is where Debian puts the JDK that `make test` installs.
const JDK17 = "/usr/lib/jvm/java-17-openjdk-amd64"

// JDKs are the JDKs the tests run on, by version: 17, and 25 where the machine
// has one.
func JDKs(t testing.TB) map[string]string {
	t.Helper()
	if _, err := os.Stat(JDK17 + "/bin/javac"); err != nil {
		t.Fatalf("no JDK 17 (%v): run `.ci/deps jdk`", err)
	}
	m := map[string]string{"17": JDK17}
	if dirs, _ := filepath.Glob("/usr/lib/jvm/*25*/bin/java"); len(dirs) > 0 {
		m["25"] = filepath.Dir(filepath.Dir(dirs[0]))
	}
	return m
}

// Compile compiles a Java source file with JDK 17, and returns the class path.
func Compile(t testing.TB, source string) string {
	t.Helper()
	dir := t.TempDir()
	out, err := exec.Command(JDK17+"/bin/javac", "-d", dir, source).CombinedOutput()
	if err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	return dir
}

// Program is a started program whose output is kept. It ends with the test.
type Program struct {
	PID  int
	In   io.WriteCloser
	Done chan struct{} // closed when it has ended

	cmd *exec.Cmd
	mu  sync.Mutex
	out strings.Builder
}

// Java starts a Java program and waits until it prints "ready".
func Java(t testing.TB, home string, args ...string) *Program {
	t.Helper()
	return Start(t, exec.Command(home+"/bin/java", args...), "ready")
}

// Start starts a program and waits until it prints a line with ready in it.
func Start(t testing.TB, cmd *exec.Cmd, ready string) *Program {
	t.Helper()
	p := &Program{cmd: cmd, Done: make(chan struct{})}
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &unix.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = unix.SIGKILL
	var err error
	if p.In, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.PID = cmd.Process.Pid
	isReady := make(chan struct{})
	go p.listen(r, ready, isReady)
	go func() {
		cmd.Wait()
		w.Close()
		close(p.Done)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-p.Done
	})
	select {
	case <-isReady:
	case <-p.Done:
		t.Fatalf("%s ended:\n%s", cmd.Path, p.Output())
	case <-time.After(time.Minute):
		t.Fatalf("%s does not get ready:\n%s", cmd.Path, p.Output())
	}
	return p
}

func (p *Program) listen(r io.Reader, ready string, isReady chan struct{}) {
	seen := false
	for sc := bufio.NewScanner(r); sc.Scan(); {
		p.mu.Lock()
		p.out.WriteString(sc.Text() + "\n")
		p.mu.Unlock()
		if !seen && strings.Contains(sc.Text(), ready) {
			seen = true
			close(isReady)
		}
	}
}

// Output is what the program has printed so far, standard error included.
func (p *Program) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// Signal sends the program a signal.
func (p *Program) Signal(s os.Signal) { p.cmd.Process.Signal(s) }

// Until waits for a condition, at most for the given time.
func Until(t testing.TB, what string, limit time.Duration, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !cond(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// Load calls f again and again until the test ends, at most half of the time.
func Load(t testing.TB, f func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			began := time.Now()
			f()
			select {
			case <-stop:
				return
			case <-time.After(max(10*time.Millisecond, time.Since(began))):
			}
		}
	}()
	t.Cleanup(func() { close(stop); <-done })
}

// FreePort is a port of the loopback interface nobody listened on a moment ago.
func FreePort(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// Addr is 127.0.0.1 with that port.
func Addr(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
