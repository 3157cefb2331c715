// Package hotspot talks to a HotSpot JVM from outside, with nothing installed
// in it: what package jvm needs to turn a running service into batches. It
// knows the JVM's own words (attach, JFR, hsperfdata) and none of Tacho's but
// Frame and Stack.
//
// The steps:
//
//	Finder.Find   /proc: whoever has libjvm.so mapped, in any pid and mount
//	              namespace, of any user
//	OpenPerf      the JVM's counters, from the file it keeps them in:
//	              /proc/PID/root/tmp/hsperfdata_USER/NSPID. No attach, no cost.
//	Attach        /proc/PID/root/tmp/.java_pidNSPID, a Unix socket. Missing at
//	              first: a trigger file .attach_pidNSPID and SIGQUIT make the JVM
//	              create it
//	JVM.Command   one connection: request, reply until the JVM closes (protocol.go)
//	JVM.*Recording, Repository, ThreadDump   commands with their replies parsed
//
// Three rules stand above everything else here.
//
// Nothing appears on the application's stdout. A SIGQUIT that is not taken as
// an attach request prints a thread dump there, or ends the process. So the
// signal is sent only when signalSafe has proved that it will be taken as one,
// once, to a pidfd, with the trigger file in place until the JVM has reacted.
// JDK 25 also prints complaints about requests that are too long or incomplete;
// those are not sent.
//
// The JVM never waits for us. Replies are buffered in the JVM where it can
// (streaming=0), read to the end in any case, and bounded in what is kept.
//
// What the target controls is not trusted. Its /tmp may hold links and sockets
// that lead elsewhere: paths are resolved with its root as their root
// (openat2), files are created exclusively, and the process at the other end of
// a socket must be the one meant before a byte is sent. Every number and text
// from it is checked before use.
//
// Layouts are from HotSpot's sources (perfMemory.hpp, attachListener, JDK 8 to
// 25) and were tried on 17.0.15 and 25.0.3.
package hotspot
