package hotspot

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// deadSocket leaves what a SIGKILLed JVM leaves: a socket nobody listens on.
func deadSocket(t *testing.T, path string) {
	t.Helper()
	os.Remove(path)
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
}

func TestSocketInTheWay(t *testing.T) {
	eachJDK(t, func(t *testing.T, home string) {
		for _, tt := range []struct {
			name  string
			first bool // attach before
			do    func(t *testing.T, path string)
		}{
			{"dead, listener not up", false, deadSocket},
			{"dead, listener up", true, deadSocket},
			{"removed, listener up", true, func(t *testing.T, path string) { os.Remove(path) }},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c := startChild(t, childOptions{java: home + "/bin/java"})
				p := c.process()
				if tt.first {
					attach(t, p)
				}
				tt.do(t, socketPath(p))
				if _, err := attach(t, p).Jcmd(context.Background(), "VM.uptime"); err != nil {
					t.Error(err)
				}
				c.end(quiet)
			})
		}
		t.Run("another process's", func(t *testing.T) {
			c := startChild(t, childOptions{java: home + "/bin/java"})
			p := c.process()
			l, err := net.Listen("unix", socketPath(p))
			if err != nil {
				t.Fatal(err)
			}
			_, err = Attach(context.Background(), p, Options{})
			problem := wantProblem(t, err, ForeignSocket)
			if !strings.Contains(problem.Reason, fmt.Sprintf("belongs to process %d.", os.Getpid())) {
				t.Errorf("reason %q", problem.Reason)
			}
			l.Close()
			if err := os.WriteFile(socketPath(p), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			_, err = Attach(context.Background(), p, Options{})
			wantProblem(t, err, ForeignSocket)
			os.Remove(socketPath(p))
			if err := os.Symlink("/run/some.sock", socketPath(p)); err != nil {
				t.Fatal(err)
			}
			_, err = Attach(context.Background(), p, Options{})
			wantProblem(t, err, ForeignSocket)
			os.Remove(socketPath(p))
			c.end(quiet)
		})
	})
}

func noTrigger(t *testing.T, c *child, p Process) {
	t.Helper()
	for _, dir := range []string{c.dir, "/tmp"} {
		if _, err := os.Lstat(fmt.Sprintf("%s/.attach_pid%d", dir, p.NSPID)); err == nil {
			t.Errorf("a trigger file is left in %s", dir)
		}
	}
}

// TestKilledDuringAttach kills the JVM at the last moment before the trigger
// file is made, and at moments after.
func TestKilledDuringAttach(t *testing.T) {
	eachJDK(t, func(t *testing.T, home string) {
		c := startChild(t, childOptions{java: home + "/bin/java"})
		p := c.process()
		began := time.Now()
		_, err := Attach(context.Background(), p, Options{Timeout: time.Minute, Now: func() time.Time {
			c.cmd.Process.Kill() // it is a zombie until waited for
			waitState(t, p, 'Z')
			return time.Now()
		}})
		wantProblem(t, err, Gone)
		if d := time.Since(began); d > 20*time.Second {
			t.Errorf("took %v to see that the JVM is gone", d)
		}
		noTrigger(t, c, p)

		for i := range 6 {
			c := startChild(t, childOptions{java: home + "/bin/java"})
			p := c.process()
			time.AfterFunc(time.Duration(i)*400*time.Microsecond, func() { c.cmd.Process.Kill() })
			j, err := Attach(context.Background(), p, Options{Timeout: time.Minute})
			if err == nil {
				_, err = j.ThreadDump(context.Background())
				j.Close()
			}
			if err != nil {
				wantProblem(t, err, Gone)
			}
			noTrigger(t, c, p)
			if got := c.printed(); got != "ready\n" {
				t.Errorf("printed %q", got)
			}
		}
	})
}

