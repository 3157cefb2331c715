package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"tacho/internal/madeup"
)

// What the end to end figure is of: a profile a minute of ten instances.
const (
	httpInstances = 10
	httpMinutes   = 100
)

// endToEnd sends 1,000 profiles to /ingest of a real server and says what they
// cost it:
//
//  1. start the server with an empty store.
//  2. a minute at a time, send a profile of every instance at once, as SDKs do,
//     and wait for all answers: 200 means fsynced.
//  3. wait until the server has come to rest, roll-ups and compaction included,
//     and take its CPU time from /proc.
//  4. ask it for the sum of all that was sent.
func endToEnd(ctx context.Context, binary, dir string, zipped bool) (perThousand, kb float64, err error) {
	s, err := startServer(ctx, binary, dir)
	if err != nil {
		return 0, 0, err
	}
	defer s.stop()
	program := madeup.New(madeup.Service, 1)
	from := time.Now().Add(-(httpMinutes + 1) * time.Minute).Truncate(time.Minute)
	if err := s.quiet(ctx); err != nil {
		return 0, 0, err
	}
	before, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	var sum, size int64
	for m := range httpMinutes {
		bodies := make([][]byte, httpInstances)
		for i := range bodies {
			rows := program.Profile(madeup.Service.Rows, m*httpInstances+i)
			for _, r := range rows {
				sum += r.Count * 10_000_000
			}
			b, err := program.Pprof(rows, from.Add(time.Duration(m)*time.Minute+time.Duration(i)*time.Second))
			if err != nil {
				return 0, 0, err
			}
			if zipped {
				if b, err = gzipped(b); err != nil {
					return 0, 0, err
				}
			}
			bodies[i] = b
			size += int64(len(b))
		}
		var g errgroup.Group
		for i, body := range bodies {
			g.Go(func() error { return s.ingest(ctx, i, body) })
		}
		if err := g.Wait(); err != nil {
			return 0, 0, err
		}
	}
	if err := s.quiet(ctx); err != nil {
		return 0, 0, err
	}
	after, err := s.cpu()
	if err != nil {
		return 0, 0, err
	}
	if got, err := s.total(ctx, from); err != nil || got != sum {
		return 0, 0, fmt.Errorf("the server has %d ns of cpu, %d were sent (%w)", got, sum, err)
	}
	const n = httpMinutes * httpInstances
	return (after - before).Seconds() / n * 1000, float64(size) / n / 1000, nil
}

// gzipped compresses as Go's runtime does its profiles.
func gzipped(b []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(b); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// server is a `tacho server` process.
type server struct {
	cmd *exec.Cmd
	url string
}

func startServer(ctx context.Context, binary, dir string) (*server, error) {
	data, err := os.MkdirTemp(dir, "store")
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, binary, "server", "--data", data, "--listen", "127.0.0.1:0", "--health-listen", "", "--otlp-http", "", "--otlp-grpc", "", "--log-level", "error")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	s := &server{cmd: cmd}
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, at, ok := strings.Cut(line, "http://"); ok && err == nil {
		s.url = "http://" + strings.TrimRight(strings.Fields(at)[0], "/.")
		return s, nil
	}
	s.stop()
	return nil, fmt.Errorf("the server does not say where it listens: %q, %v", line, err)
}

func (s *server) stop() {
	_ = s.cmd.Process.Signal(os.Interrupt)
	_ = s.cmd.Wait()
}

func (s *server) ingest(ctx context.Context, instance int, body []byte) error {
	q := url.Values{"name": {fmt.Sprintf("orders{instance=orders-%d}", instance)}, "format": {"pprof"}, "sampleRate": {"100"}, "spyName": {"gospy"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/ingest?"+q.Encode(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("send a profile: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("a profile is not acknowledged: %s: %s", resp.Status, text)
	}
	return nil
}

// total is all cpu the server has of the service.
func (s *server) total(ctx context.Context, from time.Time) (int64, error) {
	q := url.Values{"service": {"orders"}, "type": {"cpu"}, "from": {strconv.FormatInt(from.UnixMilli(), 10)}, "until": {"now"}, "limit": {"1"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v1/top?"+q.Encode(), nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var answer struct {
		Total int64  `json:"total"`
		Error string `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return 0, err
	}
	if answer.Error != "" {
		return 0, errors.New(answer.Error)
	}
	return answer.Total, nil
}

// cpu is what the process has used so far, user and system.
func (s *server) cpu() (time.Duration, error) {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "stat"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := bytes.Cut(b, []byte(") ")) // a name may have spaces
	fields := strings.Fields(string(rest))
	if len(fields) < 13 {
		return 0, fmt.Errorf("unexpected /proc/PID/stat: %s", b)
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux there is
	return time.Duration(user+system) * tick, err
}

// quiet waits until the server used less than 1 % of a core for two seconds.
func (s *server) quiet(ctx context.Context) error {
	last, err := s.cpu()
	if err != nil {
		return err
	}
	for calm := 0; calm < 2; {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
		now, err := s.cpu()
		if err != nil {
			return err
		}
		if calm++; now-last > 10*time.Millisecond {
			calm = 0
		}
		last = now
	}
	return nil
}
