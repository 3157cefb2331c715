package tacho

// FrameKind says who executed a frame, in the vocabulary of the profilers the
// samples come from. It is stored in one byte; values never change meaning.
type FrameKind uint8

const (
	KindUnknown     FrameKind = 0
	KindInterpreted FrameKind = 1 // bytecode run by the interpreter
	KindJIT         FrameKind = 2 // machine code made by a JIT compiler
	KindInlined     FrameKind = 3 // inlined into the JIT-compiled caller
	KindNative      FrameKind = 4 // ahead-of-time compiled user-space code
	KindKernel      FrameKind = 5
	KindCompiler    FrameKind = 6 // the runtime's JIT compiler itself ([JIT C1], [JIT C2])
	KindGC          FrameKind = 7 // garbage collector threads
	KindVM          FrameKind = 8 // other threads of the runtime
	KindUnsampled   FrameKind = 9 // CPU the kernel billed and no sampler saw

	// KindEstimated marks the leaf of a stack borrowed from a recent sample of
	// the same thread or pool, to account for CPU the kernel billed in a second
	// in which that thread was not sampled. The frame is real, the moment is
	// inferred (ADR 3).
	KindEstimated FrameKind = 10
)

var kindNames = [...]string{"unknown", "interpreted", "jit", "inlined", "native", "kernel", "compiler", "gc", "vm", "unsampled", "estimated"}

// String is the word used in the API and in URLs.
func (k FrameKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Synthetic reports whether frames of this kind were made by Tacho to account
// for what a sampler did not see, rather than observed at that moment.
func (k FrameKind) Synthetic() bool { return k >= KindCompiler && k <= KindEstimated }

// Frame is one call on a stack. Two frames are the same call site when all
// fields are equal; views usually fold frames of equal Function.
type Frame struct {
	Function string // fully qualified, as its language writes it: com.acme.Foo.bar
	File     string // source file, "" if unknown
	Module   string // library, package archive or binary, "" if unknown
	Line     int32  // 1-based, 0 if unknown
	Kind     FrameKind
}

// Stack is a list of calls, leaf first: Stack[0] was executing, the last
// element is the root.
type Stack []Frame
