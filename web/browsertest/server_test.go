package browsertest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tacho/web/client"
)

// service is what the demo workload is called: its main class.
const service = "CollectorServer"

// server is a running `tacho up` with the demo workload.
type server struct {
	began time.Time
	url   string // as it was printed
	api   *client.Client

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended

	mu  sync.Mutex
	out strings.Builder
}

// startServer starts `tacho up` with some made-up hours and returns as soon as
// it has printed where to look.
func startServer(hours int) (*server, error) {
	return start(`shows them on (http://\S+)`, "up", "--demo", "on", "--demo-hours", strconv.Itoa(hours))
}

// bare is `tacho server` with nothing in it and nobody who records, until the
// test ends.
func bare(t *testing.T) *server {
	t.Helper()
	s, err := start(`shows it on (http://\S+)`, "server", "--otlp-http", "", "--otlp-grpc", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the server said:\n%s", s.output())
		}
	})
	return s
}

// start runs a verb with data of its own until it has said where to look.
func start(says string, args ...string) (*server, error) {
	data, err := os.MkdirTemp(shared.dir, "data-")
	if err != nil {
		return nil, err
	}
	s := &server{began: time.Now(), done: make(chan struct{})}
	s.cmd = exec.Command(shared.binary, append(args, "--data", data, "--listen", "127.0.0.1:0", "--health-listen", "", "--min-free", "1MiB")...)
	// The workload's JVM must start as it would anywhere: without options that
	// somebody put into the environment.
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name != "JAVA_TOOL_OPTIONS" && name != "JDK_JAVA_OPTIONS" && name != "_JAVA_OPTIONS" {
			s.cmd.Env = append(s.cmd.Env, v)
		}
	}
	// Asked to end when the test dies, so that it leaves no recording behind.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	r, w := io.Pipe()
	s.cmd.Stdout, s.cmd.Stderr = w, w
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	go s.listen(r)
	go func() {
		s.cmd.Wait()
		w.Close()
		close(s.done)
	}()
	if s.url, err = s.said(says, 30*time.Second); err != nil {
		s.stop()
		return nil, err
	}
	s.api = &client.Client{URL: s.url}
	return s, nil
}

func (s *server) listen(r io.Reader) {
	for sc := bufio.NewScanner(r); sc.Scan(); {
		s.mu.Lock()
		s.out.WriteString(sc.Text() + "\n")
		s.mu.Unlock()
	}
}

func (s *server) output() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.String()
}

// said waits for something the server prints and returns its first group.
func (s *server) said(pattern string, limit time.Duration) (string, error) {
	re := regexp.MustCompile(pattern)
	for end := time.Now().Add(limit); ; time.Sleep(20 * time.Millisecond) {
		if m := re.FindStringSubmatch(s.output()); m != nil {
			return m[1], nil
		}
		select {
		case <-s.done:
			return "", fmt.Errorf("tacho ended:\n%s", s.output())
		default:
		}
		if time.Now().After(end) {
			return "", fmt.Errorf("tacho did not say %q within %v:\n%s", pattern, limit, s.output())
		}
	}
}

// stop ends the server as Ctrl-C does. It may be called more than once.
func (s *server) stop() error {
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.done:
		return nil
	case <-time.After(30 * time.Second):
		s.cmd.Process.Kill()
		<-s.done
		return fmt.Errorf("tacho (pid %d) did not end within 30 s of SIGTERM:\n%s", s.cmd.Process.Pid, s.output())
	}
}

// seeded is the server with two days made up, the same for all tests. Two
// servers at once would both record the same JVMs, so the test that starts one
// of its own comes first or ends this one.
func seeded(t *testing.T) *server {
	t.Helper()
	if shared.past == nil {
		s, err := startServer(48)
		if err != nil {
			t.Fatal(err)
		}
		shared.past = s
		if _, err := s.said(`open (http://\S+)`, time.Minute); err != nil {
			t.Fatal(err)
		}
		t.Logf("two days made up and the workload started after %v", time.Since(s.began).Round(time.Millisecond))
	}
	return shared.past
}

// fresh is a server with nothing made up, just started. It ends with the test.
func fresh(t *testing.T) *server {
	t.Helper()
	if shared.past != nil {
		if err := shared.past.stop(); err != nil {
			t.Fatal(err)
		}
		shared.past = nil
	}
	s, err := startServer(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the server said:\n%s", s.output())
		}
	})
	return s
}

// demoPID is the pid of the recorded workload.
func (s *server) demoPID(t *testing.T) int {
	t.Helper()
	text, err := s.said(`a metrics collector \(pid (\d+)\)`, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
