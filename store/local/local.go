package local

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"tacho"
	"tacho/store"
)

// Store is the embedded store. It implements store.Store.
type Store struct {
	opt    Options
	log    *slog.Logger
	db     *pebble.DB
	health *health

	mu     sync.RWMutex // the registry of services
	byName map[[2]string]*service
	byID   map[uint32]*service
	nextID uint32

	rawFloor atomic.Int64 // first hour whose timed samples go to raw blocks
	floor    atomic.Int64 // first day that is kept
	token    atomic.Uint64

	space    space
	dropMu   sync.Mutex // one dropping of days at a time
	tenants  tenants
	inFlight inFlight
	stats    counters
	scratch  sync.Pool // of *scratch, for writers

	// Lifetime.
	closeMu   sync.Mutex // orders new calls and the closing of closing
	closing   chan struct{}
	closeOnce sync.Once
	closeErr  error
	calls     sync.WaitGroup
	commits   sync.WaitGroup
	rollMu    sync.Mutex        // one roller pass at a time
	stuck     map[string]string // marks (key → value) that cannot be rolled up; guarded by rollMu
	rollDone  chan struct{}
	watchDone chan struct{}
	stop      context.CancelFunc
}

var _ store.Store = (*Store)(nil)

// Open opens the store in opt.Dir, making it if need be. A directory has one
// open store at a time.
func Open(opt Options) (*Store, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Store{
		opt: opt, log: opt.Log, health: newHealth(),
		byName: map[[2]string]*service{}, byID: map[uint32]*service{},
		closing: make(chan struct{}),
	}
	if err := opt.FS.MkdirAll(opt.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("make store directory: %w", err)
	}
	if s.db, err = s.openPebble(); err != nil {
		return nil, openError(opt.Dir, err)
	}
	if err = s.start(); err != nil {
		_ = s.db.Close() // the first error is the one to report
		return nil, fmt.Errorf("open store in %s: %w", opt.Dir, err)
	}
	return s, nil
}

// openPebble opens the files. When what the log still holds cannot be written out,
// Pebble says so through Fatalf, in a goroutine of its own which ends with that, or
// tries again for ever; its Open would wait without a word. Given up here it leaves
// goroutines and the lock of the directory behind, until the process ends.
func (s *Store) openPebble() (*pebble.DB, error) {
	type result struct {
		db  *pebble.DB
		err error
	}
	done := make(chan result, 1)
	go func() {
		db, err := pebble.Open(s.opt.Dir, s.pebbleOptions())
		done <- result{db, err}
	}()
	select {
	case r := <-done:
		return r.db, r.err
	case <-s.health.failed:
	}
	select { // it may come back all the same
	case r := <-done:
		if r.err == nil {
			_ = r.db.Close()
		}
	case <-time.After(time.Second):
	}
	return nil, s.health.failure()
}

func (s *Store) pebbleOptions() *pebble.Options {
	o := &pebble.Options{
		FS:                          steadyFS{vfs.OnDiskFull(s.opt.FS, s.diskFull), s.health},
		CacheSize:                   s.opt.CacheSize,
		FormatMajorVersion:          pebble.FormatNewest,
		MemTableSize:                16 << 20,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               64 << 20,
		MaxOpenFiles:                512,
		MaxManifestFileSize:         s.opt.manifestSize,
		Logger:                      pebbleLog{s.log, s.health},
		EventListener:               s.listener(),
		FlushDelayDeleteRange:       10 * time.Second, // retention frees space without waiting for writes
	}
	// Blocks of values are around 1 KB and read in order: large tables blocks.
	// Filters serve the lookup of manifests, nearly always for nothing.
	for i := range o.Levels {
		o.Levels[i].BlockSize = 32 << 10
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return o
}

// start checks the format, loads the dictionaries and starts the roller.
func (s *Store) start() error {
	have, err := s.meta(s.db, metaFormat)
	switch {
	case err != nil:
		return err
	case have == 0:
		if err := s.db.Set(metaKey(metaFormat), appendVarint(nil, formatVersion), pebble.Sync); err != nil {
			return fmt.Errorf("write format: %w", err)
		}
	case have != formatVersion:
		return fmt.Errorf("the data has format %d, this program reads %d", have, formatVersion)
	}
	if err := s.loadAll(); err != nil {
		return err
	}
	room, err := s.meta(s.db, metaRoom)
	if err != nil {
		return err
	}
	s.floor.Store(max(s.floor.Load(), min(room, int64(dayOf(s.now().UnixNano())))))
	for tenant := range s.opt.Tenants {
		room, err := s.meta(s.db, metaTenantRoom+tenant)
		if err != nil {
			return err
		}
		s.setTenantFloor(tenant, min(room, int64(dayOf(s.now().UnixNano()))))
	}
	s.health.opened.Store(true)
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	s.rollDone, s.watchDone = make(chan struct{}), make(chan struct{})
	s.measure()
	s.keepBallast()
	go s.rollLoop(ctx)
	go s.watchLoop(ctx)
	return nil
}

// rollLoop rolls up and retires until the store closes.
func (s *Store) rollLoop(ctx context.Context) {
	defer close(s.rollDone)
	if s.opt.RollEvery < 0 {
		return
	}
	tick := time.NewTicker(s.opt.RollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.Roll(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("roll-up failed; it will be tried again", "error", err)
		}
	}
}

// Close waits for the calls under way and closes the files. After a disk
// failure it waits a few seconds only: Pebble may never come back.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		s.closeMu.Lock()
		close(s.closing)
		s.closeMu.Unlock()
		s.stop()
		s.closeErr = s.shut()
	})
	return s.closeErr
}

