package local

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// Retention of one tenant, where it differs from the store's. Days of the whole
// store go by one range delete a kind (drop.go); a tenant's days by one for each
// kind, unit of time and run of services whose ids follow each other, and only
// where something is stored.

// TenantOptions is how long and how much of one tenant is kept.
type TenantOptions struct {
	Retention time.Duration // default Options.Retention; may be shorter or longer
	MaxBytes  uint64        // bytes before compression above which the tenant's oldest day goes; 0 = no such bound
}

// TenantStats is what is known of a tenant that has options of its own.
type TenantStats struct {
	Retention   time.Duration
	MaxBytes    uint64           // 0 = no such bound
	Bytes       uint64           // before compression, as last counted; only of tenants with MaxBytes
	DaysDropped map[string]int64 // for this tenant alone, by reason: DropAge, DropSize
}

// tenants is the floors of tenants that are above the store's.
type tenants struct {
	mu    sync.RWMutex
	floor map[string]int64 // first day that is kept
	bytes map[string]uint64
	days  map[string]map[string]int64  // dropped, by tenant and reason
	sizes map[string]map[int64]daySize // by tenant and day; guarded by rollMu, as is next
	next  time.Time                    // when sizes are counted again
}

// Names of meta values, followed by the tenant.
const (
	metaTenantAge  = "age/"  // days before were dropped, for age
	metaTenantRoom = "room/" // days before were dropped, for size
)

// measureEvery is how often tenants are counted, at most. That is a pass over what
// the tenant has of yesterday and today, and must not take more than a hundredth
// of the time either. (Pebble's estimates are exact to a block of 32 KiB; a tenant
// has hundreds of small ranges, for which that is far off.)
const measureEvery = time.Minute

func (s *Store) retention(tenant string) time.Duration {
	return cmp.Or(s.opt.Tenants[tenant].Retention, s.opt.Retention)
}

// longestRetention is what days of the whole store are dropped by.
func (o *Options) longestRetention() time.Duration {
	d := o.Retention
	for _, t := range o.Tenants {
		d = max(d, t.Retention)
	}
	return d
}

// floorOf is the first day that is kept of a tenant.
func (s *Store) floorOf(tenant string) int64 {
	s.tenants.mu.RLock()
	defer s.tenants.mu.RUnlock()
	return max(s.floor.Load(), s.tenants.floor[tenant])
}

// oldest is the first instant of which batches of a tenant are taken.
func (s *Store) oldest(tenant string, now time.Time) int64 {
	return max(now.Add(-s.retention(tenant)).UnixNano(), s.floorOf(tenant)*dayNanos)
}

// retireTenants drops what tenants have no right to any more. The caller holds
// rollMu.
func (s *Store) retireTenants(ctx context.Context, now time.Time) error {
	if len(s.opt.Tenants) == 0 {
		return nil
	}
	s.dropMu.Lock()
	defer s.dropMu.Unlock()
	byTenant := map[string][]*service{}
	for _, v := range s.services() {
		byTenant[v.tenant] = append(byTenant[v.tenant], v)
	}
	measure := !now.Before(s.tenants.next) || s.tenants.next.Sub(now) > 100*measureEvery // a clock that was turned back
	began := time.Now()
	for _, tenant := range slices.Sorted(maps.Keys(byTenant)) {
		svcs := byTenant[tenant]
		slices.SortFunc(svcs, func(a, b *service) int { return cmp.Compare(a.id, b.id) })
		if err := s.retireTenant(ctx, tenant, svcs, now); err != nil {
			return fmt.Errorf("drop old days of tenant %q: %w", tenant, err)
		}
		if most := s.opt.Tenants[tenant].MaxBytes; most > 0 && measure {
			if err := s.shrinkTenant(ctx, tenant, svcs, now, most); err != nil {
				return fmt.Errorf("shrink tenant %q: %w", tenant, err)
			}
		}
	}
	if measure {
		s.tenants.next = now.Add(max(measureEvery, 100*time.Since(began)))
	}
	return nil
}