func waitState(t *testing.T, p Process, want byte) {
	for range 1000 {
		if st, err := readStat(p.dir()); err == nil && st.state == want {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("process %d does not get into state %c", p.PID, want)
}

func TestStopped(t *testing.T) {
	eachJDK(t, func(t *testing.T, home string) {
		t.Run("before", func(t *testing.T) {
			c := startChild(t, childOptions{java: home + "/bin/java"})
			p := c.process()
			c.cmd.Process.Signal(syscall.SIGSTOP)
			waitState(t, p, 'T')
			_, err := Attach(context.Background(), p, Options{Timeout: time.Minute})
			wantProblem(t, err, Stopped)
			noTrigger(t, c, p)
			c.cmd.Process.Signal(syscall.SIGCONT)
			c.end(quiet)
		})
		// The signal is pending when the JVM continues: the trigger file must
		// still be there then, and be gone afterwards.
		t.Run("between check and signal", func(t *testing.T) {
			c := startChild(t, childOptions{java: home + "/bin/java"})
			p := c.process()
			var wait sync.WaitGroup
			_, err := Attach(context.Background(), p, Options{Timeout: 300 * time.Millisecond, Wait: &wait, Now: func() time.Time {
				c.cmd.Process.Signal(syscall.SIGSTOP)
				waitState(t, p, 'T')
				return time.Now()
			}})
			wantProblem(t, err, Stopped)
			if left, _ := filepath.Glob(c.dir + "/.attach_pid*"); len(left) != 1 {
				t.Errorf("trigger files %v while the signal is pending", left)
			}
			c.cmd.Process.Signal(syscall.SIGCONT)
			wait.Wait()
			noTrigger(t, c, p)
			attach(t, p)
			c.end(quiet)
		})
		// An agent that ends in the middle leaves the file, for the JVM's sake;
		// the next one finds the socket and clears up.
		t.Run("and the agent ends", func(t *testing.T) {
			c := startChild(t, childOptions{java: home + "/bin/java"})
			p := c.process()
			var wait sync.WaitGroup
			ctx, cancel := context.WithCancel(context.Background())
			_, err := Attach(ctx, p, Options{Timeout: time.Minute, Wait: &wait, Now: func() time.Time {
				c.cmd.Process.Signal(syscall.SIGSTOP)
				waitState(t, p, 'T')
				time.AfterFunc(30*time.Millisecond, cancel)
				return time.Now()
			}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			wait.Wait()
			if left, _ := filepath.Glob(c.dir + "/.attach_pid*"); len(left) != 1 {
				t.Errorf("trigger files %v while the signal is pending", left)
			}
			c.cmd.Process.Signal(syscall.SIGCONT)
			attach(t, p)
			attach(t, p)
			noTrigger(t, c, p)
			c.end(quiet)
		})
		t.Run("with an open socket", func(t *testing.T) {
			c := startChild(t, childOptions{java: home + "/bin/java"})
			p := c.process()
			j, err := Attach(context.Background(), p, Options{Timeout: 300 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			c.cmd.Process.Signal(syscall.SIGSTOP)
			waitState(t, p, 'T')
			_, err = Attach(context.Background(), p, Options{Timeout: 100 * time.Millisecond})
			wantProblem(t, err, Stopped)
			var kinds []ProblemKind
			for range 9 { // more than the JVM's queue holds
				_, err := j.ThreadDump(context.Background())
				kinds = append(kinds, KindOf(err))
			}
			for _, k := range kinds {
				if k != Stopped {
					t.Errorf("thread dumps of a stopped JVM: %v", kinds)
					break
				}
			}
			c.cmd.Process.Signal(syscall.SIGCONT)
			if _, err := attach(t, p).ThreadDump(context.Background()); err != nil {
				t.Error(err)
			}
			j.Close()
			c.end(quiet)
		})
		t.Run("cancelled", func(t *testing.T) {
			c := startChild(t, childOptions{java: home + "/bin/java"})
			p := c.process()
			j := attach(t, p)
			c.cmd.Process.Signal(syscall.SIGSTOP)
			waitState(t, p, 'T')
			ctx, cancel := context.WithCancel(context.Background())
			time.AfterFunc(20*time.Millisecond, cancel)
			if _, err := j.ThreadDump(ctx); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			time.AfterFunc(20*time.Millisecond, func() { j.Close() })
			if _, err := j.ThreadDump(context.Background()); !errors.Is(err, ErrClosed) {
				t.Errorf("closed meanwhile: %v", err)
			}
			c.cmd.Process.Signal(syscall.SIGCONT)
			c.end(quiet)
		})
	})
}

// TestAttachWhileStarting attaches from the first moment on: signalled too
// early, the JVM would die; signalled twice, it would print its threads.
func TestAttachWhileStarting(t *testing.T) {
	eachJDK(t, func(t *testing.T, home string) {
		for i := range 8 {
			c := startChild(t, childOptions{java: home + "/bin/java", quiet: true})
			time.Sleep(time.Duration(i) * 5 * time.Millisecond)
			p := c.process()
			var wait sync.WaitGroup
			for range 4 {
				wait.Add(1)
				go func() {
					defer wait.Done()
					for {
						j, err := Attach(context.Background(), p, Options{Timeout: 20 * time.Second})
						if KindOf(err) == Starting {
							time.Sleep(time.Millisecond)
							continue
						}
						if err != nil {
							t.Error(err)
							return
						}
						if _, err := j.ThreadDump(context.Background()); err != nil {
							t.Error(err)
						}
						j.Close()
						return
					}
				}()
			}
			wait.Wait()
			c.until("ready\n", func(s string) bool { return strings.Contains(s, "ready\n") })
			noTrigger(t, c, p)
			c.end(quiet)
		}
	})
}
