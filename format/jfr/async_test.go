package jfr

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"tacho"
	"tacho/format"
	"tacho/format/formattest"
)

func TestSuite(t *testing.T) { formattest.Run(t, Decoder(), suiteFiles...) }

func FuzzAdapter(f *testing.F) { formattest.Fuzz(f, Decoder(), suiteFiles...) }

// small.jfr is of a JVM (testdata/Load.java); async.jfr is written by asyncFile as
// async-profiler's sources write (src/flightRecorder.cpp, jfrMetadata.cpp), for want
// of a machine that has it.
var suiteFiles = []string{"testdata/small.jfr", "testdata/async.jfr"}

const (
	aState = iota + 200
	aSetting
	aExecution
	aWall
	aAlloc
	aPark
	aLive
	aMalloc
	aFree
	aLog
)

func asyncTypes() []builtType {
	time, thread, stack := builtField{name: "startTime", typ: tLong}, builtField{name: "eventThread", typ: tThread, constant: true}, builtField{name: "stackTrace", typ: tStack, constant: true}
	sampled := builtField{name: "sampledThread", typ: tThread, constant: true}
	state := builtField{name: "state", typ: aState, constant: true}
	long := func(name string) builtField { return builtField{name: name, typ: tLong} }
	class := func(name string) builtField { return builtField{name: name, typ: tClass, constant: true} }
	var types []builtType
	for _, t := range builtTypes {
		if t.id < tSample {
			types = append(types, t)
		}
	}
	return append(types,
		builtType{aState, "jdk.types.ThreadState", []builtField{{name: "name", typ: tString}}},
		builtType{aSetting, "jdk.ActiveSetting", []builtField{time, long("id"), {name: "name", typ: tString}, {name: "value", typ: tString}}},
		builtType{aExecution, "jdk.ExecutionSample", []builtField{time, sampled, stack, state, long("contextId")}},
		builtType{aWall, "profiler.WallClockSample", []builtField{time, sampled, stack, state, {name: "samples", typ: tInt}}},
		builtType{aAlloc, "jdk.ObjectAllocationInNewTLAB", []builtField{time, thread, stack, class("objectClass"), long("allocationSize"), long("tlabSize"), long("contextId")}},
		builtType{aPark, "jdk.ThreadPark", []builtField{time, long("duration"), thread, stack, class("parkedClass")}},
		builtType{aLive, "profiler.LiveObject", []builtField{time, thread, stack, class("objectClass"), long("allocationSize"), long("allocationTime")}},
		builtType{aMalloc, "profiler.Malloc", []builtField{time, thread, stack, long("address"), long("size")}},
		builtType{aFree, "profiler.Free", []builtField{time, thread, stack, long("address")}},
		builtType{aLog, "profiler.Log", []builtField{time}},
	)
}

