package jfr

import (
	"encoding/binary"
	"fmt"
	"math"
)

// builder writes chunks by hand: with integers of either encoding, and flushed
// in steps as a JVM does.
type builder struct {
	fixed bool
	b     []byte
	last  int64 // offset of the last checkpoint
	meta  int64
}

// The types of built chunks.
const (
	tBoolean = iota + 10
	tInt
	tLong
	tDouble
	tString
	tThread
	tStack
	tFrame
	tMethod
	tClass
	tSymbol
	tFrameType
	tTimespan
	tSpace
	tUnsigned
	tSample = 100
	tWait   = 101
	tLate   = 102
)

type builtField struct {
	name            string
	typ             int
	constant, array bool
	annotation      int
	value           string
}

type builtType struct {
	id     int
	name   string
	fields []builtField
}

var builtTypes = []builtType{
	{tBoolean, "boolean", nil}, {tInt, "int", nil}, {tLong, "long", nil}, {tDouble, "double", nil}, {tString, "java.lang.String", nil},
	{tThread, "java.lang.Thread", []builtField{{name: "osName", typ: tString}, {name: "osThreadId", typ: tLong}, {name: "javaName", typ: tString}, {name: "javaThreadId", typ: tLong}}},
	{tStack, "jdk.types.StackTrace", []builtField{{name: "truncated", typ: tBoolean}, {name: "frames", typ: tFrame, array: true}}},
	{tFrame, "jdk.types.StackFrame", []builtField{{name: "method", typ: tMethod, constant: true}, {name: "lineNumber", typ: tInt}, {name: "bytecodeIndex", typ: tInt}, {name: "type", typ: tFrameType, constant: true}}},
	{tMethod, "jdk.types.Method", []builtField{{name: "type", typ: tClass, constant: true}, {name: "name", typ: tSymbol, constant: true}, {name: "descriptor", typ: tSymbol, constant: true}}},
	{tClass, "java.lang.Class", []builtField{{name: "name", typ: tSymbol, constant: true}}},
	{tSymbol, "jdk.types.Symbol", []builtField{{name: "string", typ: tString}}},
	{tFrameType, "jdk.types.FrameType", []builtField{{name: "description", typ: tString}}},
	{tTimespan, "jdk.jfr.Timespan", nil}, {tUnsigned, "jdk.jfr.Unsigned", nil},
	{tSpace, "jdk.types.Space", []builtField{{name: "used", typ: tLong}, {name: "owner", typ: tClass, constant: true}}},
	{tSample, "jdk.ExecutionSample", []builtField{{name: "startTime", typ: tLong}, {name: "sampledThread", typ: tThread, constant: true}, {name: "stackTrace", typ: tStack, constant: true}}},
	{tWait, "test.Wait", []builtField{
		{name: "startTime", typ: tLong}, {name: "duration", typ: tLong}, {name: "numbers", typ: tInt, array: true}, {name: "eventThread", typ: tThread, constant: true},
		{name: "text", typ: tString}, {name: "timeout", typ: tLong, annotation: tTimespan, value: "MILLISECONDS"}, {name: "signed", typ: tInt},
		{name: "unsigned", typ: tInt, annotation: tUnsigned}, {name: "ratio", typ: tDouble}, {name: "space", typ: tSpace},
	}},
}

func newBuilder(fixed bool) *builder { return &builder{fixed: fixed, b: make([]byte, headerSize)} }

func (w *builder) u8(v byte) { w.b = append(w.b, v) }

func (w *builder) integer(v uint64, width int) {
	if w.fixed {
		w.b = append(w.b, binary.BigEndian.AppendUint64(nil, v)[8-width:]...)
		return
	}
	if width < 8 {
		v &= 1<<(8*width) - 1
	}
	for i := 0; i < 8 && v >= 0x80; i++ {
		w.u8(byte(v) | 0x80)
		v >>= 7
	}
	w.u8(byte(v))
}

func (w *builder) int(v int)        { w.integer(uint64(v), 4) }
func (w *builder) long(v int64)     { w.integer(uint64(v), 8) }
func (w *builder) double(v float64) { w.b = binary.BigEndian.AppendUint64(w.b, math.Float64bits(v)) }

func (w *builder) str(s string) {
	w.u8(strUTF8)
	w.int(len(s))
	w.b = append(w.b, s...)
}

// event appends an event. Its size is written in as few bytes as it needs.
func (w *builder) event(typ int64, body func()) int64 {
	at := len(w.b)
	rest := w.b
	w.b = nil
	w.long(typ)
	body()
	content := w.b
	w.b = rest
	size := len(content) + 4
	if !w.fixed {
		size = len(content) + 1
		if size >= 0x80 {
			size = len(content) + 2
		}
		if size >= 0x4000 {
			size = len(content) + 3
		}
	}
	w.int(size)
	w.b = append(w.b, content...)
	return int64(at)
}

