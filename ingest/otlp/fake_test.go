package otlp

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"tacho"
	"tacho/format"
	"tacho/ingest"
	"tacho/wire"
)

// kept is a store that remembers, and refuses what starts before oldest.
type kept struct {
	mu      sync.Mutex
	batches []*tacho.Batch
	oldest  int64
	err     error
}

func (k *kept) Append(_ context.Context, _ string, bs []*tacho.Batch) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return k.err
	}
	for _, b := range bs {
		if err := b.Validate(); err != nil {
			return err
		}
		if b.From < k.oldest {
			return &wire.RejectedError{Reason: "older than what is kept"}
		}
	}
	k.batches = append(k.batches, bs...)
	return nil
}

// events are all of a kind.
func (k *kept) events(kind string) []tacho.Event {
	k.mu.Lock()
	defer k.mu.Unlock()
	var out []tacho.Event
	for _, b := range k.batches {
		for _, e := range b.Events {
			if e.Kind == kind {
				out = append(out, e)
			}
		}
	}
	return out
}

func options(k *kept) Options {
	in := ingest.NewIntake(ingest.IntakeOptions{Store: k, Limits: format.Limits{StringLen: 1000}, BodyBytes: 1 << 20, Now: time.Now})
	return Options{Intake: in}
}

// serve speaks HTTP/1 and HTTP/2 without TLS, as Tacho's listeners do.
func serve(t *testing.T, k *kept) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(Handler(options(k)))
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	return s
}