// asyncChunk is a chunk of async-profiler with the given settings of its
// execution samples, which it writes first.
func asyncChunk(settings ...string) []byte {
	w := newBuilder(false)
	w.metadata(asyncTypes())
	values := func(typ int64, vs ...int64) {
		w.event(typ, func() {
			for _, v := range vs {
				w.long(v)
			}
		})
	}
	const t = builtTicks
	const def, running, asleep = 1, 2, 3
	for i := 0; i+1 < len(settings); i += 2 {
		w.event(aSetting, func() {
			w.long(t)
			w.long(aExecution)
			w.str(settings[i])
			w.str(settings[i+1])
		})
	}
	values(aExecution, t+2000, 7, 5, def, 1)
	values(aExecution, t+4000, 7, 6, def, 2)
	values(aExecution, t+6000, 8, 6, def, 0)
	values(aWall, t+8000, 7, 5, asleep, 4)
	values(aWall, t+10000, 8, 5, running, 1)
	values(aAlloc, t+12000, 7, 5, 1, 48, 524288, 1)
	values(aPark, t+14000, 2000, 7, 5, 3)
	values(aLive, t+16000, 7, 5, 1, 64, t)
	values(aMalloc, t+18000, 7, 6, 0x1000, 100)
	values(aMalloc, t+18000, 7, 6, 0x2000, 200)
	values(aFree, t+20000, 7, 6, 0x1000)
	w.constants()
	w.checkpoint(
		func() {
			w.pool(tSymbol, 4)
			for i, s := range []string{"", "libjvm.so", "ParseTask::run", "sys_read_[k]"} {
				w.long(int64(20 + i))
				w.str(s)
			}
		},
		func() {
			w.pool(tSymbol, 1)
			w.long(30)
			w.str("java/util/concurrent/locks/ReentrantLock$NonfairSync")
		},
		func() { // of native code: the library, or nothing
			w.pool(tClass, 3)
			for _, v := range []int64{3, 30, 10, 20, 11, 21} {
				w.long(v)
			}
		},
		func() {
			w.pool(tMethod, 2)
			for _, v := range []int64{40, 11, 22, 20, 41, 10, 23, 20} {
				w.long(v)
			}
		},
		func() {
			w.pool(tFrameType, 3)
			for i, s := range []string{"C++", "Kernel", "C1 compiled"} {
				w.long(int64(4 + i))
				w.str(s)
			}
		},
		func() {
			w.pool(aState, 3)
			for i, s := range []string{"STATE_DEFAULT", "STATE_RUNNABLE", "STATE_SLEEPING"} {
				w.long(int64(1 + i))
				w.str(s)
			}
		},
		func() { // kernel ← C++ ← C1 compiled Java
			w.pool(tStack, 1)
			w.long(6)
			w.u8(0)
			w.int(3)
			for _, v := range []int64{41, 0, 0, 5, 40, 0, 0, 4, 300, 9, 1, 6} {
				w.long(v)
			}
		},
	)
	w.flush(stateFinished, flagFinal, 20_000)
	return w.b
}

func asyncFile() []byte {
	return append(asyncChunk("event", "cpu", "interval", "1000000", "wall", "5000000"), asyncChunk()...)
}

