// Package store is the contract every Tacho store keeps, and the words of a
// question to it. Implementations live in rooms below (local, clickhouse) and
// pass storetest.
//
// # Semantics
//
// Durable: when Append returns nil, every batch of the call is on disk
// (fsynced) and visible to every later question. A batch is kept whole or not
// at all.
//
// Retries: a batch with equal tenant, Target, Collector, From and Sequence
// replaces the one stored before. Sending twice never doubles.
//
// Late and out of order: batches may come in any order and any time within the
// retention; roll-ups follow.
//
// Levels: samples with a time are kept as raw timed samples for RawRetention,
// and are summed into one block a minute, an hour and a day, each recomputed
// from the level below, hence deterministic. Questions give the same sums
// whichever level answers them; a range that starts or ends inside a minute is
// answered from raw samples while those exist, and by whole minutes (those
// whose start lies in the range) afterwards. Untimed samples (Time 0) count at
// the batch's From.
//
// Tenants never see each other's data. The empty tenant is the default one.
package store

import (
	"context"
	"errors"
	"time"

	"tacho"
)

// Errors a caller may branch on.
var (
	ErrUnknownService = errors.New("no such service")
	ErrFull           = errors.New("store is full")    // free-space watermark reached; nothing was stored
	ErrReadOnly       = errors.New("store is closing") // no longer accepts batches
)

// Selection picks samples of one type of one service.
type Selection struct {
	Tenant, Service, Type string
	From, Until           time.Time
	Match                 []Matcher // all must hold; labels of the target and thread_group
}

// Store keeps batches and answers questions. Safe for concurrent use. Every
// method returns early with ctx.Err() when the context ends.
type Store interface {
	// Append stores all batches or none. A store keeps nothing of a batch's tables
	// beyond the call, and no string of Batch.Strings without a copy: their memory
	// is used again. Tables that are deferred are loaded when they are needed.
	Append(ctx context.Context, tenant string, batches []*tacho.Batch) error

	// Services lists what is stored, sorted by name.
	Services(ctx context.Context, tenant string) ([]Service, error)
	// Series lists the identities (target labels plus thread_group) that have
	// samples of typ ("" = any type).
	Series(ctx context.Context, tenant, service, typ string) ([]tacho.Labels, error)

	// Merge sums the selected samples per stack.
	Merge(ctx context.Context, sel Selection) (*Merged, error)
	// Counts sums the selected samples per step from sel.From on. Step is at
	// least 10 ms; below a minute it reads raw samples.
	Counts(ctx context.Context, sel Selection, step time.Duration) (*Counts, error)
	// CountsOf is Counts of some stacks only: keep is called once for each tree
	// there are samples of, and says by stack id which of them count (ids beyond
	// what it returns do not). Recorded is nil: Counts tells.
	CountsOf(ctx context.Context, sel Selection, step time.Duration, keep func(*Tree) []bool) (*Counts, error)
	// Samples visits the selected raw timed samples, ordered by time within
	// each target. Visit must not keep the slice.
	Samples(ctx context.Context, sel Selection, visit func(*SampleBlock) error) error

	// Points visits stored series whose name has the prefix, in time order per
	// target; visit must not keep the slice.
	Points(ctx context.Context, sel Selection, prefix string, visit func(target tacho.Labels, s tacho.Series) error) error
	// Events visits events that overlap the range, in order of their batch.
	Events(ctx context.Context, sel Selection, visit func(target tacho.Labels, e tacho.Event) error) error

	Close() error
}

// Service is one stored service.
type Service struct {
	Name      string
	Types     []tacho.ValueType
	Instances []Instance
}

// Instance is one target of a service.
type Instance struct {
	Target      tacho.Labels
	First, Last time.Time // first and last instant recorded
}

// Merged is the sum of samples per stack. A store may answer in several parts,
// each with a tree of its own (trie epochs).
type Merged struct {
	Unit    string
	Parts   []Part
	Missing []string // human text: what could not be read; empty when complete
}

// Part is sums over one tree. Values is indexed by stack id and may be shorter
// than Tree.Leaf. Both are owned by the caller except Tree, which is shared
// and read-only.
type Part struct {
	Tree   *Tree
	Values []int64
}

// Tree is a snapshot of a trie of calls: node n is the call Frame[n] made by
// Parent[n]; node 0 is the root above all calls; Parent[n] < n for n > 0.
type Tree struct {
	Frames []tacho.Frame // by frame id
	Parent []uint32      // by node id
	Frame  []uint32      // by node id, index into Frames; Frame[0] is meaningless
	Leaf   []uint32      // by stack id: the node of its leaf call
}

// Stack resolves a stack id, leaf first.
func (t *Tree) Stack(id uint32) tacho.Stack {
	var s tacho.Stack
	for n := t.Leaf[id]; n != 0; n = t.Parent[n] {
		s = append(s, t.Frames[t.Frame[n]])
	}
	return s
}

// Counts is a sum per step. Recorded[i] is false where no batch covers any of
// step i: nothing was recorded, as opposed to recorded and idle.
type Counts struct {
	From     time.Time
	Step     time.Duration
	Unit     string
	Values   []int64
	Recorded []bool
	Missing  []string
}

// SampleBlock is timed samples of one target. Stack ids are of Tree; Thread
// indexes Threads.
type SampleBlock struct {
	Target  tacho.Labels
	Tree    *Tree
	Threads []tacho.Thread
	Samples []tacho.Sample
}
