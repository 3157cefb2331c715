package otlp

import (
	"bytes"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pprofile"

	"tacho"
	"tacho/format"
	"tacho/format/formattest"
)

// The files are example() as the collector's library writes it: no sender of OTLP
// profiles runs on the machines these tests are for.
var files = []string{"testdata/example.pb", "testdata/example.json"}

func TestOTLP(t *testing.T) { formattest.Run(t, Decoder(), files...) }

func FuzzOTLP(f *testing.F) { formattest.Fuzz(f, Decoder(), files...) }

// strs fills a string table and hands out indexes.
type strs struct {
	t     pcommon.StringSlice
	index map[string]int32
}

func (s *strs) at(v string) int32 {
	if i, ok := s.index[v]; ok {
		return i
	}
	i := int32(s.t.Len())
	s.t.Append(v)
	s.index[v] = i
	return i
}

const began = 1767323045000000000 // 2026-01-02T03:04:05Z

// example is two resources; the first with cpu samples counted at a period, timed
// and linked to a span, native frames by address and inlined ones.
func example() pprofile.Profiles {
	pd := pprofile.NewProfiles()
	d := pd.Dictionary()
	s := &strs{d.StringTable(), map[string]int32{}}
	s.at("")
	attr := func(key string, value string) int32 {
		a := d.AttributeTable().AppendEmpty()
		a.SetKeyStrindex(s.at(key))
		a.Value().SetStr(value)
		return int32(d.AttributeTable().Len() - 1)
	}
	d.AttributeTable().AppendEmpty()
	d.MappingTable().AppendEmpty()
	d.FunctionTable().AppendEmpty()
	d.LocationTable().AppendEmpty()
	d.StackTable().AppendEmpty()
	d.LinkTable().AppendEmpty()

	m := d.MappingTable().AppendEmpty()
	m.SetMemoryStart(0x7f0000001000)
	m.SetMemoryLimit(0x7f0000009000)
	m.SetFileOffset(0x2000)
	m.SetFilenameStrindex(s.at("/usr/lib/libz.so.1"))
	m.AttributeIndices().Append(attr("process.executable.build_id.htlhash", "99"), attr("process.executable.build_id.gnu", "abcd01"))
	native, kernel, jvm := attr("profile.frame.type", "native"), attr("profile.frame.type", "kernel"), attr("profile.frame.type", "jvm")

	function := func(name, file string) int32 {
		f := d.FunctionTable().AppendEmpty()
		f.SetNameStrindex(s.at(name))
		f.SetFilenameStrindex(s.at(file))
		return int32(d.FunctionTable().Len() - 1)
	}
	location := func(kind, mapping int32, address uint64, lines ...[2]int32) int32 {
		l := d.LocationTable().AppendEmpty()
		l.SetMappingIndex(mapping)
		l.SetAddress(address)
		l.AttributeIndices().Append(kind)
		for _, x := range lines {
			ln := l.Lines().AppendEmpty()
			ln.SetFunctionIndex(x[0])
			ln.SetLine(int64(x[1]))
		}
		return int32(d.LocationTable().Len() - 1)
	}
	deflate := location(native, 1, 0x7f0000001234)
	syscall := location(kernel, 0, 0xffffffff81000000, [2]int32{function("do_syscall_64", ""), 0})
	cart := location(jvm, 0, 0, [2]int32{function("com.acme.Price.of", "Price.java"), 7}, [2]int32{function("com.acme.Cart.total", "Cart.java"), 42})
	main := location(jvm, 0, 0, [2]int32{function("com.acme.Main.main", "Main.java"), 3})
	for _, locs := range [][]int32{{deflate, cart, main}, {syscall, main}} {
		d.StackTable().AppendEmpty().LocationIndices().Append(locs...)
	}
	link := d.LinkTable().AppendEmpty()
	link.SetTraceID(pcommon.TraceID{1})
	link.SetSpanID(pcommon.SpanID{0, 0, 0, 0, 0, 0, 0xab, 0xcd})

	rp := pd.ResourceProfiles().AppendEmpty()
	for k, v := range map[string]string{"deployment.environment.name": "prod"} {
		rp.Resource().Attributes().PutStr(k, v)
	}
	rp.Resource().Attributes().PutInt("process.pid", 4711)
	rp.Resource().Attributes().PutEmptySlice("process.command_args").AppendEmpty().SetStr("--password=x")
	p := rp.ScopeProfiles().AppendEmpty().Profiles().AppendEmpty()
	p.SetTime(began)
	p.SetDurationNano(uint64(10 * time.Second))
	p.SampleType().SetTypeStrindex(s.at("samples"))
	p.SampleType().SetUnitStrindex(s.at("count"))
	p.PeriodType().SetTypeStrindex(s.at("cpu"))
	p.PeriodType().SetUnitStrindex(s.at("nanoseconds"))
	p.SetPeriod(50_000_000)
	thread, tid, pool := attr("thread.name", "http-8080-exec-3"), attr("thread.id", "4713"), attr("http.route", "/cart")
	x := p.Samples().AppendEmpty()
	x.SetStackIndex(1)
	x.SetLinkIndex(1)
	x.AttributeIndices().Append(thread, tid)
	x.Values().Append(1, 2)
	x.TimestampsUnixNano().Append(began+1e9, began+2e9)
	x = p.Samples().AppendEmpty()
	x.SetStackIndex(2)
	x.AttributeIndices().Append(pool)
	x.Values().Append(3)
	x = p.Samples().AppendEmpty()
	x.SetStackIndex(2)
	x.TimestampsUnixNano().Append(began+3e9, began+4e9)

	rp = pd.ResourceProfiles().AppendEmpty()
	rp.Resource().Attributes().PutStr("host.name", "h2")
	p = rp.ScopeProfiles().AppendEmpty().Profiles().AppendEmpty()
	p.SetTime(began)
	p.SetDurationNano(uint64(10 * time.Second))
	p.SampleType().SetTypeStrindex(s.at("alloc_space"))
	p.SampleType().SetUnitStrindex(s.at("bytes"))
	x = p.Samples().AppendEmpty()
	x.SetStackIndex(2)
	x.Values().Append(4096)
	return pd
}

