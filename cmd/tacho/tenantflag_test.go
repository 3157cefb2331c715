package main

import (
	"reflect"
	"testing"
	"time"

	"tacho/store/local"
)

func TestTenantFlag(t *testing.T) {
	var f tenantFlag
	for _, s := range []string{"acme=72h/20GiB, beta=/512MiB", "=240h"} {
		if err := f.Set(s); err != nil {
			t.Fatal(err)
		}
	}
	want := tenantFlag{"acme": {Retention: 72 * time.Hour, MaxBytes: 20 << 30}, "beta": {MaxBytes: 512 << 20}, "": {Retention: 240 * time.Hour}}
	if !reflect.DeepEqual(f, want) {
		t.Errorf("got %+v, want %+v", f, want)
	}
	if got := f.String(); got != "=240h0m0s,acme=72h0m0s/20GiB,beta=/512MiB" {
		t.Errorf("shown as %q", got)
	}
	for _, bad := range []string{"", "acme", "acme=", "acme=72", "acme=-1h", "acme=1h/many", "acme=/0"} {
		if err := new(tenantFlag).Set(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	_ = map[string]local.TenantOptions(f) // is what the store takes
}