// retireTenant drops days that are older than the tenant's retention.
func (s *Store) retireTenant(ctx context.Context, tenant string, svcs []*service, now time.Time) error {
	floor, today := int64(dayOf(now.Add(-s.retention(tenant)).UnixNano())), int64(dayOf(now.UnixNano()))
	room, err := s.meta(s.db, metaTenantRoom+tenant)
	if err != nil {
		return err
	}
	done, err := s.meta(s.db, metaTenantAge+tenant)
	if err != nil {
		return err
	}
	s.setTenantFloor(tenant, max(floor, min(room, today)))
	if floor <= max(done, s.floor.Load()) {
		return nil
	}
	return s.dropTenant(ctx, tenant, svcs, floor, metaTenantAge, DropAge)
}

func (s *Store) setTenantFloor(tenant string, floor int64) {
	s.tenants.mu.Lock()
	defer s.tenants.mu.Unlock()
	if s.tenants.floor == nil {
		s.tenants.floor = map[string]int64{}
	}
	s.tenants.floor[tenant] = floor
}

// shrinkTenant drops a tenant's oldest days until the rest fits. The newest stays
// whatever happens.
func (s *Store) shrinkTenant(ctx context.Context, tenant string, svcs []*service, now time.Time, most uint64) error {
	oldest, newest, err := s.days()
	if err != nil || oldest < 0 {
		return err
	}
	oldest, newest = max(oldest, s.floorOf(tenant)), min(newest, int64(dayOf(now.UnixNano())))
	sizes, total := map[int64]uint64{}, uint64(0)
	known := s.tenants.sizes[tenant]
	counted := map[int64]daySize{}
	for day := oldest; day <= newest; day++ {
		c, ok := known[day]
		if age := now.Sub(c.at); !ok || day >= newest-1 || age < 0 || age >= recount {
			if c.bytes, err = s.dayBytes(ctx, runsOf(svcs), uint32(day)); err != nil {
				return err
			}
			c.at = now
		}
		counted[day] = c
		sizes[day] = c.bytes
		total += c.bytes
	}
	if s.tenants.sizes == nil {
		s.tenants.sizes = map[string]map[int64]daySize{}
	}
	s.tenants.sizes[tenant] = counted
	floor := oldest
	for ; total > most && floor < newest; floor++ {
		total -= sizes[floor]
	}
	s.tenants.mu.Lock()
	if s.tenants.bytes == nil {
		s.tenants.bytes = map[string]uint64{}
	}
	s.tenants.bytes[tenant] = total
	s.tenants.mu.Unlock()
	if floor == oldest {
		return nil
	}
	s.log.Warn("the oldest days of a tenant are dropped, it has more than it may", "tenant", tenant, "before", nanoTime(floor*dayNanos).Format(time.DateOnly), "limit", size(most))
	s.setTenantFloor(tenant, max(s.floorOf(tenant), floor))
	return s.dropTenant(ctx, tenant, svcs, floor, metaTenantRoom, DropSize)
}

// run is services whose ids follow each other.
type run struct{ first, last uint32 }

// runsOf is the runs of services in order of id. What lies between two of them
// belongs to somebody else.
func runsOf(svcs []*service) (out []run) {
	for _, v := range svcs {
		if n := len(out); n > 0 && out[n-1].last+1 == v.id {
			out[n-1].last = v.id
		} else {
			out = append(out, run{v.id, v.id})
		}
	}
	return out
}

// in is the keys of a run in a unit of a kind that goes on with a unit and a
// service.
func (r run) in(kind byte, unit uint32) (from, until key) {
	return newKey(kind).u32(unit).u32(r.first), newKey(kind).u32(unit).u32(r.last).after()
}

// daySize is what a tenant has of a day, and when that was counted.
type daySize struct {
	bytes uint64
	at    time.Time
}

// recount is how old the size of a day before yesterday may be: only late batches
// change it.
const recount = time.Hour

