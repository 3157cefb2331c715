package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"tacho/store/local"
)

// tenantFlag is what is kept of single tenants: acme=72h/20GiB,beta=/5GiB.
type tenantFlag map[string]local.TenantOptions

func (t *tenantFlag) String() string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(*t)) {
		o, s := (*t)[name], name+"="
		if o.Retention > 0 {
			s += o.Retention.String()
		}
		if size := sizeFlag(o.MaxBytes); size > 0 {
			s += "/" + size.String()
		}
		out = append(out, s)
	}
	return strings.Join(out, ",")
}

func (t *tenantFlag) Set(s string) error {
	if *t == nil {
		*t = tenantFlag{}
	}
	for _, one := range strings.Split(s, ",") {
		name, limits, ok := strings.Cut(strings.TrimSpace(one), "=")
		age, most, sized := strings.Cut(limits, "/")
		var o local.TenantOptions
		var err error
		if age != "" {
			o.Retention, err = time.ParseDuration(age)
		}
		if sized && err == nil {
			var size sizeFlag
			err = size.Set(most)
			o.MaxBytes = uint64(size)
		}
		if !ok || err != nil || o == (local.TenantOptions{}) || o.Retention < 0 {
			return fmt.Errorf("%q is not a tenant's limit (want e.g. acme=72h/20GiB)", one)
		}
		(*t)[name] = o
	}
	return nil
}
