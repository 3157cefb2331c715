// Package demo makes up a past for the collector story (package collector), so
// that the first look at Tacho has days to look at. Nobody recorded it, and it
// says so: every batch carries the label demo="seeded", the collector "demo"
// and an instance of its own.
//
// What is made up agrees with what the live program does: the same call
// stacks, the same thread pools, the same busy minutes of the hour and the same
// five-minute job, a request at the cost that was measured. The story over the
// hours:
//
//  1. version 1.4.2 reads records into a buffer; days are busy, nights quiet
//  2. a deploy of 1.5.0, which reads them as a stream, byte by byte; the
//     restart warms up, and from then on a chart costs many times the CPU
//  3. an incident of twenty minutes: people open charts over two hours, and
//     byte reads take what the machine has
//  4. the live demo goes on from there
//
// A minute becomes a batch in these steps: what was asked for (story.go), what
// that costs on which stack (costs.go), what the machine could give of it, how
// the threads of a pool shared it, and when in the minute (minute.go); the
// rest of each thread's minute is waiting (waits.go).
//
// The sums hold: CPU never exceeds the cores, and CPU, run queue and waiting of
// a thread never its minute. Equal options give equal batches, and a minute has
// the same identity whenever it is seeded, so that a second seeding replaces
// the first.
package demo
