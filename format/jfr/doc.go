// Package jfr reads JDK Flight Recorder recordings: whole files with Decode,
// and with Tail the chunk a JVM is writing, as far as it has been flushed.
//
// # The format
//
// A recording is one or more chunks, each readable on its own (versions 1.x and
// 2.x: JDK 9 to 25, and async-profiler's, which are 2.0 in form):
//
//	chunk:       header, then events to the end of the chunk
//	header:      68 bytes, see type header
//	event:       size (all of it), type id, then the fields of that type
//	metadata:    the event of type 0: what types there are, see declReader
//	checkpoint:  the event of type 1: constants, see chunk.addCheckpoint
//
// Integers are LEB128 of at most nine bytes where the header's flags say so,
// which is nearly always, else big-endian. Fields are values, or ids of
// constants: threads, stacks, classes, symbols. A checkpoint holds the constants
// some events before it refer to, and the offset back to the checkpoint before.
//
// There is no other specification than OpenJDK's sources (jdk.jfr.internal.
// consumer reads, share/jfr/recorder writes); what was measured on JDK 17 and 25
// is in the comments.
//
// # The steps
//
//  1. header.go reads the header. Of a live chunk it is only believed when it
//     reads the same twice and is not being updated (Tail.header).
//  2. declare.go reads the metadata, metadata.go links its types, and plan.go
//     compiles each into a few steps over its bytes ("skip three integers, then
//     a string"). Metadata equal to the last chunk's is not compiled again; newer
//     metadata in the same chunk adds to it.
//  3. scan.go finds the checkpoints by their chain, or, where the chain's end is
//     lost, by going over all events. chunk.go notes where each constant lies,
//     without decoding it.
//  4. events.go goes over the events. Types nobody wants are passed over by their
//     size. Of a wanted one it reads time, duration, thread and stack; event.go
//     reads other fields when asked for them.
//  5. resolve.go, stack.go and text.go decode a constant when an event first
//     needs it, once a chunk. After that an event costs no allocation.
//  6. adapter.go, for files that somebody sends, turns events into batches: what
//     becomes what is said at Decoder. A JVM that is recorded live has its own
//     mapper in record/jvm, which knows the kernel's account as well; both agree
//     on measure.go and group.go.
//
// # Bounds
//
// Foreign bytes never panic and cost memory in proportion to their number: a
// reader that can ReadAt is read through a window of at most 16 MiB (a single
// larger event aside), any other holds one chunk, at most Limits.MaxChunk.
// Constants are at most Limits.MaxConstants, and resolved frames a million, at a
// time. A Tail's memory ends with its chunk. Events come in the order they were
// written, not quite in that of time, and within a chunk only.
package jfr
