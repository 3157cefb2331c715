// Package perfscript reads what `perf script` prints.
//
// A sample is a line about it and, unless there was no call graph, a line for
// each frame, leaf first, and an empty line:
//
//	comm  pid[/tid] [cpu] time:  period event:  [trace text, or the one frame]
//	\taddress symbol+0xoffset (module)
//	\taddress symbol (inlined)
//
// Every part of the first line but comm and pid may be missing (perf script -F
// chooses them), comm may contain spaces and whatever else a program likes to be
// called. There is no specification but perf's source (tools/perf/
// builtin-script.c); what was seen is from perf 6.1.
//
// The steps:
//
//  1. header.go takes the first line apart, from its time backwards and forwards.
//  2. frame.go takes a frame's line apart; names of JIT compilers' perf maps
//     (Java, V8) are written as their language does. Lines seen before are not
//     parsed again.
//  3. decode.go puts samples into batches: one type for each event. cpu-clock and
//     task-clock count nanoseconds and are cpu; others keep their name and count
//     what their period counts.
//  4. clock.go places the samples in time: perf's clock is the host's uptime.
//
// Unknown symbols of a known module become module+0xoffset where the address says
// an offset (perf prints those relative to the file), or where the mappings are in
// the output (perf script --show-mmap-events), else [module].
package perfscript
