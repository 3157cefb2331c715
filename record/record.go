// Package record is what collectors share: where their batches go, how the
// kernel's account of threads is read, how threads are grouped, and how a
// collector says what it can and cannot see. Collectors live in rooms below
// and never import each other; cmd hands one to the other through the
// interfaces here.
package record

import (
	"context"
	"time"

	"tacho"
)

// Sink takes batches. Deliver returns when the batch is safe from a crash of
// this process (spooled or stored); it may block for back-pressure and must
// respect ctx. The batch belongs to the sink afterwards.
//
// A mark is kept together with the batch, atomically: after a crash, Marks
// returns for every key the mark of the last batch that was kept, so that a
// collector goes on exactly behind it.
type Sink interface {
	Deliver(ctx context.Context, b *tacho.Batch, key string, mark []byte) error
	Marks() map[string][]byte
	Forget(key string)
}

// ThreadTime is what the kernel billed one thread since it started.
type ThreadTime struct {
	TID   int64  // in the host's numbering
	NSTID int64  // in the innermost pid namespace: what the process itself sees
	Comm  string // at most 15 characters, the kernel's name
	CPU   int64  // nanoseconds on a CPU
	Wait  int64  // nanoseconds runnable but not running
	Start uint64 // start time in clock ticks since boot; tells a reused id apart
}

// ThreadReader reads the threads of one process. Read appends to dst[:0] and
// keeps per-thread state so that a read costs one small file a thread.
type ThreadReader interface {
	Read(dst []ThreadTime) ([]ThreadTime, error)
	// Process is the CPU nanoseconds billed to the whole process, threads that
	// have exited included. Resolution is one clock tick (10 ms).
	Process() (int64, error)
	Close() error
}

// Status is what a collector says about one target, in the words the agents
// page and `tacho doctor` show.
type Status struct {
	PID      int               `json:"pid"`
	Service  string            `json:"service"`
	Instance string            `json:"instance"`
	Runtime  string            `json:"runtime"` // "OpenJDK 17.0.15" or ""
	State    State             `json:"state"`
	Reason   string            `json:"reason"` // one sentence; "" when all is well
	Remedy   string            `json:"remedy"` // one sentence: what to do; "" when nothing is needed
	Since    time.Time         `json:"since"`
	Last     time.Time         `json:"last"` // last batch
	Counters map[string]int64  `json:"counters"`
	Labels   map[string]string `json:"labels"`
}

// State is how well a target is seen.
type State string

const (
	StateStarting  State = "starting"
	StateRecording State = "recording" // everything asked for
	StateLimited   State = "limited"   // something is missing; Reason says what
	StateRefused   State = "refused"   // nothing but the kernel's account
	StateGone      State = "gone"      // the process ended
)

// Clock is time as a collector sees it; both are fields so that tests can move
// them. Mono never steps; Wall may.
type Clock struct {
	Wall func() time.Time
	Mono func() int64 // nanoseconds
}

// Gauge is one number about a process at one moment, as a series of the target:
// what one collector reads and another one's batch carries.
type Gauge struct {
	Name  string // OpenTelemetry's where it has one
	Unit  string
	Value float64
}
