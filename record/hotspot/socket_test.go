package hotspot

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// fakeJVM listens where a JVM would and answers each connection with serve. It
// is this very process, so it is the process the dialer wants.
func fakeJVM(t *testing.T, serve func(net.Conn)) dialer {
	t.Helper()
	// A directory so deep that the socket's path exceeds an address's 108 bytes.
	deep := filepath.Join(t.TempDir(), strings.Repeat("d", 100))
	if err := os.Mkdir(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	tmp, err := os.OpenFile(deep, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := Process{PID: os.Getpid(), NSPID: 4242, UID: os.Geteuid(), GID: os.Getegid(), Root: fmt.Sprintf("/proc/%d/root", os.Getpid())}
	st, err := readStat(p.dir())
	if err != nil {
		t.Fatal(err)
	}
	p.StartTicks = st.start
	l, err := net.Listen("unix", fmt.Sprintf("/proc/self/fd/%d/.java_pid4242", tmp.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	var wait sync.WaitGroup
	wait.Add(1)
	go func() {
		defer wait.Done()
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wait.Add(1)
			go func() {
				defer wait.Done()
				defer c.Close()
				serve(c)
			}()
		}
	}()
	t.Cleanup(func() { l.Close(); wait.Wait(); tmp.Close() })
	return dialer{p: p, tmp: tmp, pidfd: -1}
}

// request reads a v1 request: five zero-terminated texts.
func request(c net.Conn) string {
	var b []byte
	one := make([]byte, 1)
	for zeros := 0; zeros < 5; {
		if _, err := c.Read(one); err != nil {
			return string(b)
		}
		b = append(b, one[0])
		if one[0] == 0 {
			zeros++
		}
	}
	return string(b)
}

func fakeOpen(d dialer, timeout time.Duration) *JVM {
	d.tmp, _ = os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", d.tmp.Fd()), unix.O_PATH, 0) // closed by the JVM
	return newJVM(d.p, Options{Timeout: timeout}.withDefaults(), d, protocol{version: 1})
}

func TestReplies(t *testing.T) {
	for _, tt := range []struct{ name, reply, text, err string }{
		{name: "plain", reply: "0\nhello\n", text: "hello\n"},
		{name: "empty text", reply: "0\n", text: ""},
		{name: "code only", reply: "0", text: ""},
		{name: "error", reply: "-1\nOperation x not recognized!", err: "the JVM answered x with code -1: Operation x not recognized!"},
		{name: "nothing", reply: "", err: "closed the connection without a reply"},
		{name: "no code", reply: strings.Repeat("a", 99), err: "no completion code in the first 12 of 99 bytes"},
		{name: "bad code", reply: "0x7\n", err: `completion code "0x7" at offset 0`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := make(chan string, 1)
			d := fakeJVM(t, func(c net.Conn) {
				got <- request(c)
				io.WriteString(c, tt.reply)
			})
			j := fakeOpen(d, 30*time.Second)
			defer j.Close()
			b, err := j.Command(context.Background(), "x", "one", "two")
			if r := <-got; r != "1\x00x\x00one\x00two\x00\x00" {
				t.Errorf("request %q", r)
			}
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || string(b) != tt.text {
				t.Errorf("%q, %v, want %q", b, err, tt.text)
			}
		})
	}
}

// TestLongReply: what exceeds the limit is read and dropped, to the end.
func TestLongReply(t *testing.T) {
	const size = 3 << 20
	sent := make(chan int, 1)
	d := fakeJVM(t, func(c net.Conn) {
		request(c)
		n, _ := c.Write(append([]byte("0\n"), bytes.Repeat([]byte("x"), size)...))
		sent <- n
	})
	c, err := d.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	req, err := protocol{version: 1}.encode("x", nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.roundTrip(context.Background(), req, 1<<20)
	if err != nil || !r.cut || len(r.text) != 1<<20-2 {
		t.Errorf("%d bytes, cut %v, %v", len(r.text), r.cut, err)
	}
	if n := <-sent; n != size+2 {
		t.Errorf("the JVM could write %d of %d bytes", n, size+2)
	}
}

// TestAbandonedReplyIsDrained: a command that timed out leaves a JVM that still
// writes, and must be able to.
func TestAbandonedReplyIsDrained(t *testing.T) {
	const size = 3 << 20
	release, sent := make(chan struct{}), make(chan int, 1)
	d := fakeJVM(t, func(c net.Conn) {
		request(c)
		<-release
		n, _ := c.Write(bytes.Repeat([]byte("x"), size))
		sent <- n
	})
	j := fakeOpen(d, 50*time.Millisecond)
	_, err := j.Command(context.Background(), "x")
	wantProblem(t, err, Timeout)
	close(release)
	if n := <-sent; n != size {
		t.Errorf("the JVM could write %d of %d bytes", n, size)
	}
	j.Close()
	if _, err := j.Command(context.Background(), "x"); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestFullQueue(t *testing.T) {
	d := fakeJVM(t, func(c net.Conn) {})
	os.Remove(fmt.Sprintf("/proc/self/fd/%d/.java_pid4242", d.tmp.Fd()))
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: fmt.Sprintf("/proc/self/fd/%d/.java_pid4242", d.tmp.Fd())}); err != nil {
		t.Fatal(err)
	}
	if err := unix.Listen(fd, 0); err != nil { // room for one
		t.Fatal(err)
	}
	first, err := d.connect(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err = d.connect(ctx)
	wantProblem(t, err, Busy)
}

func TestProtocol(t *testing.T) {
	for _, tt := range []struct {
		p    protocol
		args []string
		want string
	}{
		{protocol{version: 1}, nil, "1\x00jcmd\x00\x00\x00\x00"},
		{protocol{version: 1}, []string{"VM.version"}, "1\x00jcmd\x00VM.version\x00\x00\x00"},
		{protocol{version: 2}, []string{"VM.version"}, "2\x0016\x00jcmd\x00VM.version\x00"},
		{protocol{version: 2, options: "streaming=0"}, []string{"é", ""}, "2\x0021\x00jcmd streaming=0\x00é\x00\x00"},
	} {
		got, err := tt.p.encode("jcmd", tt.args)
		if err != nil || string(got) != tt.want {
			t.Errorf("%+v %q: %q, %v, want %q", tt.p, tt.args, got, err, tt.want)
		}
	}
	for name, tt := range map[string]struct {
		p    protocol
		cmd  string
		args []string
		kind ProblemKind
	}{
		"v1 argument":   {protocol{version: 1}, "jcmd", []string{strings.Repeat("x", 1025)}, TooLong},
		"v2 size":       {protocol{version: 2}, "jcmd", []string{strings.Repeat("x", 256<<10)}, TooLong},
		"command":       {protocol{version: 1}, "abcdefghijklmnopq", nil, TooLong},
		"zero byte":     {protocol{version: 2}, "jcmd", []string{"a\x00b"}, ""},
		"four for v1":   {protocol{version: 1}, "jcmd", []string{"1", "2", "3", "4"}, ""},
		"zero in a cmd": {protocol{version: 1}, "j\x00", nil, ""},
	} {
		b, err := tt.p.encode(tt.cmd, tt.args)
		if err == nil || KindOf(err) != tt.kind {
			t.Errorf("%s: %.20q, %v, want kind %q", name, b, err, tt.kind)
		}
	}
	for text, want := range map[string]protocol{
		"2 streaming":       {2, "streaming=0"},
		"2 foo, streaming ": {2, "streaming=0"},
		"2":                 {2, ""},
		"3 other":           {2, ""},
		"1":                 {1, ""},
		"":                  {1, ""},
		"what":              {1, ""},
	} {
		if got := parseGetVersion(reply{0, []byte(text), false}); got != want {
			t.Errorf("getversion %q: %+v, want %+v", text, got, want)
		}
	}
	if got := parseGetVersion(reply{-1, []byte("2"), false}); got.version != 1 {
		t.Errorf("getversion refused: %+v", got)
	}
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]Version{
		"OpenJDK 64-Bit Server VM version 17.0.15+6-Debian-1deb12u1\nJDK 17.0.15\n": {"OpenJDK 64-Bit Server VM", "17.0.15+6-Debian-1deb12u1", "17.0.15", 17},
		"OpenJDK 64-Bit Server VM version 25.412-b08\nJDK 8.0_412\n":                {"OpenJDK 64-Bit Server VM", "25.412-b08", "8.0_412", 8},
		"OpenJDK 64-Bit Server VM version 26-ea+3\nJDK 26.0.0\n":                    {"OpenJDK 64-Bit Server VM", "26-ea+3", "26.0.0", 26},
		"": {},
	} {
		if got := parseVersion(text); got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
	for s, want := range map[string]int{"1.8": 8, "17": 17, "": 0, "x": 0, "21.0.1": 21} {
		if major(s) != want {
			t.Errorf("major(%q) = %d, want %d", s, major(s), want)
		}
	}
}