func (w *builder) metadata(types []builtType) {
	index := map[string]int{}
	var texts []string
	text := func(s string) int {
		i, ok := index[s]
		if !ok {
			i = len(texts)
			index[s] = i
			texts = append(texts, s)
		}
		return i
	}
	var body []func()
	element := func(name string, kids int, attributes ...string) {
		ids := []int{text(name)}
		for _, a := range attributes {
			ids = append(ids, text(a))
		}
		body = append(body, func() {
			w.int(ids[0])
			w.int(len(attributes) / 2)
			for _, id := range ids[1:] {
				w.int(id)
			}
			w.int(kids)
		})
	}
	element("root", 2)
	element("metadata", len(types))
	for _, t := range types {
		element("class", len(t.fields), "id", fmt.Sprint(t.id), "name", t.name)
		for _, f := range t.fields {
			a := []string{"name", f.name, "class", fmt.Sprint(f.typ)}
			if f.constant {
				a = append(a, "constantPool", "true")
			}
			if f.array {
				a = append(a, "dimension", "1")
			}
			kids := 0
			if f.annotation != 0 {
				kids = 1
			}
			element("field", kids, a...)
			if kids > 0 {
				element("annotation", 0, "class", fmt.Sprint(f.annotation), "value", f.value)
			}
		}
	}
	element("region", 0, "locale", "en", "gmtOffset", "0")
	w.meta = w.event(typeMetadata, func() {
		w.long(1)
		w.long(0)
		w.long(1)
		w.int(len(texts))
		for _, s := range texts {
			w.str(s)
		}
		for _, f := range body {
			f()
		}
	})
}

// checkpoint appends a checkpoint of the given pools, chained to the last one.
func (w *builder) checkpoint(pools ...func()) {
	at := int64(len(w.b))
	delta := int64(0)
	if w.last != 0 {
		delta = w.last - at
	}
	w.last = w.event(typeCheckpoint, func() {
		w.long(1)
		w.long(0)
		w.long(delta)
		w.u8(0)
		w.int(len(pools))
		for _, p := range pools {
			p()
		}
	})
}

// pool writes the head of a pool; its constants follow.
func (w *builder) pool(typ, count int) {
	w.long(int64(typ))
	w.int(count)
}

// The clock of built chunks: 2 ticks a nanosecond less than a second's worth.
const (
	builtStart = 1_700_000_000_000_000_000
	builtTicks = 1_000_000
)

// flush writes the header as it is at this moment.
func (w *builder) flush(state, flags byte, durationNanos int64) {
	h := w.b[:headerSize]
	copy(h, "FLR\x00")
	binary.BigEndian.PutUint16(h[4:], 2)
	for i, v := range []int64{int64(len(w.b)), w.last, w.meta, builtStart, durationNanos, builtTicks, 2_000_000_000} {
		binary.BigEndian.PutUint64(h[8+8*i:], uint64(v))
	}
	h[64] = state
	h[67] = flags
	if !w.fixed {
		h[67] |= flagCompressed
	}
}

func (w *builder) symbols(names ...string) func() {
	return func() {
		w.pool(tSymbol, len(names))
		for i, s := range names {
			w.long(int64(i + 1))
			w.str(s)
		}
	}
}

// constants are the pools most built chunks need: threads 7 and 8, stack 5 with
// two frames, and what they refer to.
func (w *builder) constants() {
	w.checkpoint(
		w.symbols("com/acme/Foo$Bar", "run", "(I)V", "com/acme/Main", "main", "([Ljava/lang/String;)V"),
		func() {
			w.pool(tThread, 2)
			w.long(7)
			w.str("thread-os")
			w.long(4711)
			w.str("worker")
			w.long(23)
			w.long(8)
			w.str("VM Thread")
			w.long(4712)
			w.u8(strNull)
			w.long(0)
		},
		func() {
			w.pool(tClass, 2)
			w.long(1)
			w.long(1)
			w.long(2)
			w.long(4)
		},
		func() {
			w.pool(tMethod, 2)
			for _, m := range [][]int64{{1 << 40, 1, 2, 3}, {300, 2, 5, 6}} {
				for _, v := range m {
					w.long(v)
				}
			}
		},
		func() {
			w.pool(tFrameType, 2)
			w.long(1)
			w.str("Interpreted")
			w.long(2)
			w.str("JIT compiled")
		},
		func() {
			w.pool(tStack, 1)
			w.long(5)
			w.stack(1<<40, 42, 300, -1)
		},
	)
}

// stack writes a stack of methods and lines; the leaf is JIT compiled.
func (w *builder) stack(methodsAndLines ...int64) {
	w.u8(0)
	w.int(len(methodsAndLines) / 2)
	for i := 0; i < len(methodsAndLines); i += 2 {
		w.long(methodsAndLines[i])
		w.int(int(methodsAndLines[i+1]))
		w.int(i + 3)
		if i == 0 {
			w.long(2)
		} else {
			w.long(1)
		}
	}
}

func (w *builder) sample(ticks, thread, stack int64) {
	w.event(tSample, func() {
		w.long(ticks)
		w.long(thread)
		w.long(stack)
	})
}

func (w *builder) wait(ticks, duration, thread int64, text func()) {
	w.event(tWait, func() {
		w.long(ticks)
		w.long(duration)
		w.int(3)
		w.int(1)
		w.int(200)
		w.int(-1)
		w.long(thread)
		text()
		w.long(250)
		w.int(-5)
		w.int(-5)
		w.double(0.25)
		w.long(1 << 33)
		w.long(1)
	})
}

// built is a finished chunk as async-profiler lays it out: metadata first, one
// checkpoint at the end.
func built(fixed bool) []byte {
	w := newBuilder(fixed)
	w.metadata(builtTypes)
	w.sample(builtTicks+2000, 7, 5)
	w.wait(builtTicks+4000, 6000, 8, func() { w.str("héllo") })
	w.sample(builtTicks+8000, 9, 6) // constants the chunk does not have
	w.constants()
	w.flush(stateFinished, flagFinal, 10_000)
	return w.b
}
