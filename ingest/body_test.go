package ingest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tacho"
	"tacho/store"
	"tacho/wire"
)

// spelled is a batch whose every name and number says which one it is.
func spelled(seq uint64) *tacho.Batch {
	x := tacho.NewBuilder()
	th := x.Thread(tacho.Thread{ID: int64(seq), Name: "t", Group: "t"})
	for i := range 20 + int(seq%7) {
		st := x.Stack(tacho.Stack{{Function: fmt.Sprintf("leaf %d of %d", i, seq), Line: int32(seq)}, {Function: fmt.Sprintf("root of %d", seq)}})
		x.Sample(tacho.CPU, tacho.Sample{Value: int64(seq), Stack: st, Thread: th})
	}
	target := tacho.NewLabels(map[string]string{tacho.LabelService: "s", tacho.LabelInstance: "i"})
	return x.Take(target, "test", 1_700_000_000_000_000_000, 1_700_000_001_000_000_000, seq)
}

// reader is a slow store that spells out what it is given.
type reader struct {
	mu  sync.Mutex
	bad []string
	n   int
}

func (s *reader) Append(_ context.Context, _ string, batches []*tacho.Batch) error {
	time.Sleep(2 * time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range batches {
		s.n++
		got, want := *b, *spelled(b.Sequence)
		if a, z := fmt.Sprintf("%#v", got), fmt.Sprintf("%#v", want); a != z {
			s.bad = append(s.bad, fmt.Sprintf("batch %d:\n got %s\nwant %s", b.Sequence, a, z))
		}
	}
	if batches[0].Sequence%10 == 3 {
		return fmt.Errorf("append: %w", store.ErrFull)
	}
	return nil
}

// TestMemoryIsUsedAgain: while requests come and go, fail, and are given up by
// their callers, no batch shows in the memory of another.
func TestMemoryIsUsedAgain(t *testing.T) {
	st := &reader{}
	g := start(t, Options{Store: st, FlushEvery: time.Millisecond, Flushers: 4})
	h := g.Handler()
	var wg sync.WaitGroup
	for w := range uint64(8) {
		wg.Go(func() {
			for i := range uint64(60) {
				var body bytes.Buffer
				out := wire.NewWriter(&body)
				for k := range 1 + i%4 {
					if err := out.Write(spelled(w*10_000 + i*10 + k)); err != nil {
						t.Error(err)
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				if i%5 == 4 {
					time.AfterFunc(time.Millisecond, cancel)
				}
				r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/batches", &body)
				r.Header.Set("Content-Type", wire.ContentType)
				a := httptest.NewRecorder()
				h.ServeHTTP(a, r)
				if a.Code != 200 && a.Code != 503 && a.Code != 507 {
					t.Errorf("status %d: %s", a.Code, a.Body)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	if st.n < 8*60 || len(st.bad) > 0 {
		t.Errorf("%d batches stored, %d of them damaged, for one:\n%s", st.n, len(st.bad), strings.Join(st.bad[:min(1, len(st.bad))], ""))
	}
}
