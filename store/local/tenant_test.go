package local_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"tacho"
	"tacho/store"
	"tacho/store/local"
)

const aDay = 24 * time.Hour

// tenantSum is what a tenant has in the 30 days up to noon and the one after.
func tenantSum(t *testing.T, s *local.Store, tenant string) (sum int64) {
	t.Helper()
	m, err := s.Merge(context.Background(), store.Selection{Tenant: tenant, Service: "orders", Type: "cpu", From: noon.Add(-30 * aDay), Until: noon.Add(aDay)})
	if errors.Is(err, store.ErrUnknownService) {
		return 0
	}
	if err != nil || len(m.Missing) > 0 {
		t.Fatalf("merge of tenant %q: %v, missing %v", tenant, err, m.Missing)
	}
	for _, p := range m.Parts {
		for _, v := range p.Values {
			sum += v
		}
	}
	return sum
}

// TestRetentionOfTenants: three tenants whose services lie among each other, one
// with the retention of the store, one with less, one with more.
func TestRetentionOfTenants(t *testing.T) {
	fs, c := vfs.NewMem(), &clock{noon.Add(-4 * aDay)}
	own := func(o *local.Options) {
		o.Retention = 3 * aDay
		o.Tenants = map[string]local.TenantOptions{"short": {Retention: aDay}, "long": {Retention: 20 * aDay}}
	}
	s := open(t, fs, c.now, own)
	for i, v := 0, int64(1); i < 5; i, v = i+1, v*10 { // 1 four days ago, 10000 today
		c.t = noon.Add(time.Duration(i-4) * aDay)
		for _, tenant := range []string{"", "short", "long"} {
			b := batchOf(c.t, 1, i%2 == 0, fmt.Sprint("f", i), v)
			b.Events = []tacho.Event{{Time: c.t.UnixNano(), Duration: int64(2 * time.Hour), Kind: "x", Name: "y"}}
			if err := s.Append(context.Background(), tenant, []*tacho.Batch{b}); err != nil {
				t.Fatalf("tenant %q: %v", tenant, err)
			}
		}
	}
	check := func(when string) {
		t.Helper()
		for tenant, want := range map[string]int64{"": 11110, "short": 11000, "long": 11111} {
			if got := tenantSum(t, s, tenant); got != want {
				t.Errorf("%s: tenant %q sums to %d, want %d", when, tenant, got, want)
			}
		}
	}
	roll(t, s)
	check("rolled up")
	if got := s.Stats().Tenants["short"].DaysDropped[local.DropAge]; got != 3 {
		t.Errorf("%d days of tenant short dropped for age, want 3", got)
	}
	var refused *store.RefusedError
	late := batchOf(noon.Add(-2*aDay), 9, false, "late", 5)
	if err := s.Append(context.Background(), "short", []*tacho.Batch{late}); !errors.As(err, &refused) {
		t.Errorf("a batch older than the tenant's retention: %v, want a RefusedError", err)
	}
	if err := s.Append(context.Background(), "long", []*tacho.Batch{batchOf(noon.Add(-15*aDay), 9, false, "late", 0)}); err != nil {
		t.Errorf("a batch of 15 days ago for a tenant with 20 days: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, fs, c.now, own)
	defer func() { _ = s.Close() }()
	check("reopened")
	c.t = noon.Add(10 * aDay)
	roll(t, s)
	for tenant, want := range map[string]int64{"": 0, "short": 0, "long": 11111} {
		if got := tenantSum(t, s, tenant); got != want {
			t.Errorf("ten days later: tenant %q sums to %d, want %d", tenant, got, want)
		}
	}
	if all, err := s.Services(context.Background(), "short"); err != nil || len(all) != 0 {
		t.Errorf("tenant short still has services: %v, %v", all, err)
	}
}

// TestSizeOfTenants: a tenant above its limit loses its oldest days, and nobody
// else loses any.
func TestSizeOfTenants(t *testing.T) {
	fs, c := vfs.NewMem(), &clock{noon}
	limit := func(o *local.Options) {
		o.Tenants = map[string]local.TenantOptions{"big": {MaxBytes: 80 << 10}}
	}
	s := open(t, fs, c.now, limit)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 5 { // some 15 KB a day, today 50
		at := noon.Add(time.Duration(i-4) * aDay)
		for _, tenant := range []string{"", "big", "z"} {
			values := make([]int64, 6000)
			for k := range values {
				values[k] = rng.Int64N(1 << 40)
			}
			b := batchOf(at, 1, false, "f", values...)
			b.Until = at.Add(2 * time.Hour).UnixNano()
			if err := s.Append(context.Background(), tenant, []*tacho.Batch{b}); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := tenantSum(t, s, "z")
	roll(t, s)
	st := s.Stats().Tenants["big"]
	if st.Bytes == 0 || st.Bytes > 80<<10 || st.MaxBytes != 80<<10 {
		t.Errorf("tenant big has %d bytes of %d", st.Bytes, st.MaxBytes)
	}
	if n := st.DaysDropped[local.DropSize]; n < 1 || n > 4 {
		t.Errorf("%d days dropped for size, want 1 to 4", n)
	}
	first := func(tenant string) time.Time {
		all, err := s.Services(context.Background(), tenant)
		if err != nil || len(all) != 1 {
			t.Fatalf("services of %q: %v, %v", tenant, all, err)
		}
		return all[0].Instances[0].First
	}
	kept := first("big")
	if want := noon.Add(-4 * aDay).Truncate(aDay).Add(time.Duration(st.DaysDropped[local.DropSize]) * aDay); !kept.Equal(want) && kept.Before(want) {
		t.Errorf("tenant big begins at %s, want %s or later", kept, want)
	}
	if got := tenantSum(t, s, "z"); got != before || !first("").Equal(noon.Add(-4*aDay)) {
		t.Errorf("another tenant sums to %d, before %d; the default one begins at %s", got, before, first(""))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, fs, c.now, limit)
	defer func() { _ = s.Close() }()
	if err := s.Append(context.Background(), "big", []*tacho.Batch{batchOf(noon.Add(-4*aDay), 5, false, "late", 1)}); !errors.As(err, new(*store.RefusedError)) {
		t.Errorf("a batch of a day dropped for size: %v, want a RefusedError", err)
	}
}

func TestTenantOptionsAreChecked(t *testing.T) {
	_, err := local.Open(local.Options{Dir: "store", FS: vfs.NewMem(), Tenants: map[string]local.TenantOptions{"a": {Retention: time.Minute}}})
	if err == nil {
		t.Error("a retention of a minute was taken")
	}
}