func TestExampleFiles(t *testing.T) {
	pb, err := (&pprofile.ProtoMarshaler{}).MarshalProfiles(example())
	if err != nil {
		t.Fatal(err)
	}
	js, err := (&pprofile.JSONMarshaler{}).MarshalProfiles(example())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]byte{pb, js} {
		if u := flag.Lookup("update"); u != nil && u.Value.String() == "true" {
			if err := os.WriteFile(files[i], want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(files[i]); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what example() makes (go test -update): %v", files[i], err)
		}
	}
}

func TestExample(t *testing.T) {
	var got []string
	rep, err := DecodeProfiles(t.Context(), example(), format.Options{Now: formattest.Now}, func(b *tacho.Batch) error {
		if err := b.Validate(); err != nil {
			t.Error(err)
		}
		if b.From != began || b.Until != began+10e9 {
			t.Errorf("window [%d, %d)", b.From, b.Until)
		}
		for _, p := range b.Profiles {
			for _, s := range p.Samples {
				st := b.Stack(s.Stack)
				line := []string{b.Target.String(), p.Type.Name, p.Type.Unit, b.Threads[s.Thread].Group}
				for _, f := range st {
					line = append(line, f.Function+" "+f.Kind.String())
				}
				if s.Time != 0 {
					line = append(line, "at", time.Duration(s.Time-began).String())
				}
				if s.Span != 0 {
					line = append(line, "in span")
				}
				got = append(got, strings.Join(line, " | ")+" = "+time.Duration(s.Value).String())
			}
		}
		return nil
	})
	if err != nil || rep.Samples != 6 {
		t.Errorf("%+v, %v", rep, err)
	}
	first := `{deployment_environment="prod", instance="pid:4711", pid="4711", service_name="unknown_service"} | cpu | nanoseconds | `
	want := []string{
		first + "http-#-exec-# | libz.so.1+0x2234 native | com.acme.Price.of inlined | com.acme.Cart.total jit | com.acme.Main.main jit | at | 1s | in span = 50ms",
		first + "http-#-exec-# | libz.so.1+0x2234 native | com.acme.Price.of inlined | com.acme.Cart.total jit | com.acme.Main.main jit | at | 2s | in span = 100ms",
		first + " | do_syscall_64 kernel | com.acme.Main.main jit | at | 3s = 50ms",
		first + " | do_syscall_64 kernel | com.acme.Main.main jit | at | 4s = 50ms",
		strings.Replace(first, `, instance=`, `, http_route="/cart", instance=`, 1) + " | do_syscall_64 kernel | com.acme.Main.main jit = 150ms",
		`{host_name="h2", instance="h2", service_name="unknown_service"} | alloc_space | bytes |  | do_syscall_64 kernel | com.acme.Main.main jit = 4.096µs`,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestResource(t *testing.T) {
	for _, c := range []struct {
		in   map[string]string
		want string
	}{
		{map[string]string{"service.name": "shop", "service.instance.id": "i-1", "service.version": "1.4", "deployment.environment.name": "prod", "deployment.environment": "old", "host.name": "h", "container.id": "c", "k8s.pod.name": "p", "process.command_line": "secret", "telemetry.sdk.name": "x"},
			`{container_id="c", deployment_environment="prod", host_name="h", instance="i-1", k8s_pod_name="p", service_name="shop", service_version="1.4"}`},
		{map[string]string{"service.name": "shop", "k8s.pod.name": "shop-7d"}, `{instance="shop-7d", k8s_pod_name="shop-7d", service_name="shop"}`},
		{map[string]string{"service.name": "shop", "host.name": "h", "process.pid": "12"}, `{host_name="h", instance="h:12", pid="12", service_name="shop"}`},
		{map[string]string{"process.executable.name": "app"}, `{instance="unknown", process_executable_name="app", service_name="unknown_service:app"}`},
		{nil, `{instance="unknown", service_name="unknown_service"}`},
	} {
		if got := ResourceOf(c.in).String(); got != c.want {
			t.Errorf("%v: %s, want %s", c.in, got, c.want)
		}
		m := pcommon.NewMap()
		for k, v := range c.in {
			m.PutStr(k, v)
		}
		if got := Resource(m).String(); got != c.want {
			t.Errorf("as pdata, %v: %s, want %s", c.in, got, c.want)
		}
	}
}

// TestBadIndexes: the library does not check what an index points to.
func TestBadIndexes(t *testing.T) {
	pd := example()
	d := pd.Dictionary()
	d.StackTable().At(1).LocationIndices().Append(99, -1)
	d.LocationTable().At(1).SetMappingIndex(77)
	d.LocationTable().At(2).Lines().At(0).SetFunctionIndex(-5)
	d.FunctionTable().At(2).SetNameStrindex(1 << 30)
	d.LocationTable().At(3).AttributeIndices().Append(400)
	s := pd.ResourceProfiles().At(0).ScopeProfiles().At(0).Profiles().At(0).Samples()
	s.At(1).SetStackIndex(1000)
	s.At(2).SetLinkIndex(-9)
	s.At(2).TimestampsUnixNano().Append(^uint64(0))
	n := 0
	rep, err := DecodeProfiles(t.Context(), pd, formattest.Options(), func(b *tacho.Batch) error {
		n++
		return b.Validate()
	})
	if err != nil || n == 0 || len(rep.Warnings) < 5 {
		t.Errorf("%v, %d batches, warnings %v", err, n, rep.Warnings)
	}
}

// TestNesting: attributes nested without end are refused before the library, whose
// recursion they would send to the end of the stack, sees them.
func TestNesting(t *testing.T) {
	value := []byte{}
	for range 2000 { // AnyValue{array_value: ArrayValue{values: [AnyValue…]}}
		value = field(5, field(1, value))
	}
	data := field(1, field(1, field(1, append(field(1, []byte("k")), field(2, value)...))))
	res := formattest.Decode(Decoder(), bytes.NewReader(data), formattest.Options())
	if res.Err == nil || !strings.Contains(res.Err.Error(), "nested deeper than 64") {
		t.Errorf("protobuf: %v", res.Err)
	}
	res = formattest.Decode(Decoder(), strings.NewReader(`{"resourceProfiles":`+strings.Repeat("[", 1000)), formattest.Options())
	if res.Err == nil || !strings.Contains(res.Err.Error(), "nested deeper than 200") {
		t.Errorf("JSON: %v", res.Err)
	}
}

func field(n byte, b []byte) []byte {
	out := []byte{n<<3 | 2}
	for l := len(b); ; l >>= 7 {
		if l < 0x80 {
			out = append(out, byte(l))
			break
		}
		out = append(out, byte(l)|0x80)
	}
	return append(out, b...)
}

func TestSniff(t *testing.T) {
	pprof := []byte{0x0a, 4, 8, 1, 16, 2, 0x0a, 4, 8, 3, 16, 4, 0x12, 5, 0x0a, 1, 1, 0x12, 0}
	for _, c := range []struct {
		head []byte
		want bool
	}{
		{pprof, false},
		{[]byte(`{"resourceProfiles":[]}`), true},
		{[]byte(`{"traceEvents":[]}`), false},
		{[]byte("main;foo 1\n"), false},
		{[]byte{0x0a, 0}, false},
		{nil, false},
	} {
		if got := Sniff(c.head); got != c.want {
			t.Errorf("%q: %t", c.head, got)
		}
	}
}
