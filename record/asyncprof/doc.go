// Package asyncprof takes recordings with async-profiler on a schedule: "wall
// mode of every orders JVM for 60 s each hour", where libasyncProfiler.so is
// installed. Nothing else of async-profiler is needed; what its own launcher
// does through HotSpot's attach protocol is done from here.
//
// The steps:
//
//  1. rule.go checks the schedule. collector.go gives every JVM that a rule is
//     for one goroutine, which works off the JVM's rules one after the other: two
//     recordings of one JVM never overlap. Of a host, atOnce are recorded at a
//     time.
//
//  2. library.go looks for the library as the JVM sees it, in its own mount
//     namespace. A JVM that does not see one is looked at again each minute, in
//     silence: the sentence why stands in its status.
//
//  3. place.go makes a directory in the JVM's /tmp, of the JVM's user, for the
//     recording and for what async-profiler has to say: without log= it would
//     print to the application's stdout.
//
//  4. session.go loads the library twice:
//
//     load LIB true start,event=wall,interval=10000000,jfr,file=F,log=L,timeout=90
//     load LIB true stop,file=F,log=L
//
//     timeout= makes async-profiler stop by itself should this agent be killed in
//     between. An agent that is told to stop ends the recording first.
//
//  5. deliver.go decodes the file with format/jfr and delivers what is in it
//     with the JVM's labels; the directory is removed.
//
// # Types of its own
//
// A JVM that is recorded has its cpu, offcpu, alloc and lock already, adding up
// to what the kernel billed. What async-profiler saw of the same seconds would
// be counted twice, so that its types carry a prefix: async_cpu, async_alloc,
// async_lock. Samples of wall mode are async_wall, running or not.
package asyncprof
