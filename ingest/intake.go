package ingest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tacho"
	"tacho/format"
)

// Intake is what the ways in for foreign senders share (rooms below): how much
// of them is held and decoded at a time, whose they are, and where their
// batches go. Safe for concurrent use.
type Intake struct {
	o        IntakeOptions
	slots    chan struct{}
	held     atomic.Int64
	buffers  sync.Pool
	requests *prometheus.CounterVec
	frames   *prometheus.CounterVec
}

// Namer gives names to frames of a batch that are addresses, as far as it can at
// once: nothing it does may wait. symbol.Store's is ResolveLoaded.
type Namer func(*tacho.Batch) (resolved, unknown int)

// IntakeOptions: only Store is required.
type IntakeOptions struct {
	Store      Appender // an Ingester: Append answers when the batches are durable
	Tenant     func(*http.Request) (string, error)
	Limits     format.Limits // of one input, default format.DefaultLimits
	BodyBytes  int64         // of one body that is read whole, as sent, default 32 MiB
	BodiesHeld int64         // of all such bodies, default 128 MiB
	Decoders   int           // inputs decoded at a time, default 2
	Wait       time.Duration // for a commit, default 20 s
	Names      Namer         // of native frames; default: they stay addresses
	Now        func() time.Time
	Registerer prometheus.Registerer
}

// NewIntake needs no closing.
func NewIntake(o IntakeOptions) *Intake {
	def(&o.BodyBytes, 32<<20)
	def(&o.BodiesHeld, 128<<20)
	def(&o.Decoders, 2)
	def(&o.Wait, 20*time.Second)
	if o.Limits == (format.Limits{}) {
		o.Limits = format.DefaultLimits()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	t := &Intake{o: o, slots: make(chan struct{}, o.Decoders)}
	t.buffers.New = func() any { return new(bytes.Buffer) }
	t.requests = promauto.With(o.Registerer).NewCounterVec(prometheus.CounterOpts{
		Name: "tacho_intake_requests_total", Help: "Requests of foreign senders, by protocol and what came of them.",
	}, []string{"via", "outcome"})
	t.frames = promauto.With(o.Registerer).NewCounterVec(prometheus.CounterOpts{
		Name: "tacho_intake_address_frames_total", Help: "Frames of foreign senders that came as addresses, by what was known of them at once (named, unnamed).",
	}, []string{"outcome"})
	return t
}

// Limits are those of one input.
func (t *Intake) Limits() format.Limits { return t.o.Limits }

// BodyBytes is the most one body that is read whole may have.
func (t *Intake) BodyBytes() int64 { return t.o.BodyBytes }

// Now is the server's clock.
func (t *Intake) Now() time.Time { return t.o.Now() }

// Count adds a request of one protocol to the metrics; err is what became of it.
func (t *Intake) Count(via string, err error) {
	outcome := "stored"
	if err != nil {
		outcome = Refuse(err).Reason
	}
	t.requests.WithLabelValues(via, outcome).Inc()
}

// Tenant is whose request it is.
func (t *Intake) Tenant(r *http.Request) (string, error) {
	if t.o.Tenant == nil {
		return "", nil
	}
	tenant, err := t.o.Tenant(r)
	if err != nil {
		return "", &Refusal{Status: http.StatusUnauthorized, Reason: "denied", Sentence: err.Error(), Detail: "Send a token of this server.", Err: err}
	}
	return tenant, nil
}

// Body reads the body of a request whole. What it returns is valid until
// release, which must be called once, whatever the error.
func (t *Intake) Body(w http.ResponseWriter, r *http.Request) (body []byte, release func(), err error) {
	n := r.ContentLength
	if n > t.o.BodyBytes {
		return nil, func() {}, &http.MaxBytesError{Limit: t.o.BodyBytes}
	}
	if n < 0 {
		n = t.o.BodyBytes
	}
	if t.held.Add(n) > t.o.BodiesHeld {
		t.held.Add(-n)
		return nil, func() {}, ErrOverloaded
	}
	b := t.buffers.Get().(*bytes.Buffer)
	release = func() {
		t.held.Add(-n)
		if b.Cap() <= 4<<20 { // one huge body must not stay for ever
			b.Reset()
			t.buffers.Put(b)
		}
	}
	if r.ContentLength > 0 {
		b.Grow(int(r.ContentLength) + bytes.MinRead) // so that ReadFrom does not grow it to see the end
	}
	// A sender that stops in the middle must not keep its share of the budget.
	conn := http.NewResponseController(w)
	_ = conn.SetReadDeadline(time.Now().Add(t.o.Wait))
	_, err = b.ReadFrom(http.MaxBytesReader(w, r.Body, t.o.BodyBytes))
	_ = conn.SetReadDeadline(time.Time{})
	if err != nil && !errors.As(err, new(*http.MaxBytesError)) {
		err = &Refusal{Status: http.StatusRequestTimeout, Reason: "malformed", Sentence: "the body could not be read: " + err.Error(), Detail: "Send it again.", Err: err}
	}
	return b.Bytes(), release, err
}

// Enter waits for a place among those who decode.
func (t *Intake) Enter(ctx context.Context) (leave func(), err error) {
	select {
	case t.slots <- struct{}{}:
		return func() { <-t.slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// name names what can be named before it is stored.
func (t *Intake) name(batches []*tacho.Batch) {
	if t.o.Names == nil {
		return
	}
	named, unnamed := 0, 0
	for _, b := range batches {
		n, u := t.o.Names(b)
		named, unnamed = named+n, unnamed+u
	}
	t.frames.WithLabelValues("named").Add(float64(named))
	t.frames.WithLabelValues("unnamed").Add(float64(unnamed))
}

// Append returns when the batches are durable.
func (t *Intake) Append(ctx context.Context, tenant string, batches []*tacho.Batch) error {
	t.name(batches)
	ctx, cancel := context.WithTimeout(ctx, t.o.Wait)
	defer cancel()
	return t.o.Store.Append(ctx, tenant, batches)
}

// AppendPatiently is Append for those who cannot come back later, as in the
// middle of a file: an overloaded queue is tried again for as long as Append
// may take.
func (t *Intake) AppendPatiently(ctx context.Context, tenant string, batches []*tacho.Batch) error {
	t.name(batches)
	ctx, cancel := context.WithTimeout(ctx, t.o.Wait)
	defer cancel()
	for {
		err := t.o.Store.Append(ctx, tenant, batches)
		if !errors.Is(err, ErrOverloaded) {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// Cost estimates the memory a batch takes in the queue.
func Cost(b *tacho.Batch) int64 { return cost(b) }

// Drain reads what is left of a refused body, within reason: most clients read
// the answer only when they have sent everything, and a connection that is
// closed on them takes the answer along.
func Drain(r io.Reader) { _, _ = io.CopyN(io.Discard, r, 64<<20) }
