package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"tacho"
	"tacho/internal/jvmtest"
	"tacho/store"
	"tacho/store/local"
	"tacho/wire"
)

// samplesPerBatch of one function that no other batch has, over three minutes
// and two thread groups: a batch that is torn or doubled has another sum.
const samplesPerBatch = 12

// numbered is the batch that worker w sends as its n-th.
func numbered(w, n int, at time.Time) *tacho.Batch {
	x := tacho.NewBuilder()
	for i := range samplesPerBatch {
		x.Sample(tacho.CPU, tacho.Sample{
			Time: at.Add(time.Duration(i) * 15 * time.Second).UnixNano(), Value: 1,
			Stack:  x.Stack(tacho.Stack{{Function: fmt.Sprintf("w%d n%d", w, n), Line: int32(i)}, {Function: "main"}}),
			Thread: x.Thread(tacho.Thread{Name: "t", Group: fmt.Sprint("g", i%2)}),
		})
	}
	target := tacho.NewLabels(map[string]string{tacho.LabelService: "orders", tacho.LabelInstance: fmt.Sprint(w)})
	return x.Take(target, "test", at.UnixNano(), at.Add(3*time.Minute).UnixNano(), uint64(n))
}

// poster sends numbered batches until it is stopped, each until it is
// acknowledged, as an agent does.
type poster struct {
	url  string
	at   time.Time
	stop atomic.Bool
	wg   sync.WaitGroup

	mu      sync.Mutex
	acked   map[string]bool // by function
	answers map[int]int     // by status; 0 = none came
	last    string          // body of the last refusal
}

func startPoster(port, workers int) *poster {
	p := &poster{url: "http://" + jvmtest.Addr(port) + "/api/v1/batches", at: time.Now().Add(-2 * time.Hour).Truncate(time.Hour),
		acked: map[string]bool{}, answers: map[int]int{}}
	for w := range workers {
		p.wg.Go(func() {
			for n := 0; !p.stop.Load(); n++ {
				body := wire.Encode(nil, numbered(w, n, p.at))
				for !p.post(body) && !p.stop.Load() {
					time.Sleep(10 * time.Millisecond)
				}
				if p.stop.Load() {
					return // whether the last one is there is anyone's guess
				}
				p.mu.Lock()
				p.acked[fmt.Sprintf("w%d n%d", w, n)] = true
				p.mu.Unlock()
			}
		})
	}
	return p
}

func (p *poster) post(encoded []byte) bool {
	var body bytes.Buffer
	if err := wire.NewWriter(&body).WriteRaw(encoded); err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, &body)
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", wire.ContentType)
	res, err := http.DefaultClient.Do(req)
	status, text := 0, []byte(nil)
	if err == nil {
		status = res.StatusCode
		text, err = io.ReadAll(res.Body)
		res.Body.Close()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers[status]++
	if status != http.StatusOK {
		p.last = string(text)
	}
	return err == nil && status == http.StatusOK
}

func (p *poster) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.acked)
}

func (p *poster) seen() (answers map[int]int, last string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.answers), p.last
}