func (s *Store) shut() error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				done <- fmt.Errorf("close store: %v", p)
			}
		}()
		<-s.rollDone
		<-s.watchDone
		s.calls.Wait()
		s.commits.Wait()
		done <- s.db.Close()
	}()
	for waited := time.Duration(0); ; waited += closeStep {
		select {
		case err := <-done:
			return err
		case <-time.After(closeStep):
		}
		if waited < 3*time.Second {
			continue
		}
		if err := cmp.Or(s.health.errFailed(), s.stalled()); err != nil {
			return fmt.Errorf("close store: given up: %w", err)
		}
	}
}

// closeStep is how often Close asks whether waiting makes sense.
const closeStep = 100 * time.Millisecond

func (s *Store) isClosing() bool {
	select {
	case <-s.closing:
		return true
	default:
		return false
	}
}

// begin registers a call; end must follow unless it fails.
func (s *Store) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.closeMu.Lock()
	defer s.closeMu.Unlock()
	if s.isClosing() {
		return store.ErrReadOnly
	}
	s.calls.Add(1)
	return nil
}

func (s *Store) end() { s.calls.Done() }

func (s *Store) now() time.Time { return s.opt.Now() }

// register makes a loaded or new service known. The caller holds s.mu, or is
// alone.
func (s *Store) register(v *service) {
	s.byName[[2]string{v.tenant, v.name}] = v
	s.byID[v.id] = v
	s.nextID = max(s.nextID, v.id+1)
}

// lookup finds a service that has data.
func (s *Store) lookup(tenant, name string) (*service, error) {
	s.mu.RLock()
	v := s.byName[[2]string{tenant, name}]
	s.mu.RUnlock()
	if v != nil {
		v.mu.RLock()
		defer v.mu.RUnlock()
		if v.saved && !v.dead {
			return v, nil
		}
	}
	return nil, fmt.Errorf("service %q: %w", name, store.ErrUnknownService)
}

// Services lists what is stored.
func (s *Store) Services(ctx context.Context, tenant string) ([]store.Service, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	s.mu.RLock()
	var all []*service
	for id, v := range s.byName {
		if id[0] == tenant {
			all = append(all, v)
		}
	}
	s.mu.RUnlock()
	out := []store.Service{}
	for _, v := range all {
		if sv, ok := v.list(s.floorOf(tenant) * dayNanos); ok {
			slices.SortFunc(sv.Instances, func(a, b store.Instance) int {
				return strings.Compare(a.Target.String(), b.Target.String())
			})
			out = append(out, sv)
		}
	}
	slices.SortFunc(out, func(a, b store.Service) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// Series lists identities with samples.
func (s *Store) Series(ctx context.Context, tenant, name, typ string) ([]tacho.Labels, error) {
	if err := s.begin(ctx); err != nil {
		return nil, err
	}
	defer s.end()
	v, err := s.lookup(tenant, name)
	if err != nil {
		return nil, err
	}
	v.mu.RLock()
	byName := map[string]tacho.Labels{}
	for _, se := range v.series {
		if se.saved && (typ == "" || v.types[se.typ].Name == typ) {
			byName[se.labels.String()] = se.labels
		}
	}
	v.mu.RUnlock()
	keys := make([]string, 0, len(byName))
	for k := range byName {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	out := make([]tacho.Labels, 0, len(keys))
	for _, k := range keys {
		out = append(out, append(tacho.Labels(nil), byName[k]...))
	}
	return out, nil
}

// nanoTime is a stored instant as a time.
func nanoTime(ns int64) time.Time { return time.Unix(0, ns).UTC() }

// nanos is an instant of a question as stored; beyond what can be stored it is
// the nearest instant that can.
func nanos(t time.Time) int64 {
	switch {
	case t.Unix() < 0:
		return 0
	case t.Unix() >= math.MaxInt64/1_000_000_000:
		return math.MaxInt64
	}
	return t.UnixNano()
}

func u64Bytes(vs ...uint64) []byte {
	var b []byte
	for _, v := range vs {
		b = binary.AppendUvarint(b, v)
	}
	return b
}
