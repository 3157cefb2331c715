// Package cpuprofile reads the CPU profiles of V8: .cpuprofile files of Node.js
// (--cpu-prof) and Chrome, and those inside traces of Chrome's performance panel.
//
// # The format
//
// JSON, the Profile type of the DevTools protocol (domain Profiler):
//
//	{"nodes": [{"id": 1, "callFrame": {"functionName": "(root)", "url": "", "lineNumber": -1, …},
//	            "children": [2, 3]}, …],           or "parent": 1 instead of children
//	 "startTime": 100, "endTime": 900,             microseconds
//	 "samples": [2, 3, …],                         node running
//	 "timeDeltas": [10, 12, …]}                    since the sample before, or the start
//
// A trace is {"traceEvents": […]}, or the array alone. In it events named
// ProfileChunk bring a profile bit by bit: args.data.cpuProfile has nodes and
// samples, args.data.timeDeltas the times; events of one pid and id belong
// together.
//
// # The steps
//
//  1. read.go reads nodes, samples and times as numbers, as far as
//     Limits.Memory goes.
//  2. emit.go walks from each node to the root once, and gives each sample the
//     time until the next one.
//
// # What becomes what
//
// Time at a node is cpu; that at (idle) is offcpu, for the event loop waits then.
// (root) is left out; (program), which is native code, has kind native, (garbage
// collector) kind gc. Lines count from 1, those of a node are where its function
// begins. startTime is of a clock without a date, unless it is a date after 2001:
// otherwise the profile ends at Options.Until or now. Samples have times.
package cpuprofile
