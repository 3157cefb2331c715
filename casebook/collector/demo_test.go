package collector

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// As a helper process (see TestEndsWithItsParent) the test program starts the
// story, says so and waits to be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("COLLECTOR_HELPER_DIR"); dir != "" {
		d, err := Start(context.Background(), Options{Dir: dir, Load: true})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("started", d.PID, d.LoadPID)
		d.Wait()
	}
	os.Exit(m.Run())
}

func startDemo(t testing.TB, o Options) *Demo {
	t.Helper()
	if _, _, err := findJDK(""); err != nil {
		t.Skip(err)
	}
	o.Dir = t.TempDir()
	o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	d, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// push sends n records, one a second from second 1,000,000 on, as agent target.
func push(t testing.TB, d *Demo, target string, n int) {
	t.Helper()
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", d.AgentPort))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b := []byte("COL1")
	b = binary.BigEndian.AppendUint16(b, uint16(len(target)))
	b = append(b, target...)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	for i := range n {
		b = binary.BigEndian.AppendUint64(b, uint64(1_000_000+i)*1000)
		b = binary.BigEndian.AppendUint32(b, uint32(10+i%7))
		b = binary.BigEndian.AppendUint32(b, uint32(i%2))
		b = binary.BigEndian.AppendUint32(b, uint32(100+i))
		b = binary.BigEndian.AppendUint32(b, uint32(5000-i))
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(float64(i)+0.5))
	}
	if _, err := c.Write(b); err != nil {
		t.Fatal(err)
	}
	var ack [4]byte
	if _, err := io.ReadFull(c, ack[:]); err != nil || binary.BigEndian.Uint32(ack[:]) != uint32(n) {
		t.Fatalf("acknowledged %v, %v; want %d", ack, err, n)
	}
	want := fmt.Sprintf("%s %d\n", target, n)
	for range 6000 { // until flushed
		if _, body := get(t, d, "/targets"); strings.Contains(body, want) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("records of %s were not flushed", target)
}

func get(t testing.TB, d *Demo, path string) (int, string) {
	t.Helper()
	r, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", d.Port, path))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, string(body)
}

// cpu is what the kernel billed a process, in seconds.
func cpu(t testing.TB, pid int) float64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.Atoi(f[11])
	system, _ := strconv.Atoi(f[12])
	return float64(user+system) / 100
}

// The three builds differ in cost, never in the answer.
func TestReadersAgree(t *testing.T) {
	questions := map[string]string{
		// Seconds 1000000 and 1000001: requests 10+11, errors 0+1, mean cpu
		// 100.5 cut to 100, largest heap 5000, latency (0.5+1.5)/21.
		"/chart?target=a&from=1000000000&until=1000004000&step=2":   `{"target":"a","points":[[1000000000,21,1,100,5000,0.095],[1000002000,25,1,102,4998,0.24]]}` + "\n",
		"/chart?target=a&from=900000000&until=999999999&step=60":    `{"target":"a","points":[]}` + "\n",
		"/chart?target=a&from=1002999000&until=2000000000&step=500": `{"target":"a","points":[[1002999000,13,1,3099,2001,230.731]]}` + "\n",
		"/chart?target=a&from=0&until=2000000000&step=900":          "", // all chunks; compared only
	}
	cost := map[string]float64{}
	answers := map[string]string{}
	for _, reader := range []string{"stream", "buffer", "mapped"} {
		d := startDemo(t, Options{Reader: reader})
		push(t, d, "a", 3000)
		for q, want := range questions {
			status, got := get(t, d, q)
			if want == "" {
				want = answers[q]
				answers[q] = got
			}
			if status != 200 || want != "" && got != want {
				t.Errorf("%s: %s = %d %s\nwant %s", reader, q, status, got, want)
			}
		}
		const requests = 300
		q := "/chart?target=a&from=1001000000&until=1001300000"
		for range requests {
			get(t, d, q)
		}
		before := cpu(t, d.PID)
		for range requests {
			get(t, d, q)
		}
		cost[reader] = (cpu(t, d.PID) - before) / requests * 1000
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	}
	t.Logf("CPU of a request for 300 records, ms: %.3v", cost)
	if cost["stream"] < 3*cost["buffer"] || cost["stream"] < 3*cost["mapped"] {
		t.Errorf("CPU ms a request %v: want stream at least three times the others", cost)
	}
}

