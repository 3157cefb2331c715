package jfr

import (
	"strings"

	"tacho"
)

// Types that only files have: what async-profiler measures beside CPU, waits and
// allocations, in its words.
var (
	Live      = tacho.ValueType{Name: "live", Unit: "bytes"}       // allocated, and not collected when the recording ended
	NativeMem = tacho.ValueType{Name: "nativemem", Unit: "bytes"}  // malloc and its like
	Leak      = tacho.ValueType{Name: "nativeleak", Unit: "bytes"} // of that, never freed within the recording
	// Native is threads a JVM's sampler found in a native call that waits: sample ×
	// period, neither CPU nor a measured time off it.
	Native = tacho.ValueType{Name: "native", Unit: "nanoseconds"}
)

// WaitsIn reports whether a native method is one in which a thread waits for the
// world. JFR's sampler finds threads there all the time and calls them running; a
// stack that ends in one of them is evidence of no CPU at all.
func WaitsIn(function string) bool {
	switch function {
	case "sun.nio.ch.EPoll.wait", "sun.nio.ch.EPollArrayWrapper.epollWait", "sun.nio.ch.Net.poll",
		"sun.nio.ch.Net.accept", "sun.nio.ch.ServerSocketChannelImpl.accept0",
		"java.net.PlainSocketImpl.socketAccept", "sun.nio.ch.UnixDomainSockets.accept0",
		"sun.nio.fs.LinuxWatchService.poll", "java.lang.ProcessHandleImpl.waitForProcessExit0",
		"java.lang.Thread.sleep", "java.lang.Thread.sleep0",
		"java.lang.Object.wait", "java.lang.Object.wait0",
		"jdk.internal.misc.Unsafe.park", "sun.misc.Unsafe.park",
		"java.lang.ref.Reference.waitForReferencePendingList",
		"io.netty.channel.epoll.Native.epollWait", "io.netty.channel.epoll.Native.epollWait0":
		return true
	}
	return false
}

// Transfers reports whether a native method copies bytes when there are some and
// waits when there are none; one cannot tell which from the stack.
func Transfers(function string) bool {
	switch function {
	case "java.net.SocketInputStream.socketRead0", "sun.nio.ch.SocketDispatcher.read0", "sun.nio.ch.SocketDispatcher.readv0":
		return true
	}
	return false
}

// ForLock reports whether an event is of waiting for a lock: for a monitor, or
// parked in one of java.util.concurrent's synchronizers that stand for mutual
// exclusion.
func (e *Event) ForLock() bool {
	switch e.Type.Name {
	case "jdk.JavaMonitorEnter":
		return true
	case "jdk.ThreadPark":
		class, _ := e.String("parkedClass")
		for _, p := range [...]string{"ReentrantLock", "ReentrantReadWriteLock", "StampedLock"} {
			if strings.HasPrefix(class, "java.util.concurrent.locks."+p) {
				return true
			}
		}
		return strings.HasPrefix(class, "java.util.concurrent.Semaphore")
	}
	return false
}

// Allocated is how many bytes an allocation event stands for.
func (e *Event) Allocated() (int64, bool) {
	switch e.Type.Name {
	case "jdk.ObjectAllocationSample":
		return e.Int("weight")
	case "jdk.ObjectAllocationInNewTLAB":
		return e.Int("tlabSize")
	case "jdk.ObjectAllocationOutsideTLAB", "profiler.LiveObject":
		return e.Int("allocationSize")
	case "profiler.Malloc":
		return e.Int("size")
	}
	return 0, false
}