func TestAsyncFile(t *testing.T) {
	want := asyncFile()
	if u := flag.Lookup("update"); u != nil && u.Value.String() == "true" {
		if err := os.WriteFile(suiteFiles[1], want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(suiteFiles[1]); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what asyncFile makes (go test -update): %v", suiteFiles[1], err)
	}
}

// TestAsyncTypes: how often, and how much in all, is sampled of each type,
// depending on what the recording says it sampled.
func TestAsyncTypes(t *testing.T) {
	always := map[string][2]int64{"alloc/bytes": {1, 524288}, "live/bytes": {1, 64}, "nativemem/bytes": {2, 300}, "nativeleak/bytes": {1, 200}, "lock/nanoseconds": {1, 1000}}
	for _, c := range []struct {
		settings string
		want     map[string][2]int64
	}{
		{"event cpu interval 1000000", map[string][2]int64{"cpu/nanoseconds": {3, 3e6}, "offcpu/nanoseconds": {2, 4*50e6 + 1000}}},
		{"event cpu interval 0 wall 5000000", map[string][2]int64{"cpu/nanoseconds": {3, 30e6}, "offcpu/nanoseconds": {1, 20e6}}},
		{"event wall interval 2000000", map[string][2]int64{"cpu/nanoseconds": {4, 8e6}, "offcpu/nanoseconds": {1, 8e6}}},
		{"event cache-misses interval 1000", map[string][2]int64{"cache-misses/count": {3, 3000}, "cpu/nanoseconds": {1, 50e6}, "offcpu/nanoseconds": {2, 4*50e6 + 1000}}},
	} {
		bs, rep := batches(t, Decoder(), bytes.NewReader(asyncChunk(strings.Fields(c.settings)...)), format.Options{})
		got := sums(bs)
		want := map[string][2]int64{}
		for _, m := range []map[string][2]int64{always, c.want} {
			for k, v := range m {
				want[k] = v
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v; %v", c.settings, got, want, rep.Warnings)
		}
	}
}

func TestAsyncFrames(t *testing.T) {
	bs, _ := batches(t, Decoder(), bytes.NewReader(asyncChunk("event", "cpu")), format.Options{})
	b := bs[0]
	for i := range b.Stacks {
		if st := b.Stack(uint32(i)); len(st) == 3 {
			want := tacho.Stack{
				{Function: "sys_read", Kind: tacho.KindKernel},
				{Function: "ParseTask::run", Module: "libjvm.so", Kind: tacho.KindNative},
				{Function: "com.acme.Main.main", File: "Main.java", Line: 9, Kind: tacho.KindJIT},
			}
			if !reflect.DeepEqual(st, want) {
				t.Errorf("got %+v, want %+v", st, want)
			}
			return
		}
	}
	t.Error("the native stack is missing")
}

// TestContexts: samples get the labels sent beside the recording.
func TestContexts(t *testing.T) {
	var snapshot []byte
	entry := func(dst []byte, field byte, key int64, value []byte) []byte {
		e := binary.AppendUvarint([]byte{8}, uint64(key))
		e = append(e, 0x12)
		e = append(binary.AppendUvarint(e, uint64(len(value))), value...)
		dst = append(dst, field<<3|2)
		return append(binary.AppendUvarint(dst, uint64(len(e))), e...)
	}
	context := func(pairs ...byte) (b []byte) {
		for i := 0; i < len(pairs); i += 2 {
			b = append(b, 0x0a, 4, 8, pairs[i], 16, pairs[i+1])
		}
		return b
	}
	for i, s := range []string{"", "vehicle", "bike", "span_id", "00000000000000ff", "car"} {
		snapshot = entry(snapshot, 2, int64(i), []byte(s))
	}
	snapshot = entry(snapshot, 1, 1, context(1, 2, 3, 4))
	snapshot = entry(snapshot, 1, 2, context(1, 5, 9, 9))
	contexts, err := ParseContexts(snapshot, format.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (Contexts{1: {{Name: "span_id", Value: "00000000000000ff"}, {Name: "vehicle", Value: "bike"}}, 2: {{Name: "vehicle", Value: "car"}}}); !reflect.DeepEqual(contexts, want) {
		t.Fatalf("got %v, want %v", contexts, want)
	}
	bs, _ := batches(t, DecoderWith(contexts), bytes.NewReader(asyncChunk("event", "cpu", "interval", "1000000")), format.Options{})
	got := map[string]int64{}
	for _, b := range bs {
		for _, p := range b.Profiles {
			for _, s := range p.Samples {
				if p.Type == tacho.CPU {
					got[b.Target.Get("vehicle")] += s.Value
					if wantSpan := map[string]uint64{"bike": 255}[b.Target.Get("vehicle")]; s.Span != wantSpan {
						t.Errorf("%s: span %x, want %x", b.Target, s.Span, wantSpan)
					}
				}
			}
		}
	}
	if want := map[string]int64{"bike": 1e6, "car": 1e6, "": 51e6}; got["bike"] != 1e6 || got["car"] != 1e6 || got[""] != 1e6 {
		t.Errorf("cpu by vehicle: %v, want %v", got, want)
	}
	for n := range snapshot {
		if _, err := ParseContexts(snapshot[:n], format.Limits{}); err != nil && !strings.Contains(err.Error(), "malformed protobuf") {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	if _, err := ParseContexts(snapshot, format.Limits{Strings: 3}); err == nil || !strings.Contains(err.Error(), "more than 3 names") {
		t.Errorf("over the limit: %v", err)
	}
}

func FuzzContexts(f *testing.F) {
	f.Add([]byte{0x12, 7, 8, 1, 0x12, 3, 'a', 'b', 'c'})
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := ParseContexts(b, format.Limits{}); err == nil && len(c) > len(b) {
			t.Errorf("%d contexts of %d bytes", len(c), len(b))
		}
	})
}

func TestTimespan(t *testing.T) {
	for s, want := range map[string]int64{"20 ms": 20e6, "20ms": 20e6, "1 s": 1e9, "10 us": 10e3, "7 ns": 7, "everyChunk": 0, "": 0, "-5 ms": 0, "9223372036854775807 d": 1<<63 - 1} {
		if got := timespan(s); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
}