func TestLoad(t *testing.T) {
	d := startDemo(t, Options{Load: true})
	_, targets := get(t, d, "/targets")
	if n := strings.Count(targets, "\n"); n != 24 {
		t.Errorf("%d targets, want 24:\n%s", n, targets)
	}
	status, chart := get(t, d, "/chart?target=target-1&seconds=300&step=300")
	if status != 200 || strings.Count(chart, "[1") == 0 {
		t.Errorf("chart of the load's target: %d %s", status, chart)
	}
	if alive(d.PID) != true || alive(d.LoadPID) != true {
		t.Error("not both programs run")
	}
	dir := d.dir
	if err := d.Stop(); err != nil {
		t.Error(err)
	}
	if err := d.Stop(); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	if alive(d.PID) || alive(d.LoadPID) {
		t.Error("a program is still there after Stop")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("working directory after Stop: %v", err)
	}
}

func TestContextEndsTheStory(t *testing.T) {
	if _, _, err := findJDK(""); err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	d, err := Start(ctx, Options{Dir: t.TempDir(), Reader: "mapped"})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	cancel()
	if err := d.Wait(); err != nil {
		t.Error(err)
	}
	if alive(d.PID) {
		t.Error("the server is still there")
	}
}

// The server dies: the load goes too, and Wait says why.
func TestServerDies(t *testing.T) {
	if _, _, err := findJDK(""); err != nil {
		t.Skip(err)
	}
	d, err := Start(context.Background(), Options{Dir: t.TempDir(), Load: true})
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(d.PID, syscall.SIGKILL)
	if err := d.Wait(); err == nil || !strings.Contains(err.Error(), "ended by itself") {
		t.Errorf("Wait after the server was killed: %v", err)
	}
	if alive(d.LoadPID) {
		t.Error("the load is still there")
	}
}

// Killing the parent leaves neither process nor file behind.
func TestEndsWithItsParent(t *testing.T) {
	if _, _, err := findJDK(""); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	helper := exec.Command(os.Args[0])
	helper.Env = append(os.Environ(), "COLLECTOR_HELPER_DIR="+dir)
	out, err := helper.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := helper.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	var server, load int
	if _, err := fmt.Sscanf(line, "started %d %d", &server, &load); err != nil {
		helper.Process.Kill()
		helper.Wait()
		t.Fatalf("helper said %q", line)
	}
	helper.Process.Kill()
	helper.Wait()
	for range 3000 {
		if !alive(server) && !alive(load) {
			left, err := os.ReadDir(dir)
			if err != nil || len(left) != 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("server alive %v, load alive %v, 30 s after their parent was killed", alive(server), alive(load))
}

// alive does not count a zombie: whoever adopts orphans collects those.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(b), ") Z ")
}

func TestBadQuestionsAndAgents(t *testing.T) {
	d := startDemo(t, Options{Reader: "buffer"})
	push(t, d, "b", 10)
	for q, want := range map[string]int{
		"/chart":                                     400,
		"/chart?target=b&seconds=x":                  400,
		"/chart?target=b&step=0":                     400,
		"/chart?target=b&from=5&until=4":             400,
		"/chart?target=b&from=0&until=2000000000000": 400, // too many points
		"/chart?target=c":                            404,
		"/chart?target=b":                            200,
	} {
		if got, body := get(t, d, q); got != want {
			t.Errorf("%s: %d %q, want %d", q, got, body, want)
		}
	}
	for _, garbage := range []string{"GET / HTTP/1.1\r\n\r\n", "COL1\x00\x03../\x00\x01", "COL1\x00\x01b\x00\x01" + strings.Repeat("\xff", 32)} {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", d.AgentPort))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(c, garbage)
		if b, _ := io.ReadAll(c); len(b) != 0 { // returns when the server hangs up
			t.Errorf("%q was answered with %q", garbage, b)
		}
		c.Close()
	}
	if _, targets := get(t, d, "/targets"); targets != "b 10\n" {
		t.Errorf("targets %q, want b 10", targets)
	}
}

func TestStartErrors(t *testing.T) {
	t.Setenv("JAVA_HOME", "")
	t.Setenv("PATH", t.TempDir())
	if _, err := Start(context.Background(), Options{Dir: t.TempDir()}); !errors.Is(err, ErrNoJDK) {
		t.Errorf("without Java: %v, want ErrNoJDK", err)
	}
}

func TestPortInUse(t *testing.T) {
	if _, _, err := findJDK(""); err != nil {
		t.Skip(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = Start(context.Background(), Options{Dir: t.TempDir(), Port: l.Addr().(*net.TCPAddr).Port})
	if err == nil || !strings.Contains(err.Error(), "the collector cannot start: Address already in use") {
		t.Errorf("error %v, want one that says the port is in use", err)
	}
}

func TestUnknownReader(t *testing.T) {
	if _, _, err := findJDK(""); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	_, err := Start(context.Background(), Options{Dir: dir, Reader: "psychic"})
	if err == nil || !strings.Contains(err.Error(), "unknown psychic") {
		t.Errorf("error %v, want one that names the reader", err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}