// keptSums is the stored sum of each leaf function of the service "orders" in a
// data directory that no server has open.
func keptSums(t *testing.T, data string, from, until time.Time) map[string]int64 {
	t.Helper()
	s, err := local.Open(local.Options{Dir: filepath.Join(data, "store"), RollEvery: -1, WatchEvery: -1, Ballast: -1, MinFree: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	m, err := s.Merge(t.Context(), store.Selection{Service: "orders", Type: "cpu", From: from, Until: until})
	if err != nil || len(m.Missing) > 0 {
		t.Fatalf("merge: %v, missing %v", err, m.Missing)
	}
	got := map[string]int64{}
	for _, part := range m.Parts {
		for id, v := range part.Values {
			if v != 0 {
				got[part.Tree.Stack(uint32(id))[0].Function] += v
			}
		}
	}
	return got
}

// end stops sending and holds what is stored in dir, which no server has open
// any more, against what was acknowledged.
func (p *poster) end(t *testing.T, data string) {
	t.Helper()
	got := keptSums(t, data, p.at.Add(-time.Hour), p.at.Add(time.Hour))
	lost, wrong := 0, 0
	for f := range p.acked {
		if got[f] == 0 {
			lost++
		}
	}
	for f, v := range got {
		if v != samplesPerBatch {
			wrong++
			t.Logf("batch %s sums to %d, want %d", f, v, samplesPerBatch)
		}
	}
	answers, _ := p.seen()
	t.Logf("%d batches acknowledged, %d stored; answers by status %v", len(p.acked), len(got), answers)
	if lost > 0 || wrong > 0 {
		t.Errorf("%d acknowledged batches are lost, %d are torn or doubled", lost, wrong)
	}
}

// A server killed with -9 again and again under load.
func TestServerKilledUnderLoad(t *testing.T) {
	kills := 50
	if testing.Short() {
		kills = 5
	}
	port, data := jvmtest.FreePort(t), t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	s := server(t, port, data)
	p := startPoster(port, 16)
	began := time.Now()
	for i := range kills {
		before := p.count()
		jvmtest.Until(t, "batches are acknowledged", 30*time.Second, func() bool { return p.count() > before+20 })
		time.Sleep(time.Duration(rng.IntN(200)) * time.Millisecond)
		s.Signal(syscall.SIGKILL)
		<-s.Done
		if i < kills-1 {
			s = server(t, port, data)
		}
	}
	t.Logf("%d kills in %s", kills, time.Since(began).Round(time.Second))
	p.stop.Store(true)
	p.wg.Wait()
	p.end(t, data)
	if out, err := exec.Command(built(t), "store", "check", "--data", data).CombinedOutput(); err != nil || !strings.Contains(string(out), ", 0 are damaged") {
		t.Errorf("store check: %v\n%s", err, out)
	}
}

// get is the status and the body of a page of the server.
func get(t *testing.T, port int, path string) (int, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+jvmtest.Addr(port)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("GET %s: %v", path, err)
	}
	return res.StatusCode, string(b)
}

// A full disk under the server: batches are refused with the reason, questions
// are answered, and when space returns recording goes on with nothing lost.
func TestServersDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("needs root to mount a small file system")
	}
	small := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(small, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=160m"); err != nil {
		t.Fatalf("mount a small tmpfs: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(small, unix.MNT_DETACH) })
	port, data := jvmtest.FreePort(t), filepath.Join(small, "data")
	s := jvmtest.Start(t, exec.Command(built(t), "server", "--listen", jvmtest.Addr(port), "--health-listen", "", "--data", data, "--min-free", "16MiB"), "shows it on")
	p := startPoster(port, 4)
	jvmtest.Until(t, "batches are acknowledged", 30*time.Second, func() bool { return p.count() > 200 })
	if _, err := os.Stat(filepath.Join(data, "store", "BALLAST")); err != nil {
		t.Errorf("no ballast: %v", err)
	}
	for round := range 3 { // the last byte is taken while batches come in
		answers, _ := p.seen()
		refused := answers[http.StatusInsufficientStorage]
		filler := fill(t, small)
		jvmtest.Until(t, "batches are refused", 30*time.Second, func() bool {
			answers, _ := p.seen()
			return answers[http.StatusInsufficientStorage] > refused
		})
		if _, last := p.seen(); !strings.Contains(last, "store is full") {
			t.Errorf("round %d: the refusal says %s", round, last)
		}
		jvmtest.Until(t, "not ready", 10*time.Second, func() bool {
			code, body := get(t, port, "/readyz")
			return code == http.StatusServiceUnavailable && strings.Contains(body, "full")
		})
		for _, path := range []string{"/healthz", "/api/v1/services", fmt.Sprintf("/api/v1/top?service=orders&type=cpu&from=%d&until=%d", p.at.UnixMilli(), p.at.Add(time.Hour).UnixMilli())} {
			if code, body := get(t, port, path); code != http.StatusOK {
				t.Errorf("round %d: GET %s on a full disk: %d %s", round, path, code, body)
			}
		}
		if err := os.Remove(filler); err != nil {
			t.Fatal(err)
		}
		before := p.count()
		jvmtest.Until(t, "batches are acknowledged again", 30*time.Second, func() bool { return p.count() > before+50 })
		jvmtest.Until(t, "ready again", 30*time.Second, func() bool { code, _ := get(t, port, "/readyz"); return code == http.StatusOK })
	}
	if _, body := get(t, port, "/metrics"); !strings.Contains(body, "tacho_store_free_bytes") || !strings.Contains(body, `tacho_store_dropped_days_total{reason="space"} 0`) {
		t.Errorf("metrics do not tell of the disk:\n%s", body)
	}
	s.Signal(syscall.SIGTERM)
	<-s.Done
	p.stop.Store(true)
	p.wg.Wait()
	p.end(t, data)
}

// fill takes all the space there is.
func fill(t *testing.T, dir string) (name string) {
	t.Helper()
	name = filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096} {
		for block := make([]byte, size); ; {
			if _, err := f.Write(block); err != nil {
				break
			}
		}
	}
	return name
}
