package pprof_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/google/pprof/profile"
)

var makeFiles = flag.Bool("make", false, "write testdata/all.pb.gz anew")

// everything is a profile that has each thing a profile can have.
func everything() *profile.Profile {
	bin := &profile.Mapping{ID: 1, Start: 0x400000, Limit: 0x500000, Offset: 0x1000, File: "/srv/shop", BuildID: "abcdef0123", HasFunctions: true}
	libc := &profile.Mapping{ID: 2, Start: 0x7f0000000000, Limit: 0x7f0000100000, Offset: 0x2000, File: "/usr/lib/libc.so.6", BuildID: "c0ffee"}
	kernel := &profile.Mapping{ID: 3, Start: 0xffffffff80000000, Limit: 0xffffffffffffffff, File: "[kernel.kallsyms]"}
	fn := func(id uint64, name, system, file string) *profile.Function {
		return &profile.Function{ID: id, Name: name, SystemName: system, Filename: file, StartLine: 1}
	}
	main := fn(1, "main.main", "main.main", "main.go")
	cart := fn(2, "shop.(*Cart).Total", "shop.(*Cart).Total", "cart.go")
	price := fn(3, "shop.price", "shop.price", "price.go")
	mangled := fn(9000000000, "", "_ZN4shop5priceEv", "price.cc")
	read := fn(5, "ksys_read", "ksys_read", "")
	l := func(f *profile.Function, line int64) profile.Line { return profile.Line{Function: f, Line: line} }
	root := &profile.Location{ID: 1, Mapping: bin, Address: 0x401000, Line: []profile.Line{l(main, 12)}}
	inlined := &profile.Location{ID: 2, Mapping: bin, Address: 0x402000, Line: []profile.Line{l(price, 7), l(cart, 31)}}
	native := &profile.Location{ID: 3, Mapping: libc, Address: 0x7f0000000123}
	sys := &profile.Location{ID: 4, Mapping: kernel, Address: 0xffffffff80000010, Line: []profile.Line{l(read, 0)}}
	unmapped := &profile.Location{ID: 5000000000, Address: 0xdead}
	cpp := &profile.Location{ID: 6, Mapping: bin, Address: 0x403000, Line: []profile.Line{l(mangled, 99)}}
	return &profile.Profile{
		SampleType:        []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "microseconds"}},
		DefaultSampleType: "cpu",
		PeriodType:        &profile.ValueType{Type: "cpu", Unit: "microseconds"}, Period: 10_000,
		TimeNanos: 1_767_322_000_000_000_123, DurationNanos: 10_000_000_000,
		Comments: []string{"of the test"}, DocURL: "http://localhost/doc",
		Mapping:  []*profile.Mapping{bin, libc, kernel},
		Function: []*profile.Function{main, cart, price, mangled, read},
		Location: []*profile.Location{root, inlined, native, sys, unmapped, cpp},
		Sample: []*profile.Sample{
			{Location: []*profile.Location{inlined, root}, Value: []int64{3, 30_000}},
			{Location: []*profile.Location{native, inlined, root}, Value: []int64{1, 10_000}},
			{Location: []*profile.Location{sys, native, root}, Value: []int64{2, 20_000}, Label: map[string][]string{"endpoint": {"/cart"}, "service_name": {"other"}}},
			{Location: []*profile.Location{sys, native, root}, Value: []int64{5, 50_000}, Label: map[string][]string{"endpoint": {"/pay"}},
				NumLabel: map[string][]int64{"bytes": {4096}, "retries": {2}}, NumUnit: map[string][]string{"bytes": {"bytes"}}},
			{Location: []*profile.Location{unmapped, root}, Value: []int64{0, 7_000}, Label: map[string][]string{"endpoint": {"/a", "/b"}}},
			{Location: []*profile.Location{cpp, root}, Value: []int64{1, 11_000}, Label: map[string][]string{"thread": {"worker-17"}, "thread_id": {"4711"}}},
			{Location: []*profile.Location{cpp, root}, Value: []int64{1, 12_000}, Label: map[string][]string{"profile_id": {"00f067aa0ba902b7"}, "endpoint": {"/cart"}, "trace_id": {"4bf92f3577b34da6a3ce929d0e0e4736"}}},
			{Location: []*profile.Location{cpp, root}, Value: []int64{1, 13_000}, NumLabel: map[string][]int64{"thread_id": {4712}}},
			{Value: []int64{1, 9_000}},
		},
	}
}

func TestMakeFiles(t *testing.T) {
	if !*makeFiles {
		t.Skip("testdata is as it is; -make writes it anew")
	}
	var b bytes.Buffer
	if err := everything().Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("testdata/all.pb.gz", b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
