package jvm

import (
	"tacho"
	"tacho/record"
)

// stackRef is a stack shared by all samples that saw it; its identity stands
// for its contents within one chunk.
type stackRef struct {
	frames tacho.Stack
	est    *stackRef
}

// estimated is the same stack with its leaf marked as inferred.
func (r *stackRef) estimated() *stackRef {
	if r.est == nil {
		fs := make(tacho.Stack, len(r.frames))
		copy(fs, r.frames)
		fs[0].Kind = tacho.KindEstimated
		r.est = &stackRef{frames: fs}
	}
	return r.est
}

var (
	unsampledStack = &stackRef{frames: tacho.Stack{record.RuntimeFrame("")}}
	nativeStack    = &stackRef{frames: tacho.Stack{{Function: "[native]", Kind: tacho.KindNative}}}
	endedStack     = &stackRef{frames: tacho.Stack{{Function: "[ended threads]", Kind: tacho.KindUnsampled}}}

	runtimeStacks = map[string]*stackRef{
		record.GroupC1:       {frames: tacho.Stack{record.RuntimeFrame(record.GroupC1)}},
		record.GroupC2:       {frames: tacho.Stack{record.RuntimeFrame(record.GroupC2)}},
		record.GroupGC:       {frames: tacho.Stack{record.RuntimeFrame(record.GroupGC)}},
		record.GroupVM:       {frames: tacho.Stack{record.RuntimeFrame(record.GroupVM)}},
		record.GroupRecorder: {frames: tacho.Stack{record.RuntimeFrame(record.GroupRecorder)}},
	}
)

// waitingCalls are native methods in which a thread waits for the world. The
// JFR sampler finds threads there all the time and calls them running; a stack
// that ends in one of them is evidence of no CPU at all.
var waitingCalls = map[string]bool{
	"sun.nio.ch.EPoll.wait": true, "sun.nio.ch.EPollArrayWrapper.epollWait": true, "sun.nio.ch.Net.poll": true,
	"sun.nio.ch.Net.accept": true, "sun.nio.ch.ServerSocketChannelImpl.accept0": true,
	"java.net.PlainSocketImpl.socketAccept": true, "sun.nio.ch.UnixDomainSockets.accept0": true,
	"sun.nio.fs.LinuxWatchService.poll": true, "java.lang.ProcessHandleImpl.waitForProcessExit0": true,
	"java.lang.Thread.sleep": true, "java.lang.Thread.sleep0": true,
	"java.lang.Object.wait": true, "java.lang.Object.wait0": true,
	"jdk.internal.misc.Unsafe.park": true, "sun.misc.Unsafe.park": true,
	"java.lang.ref.Reference.waitForReferencePendingList": true,
	"io.netty.channel.epoll.Native.epollWait":             true, "io.netty.channel.epoll.Native.epollWait0": true,
}

// transferCalls copy bytes when there are some and wait when there are none;
// one cannot tell which from the stack. They are charged only when the thread
// was seen nowhere else in the tick.
var transferCalls = map[string]bool{
	"java.net.SocketInputStream.socketRead0": true, "sun.nio.ch.SocketDispatcher.read0": true,
	"sun.nio.ch.SocketDispatcher.readv0": true,
}