// dayBytes is the keys and values of the services of a day.
func (s *Store) dayBytes(ctx context.Context, runs []run, day uint32) (n uint64, err error) {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return 0, fmt.Errorf("size of day %d: %w", day, err)
	}
	steps := 0
	add := func(kind byte, unit uint32) error {
		for _, r := range runs {
			from, until := r.in(kind, unit)
			for ok := it.SeekGE(from); ok && slices.Compare(it.Key(), until) < 0; ok = it.Next() {
				n += uint64(len(it.Key()) + len(it.Value()))
				if steps++; steps%1024 == 0 && ctx.Err() != nil {
					return ctx.Err()
				}
			}
		}
		return ctx.Err()
	}
	for _, kind := range dayKinds {
		err = cmp.Or(err, add(kind, day))
	}
	for hour := day * 24; hour < day*24+24; hour++ {
		for _, kind := range append([]byte{kindRaw}, hourKinds...) {
			err = cmp.Or(err, add(kind, hour))
		}
	}
	if err = cmp.Or(err, it.Close()); err != nil {
		return 0, fmt.Errorf("size of day %d: %w", day, err)
	}
	return n, nil
}

// dropTenant removes everything of a tenant of days before floor. The caller
// holds dropMu and has set the floor, so that nothing new comes below it.
func (s *Store) dropTenant(ctx context.Context, tenant string, svcs []*service, floor int64, meta, why string) error {
	for _, v := range svcs { // appends that began before the floor was set
		if err := s.hold(ctx, v); err != nil {
			return err
		}
		v.release()
	}
	it, err := s.db.NewIter(nil)
	if err != nil {
		return err
	}
	pb := s.db.NewBatch()
	days := map[int64]bool{}
	drop := func(kind byte, perDay int64, r run) {
		for unit := uint32(0); int64(unit) < floor*perDay; {
			from, until := r.in(kind, unit)
			if !it.SeekGE(from) || it.Key()[0] != kind || len(it.Key()) < 5 {
				return
			}
			if slices.Compare(it.Key(), until) >= 0 {
				// Nothing here; on to the unit that comes next, of anybody.
				unit = max(unit+1, binary.BigEndian.Uint32(it.Key()[1:]))
				continue
			}
			_ = pb.DeleteRange(from, until, nil)
			days[int64(unit)/perDay] = true
			unit++
		}
	}
	for _, r := range runsOf(svcs) {
		for _, kind := range dayKinds {
			drop(kind, 1, r)
		}
		for _, kind := range append([]byte{kindRaw}, hourKinds...) {
			drop(kind, 24, r)
		}
	}
	if err := it.Close(); err != nil {
		_ = pb.Close()
		return err
	}
	for _, v := range svcs {
		for level, perDay := range [...]int64{levelMinute: 1440, levelHour: 24, levelDay: 1} {
			_ = pb.DeleteRange(markKey(v.id, uint8(level), 0), markKey(v.id, uint8(level), uint32(floor*perDay)), nil)
		}
	}
	_ = pb.Set(metaKey(meta+tenant), appendVarint(nil, floor), nil)
	if err := s.housekeep(ctx, pb, pebble.Sync, func() {}); err != nil {
		return err
	}
	s.tenants.mu.Lock()
	if s.tenants.days == nil {
		s.tenants.days = map[string]map[string]int64{}
	}
	if s.tenants.days[tenant] == nil {
		s.tenants.days[tenant] = map[string]int64{}
	}
	s.tenants.days[tenant][why] += int64(len(days))
	s.tenants.mu.Unlock()
	for _, v := range svcs {
		if err := s.retireService(ctx, v, floor); err != nil {
			return err
		}
	}
	return nil
}

// tenantStats is for Stats.
func (s *Store) tenantStats() map[string]TenantStats {
	s.tenants.mu.RLock()
	defer s.tenants.mu.RUnlock()
	out := map[string]TenantStats{}
	for tenant, o := range s.opt.Tenants {
		t := TenantStats{Retention: s.retention(tenant), MaxBytes: o.MaxBytes, Bytes: s.tenants.bytes[tenant], DaysDropped: map[string]int64{DropAge: 0, DropSize: 0}}
		maps.Copy(t.DaysDropped, s.tenants.days[tenant])
		out[tenant] = t
	}
	return out
}
